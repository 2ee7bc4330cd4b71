/** What the person chose for all sessions, kept in the state home: the recorder has no other settings. */
import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, ensureOwnDirectory, openRead, readSmallFile, writeSmallFile } from './files.ts';
import { stateHome } from './paths.ts';

type Env = Record<string, string | undefined>;

/** Of choices, bytes: a file that is longer is none of ours. */
const MAX_BYTES = 65_536;

const fileOf = (env: Env): string => join(stateHome(env), 'config.json');

/**
 * Whether personal data shall not be recorded. A file that is there and cannot be read counts as a yes: an
 * address that was masked can be looked up elsewhere, one that was written is written. Costs one failed
 * open where nothing was chosen.
 */
export function maskChosen(env: Env = process.env): boolean {
  return (readChoice('mask', env) ?? false) !== false;
}

/** Keeps the choice; whatever else the file holds stays. @throws a system error, or one with a code of ours */
export const chooseMask = (mask: boolean, env: Env = process.env): void =>
  choose('mask', mask, env);

/**
 * What the file says of one thing. `unreadable`: it is there, and nobody knows what it says; the caller takes the
 * safer side.
 */
export function readChoice(name: string, env: Env = process.env): unknown | 'unreadable' {
  let fd: number;
  try {
    fd = openRead(fileOf(env));
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes(codeOf(error)) ? undefined : 'unreadable';
  }
  try {
    if (fstatSync(fd).size > MAX_BYTES) return 'unreadable';
    const choices = choicesIn(readFileSync(fd, 'utf8'));
    if (choices === undefined) return 'unreadable';
    return Object.hasOwn(choices, name) ? choices[name] : undefined;
  } catch {
    return 'unreadable';
  } finally {
    closeSync(fd);
  }
}

/** What a file counted as that nobody could read: one choice anew must not take the others back. */
const STRICTEST = { mask: true, guard: 'unreadable' };

/** Keeps a choice; whatever else the file holds stays. @throws a system error, or one with a code of ours */
export function choose(name: string, value: unknown, env: Env = process.env): void {
  const home = stateHome(env);
  const problem = ensureOwnDirectory(home);
  if (problem !== undefined) {
    throw Object.assign(new Error(problem), { code: problem, path: home });
  }
  const path = fileOf(env);
  const unreadable = readChoice(name, env) === 'unreadable';
  const before = unreadable ? STRICTEST : (choicesIn(readSmallFile(path) ?? '{}') ?? {});
  writeSmallFile(path, `${JSON.stringify({ ...before, [name]: value }, null, 2)}\n`);
}

/** @returns undefined where the text is no JSON object */
function choicesIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const object = typeof value === 'object' && value !== null && !Array.isArray(value);
    return object ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
