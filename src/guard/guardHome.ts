/**
 * Where the guard keeps what it must be able to trust: `~/.agent-strace/guard` (0700), never the trace folder, which the guarded
 * agent can write.
 *
 * | place | what |
 * |---|---|
 * | `rules.yaml`, `rules.json` (in `~/.agent-strace`) | the user's rules for all projects |
 * | `config.json` (in `~/.agent-strace`) | the user's choices, `guard` among them: {@link GuardChoices} |
 * | `guard/compiled/<hash>.json` | a project's rules, compiled, with the stamps of their files |
 * | `guard/good/<hash>.json` | what a file of rules said when it was last read: a mistake takes no rule away |
 * | `guard/state/<session>.json` | what the session's events have come to, up to an offset |
 * | `guard/verdicts/<session>.ndjson` | calls that were denied, held or let go after a question |
 * | `guard/trips/<id>.json` | rules that tripped: see `trips.ts` |
 * | `guard/asked/<id>.json`, `<id>.answer` | questions to a person: see `approvals.ts` |
 * | `guard/raised/<session>.json` | limits that a person raised for one session |
 * | `guard/armed/<id>.json` | rules of a `watch` that runs |
 * | `guard/listeners/<pid>.json` | windows that show questions |
 * | `guard/told/<trip or question>.json` | which window told a person of it: one does |
 * | `guard/acts/<trip>.json` | what a process of ours is to do to the agent after its hook |
 * | `guard/prices.json` | prices by model |
 * | `guard/spend/<hash>.json` | what a project's sessions cost, by day |
 */
import { join } from 'node:path';
import { choose, readChoice } from '../trace/choices.ts';
import { ensureStateFolder, stateHome } from '../trace/paths.ts';

type Env = Record<string, string | undefined>;

/** What a person chose, for all projects. */
export interface GuardChoices {
  /** The safe set is in force. Default false. */
  safe: boolean;
  /** Rules of the safe set that are not wanted, by name. */
  off: string[];
  /** What holds where no decision can be made. Default `open`: the call runs. */
  fail: 'open' | 'closed';
  /** Where questions are asked. Default `auto`: by the agent where it has a prompt and a person in front of it, else in the editor. */
  ask: 'auto' | 'agent' | 'editor';
}

const DEFAULT_CHOICES: GuardChoices = { safe: false, off: [], fail: 'open', ask: 'auto' };

export const guardPlace = (env: Env = process.env, ...parts: string[]): string =>
  join(stateHome(env), 'guard', ...parts);

/** Makes sure of a folder below `guard`. @returns its path. @throws an error with a `code` */
export function ensureGuardFolder(name: string, env: Env = process.env): string {
  for (const part of ['guard', join('guard', name)]) {
    const { problem } = ensureStateFolder(part, env);
    if (problem !== undefined) throw Object.assign(new Error(problem), { code: problem });
  }
  return guardPlace(env, name);
}

/** Whether a person was asked, whatever they said. */
export const wasChosen = (env: Env = process.env): boolean =>
  readChoice('guard', env) !== undefined;

/** What cannot be read counts as the strictest choice. */
export function readChoices(env: Env = process.env): GuardChoices {
  const value = readChoice('guard', env);
  if (value === undefined) return DEFAULT_CHOICES;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return STRICTEST;
  const { safe, off, fail, ask } = value as Partial<GuardChoices>;
  return {
    safe: (safe ?? DEFAULT_CHOICES.safe) !== false,
    off: Array.isArray(off) ? off.filter((name) => typeof name === 'string') : [],
    fail: (fail ?? DEFAULT_CHOICES.fail) === 'open' ? 'open' : 'closed',
    ask: ask === 'agent' || ask === 'editor' ? ask : 'auto',
  };
}

const STRICTEST: GuardChoices = { safe: true, off: [], fail: 'closed', ask: 'auto' };

/** Keeps some of the choices; the others stay. @throws a system error, or one with a code of ours */
export function writeChoices(some: Partial<GuardChoices>, env: Env = process.env): void {
  choose('guard', { ...readChoices(env), ...some }, env);
}
