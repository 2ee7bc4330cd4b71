/** Small records of the guard: one file each, below `~/.agent-strace/guard`, made and read with the care of all our state. */
import { linkSync, lstatSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, type FileProblem, readSmallFile } from '../trace/files.ts';
import { ensureGuardFolder, guardPlace } from './guardHome.ts';

type Env = Record<string, string | undefined>;

/** Files of a folder that are looked at: the newest. */
const MAX_RECORDS = 1000;
/** Names that are read at most, whatever fills the folder. */
const MAX_NAMES = 20_000;
const MAX_BYTES = 65_536;
/** Records older than this are swept, ms. */
const KEPT_MS = 30 * 24 * 3_600_000;

/** Of records that have one: 12 hex digits. */
export const isRecordId = (id: unknown): id is string =>
  typeof id === 'string' && /^[0-9a-f]{12}$/.test(id);

/**
 * Makes a file with all its text at once, or not at all: of several that make it, one does.
 *
 * @returns `known` where it was there, a code of the system where it cannot be made
 */
export function createRecord(
  folder: string,
  name: string,
  record: unknown,
  env: Env = process.env,
): 'new' | 'known' | { problem: FileProblem } {
  let temporary: string | undefined;
  try {
    const place = ensureGuardFolder(folder, env);
    const unique = `${process.pid.toString(36)}${Math.random().toString(36).slice(2, 10)}`;
    temporary = join(place, `.tmp-${unique}`);
    writeFileSync(temporary, JSON.stringify(record), { flag: 'wx', mode: 0o600 });
    linkSync(temporary, join(place, name));
    return 'new';
  } catch (error) {
    const problem = codeOf(error);
    return problem === 'EEXIST' && temporary !== undefined ? 'known' : { problem };
  } finally {
    if (temporary !== undefined) rmSync(temporary, { force: true });
  }
}

/** The object in a file of ours; undefined where there is none. */
export function readRecord(
  folder: string,
  name: string,
  env: Env = process.env,
): Record<string, unknown> | undefined {
  const text = readSmallFile(guardPlace(env, folder, name), MAX_BYTES);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isRecord ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The files of a folder that end in `ending`, the newest first: names without it, at most {@link MAX_RECORDS}. */
export function recordNames(folder: string, ending: string, env: Env = process.env): string[] {
  const place = guardPlace(env, folder);
  let names: string[];
  try {
    names = readdirSync(place);
  } catch {
    return [];
  }
  const found: { name: string; at: number }[] = [];
  for (const name of names.slice(0, MAX_NAMES)) {
    if (!name.endsWith(ending) || name.startsWith('.')) continue;
    const stat = lstatSync(join(place, name), { throwIfNoEntry: false });
    if (stat?.isFile() !== true) continue;
    found.push({ name: name.slice(0, -ending.length), at: stat.mtimeMs });
  }
  found.sort((a, b) => b.at - a.at);
  return found.slice(0, MAX_RECORDS).map(({ name }) => name);
}

/** Takes away what is older than 30 days, and temporary files that nobody renamed. Never throws. */
export function sweepGuard(env: Env = process.env, nowMs: number = Date.now()): void {
  for (const folder of [
    'trips',
    'asked',
    'verdicts',
    'state',
    'raised',
    'armed',
    'listeners',
    'told',
    'acts',
  ]) {
    const place = guardPlace(env, folder);
    try {
      for (const name of readdirSync(place).slice(0, MAX_NAMES)) {
        const path = join(place, name);
        const stat = lstatSync(path, { throwIfNoEntry: false });
        if (stat?.isFile() !== true) continue;
        const age = nowMs - stat.mtimeMs;
        if (age > KEPT_MS || (name.startsWith('.tmp-') && age > 3_600_000)) rmSync(path);
      }
    } catch {
      // Not there, or somebody else's.
    }
  }
}

/** A text of a record as it may be shown: no control characters, cut. Undefined where it is none. */
export function shownText(value: unknown, max = 2000): string | undefined {
  if (typeof value !== 'string') return undefined;
  return plainText(value, max);
}

/** One line for people and agents: what steers a terminal or reorders text is gone, and it is cut. */
export function plainText(text: string, max: number): string {
  const line = text
    .slice(0, max * 4)
    // Control characters; marks that turn the direction of text or are not seen. (Outside of a function it would cost every hook.)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
}
