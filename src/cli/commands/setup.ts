import { join } from 'node:path';
import { AGENTS, type AgentId } from '../../agents/agent.ts';
import type { AgentState } from '../../agents/installed.ts';
import { applySetup, SETUPS } from '../../agents/registry.ts';
import type { FailMode, SetupPlan, SetupScope } from '../../agents/setup/plan.ts';
import { setupDiff } from '../../agents/setupDiff.ts';
import {
  nextSteps,
  planSetupIn,
  recordedBy,
  type SharedPlan,
  sharePlans,
} from '../../agents/setupPlace.ts';
import { readChoices } from '../../guard/guardHome.ts';
import type { Style } from '../../report/style.ts';
import { sanitizeLine, sanitizeTerminal } from '../../report/terminalText.ts';
import { problemText } from '../../trace/files.ts';
import { placeTrace } from '../../trace/paths.ts';
import { askYes, isInteractive } from '../ask.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, print, printJson, styleFor, warn } from '../io.ts';
import { homely, type TraceOptions } from '../traces.ts';
import { askAgents, listAgents, look, noAgent } from './setupAgents.ts';
import { askOfGuard, guardLine, keepGuard, wantedOfGuard, warnOfRemoval } from './setupGuard.ts';

export interface SetupOptions extends TraceOptions {
  /** Without it a person is asked; where nobody is there to ask, it is Claude Code. */
  cli?: AgentId[] | 'all';
  scope?: SetupScope;
  yes?: boolean;
  remove?: boolean;
  list?: boolean;
  json?: boolean;
  /** Dangerous calls are to be stopped. Undefined: a person is asked, once. */
  guard?: 'safe' | 'off';
  /** What holds where the guard cannot decide. */
  fail?: FailMode;
  /** Only what is set up already and does not fit any more, wherever it stands. */
  renew?: boolean;
}

export async function setup(io: Io, options: SetupOptions): Promise<number> {
  if (options.traceDir !== undefined) {
    throw new CliError(
      'setup takes no --trace-dir',
      EXIT.usage,
      'The recorder writes into .agent-traces of the project. Set AGENT_TRACE_DIR for the agent to change that.',
    );
  }
  const json = options.json === true;
  if (options.list === true) return listAgents(io, json);
  const states = await choose(io, options);
  if (states === undefined) {
    io.stderr.write('Nothing was changed.\n');
    return EXIT.none;
  }
  const wanted = wantedOfGuard(io, options);
  const fail = wanted.fail ?? readChoices(io.env).fail;
  const several = options.cli === 'all' || states.length > 1;
  const shared = sharePlans(states.flatMap((state) => plansOf(io, state, { ...options, fail })));
  const failed = new Set<SharedPlan>();
  for (const each of shared) {
    const error = each.plan.problems.find(({ severity }) => severity === 'error');
    if (error === undefined) continue;
    if (!several) throw new CliError(error.message, EXIT.usage);
    failed.add(each);
    tellError(io, each, error.message);
  }
  const plans = shared.filter((each) => !failed.has(each));
  for (const { agent, installed } of states) {
    // What an editor brings along need not be on the PATH.
    if (installed || AGENTS[agent].inEditor === true) continue;
    warn(io, `${AGENTS[agent].name} was not found on this machine: it is recorded once it is here`);
  }
  for (const { agents, plan } of plans) {
    const name = several ? `${namesOf(agents)}: ` : '';
    for (const { message } of plan.problems) warn(io, sanitizeLine(name + message));
  }
  if (plans.length > 0) {
    const safe = await askOfGuard(io, options);
    if (safe !== undefined) wanted.safe = safe;
  }
  const changing = plans.filter(({ plan }) => plan.changed);
  const asks = changing.length > 0 && options.yes !== true;
  if (asks && !json) {
    for (const { plan } of changing) {
      const text = coloured(sanitizeTerminal(setupDiff(plan)), styleFor(io, io.stdout));
      await print(io, `${text}\n`);
    }
  }
  const show = async (applied: boolean): Promise<void> => {
    const shown = shared.map((each) => planJson(each, applied && !failed.has(each)));
    await printJson(io, several ? shown : shown[0]);
  };
  if (asks && (json || !isInteractive(io))) {
    if (json) await show(false);
    io.stderr.write('Nothing was changed. To do it without being asked, add --yes\n');
    return EXIT.usage;
  }
  if (asks && !(await askYes(io, question(changing)))) {
    io.stderr.write('Nothing was changed.\n');
    return EXIT.none;
  }
  for (const each of plans) {
    try {
      apply(io, each.plan);
    } catch (error) {
      if (!several || !(error instanceof CliError)) throw error;
      failed.add(each);
      tellError(io, each, error.message);
    }
  }
  const done = plans.filter((each) => !failed.has(each));
  if (done.length > 0) keepGuard(io, wanted);
  if (options.remove === true && done.some(({ plan }) => plan.changed)) warnOfRemoval(io);
  if (json) await show(true);
  else if (options.renew === true) await print(io, `${done.map(recordedLine).join('\n')}\n`);
  else if (done.length > 0) await print(io, outcome(io, done, options.remove === true));
  return failed.size > 0 ? EXIT.usage : EXIT.ok;
}

