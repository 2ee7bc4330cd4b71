import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { AgentId } from '../../agents/agent.ts';
import { applySetup, type SetupPlan, type SetupScope } from '../../agents/registry.ts';
import { setupDiff } from '../../agents/setupDiff.ts';
import { findAgentVersion, planSetupIn } from '../../agents/setupPlace.ts';
import type { Style } from '../../report/style.ts';
import { sanitizeLine, sanitizeTerminal } from '../../report/terminalText.ts';
import { problemText } from '../../trace/files.ts';
import { placeTrace } from '../../trace/paths.ts';
import { EXIT } from '../exit.ts';
import { CliError, Interrupted, type Io, print, printJson, styleFor, warn } from '../io.ts';
import { homely, type TraceOptions } from '../traces.ts';

export interface SetupOptions extends TraceOptions {
  cli?: AgentId;
  scope?: SetupScope;
  yes?: boolean;
  remove?: boolean;
  json?: boolean;
}

export async function setup(io: Io, options: SetupOptions): Promise<number> {
  if (options.traceDir !== undefined) {
    throw new CliError(
      'setup takes no --trace-dir',
      EXIT.usage,
      'The recorder writes into .agent-traces of the project. Set AGENT_TRACE_DIR for the agent to change that.',
    );
  }
  const agent = options.cli ?? 'claude';
  const remove = options.remove === true;
  const plan = planSetupIn(agent, io.cwd, {
    scope: options.scope ?? 'local',
    remove,
    agentVersion: remove ? undefined : await agentVersion(io, agent),
    env: io.env,
  });
  const error = plan.problems.find(({ severity }) => severity === 'error');
  if (error !== undefined) throw new CliError(error.message, EXIT.usage);
  for (const { message } of plan.problems) warn(io, sanitizeLine(message));
  const diff = setupDiff(plan);
  const asks = plan.changed && options.yes !== true;
  if (asks && options.json !== true && diff !== '') {
    await print(io, `${coloured(sanitizeTerminal(diff), styleFor(io, io.stdout))}\n`);
  }
  if (asks && (options.json === true || !isInteractive(io))) {
    if (options.json === true) await printJson(io, planJson(plan, diff, false));
    io.stderr.write('Nothing was changed. To do it without being asked, add --yes\n');
    return EXIT.usage;
  }
  if (asks && !(await agreed(io, plan))) {
    io.stderr.write('Nothing was changed.\n');
    return EXIT.none;
  }
  apply(io, plan);
  if (options.json === true) await printJson(io, planJson(plan, diff, plan.changed));
  else await print(io, outcome(io, plan));
  return EXIT.ok;
}

/** Nobody wonders about a second; after that it is said what is waited for. */
const SILENT_MS = 1000;

async function agentVersion(io: Io, agent: AgentId): Promise<string | undefined> {
  const told = setTimeout(
    () => warn(io, `Asking ${agent} --version, up to 10 s …`, 'dim'),
    SILENT_MS,
  );
  try {
    return await findAgentVersion(agent, { env: io.env });
  } finally {
    clearTimeout(told);
  }
}

function apply(io: Io, plan: SetupPlan): void {
  try {
    applySetup(plan, {
      nodePath: process.execPath,
      version: io.version,
      hookBundle: join(io.distDir, 'hook.js'),
      env: io.env,
    });
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw new CliError(sanitizeLine(message), EXIT.usage);
    const place = sanitizeLine(homely(path ?? plan.target));
    throw new CliError(`${place} cannot be written: ${problemText(code)}`, EXIT.usage);
  }
}

const isInteractive = (io: Io): boolean => io.stdin.isTTY === true && io.stderr.isTTY === true;

async function agreed(io: Io, plan: SetupPlan): Promise<boolean> {
  const what = plan.remove ? 'Remove the recorder from' : 'Write';
  io.stderr.write(`${what} ${sanitizeLine(homely(plan.target))}? [y/N] `);
  const lines = createInterface({ input: io.stdin, terminal: false });
  try {
    const answer = await lines.question('', { signal: io.signal });
    return /^\s*(y|yes)\s*$/i.test(answer);
  } catch (error) {
    if (io.signal.aborted) throw new Interrupted();
    throw error;
  } finally {
    lines.close();
  }
}

function coloured(diff: string, style: Style): string {
  return diff
    .trimEnd()
    .split('\n')
    .map((line) => {
      if (/^(---|\+\+\+) /.test(line)) return style.bold(line);
      if (line.startsWith('@@')) return style.cyan(line);
      if (line.startsWith('+')) return style.green(line);
      if (line.startsWith('-')) return style.red(line);
      return line;
    })
    .join('\n');
}

function outcome(io: Io, plan: SetupPlan): string {
  const file = sanitizeLine(homely(plan.target));
  if (plan.remove) {
    return plan.changed
      ? `The recorder is out of ${file}. What was recorded stays.\n`
      : `There is no recorder of ours in ${file}: nothing to remove.\n`;
  }
  const { traceDir } = placeTrace({ projectDir: plan.projectDir, env: io.env });
  const done = plan.changed
    ? `Claude Code is recorded by ${file}.`
    : `Claude Code was recorded by ${file} already; the recorder is up to date.`;
  return `${done}
Traces go to ${sanitizeLine(homely(traceDir))}, which git ignores.

Next: start Claude Code in this project, then
  agent-strace replay --live    watch it
  agent-strace cost             see what it cost
Sessions that run already are recorded from their next start on.
Past sessions:  agent-strace import --discover
To undo this:   agent-strace setup --scope ${plan.scope} --remove
`;
}

function planJson(plan: SetupPlan, diff: string, applied: boolean): Record<string, unknown> {
  return {
    agent: plan.agent,
    scope: plan.scope,
    remove: plan.remove,
    file: plan.file,
    target: plan.target,
    changed: plan.changed,
    applied,
    events: plan.events,
    problems: plan.problems,
    diff,
  };
}
