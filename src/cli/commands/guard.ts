/** `guard`: what the guard is here, and what a person chooses. */
import { join } from 'node:path';
import { AGENTS, type AgentId } from '../../agents/agent.ts';
import { renewLauncher } from '../../agents/launcher.ts';
import { type GuardChoices, readChoices } from '../../guard/guardHome.ts';
import { safeSet } from '../../guard/rules/builtin.ts';
import { rulesFor } from '../../guard/rules/rulesFor.ts';
import { guardStatus } from '../../guard/status.ts';
import { similar } from '../../model/similar.ts';
import { sanitizeLine } from '../../report/terminalText.ts';
import { isInteractive } from '../ask.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, print, printFacts, printJson, warn } from '../io.ts';
import { forPersonOnly } from '../personOnly.ts';
import { homely, projectOf } from '../traces.ts';
import { statusJson, statusText } from './guardText.ts';
import { setup } from './setup.ts';
import { look } from './setupAgents.ts';
import { keepGuard } from './setupGuard.ts';

export interface GuardOptions {
  json?: boolean;
  /** Changes settings of agents without asking. */
  yes?: boolean;
}

const USES =
  'status, on, off, fail open|closed, ask auto|agent|editor, allow <rule>, enforce <rule>';

/** `guard`, `guard status` and what changes it. */
export async function guard(
  io: Io,
  verb: string | undefined,
  value: string | undefined,
  options: GuardOptions,
): Promise<number> {
  if (verb === undefined || verb === 'status') return status(io, options);
  const some = choicesOf(io, verb, value);
  forPersonOnly(io, value === undefined ? `guard ${verb}` : `guard ${verb} ${sanitizeLine(value)}`);
  keepGuard(io, some);
  if (options.json !== true) await print(io, `${outcome(io, verb, value)}\n`);
  const code = await bringUpToDate(io, verb, options);
  if (options.json === true) return status(io, options);
  return code;
}

async function status(io: Io, options: GuardOptions): Promise<number> {
  const found = guardStatus(projectOf(io), await look(io), io.env);
  if (options.json === true) await printJson(io, statusJson(found));
  else await print(io, statusText(io, found));
  return found.rules.problems.length > 0 ? EXIT.none : EXIT.ok;
}

/** What is to be kept. @throws CliError where it is nothing that there is */
function choicesOf(io: Io, verb: string, value: string | undefined): Partial<GuardChoices> {
  const one = <T extends string>(all: readonly T[]): T => {
    const found = all.find((each) => each === value);
    if (found !== undefined) return found;
    const given = value === undefined ? 'nothing' : `"${sanitizeLine(value)}"`;
    throw new CliError(`guard ${verb} takes ${all.join(' or ')}, not ${given}`, EXIT.usage);
  };
  if ((verb === 'on' || verb === 'off') && value !== undefined) {
    throw new CliError(`guard ${verb} takes no "${sanitizeLine(value)}"`, EXIT.usage);
  }
  switch (verb) {
    case 'on':
      return { safe: true };
    case 'off':
      return { safe: false };
    case 'fail':
      return { fail: one(['open', 'closed']) };
    case 'ask':
      return { ask: one(['auto', 'agent', 'editor']) };
    case 'allow': {
      const name = ruleNamed(io, verb, value);
      return { off: [...new Set([...readChoices(io.env).off, name])] };
    }
    case 'enforce': {
      const { off } = readChoices(io.env);
      // One that there is no more can still be taken off the list.
      const name = value !== undefined && off.includes(value) ? value : ruleNamed(io, verb, value);
      return { off: off.filter((each) => each !== name) };
    }
    default:
      throw new CliError(
        `There is no "guard ${sanitizeLine(verb)}"`,
        EXIT.usage,
        `There is: ${USES}`,
      );
  }
}