/** The agents that are asked for. @returns undefined where a person chose none */
async function choose(io: Io, options: SetupOptions): Promise<AgentState[] | undefined> {
  const { cli, yes, json } = options;
  const remove = options.remove === true;
  if (cli === 'all') {
    const states = (await look(io)).filter(({ installed, recorded }) =>
      remove ? recorded.length > 0 : installed,
    );
    if (states.length === 0) throw noAgent(remove);
    return states;
  }
  if (cli === undefined && yes !== true && json !== true && isInteractive(io)) {
    const states = await look(io);
    const chosen = await askAgents(io, states, remove);
    return chosen && states.filter(({ agent }) => chosen.includes(agent));
  }
  const agents = cli ?? ['claude'];
  // What is taken out does not depend on a version.
  if (!remove) return look(io, agents, options.fail);
  return agents.map((agent) => ({
    agent,
    installed: true,
    recorded: recordedBy(agent, io.cwd, { env: io.env }),
  }));
}

function plansOf(
  io: Io,
  { agent, says, recorded }: AgentState,
  options: SetupOptions,
): SetupPlan[] {
  const remove = options.remove === true;
  const { scopes } = SETUPS[agent];
  const { fail = 'open' } = options;
  const usual = scopes[0]!;
  let wanted = [options.scope ?? usual];
  if (options.renew === true) {
    wanted = recorded.filter(({ current }) => !current).map(({ scope }) => scope);
  } else if (remove && options.scope === undefined) {
    // Where `setup` without a scope wrote it; else wherever it is. With `all`: everywhere.
    const found = recorded.map(({ scope }) => scope);
    if (options.cli === 'all' || !found.includes(usual)) wanted = found.length > 0 ? found : wanted;
  } else if (options.scope === undefined && SETUPS[agent].runsTwinsOnce !== true) {
    // What records it here already is renewed: a second entry would record everything twice.
    const here = recorded.find(({ scope, file }) => {
      const dir = { scope, agentVersion: says, fail, env: io.env };
      return planSetupIn(agent, io.cwd, dir).file === file;
    });
    if (here !== undefined) wanted = [here.scope];
  }
  return wanted.map((scope) => {
    if (scopes.includes(scope)) {
      return planSetupIn(agent, io.cwd, { scope, remove, agentVersion: says, fail, env: io.env });
    }
    const others = scopes.map((each) => `--scope ${each}`).join(' or ');
    const message = `${AGENTS[agent].name} has no settings of your own for one project. Take ${others}`;
    return { ...noPlan(agent, scope, remove, io.cwd), problems: [{ severity: 'error', message }] };
  });
}

const noPlan = (
  agent: AgentId,
  scope: SetupScope,
  remove: boolean,
  projectDir: string,
): SetupPlan => ({
  agent,
  scope,
  projectDir,
  remove,
  file: '',
  target: `${agent} ${scope}`,
  before: undefined,
  after: undefined,
  changed: false,
  problems: [],
  events: [],
});

