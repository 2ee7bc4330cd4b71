/** The guard's part of `setup`: the one question, what is chosen, and what is said of it. */
import { type GuardChoices, readChoices, wasChosen, writeChoices } from '../../guard/guardHome.ts';
import { codeOf, problemText } from '../../trace/files.ts';
import { askYes, isInteractive } from '../ask.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, warn } from '../io.ts';
import { forPersonOnly } from '../personOnly.ts';
import type { SetupOptions } from './setup.ts';

/** What the safe set does, for people who are asked for the first time. */
const SAFE_SET = `
Also stop dangerous calls before they run? The safe set, for all agents in all projects:
  secrets       sending one out, by network or MCP                 denied
  .git          writing or deleting its internals                  denied
  rm            outside the project                                denied
  git push -f   over what others have                              denied
  production    env files: writing denied, reading asks you
  disguise      commands that hide what they do (… | sh, eval)     asks you
The guard's own rules and hooks are then out of agents' reach. See it all: agent-strace guard
`;

/** What is wanted of the guard, by flags. Nothing is kept yet. @throws CliError where an agent wants it */
export function wantedOfGuard(
  io: Io,
  { guard, fail, remove }: SetupOptions,
): Partial<GuardChoices> {
  const flags = [
    ...(guard === undefined ? [] : [`--guard ${guard}`]),
    ...(fail === undefined ? [] : [`--fail ${fail}`]),
  ];
  if (remove === true) {
    if (flags.length > 0) {
      throw new CliError(
        `--remove takes no ${flags.join(' and no ')}`,
        EXIT.usage,
        'Without its hooks the guard stops nothing. Its choices stay: agent-strace guard',
      );
    }
    // Without hooks there is no guard.
    if (readChoices(io.env).safe) forPersonOnly(io, 'setup --remove');
    return {};
  }
  if (flags.length > 0) forPersonOnly(io, `setup ${flags.join(' ')}`);
  return {
    ...(guard !== undefined && { safe: guard === 'safe' }),
    ...(fail !== undefined && { fail }),
  };
}

/** A person who never said what they want of the guard is asked. @returns undefined: not asked */
export async function askOfGuard(
  io: Io,
  { guard, remove, yes, json, renew }: SetupOptions,
): Promise<boolean | undefined> {
  const told = guard !== undefined || yes === true || json === true || renew === true;
  if (told || remove === true || !isInteractive(io) || wasChosen(io.env)) return undefined;
  io.stderr.write(SAFE_SET);
  return askYes(io, 'Switch it on?');
}

/** Keeps what was chosen. @throws CliError */
export function keepGuard(io: Io, some: Partial<GuardChoices>): void {
  if (Object.keys(some).length === 0) return;
  try {
    writeChoices(some, io.env);
  } catch (error) {
    throw new CliError(
      `What the guard shall do cannot be kept: ${problemText(codeOf(error))}`,
      EXIT.usage,
      'It is kept in ~/.agent-strace/config.json: make that a file of yours, in a folder of yours, and try again.',
    );
  }
}

/** One line for the end of set-up. */
export function guardLine(io: Io): string {
  const { safe, fail } = readChoices(io.env);
  if (!safe)
    return 'Dangerous calls are recorded, not stopped. To stop them:  agent-strace guard on';
  const closed = fail === 'closed' ? ' Where it cannot decide, no tool runs.' : '';
  return `The safe set stops dangerous calls before they run.${closed} What exactly:  agent-strace guard`;
}

/** Removal leaves the choices. */
export function warnOfRemoval(io: Io): void {
  if (!readChoices(io.env).safe) return;
  warn(
    io,
    'The guard stays chosen, and stops nothing where its hooks are gone. Set up again, it is on again; agent-strace guard off ends that.',
  );
}