/** A rule of the safe set. @throws CliError where there is none of that name */
function ruleNamed(io: Io, verb: string, name: string | undefined): string {
  const project = projectOf(io);
  const names = safeSet(project).map((rule) => rule.name);
  if (name !== undefined && names.includes(name)) return name;
  const all = `The safe set has: ${names.join(', ')}`;
  if (name === undefined) {
    throw new CliError(`guard ${verb} takes the name of a rule`, EXIT.usage, all);
  }
  const shown = sanitizeLine(name);
  const other = rulesFor({ project, env: io.env }).rules.find((rule) => rule.name === name);
  if (other?.fixed === true) {
    throw new CliError(
      `"${shown}" protects the guard itself: it holds as long as any rule does`,
      EXIT.usage,
    );
  }
  if (other?.file !== undefined) {
    const place = `${sanitizeLine(homely(other.file))}${other.line === undefined ? '' : `:${other.line}`}`;
    throw new CliError(`"${shown}" is not of the safe set: change it in ${place}`, EXIT.usage);
  }
  const near = similar(name, names);
  const hint = near.length > 0 ? `Did you mean ${near.join(' or ')}?\n${all}` : all;
  throw new CliError(`The safe set has no rule "${shown}"`, EXIT.usage, hint);
}

function outcome(io: Io, verb: string, value: string | undefined): string {
  const project = projectOf(io);
  const name = sanitizeLine(value ?? '');
  switch (verb) {
    case 'on':
      return 'The safe set is on, in every project: agent-strace guard shows what it stops.';
    case 'off': {
      const left = rulesFor({ project, env: io.env }).rules.filter(({ fixed }) => fixed !== true);
      return left.length > 0
        ? `The safe set is off, in every project. Rules of files stay in force here: ${left.length}.`
        : 'The safe set is off, in every project.';
    }
    case 'fail':
      return value === 'closed'
        ? 'Where the guard cannot decide, no tool runs.'
        : 'Where the guard cannot decide, the tool runs.';
    case 'ask':
      return {
        auto: 'The agent asks where it can and somebody sits in front of it; else VS Code does.',
        agent: 'The agent asks where it can; where it cannot, the answer is no.',
        editor: 'VS Code asks; where no window is open, the answer is no.',
      }[name as GuardChoices['ask']];
    default: {
      const now = verb === 'allow' ? `"${name}" is off` : `"${name}" is in force`;
      const whole = readChoices(io.env).safe ? '' : ' once the safe set is on (guard on)';
      return verb === 'allow' ? `${now}, in every project.` : `${now}${whole}, in every project.`;
    }
  }
}

/** What is installed has to fit: the recorder itself, and for `on` and `fail` the settings that name it. */
async function bringUpToDate(io: Io, verb: string, options: GuardOptions): Promise<number> {
  if (verb !== 'on' && verb !== 'fail') return EXIT.ok;
  try {
    await renewLauncher({
      nodePath: process.execPath,
      version: io.version,
      hookBundle: join(io.distDir, 'hook.js'),
      env: io.env,
    });
  } catch (error) {
    warn(io, `The recorder could not be renewed: ${sanitizeLine((error as Error).message)}`);
  }
  const states = await look(io);
  const recorded = states.filter((state) => state.recorded.length > 0);
  if (recorded.length === 0) {
    if (options.json !== true) {
      await printFacts(io, 'No agent is set up here, so nothing is stopped: agent-strace setup');
    }
    return EXIT.ok;
  }
  if (verb === 'fail' && readChoices(io.env).fail === 'closed') {
    for (const { agent, recorded: files } of recorded) {
      for (const { file } of files.filter(({ scope }) => scope === 'project')) {
        warn(
          io,
          `${AGENTS[agent].name}: ${sanitizeLine(homely(file))} is everybody’s, so without a recorder tools still run there. For yours: agent-strace setup --cli ${agent} --scope user`,
        );
      }
    }
  }
  const older = recorded.filter((state) => state.recorded.some(({ current }) => !current));
  if (older.length === 0 || options.json === true) return EXIT.ok;
  const agents: AgentId[] = older.map(({ agent }) => agent);
  const names = agents.map((agent) => AGENTS[agent].name).join(', ');
  if (options.yes !== true && !isInteractive(io)) {
    warn(
      io,
      `The settings of ${names} do not fit that yet: agent-strace setup --cli ${agents.join(',')}`,
    );
    return EXIT.ok;
  }
  io.stderr.write(`The settings of ${names} are to fit that, too:\n`);
  const code = await setup(io, {
    cli: agents,
    renew: true,
    ...(options.yes === true && { yes: true }),
  });
  if (code !== EXIT.ok) {
    warn(
      io,
      `What you chose is kept; the settings of ${names} do not fit it yet: agent-strace setup --cli ${agents.join(',')}`,
    );
  }
  return code;
}