const namesOf = (agents: readonly AgentId[]): string =>
  agents.map((agent) => AGENTS[agent].name).join(' and ');

function tellError(io: Io, { agents }: SharedPlan, message: string): void {
  const name = namesOf(agents);
  warn(io, sanitizeLine(message.startsWith(name) ? message : `${name}: ${message}`), 'red');
}

function question(plans: readonly SharedPlan[]): string {
  const [first] = plans;
  const what = first?.plan.remove === true ? 'Remove the recorder from' : 'Write';
  if (plans.length > 1) {
    // The diffs are long: their beginnings are out of sight.
    const files = plans.map(({ plan }) => `  ${sanitizeLine(homely(plan.target))}\n`);
    return `\n${files.join('')}${what} these ${plans.length} files?`;
  }
  return `${what} ${sanitizeLine(homely(first?.plan.target ?? ''))}?`;
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

function outcome(io: Io, done: readonly SharedPlan[], remove: boolean): string {
  const lines = done.map(remove ? removedLine : recordedLine);
  if (remove) {
    const kept = done.some(({ plan }) => plan.changed) ? ' What was recorded stays.' : '';
    return `${lines.join('\n')}${kept}\n`;
  }
  const { projectDir } = done[0]!.plan;
  const { traceDir } = placeTrace({ projectDir, env: io.env });
  const steps = done.flatMap((each) => (each.plan.coveredBy === undefined ? nextSteps(each) : []));
  const agents = done.flatMap((each) => each.agents);
  const who = agents.length === 1 ? namesOf(agents) : 'an agent';
  // What records them in every project is not of this set-up.
  const undone = done.filter(({ plan }) => plan.coveredBy === undefined);
  const undo = undone.length === 0 ? '' : `To undo this:   agent-strace ${undoOf(undone)}\n`;
  return `${lines.join('\n')}
Traces go to ${sanitizeLine(homely(traceDir))}, which git ignores.
${guardLine(io)}
${steps.map((step) => `\n${sanitizeLine(step)}\n`).join('')}
Next: start ${who} in this project, then
  agent-strace replay --live    watch it
  agent-strace cost             see what it cost
Sessions that run already are recorded from their next start on.
Past sessions:  agent-strace import --discover
${undo}`;
}

function undoOf(plans: readonly SharedPlan[]): string {
  const agents = plans.flatMap((each) => each.agents);
  const { scope } = plans[0]!.plan;
  const same = plans.every(({ plan }) => plan.scope === scope) ? ` --scope ${scope}` : '';
  const named = agents.length === 1 && agents[0] === 'claude' ? '' : ` --cli ${agents.join(',')}`;
  return `setup${named}${same} --remove`;
}

function recordedLine({ agents, plan }: SharedPlan): string {
  const file = sanitizeLine(homely(plan.coveredBy ?? plan.target));
  const are = `${namesOf(agents)} ${agents.length > 1 ? 'are' : 'is'}`;
  const were = `${namesOf(agents)} ${agents.length > 1 ? 'were' : 'was'}`;
  if (plan.coveredBy !== undefined) return `${are} recorded by ${file} already, in every project.`;
  return plan.changed
    ? `${are} recorded by ${file}.`
    : `${were} recorded by ${file} already; the recorder is up to date.`;
}

function removedLine({ plan }: SharedPlan): string {
  const file = sanitizeLine(homely(plan.target));
  return plan.changed
    ? `The recorder is out of ${file}.`
    : `There is no recorder of ours in ${file}: nothing to remove.`;
}

function planJson({ agents, plan }: SharedPlan, applied: boolean): Record<string, unknown> {
  return {
    agent: plan.agent,
    ...(agents.length > 1 && { agents }),
    scope: plan.scope,
    remove: plan.remove,
    file: plan.file,
    target: plan.target,
    changed: plan.changed,
    applied: applied && plan.changed,
    ...(plan.coveredBy !== undefined && { coveredBy: plan.coveredBy }),
    events: plan.events,
    problems: plan.problems,
    diff: setupDiff(plan),
  };
}
