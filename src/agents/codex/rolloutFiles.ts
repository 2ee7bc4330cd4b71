/** Where Codex keeps rollouts, what their beginnings say, and how they are read without trusting a path. */
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import * as zlib from 'node:zlib';
import type { Json, JsonObject } from '../../model/event.ts';
import { problemText } from '../../trace/files.ts';
import type { AgentPlaces } from '../agent.ts';
import { entriesOf, isSessionId, openOwn } from '../claude/files.ts';
import { asObject, asString } from '../claude/usage.ts';
import { LineSplitter } from '../lines.ts';
import { parseRow } from '../rowReader.ts';
import { folderOf } from './changes.ts';
import { uuidTime } from './mapperState.ts';
import { parentOf } from './rolloutMapper.ts';

const HEAD = 65_536;
const CHUNK = 1024 * 1024;
/** A rollout that is longer than this when unpacked is not read, bytes. */
const MAX_UNPACKED = 1024 * 1024 * 1024;
/** Beginnings that are remembered. */
const MAX_HEADS = 20_000;
const DAY_MS = 86_400_000;
const NAME =
  /^rollout-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)-([0-9A-Za-z][0-9A-Za-z._-]{7,127}?)\.jsonl(\.zst)?$/;

/** Codex's folders that may be in use. */
export function codexHomes({ env = process.env, home = homedir(), dirs }: AgentPlaces = {}) {
  return dirs ?? [resolve(env.CODEX_HOME?.trim() || join(home, '.codex'))];
}

/** What the first row of a rollout says. */
export interface RolloutHead {
  path: string;
  /** Of the thread that the file is of. */
  id: string;
  /** Of the thread that people talk to: a subagent's root. Its own id where it has none above it. */
  root: string;
  /** The thread that started it; empty where a person did. */
  parent: string;
  forked: boolean;
  cwd: string;
  /** Seconds since the epoch; 0 where unknown. */
  startedAt: number;
  stats: fs.Stats;
}

const heads = new Map<string, RolloutHead>();

/**
 * The head of a file that is a rollout, by its name or by its first row; undefined for all others.
 *
 * @param anyOwner for a file that a person named
 */
export function headOf(path: string, anyOwner = false): RolloutHead | undefined {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile() || !(anyOwner || isOurs(stats))) return undefined;
  // The first row of a file never changes; until it is whole the file may be read again.
  const key = `${path}\n${stats.dev} ${stats.ino}`;
  const known = heads.get(key);
  if (known !== undefined) return { ...known, stats };
  const name = NAME.exec(basename(path));
  const row = firstRow(path, anyOwner);
  const meta = row && metaOf(row);
  if (meta === undefined && name === null) return undefined;
  const named = name?.[2] ?? '';
  const inside = asString(meta?.id);
  const id = isSessionId(inside) ? inside : named;
  if (!isSessionId(id)) return undefined;
  const above = asString(meta?.session_id);
  const parent = meta === undefined ? '' : parentOf(meta);
  const head: RolloutHead = {
    path,
    id,
    root: isSessionId(above) ? above : id,
    parent: isSessionId(parent) && parent !== id ? parent : '',
    forked: asString(meta?.forked_from_id) !== '',
    cwd: folderOf(meta?.cwd),
    startedAt: secondsOf(meta?.timestamp) || secondsOf(row?.timestamp) || uuidTime(id) / 1000,
    stats,
  };
  if (meta !== undefined) {
    heads.set(key, head);
    for (const oldest of heads.keys()) {
      if (heads.size <= MAX_HEADS) break;
      heads.delete(oldest);
    }
  }
  return head;
}

const isOurs = (stats: fs.Stats): boolean => stats.uid === (process.getuid?.() ?? stats.uid);

const secondsOf = (value: unknown): number => {
  const ms = Date.parse(asString(value));
  return ms > 0 ? ms / 1000 : 0;
};

/** The session's description, in the first row of all versions; undefined in rows of anything else. */
function metaOf(row: JsonObject): JsonObject | undefined {
  if (row.type === 'session_meta') return asObject(row.payload);
  const old = row.payload === undefined && row.type === undefined && 'instructions' in row;
  return old && typeof row.id === 'string' ? row : undefined;
}

function firstRow(path: string, anyOwner: boolean): JsonObject | undefined {
  const head = firstText(path, anyOwner);
  const end = head.indexOf('\n');
  try {
    return asObject(JSON.parse(end < 0 ? head : head.slice(0, end)));
  } catch {
    // Cut off in the instructions, which stand behind what is of interest.
    const facts = head.slice(0, Math.max(0, head.indexOf('"base_instructions"')));
    if (!facts.includes('"type":"session_meta"')) return undefined;
    const payload: JsonObject = {};
    const keys = ['session_id', 'id', 'parent_thread_id', 'forked_from_id', 'timestamp', 'cwd'];
    const inside = facts.slice(facts.indexOf('"payload"'));
    for (const key of keys) {
      const found = new RegExp(`"${key}":"([^"\\\\]*)"`).exec(inside)?.[1];
      if (found !== undefined) payload[key] = found;
    }
    return { type: 'session_meta', payload };
  }
}

function firstText(path: string, anyOwner: boolean): string {
  const file = openOwn(path, anyOwner);
  if (file === undefined) return '';
  try {
    const buffer = Buffer.alloc(Math.min(HEAD, file.stats.size));
    const bytes = buffer.subarray(0, fs.readSync(file.fd, buffer, 0, buffer.length, 0));
    if (!path.endsWith('.zst')) return bytes.toString('utf8');
    const unpacked = unpack?.(bytes, { finishFlush: zlib.constants.ZSTD_e_continue });
    return unpacked?.toString('utf8', 0, 4 * HEAD) ?? '';
  } catch {
    return '';
  } finally {
    fs.closeSync(file.fd);
  }
}

