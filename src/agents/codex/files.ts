/** Where Codex keeps its rollouts, and how they are found and opened without trusting a path. */
import { closeSync, lstatSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Json, JsonObject } from '../../model/event.ts';
import type { AgentPlaces } from '../agent.ts';
import { chunksIn, chunksOf, linesOf } from '../lines.ts';
import { entriesOf, isSessionId, openOwn } from '../ownFiles.ts';
import { parseRow } from '../rowReader.ts';
import { asObject, asString } from '../rows.ts';
import { parentOf } from './rollout.ts';
import { madeAt } from './rolloutState.ts';
import { unpack, unpackHead } from './zstd.ts';

/** Bytes in which the first row mostly ends (it holds the model's instructions), and in which it must. */
const HEADS = [32 * 1024, 512 * 1024];
const NAME = /^rollout-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)-([0-9a-zA-Z-]{8,64})\.jsonl(\.zst)?$/;
/** Folders deep: `sessions/YYYY/MM/DD`. */
const MAX_DEPTH = 4;
const DAY_MS = 24 * 3_600_000;
/** Of a session that lasted longer, all folders are looked through. */
const MAX_DAYS = 400;
/** Rollouts that are looked at. */
const MAX_FILES = 200_000;

/** Codex's own folders, the likeliest first; they need not exist. */
export function codexHomes({ env = process.env, home = homedir(), dirs }: AgentPlaces = {}) {
  if (dirs !== undefined) return dirs.map((dir) => resolve(dir));
  return [env.CODEX_HOME ? resolve(env.CODEX_HOME) : join(home, '.codex')];
}

export const isPacked = (path: string): boolean => path.endsWith('.zst');
export const isRolloutName = (path: string): boolean => NAME.test(basename(path));
/** The thread that a rollout's name bears; empty where it bears none. */
export const threadOf = (path: string): string => NAME.exec(basename(path))?.[2] ?? '';

/** Paths of all rollouts of these homes. */
export function rolloutPaths(homes: readonly string[]): string[] {
  const found: string[] = [];
  for (const home of homes) {
    for (const folder of ['sessions', 'archived_sessions']) walk(join(home, folder), 0, found);
  }
  return eachOnce(found);
}

/** Those of threads that began in this time, ms since the epoch: of a home with thousands only these days' folders are read. */
export function rolloutPathsBetween(home: string, from: number, to: number): string[] {
  const found: string[] = [];
  walk(join(home, 'archived_sessions'), MAX_DEPTH, found);
  // Folders have the day of whichever time zone.
  const first = from - DAY_MS;
  if ((to - first) / DAY_MS > MAX_DAYS) walk(join(home, 'sessions'), 0, found);
  else {
    for (let at = first; at < to + 2 * DAY_MS; at += DAY_MS) {
      const day = new Date(at).toISOString().slice(0, 10).split('-');
      walk(join(home, 'sessions', ...day), MAX_DEPTH, found);
    }
  }
  return eachOnce(found).filter((path) => {
    const made = madeAt(threadOf(path));
    return made === undefined || (made >= from && made <= to);
  });
}

/** Of a packed and a plain file of one name the plain one counts. */
function eachOnce(found: readonly string[]): string[] {
  const all = new Set(found);
  return [...all].filter((path) => !isPacked(path) || !all.has(path.slice(0, -4)));
}

function walk(dir: string, depth: number, found: string[]): void {
  for (const entry of entriesOf(dir)) {
    if (found.length >= MAX_FILES) return;
    const path = join(dir, entry.name);
    if (entry.isDirectory() && depth < MAX_DEPTH) walk(path, depth + 1, found);
    else if (entry.isFile() && NAME.test(entry.name)) found.push(path);
  }
}

/** What a rollout's first row says. */
export interface RolloutHead {
  thread: string;
  /** The session that it belongs to: its own thread, or its root's. */
  session: string;
  /** The thread that started it; empty for a person's own. */
  parent: string;
  /** Its beginning was copied from another thread. */
  forked: boolean;
  cwd: string;
  /** Seconds since the epoch; 0 where unknown. */
  startedAt: number;
}

/** Heads that were read, by path: a first row never changes, and a process that lives on asks often. */
const heads = new Map<string, RolloutHead>();
const MAX_HEADS = 20_000;

/**
 * Undefined where it is no rollout, or cannot be read.
 *
 * @param named a person named this file: it may belong to another user, and bear any name
 */
export function rolloutHead(path: string, named = false): RolloutHead | undefined {
  const known = named ? undefined : heads.get(path);
  if (known !== undefined) return known;
  const head = readHead(path, named) ?? headByName(path);
  // A row that is still being written is read again.
  if (named || head === undefined || (head.startedAt === 0 && !isPacked(path))) return head;
  if (heads.size >= MAX_HEADS) heads.clear();
  heads.set(path, head);
  return head;
}

function readHead(path: string, anyOwner: boolean): RolloutHead | undefined {
  const file = openOwn(path, anyOwner);
  if (file === undefined) return undefined;
  try {
    for (const size of HEADS) {
      const buffer = Buffer.alloc(Math.min(size, file.stats.size));
      const bytes = buffer.subarray(0, readSync(file.fd, buffer, 0, buffer.length, 0));
      const head = headOf(isPacked(path) ? unpackHead(bytes) : bytes);
      if (head !== undefined || bytes.length < size) return head;
    }
  } catch {
    // As one that cannot be opened.
  } finally {
    closeSync(file.fd);
  }
  return undefined;
}

function headOf(bytes: Buffer): RolloutHead | undefined {
  const end = bytes.indexOf(0x0a);
  const row = asObject(parseRow(bytes.toString('utf8', 0, end < 0 ? bytes.length : end)));
  const meta = row?.type === 'session_meta' ? asObject(row.payload) : undefined;
  return meta === undefined ? undefined : described(meta, asString(row?.timestamp));
}

function described(meta: JsonObject, time: string): RolloutHead | undefined {
  const thread = asString(meta.id);
  if (!isSessionId(thread)) return undefined;
  const session = asString(meta.session_id);
  const ms = Date.parse(asString(meta.timestamp) || time);
  return {
    thread,
    session: isSessionId(session) ? session : thread,
    parent: parentOf(meta),
    // Newer versions name the place that they go on from, and copy nothing.
    forked:
      asString(meta.forked_from_id) !== '' &&
      parentOf(meta) === '' &&
      asObject(meta.history_base) === undefined,
    cwd: asString(meta.cwd),
    startedAt: ms > 0 ? ms / 1000 : 0,
  };
}

/** A packed file that this Node cannot read, or a first row that is still being written. */
function headByName(path: string): RolloutHead | undefined {
  const thread = threadOf(path);
  if (thread === '' || !isSessionId(thread)) return undefined;
  return { thread, session: thread, parent: '', forked: false, cwd: '', startedAt: 0 };
}

/**
 * The real path of a rollout in one of these homes: a plain file of ours in `sessions/YYYY/MM/DD` or
 * `archived_sessions`, reached by no link below the home. Undefined otherwise: the path may come from a
 * hostile trace.
 */
export function trustedRollout(path: string, homes: readonly string[]): string | undefined {
  if (!isRolloutName(path)) return undefined;
  try {
    const folder = realpathSync(dirname(resolve(path)));
    for (const home of homes) {
      for (const [name, below] of [
        ['sessions', /^\/\d{4}\/\d\d\/\d\d$/],
        ['archived_sessions', /^$/],
      ] as const) {
        const root = realRoot(join(home, name));
        if (root === undefined || !folder.startsWith(root)) continue;
        if (!below.test(folder.slice(root.length).replaceAll('\\', '/'))) continue;
        const file = join(folder, basename(path));
        const stats = lstatSync(file);
        const ours = stats.uid === (process.getuid?.() ?? stats.uid);
        return stats.isFile() && ours ? file : undefined;
      }
    }
  } catch {
    // Not there (yet), or not ours to read.
  }
  return undefined;
}

function realRoot(path: string): string | undefined {
  try {
    // The folder itself must be no link; what lies above is the user's own business.
    return lstatSync(path).isDirectory() ? realpathSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The rows of a rollout, packed or not.
 *
 * @throws Error with a message for people where it cannot be read
 */
export function* rolloutRows(path: string): Generator<Json | undefined> {
  if (isPacked(path)) {
    yield* rowsIn(chunksIn(unpack(readFileSync(path), path)));
    return;
  }
  const file = openOwn(path, true);
  if (file === undefined) throw new Error(`${path} cannot be read.`);
  try {
    yield* rowsIn(chunksOf(file.fd));
  } finally {
    closeSync(file.fd);
  }
}

function* rowsIn(chunks: Iterable<Buffer>): Generator<Json | undefined> {
  for (const line of linesOf(chunks)) yield line === undefined ? undefined : parseRow(line);
}

/** Times and size of a file; undefined where it is gone. */
export function factsOf(path: string) {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  return { createdAtMs: stats.birthtimeMs, modifiedAtMs: stats.mtimeMs, bytes: stats.size };
}