/** Node has it since 22.15. */
const unpack = zlib.zstdDecompressSync as typeof zlib.zstdDecompressSync | undefined;

/**
 * The rows of a rollout, packed or not; undefined for a line that is no row.
 * @throws Error with a message for people
 */
export function* rolloutRows(path: string): Generator<Json | undefined> {
  const rows: (Json | undefined)[] = [];
  const take = (line: string | undefined): void => {
    if (line?.trim() !== '') rows.push(line === undefined ? undefined : parseRow(line));
  };
  const lines = new LineSplitter();
  for (const chunk of chunksOf(path)) {
    lines.push(chunk, take);
    yield* rows.splice(0);
  }
  // The last row may have no newline and be whole all the same.
  if (lines.pending > 0) lines.push(Buffer.from('\n'), take);
  yield* rows.splice(0);
}

function* chunksOf(path: string): Generator<Buffer> {
  const file = openOwn(path, true);
  if (file === undefined) throw new Error(`${path} cannot be read: ${problemText('ENOENT')}`);
  try {
    if (path.endsWith('.zst')) {
      const whole = unpacked(path, fs.readFileSync(file.fd));
      for (let at = 0; at < whole.length; at += CHUNK) yield whole.subarray(at, at + CHUNK);
      return;
    }
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      const count = fs.readSync(file.fd, buffer, 0, CHUNK, null);
      if (count === 0) return;
      yield buffer.subarray(0, count);
    }
  } finally {
    fs.closeSync(file.fd);
  }
}

function unpacked(path: string, packed: Buffer): Buffer {
  if (unpack === undefined) {
    throw new Error(
      `${path} is compressed, and this Node (${process.version}) cannot unpack it. ` +
        'Use Node 22.15 or newer, or unpack it first: zstd -d FILE',
    );
  }
  try {
    return unpack(packed, { maxOutputLength: MAX_UNPACKED });
  } catch {
    throw new Error(`${path} cannot be unpacked: it is damaged, or too long.`);
  }
}

/** Folders of one Codex folder that hold rollouts, by day, the oldest first; the archive last. */
export function rolloutFolders(home: string, sinceMs = 0, untilMs = Number.POSITIVE_INFINITY) {
  // Folders are named by local time, of whichever zone.
  const first = dayOf(sinceMs - DAY_MS);
  const last = dayOf(untilMs + DAY_MS);
  const folders: string[] = [];
  const sessions = join(home, 'sessions');
  for (const year of numbered(sessions)) {
    for (const month of numbered(join(sessions, year))) {
      for (const day of numbered(join(sessions, year, month))) {
        const name = `${year}-${month}-${day}`;
        if (name >= first && name <= last) folders.push(join(sessions, year, month, day));
      }
    }
  }
  folders.push(join(home, 'archived_sessions'));
  return folders;
}

const dayOf = (ms: number): string =>
  ms <= 0 ? '' : ms > 8e15 ? '9999' : new Date(ms).toISOString().slice(0, 10);

const numbered = (dir: string): string[] =>
  entriesOf(dir)
    .filter((entry) => entry.isDirectory() && /^\d{1,4}$/.test(entry.name))
    .map((entry) => entry.name);

/** Rollouts in a folder; of one that is there packed and unpacked, the latter. */
export function rolloutsIn(folder: string): string[] {
  const names = entriesOf(folder)
    .filter((entry) => entry.isFile() && NAME.test(entry.name))
    .map((entry) => entry.name);
  const all = new Set(names);
  return names
    .filter((name) => !name.endsWith('.zst') || !all.has(name.slice(0, -4)))
    .map((name) => join(folder, name));
}

/** The thread that a rollout's name says; empty where it is none. */
export const threadInName = (path: string): string => NAME.exec(basename(path))?.[2] ?? '';

/** The Codex folder that a rollout lies in, by where Codex puts them; undefined elsewhere. */
export function homeOf(path: string): string | undefined {
  const folder = dirname(path);
  if (basename(folder) === 'archived_sessions') return dirname(folder);
  const sessions = resolve(folder, '../../..');
  return basename(sessions) === 'sessions' ? dirname(sessions) : undefined;
}

/** The threads that a session's own thread started, and those of theirs, in order of their start. */
export function subagentsOf(
  head: Pick<RolloutHead, 'id' | 'path' | 'startedAt' | 'stats'>,
): RolloutHead[] {
  const home = homeOf(head.path);
  const folders =
    home === undefined
      ? [dirname(head.path)]
      : rolloutFolders(home, head.startedAt * 1000, head.stats.mtimeMs);
  const since = uuidTime(head.id);
  const candidates: RolloutHead[] = [];
  for (const path of folders.flatMap(rolloutsIn)) {
    const made = uuidTime(threadInName(path));
    if (path === head.path || (made > 0 && made < since)) continue;
    const other = headOf(path);
    if (other !== undefined && (other.parent !== '' || other.root !== other.id)) {
      candidates.push(other);
    }
  }
  const family = new Set([head.id]);
  const found: RolloutHead[] = [];
  candidates.sort((a, b) => a.startedAt - b.startedAt || (a.path < b.path ? -1 : 1));
  for (let more = true; more; ) {
    more = false;
    for (const other of candidates) {
      if (family.has(other.id) || !(family.has(other.parent) || other.root === head.id)) continue;
      family.add(other.id);
      found.push(other);
      more = true;
    }
  }
  return found;
}
