/**
 * What a command does to a repository's files: a look before it runs, and one after. The agent waits for
 * both, so each has a few milliseconds, and says so where they were not enough.
 *
 * The look before notes which tracked files are not as git has them, and keeps those; all others can
 * be had from git. The look after finds files whose inode changed since. What it cannot tell: who changed a
 * file while the command ran. The agent's own edits of that time are known from the trace.
 */
import { linkSync, lstatSync, rmSync, type Stats } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import type { FileOp } from '../model/event.ts';
import { textHash } from '../model/ids.ts';
import { isSensitivePath } from '../redact/sensitivePath.ts';
import { BlobStore } from '../trace/blobs.ts';
import { ensureOwnDirectory, readSmallFile, writeSmallFile } from '../trace/files.ts';
import { gitBlobId } from '../trace/gitBlobId.ts';
import { ensureStateFolder, isSafeSessionId } from '../trace/paths.ts';
import { appendChanges, type ChangedFile, type ContentRef } from './changeLog.ts';
import { findPath, type GitIndex, isPlainPath } from './gitIndex.ts';
import { type IndexStamp, type ReadIndex, readIndex, sameStamp } from './indexCache.ts';
import { readTracked, stateOf, type Worktree, worktreeOf } from './worktree.ts';

export interface SnapshotCall {
  sessionId: string;
  /** Id of the tool call. */
  callId: string;
  /** The agent's working folder. */
  cwd: string;
  /** What is run: files that it names are looked at first. */
  command: string;
  /** `process.uptime()` at which the agent began to wait for us, in seconds. */
  startedAt: number;
}

/** Files that a command changed. */
export interface SnapshotResult {
  files: FileOp[];
  /** Not every tracked file was looked at. */
  unknown: boolean;
}

/** Both looks together take so long at most: who has a larger repository, and patience, may say more. */
const BOTH_MS = 20;
const MAX_BOTH_MS = 2000;

function bothMs(): number {
  const asked = Number(process.env.AGENT_STRACE_LOOK_MS ?? BOTH_MS);
  return asked >= 0 ? Math.min(asked, MAX_BOTH_MS) : BOTH_MS;
}
/** Of these, for writing down what was found. */
const RESERVE_MS = 1.5;
/** The clock of file times ticks in steps of up to 10 ms. */
const TICK_MS = 10;
/** Stats between two looks at the clock. */
const STRIDE = 64;
/** Longer files are not kept while the agent waits, bytes. */
const MAX_KEPT_BYTES = 512 * 1024;
/** Bytes that are read and hashed in a millisecond, at the least. */
const BYTES_A_MS = 40_000;
/** Changed files that are told of, and remembered. */
const MAX_CHANGED = 200;
const MAX_STATE_BYTES = 1_048_576;

/** A file that is not as git has it. */
interface DirtyFile {
  /** Its stat: the same means the same content. Absent: there was no file. */
  stat?: [size: number, mtimeMs: number, ctimeMs: number, ino: number];
  ref: ContentRef;
}

/** What the look before writes down for the one after. */
interface Before {
  root: string;
  /** ms since the epoch. */
  timeMs: number;
  /** What the look cost. */
  spentMs: number;
  stamp: IndexStamp;
  /** So many files, in the index's order, were looked at; `named` beside these. */
  looked: number;
  named: string[];
  dirty: Record<string, DirtyFile>;
}

/** The look before a command. @throws what the file system throws */
export function snapshotBefore(call: SnapshotCall): void {
  const clock = new Clock(call.startedAt, bothMs() / 2);
  const tree = worktreeOf(call.cwd);
  const place = tree && placeOf(call);
  if (tree === undefined || place === undefined) return;
  const read = readIndex(tree.indexPath, place.cache(tree.root), clock.expired);
  if (read === undefined) return;
  const known = readJson<Record<string, DirtyFile>>(place.kept(tree.root)) ?? {};
  const seen = new Look(read.index, read.stamp);
  const named = namedPlaces(read.index, tree, call);
  const suspects = [
    ...named,
    ...Object.keys(known).map((path) => findPath(read.index.paths, path)),
  ];
  const looked = within(tree.root, () => {
    for (const at of suspects) if (at >= 0 && !clock.expired()) seen.look(at);
    return seen.lookAll(clock);
  });
  const keeper = new Keeper(tree, known, clock);
  const kept: Record<string, DirtyFile> = {};
  const before: Before = {
    root: tree.root,
    timeMs: Date.now(),
    spentMs: 0,
    stamp: read.stamp,
    looked,
    named: suspects.flatMap((at) => (seen.wasSeen(at) ? (read.index.paths[at] ?? []) : [])),
    dirty: {},
  };
  for (const [at, stat] of seen.dirty) {
    const path = read.index.paths[at]!;
    const file = stat === undefined ? { ref: NONE } : keeper.keep(path, stat, read.oid(at));
    kept[path] = file;
    // Touched, or written again with what it held: as git has it.
    if (file.ref.at !== 'git') before.dirty[path] = file;
  }
  before.spentMs = clock.spent;
  writeSmallFile(place.before, JSON.stringify(before));
  // Git replaces its index, it never writes into it: the link stays what the index is now.
  link(tree.indexPath, place.index);
  if (keeper.changed) writeSmallFile(place.kept(tree.root), JSON.stringify(kept));
}

/**
 * The look after a command.
 *
 * @param claimed files that others changed meanwhile, as the trace knows: absolute; asked only where
 *   a change was found
 * @returns undefined where the command did not run in a repository
 * @throws what the file system throws
 */
export function snapshotAfter(
  call: SnapshotCall,
  claimed: (sinceMs: number) => ReadonlySet<string>,
): SnapshotResult | undefined {
  const place = placeOf(call);
  const before = place && readJson<Before>(place.before);
  if (place === undefined || before === undefined) {
    return worktreeOf(call.cwd) === undefined ? undefined : { files: [], unknown: true };
  }
  const clock = new Clock(call.startedAt, bothMs() - before.spentMs);
  try {
    // A command may have changed the folder: what counts is where it began.
    const tree = worktreeOf(before.root);
    const cache = place.cache(before.root);
    // First what was: the cache has it, until it has what is now.
    const old = readIndex(place.index, cache, clock.expired);
    const now = tree && readIndex(tree.indexPath, cache, clock.expired);
    if (tree?.root !== before.root || now === undefined) return { files: [], unknown: true };
    const same = sameStamp(now.stamp, before.stamp);
    const looker = new After(tree, before, same ? now : old, now, clock);
    const complete = within(tree.root, () => looker.run(call)) && (same || old !== undefined);
    if (looker.changes.length === 0) return { files: [], unknown: !complete };
    const others = claimed(before.timeMs - TICK_MS);
    const files = looker.changes.filter(({ path }) => !others.has(path));
    if (files.length > 0) {
      appendChanges(call.sessionId, { call: call.callId, root: tree.root, files });
    }
    return { files: files.map(asOp), unknown: !complete };
  } finally {
    rmSync(place.before, { force: true });
    rmSync(place.index, { force: true });
  }
}

const asOp = ({ path, kind }: ChangedFile): FileOp => ({ path, kind, source: 'stat', ranges: [] });

const NONE: ContentRef = { at: 'none' };

/** How long the agent has waited. */
class Clock {
  readonly #startedAt: number;
  readonly #endAt: number;

  /** @param startedAt seconds of `process.uptime()` */
  constructor(startedAt: number, ms: number) {
    this.#startedAt = startedAt;
    this.#endAt = startedAt + (ms - RESERVE_MS) / 1000;
  }

  /** ms */
  get spent(): number {
    return Math.max(0, (process.uptime() - this.#startedAt) * 1000);
  }

  /** ms */
  get left(): number {
    return (this.#endAt - process.uptime()) * 1000;
  }

  readonly expired = (): boolean => process.uptime() >= this.#endAt;
}

interface Place {
  before: string;
  /** The index as it was. */
  index: string;
  /** The index of a repository, in our form. */
  cache: (root: string) => string;
  /** What was kept of a repository's files, by their stats. */
  kept: (root: string) => string;
}

function placeOf({ sessionId, callId }: SnapshotCall): Place | undefined {
  if (!isSafeSessionId(sessionId) || callId === '') return undefined;
  const { path, problem } = ensureStateFolder('state');
  if (problem !== undefined) return undefined;
  const folder = join(path, sessionId);
  if (ensureOwnDirectory(folder) !== undefined) return undefined;
  const call = join(folder, `call-${textHash(callId)}`);
  return {
    before: `${call}.json`,
    index: `${call}.index`,
    cache: (root) => join(folder, `index-${textHash(root)}.bin`),
    kept: (root) => join(folder, `kept-${textHash(root)}.json`),
  };
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readSmallFile(path, MAX_STATE_BYTES) ?? '') as T;
  } catch {
    return undefined;
  }
}

function link(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Another file system: where the command changes the index, what was before is not known.
  }
}

/**
 * Runs something with the repository as the process' folder: to look at a file by a short path takes the
 * system three quarters of the time.
 */
function within<T>(root: string, work: () => T): T {
  const here = process.cwd();
  process.chdir(root);
  try {
    return work();
  } finally {
    process.chdir(here);
  }
}

/** Of a file of the repository. */
const statOf = (path: string): Stats | undefined => {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // A folder on the way is a file now.
    return undefined;
  }
};

/** Files and folders that the command's words name: places in the index. */
function namedPlaces(
  index: GitIndex,
  { root }: Worktree,
  { command, cwd }: SnapshotCall,
): number[] {
  const places = new Set<number>();
  for (const word of command
    .slice(0, 8192)
    .split(/[\s'"`;|&<>()=,]+/)
    .slice(0, 200)) {
    if (!/[./\w]/.test(word)) continue;
    const path = relative(root, isAbsolute(word) ? word : resolve(cwd, word)).replaceAll('\\', '/');
    const at = path.startsWith('..') ? -1 : findPath(index.paths, path);
    if (at >= 0) places.add(at);
  }
  return [...places];
}

/** Looks at files, each once, and knows which are not as git has them. */
class Look {
  readonly dirty = new Map<number, Stats | undefined>();
  readonly #index: GitIndex;
  readonly #stamp: IndexStamp;
  readonly #seen: Uint8Array;

  constructor(index: GitIndex, stamp: IndexStamp) {
    this.#index = index;
    this.#stamp = stamp;
    this.#seen = new Uint8Array(index.paths.length);
  }

  wasSeen(at: number): boolean {
    return this.#seen[at] === 1;
  }

  look(at: number): void {
    if (this.#seen[at] === 1 || this.#index.regular[at] === 0) return;
    if (this.#index.paths[at] === '') return;
    this.#seen[at] = 1;
    const stat = statOf(this.#index.paths[at]!);
    const state = stateOf(this.#index, at, stat, this.#stamp.mtimeMs);
    if (state === 'changed' || state === 'gone') this.dirty.set(at, stat);
  }

  /** @returns how many were looked at before the time was over */
  lookAll(clock: Clock): number {
    const { length } = this.#index.paths;
    for (let at = 0; at < length; at++) {
      if (at % STRIDE === 0 && clock.expired()) return at;
      this.look(at);
    }
    return length;
  }
}

const sameStat = (file: DirtyFile | undefined, stat: Stats): boolean =>
  file?.stat !== undefined &&
  file.stat[0] === stat.size &&
  file.stat[1] === stat.mtimeMs &&
  file.stat[2] === stat.ctimeMs &&
  file.stat[3] === stat.ino;

/** Keeps contents in the blob store, as long as there is time. */
class Keeper {
  /** Something was kept that was not before. */
  changed = false;
  readonly #tree: Worktree;
  readonly #known: Record<string, DirtyFile>;
  readonly #clock: Clock;
  readonly #store = new BlobStore();

  constructor(tree: Worktree, known: Record<string, DirtyFile>, clock: Clock) {
    this.#tree = tree;
    this.#known = known;
    this.#clock = clock;
  }

  /** @param gitId what git has of it */
  keep(path: string, stat: Stats, gitId?: string): DirtyFile {
    const known = Object.hasOwn(this.#known, path) ? this.#known[path] : undefined;
    if (known !== undefined && sameStat(known, stat) && known.ref.at !== 'unknown') return known;
    const file: DirtyFile = {
      stat: [stat.size, stat.mtimeMs, stat.ctimeMs, stat.ino],
      ref: this.#ref(path, stat, gitId),
    };
    this.changed = true;
    return file;
  }

  #ref(path: string, stat: Stats, gitId: string | undefined): ContentRef {
    if (isSensitivePath(path)) return { at: 'unknown', why: 'sensitive' };
    if (stat.size > MAX_KEPT_BYTES) return { at: 'unknown', why: 'large' };
    if (this.#clock.left < stat.size / BYTES_A_MS) return { at: 'unknown', why: 'time' };
    const bytes = readTracked(this.#tree.root, path, MAX_KEPT_BYTES);
    if (bytes === undefined) return { at: 'unknown', why: 'unreadable' };
    const id = gitBlobId(bytes);
    if (id === gitId) return { at: 'git', id, size: bytes.length };
    // With the line ends that git has taken away.
    if (gitId !== undefined && isSameButEnds(bytes, gitId)) {
      return { at: 'git', id: gitId, size: bytes.length };
    }
    return this.#store.put(bytes, id) === undefined
      ? { at: 'unknown', why: 'unreadable' }
      : { at: 'blob', id };
  }
}

function isSameButEnds(bytes: Buffer, gitId: string): boolean {
  if (!bytes.includes('\r\n')) return false;
  const text = bytes.toString('latin1').replaceAll('\r\n', '\n');
  return gitBlobId(Buffer.from(text, 'latin1')) === gitId;
}

/** The look after. */
class After {
  readonly changes: ChangedFile[] = [];
  readonly #tree: Worktree;
  readonly #before: Before;
  readonly #old: ReadIndex | undefined;
  readonly #now: ReadIndex;
  readonly #clock: Clock;
  readonly #keeper: Keeper;
  readonly #named: Set<string>;
  readonly #seen = new Set<string>();
  readonly #sinceMs: number;

  constructor(
    tree: Worktree,
    before: Before,
    old: ReadIndex | undefined,
    now: ReadIndex,
    clock: Clock,
  ) {
    this.#tree = tree;
    this.#before = before;
    this.#old = old;
    this.#now = now;
    this.#clock = clock;
    this.#keeper = new Keeper(tree, before.dirty, clock);
    this.#named = new Set(before.named);
    this.#sinceMs = before.timeMs - TICK_MS;
  }

  /** @returns whether every tracked file was looked at */
  run(call: SnapshotCall): boolean {
    const now = this.#now.index;
    const first = [
      ...namedPlaces(now, this.#tree, call),
      ...Object.keys(this.#before.dirty).map((path) => findPath(now.paths, path)),
    ];
    for (const at of first) {
      if (at < 0 || now.regular[at] === 0) continue;
      if (this.#clock.expired()) return false;
      this.#look(now.paths[at]!);
    }
    const old = this.#old?.index ?? now;
    const complete = (old === now || this.#all(old)) && this.#all(now);
    this.#findMoves();
    return complete;
  }

  /** What a file held that is gone, and another holds now, was moved there. */
  #findMoves(): void {
    const gone = new Set(
      this.changes.flatMap(({ kind, before }) =>
        kind === 'delete' && 'id' in before ? [before.id] : [],
      ),
    );
    for (const change of this.changes) {
      const { before, after } = change;
      if (before.at !== 'unknown' || before.why !== 'untracked') continue;
      if (!('id' in after) || !gone.has(after.id)) continue;
      change.before = NONE;
      change.kind = 'create';
    }
  }

  #all({ paths, regular }: GitIndex): boolean {
    for (let at = 0; at < paths.length; at++) {
      if (at % STRIDE === 0 && this.#clock.expired()) return false;
      if (regular[at] === 1 && !this.#look(paths[at]!)) return false;
    }
    return true;
  }

  /** @returns false: too many changed */
  #look(path: string): boolean {
    const stat = statOf(path);
    if (stat !== undefined && stat.ctimeMs < this.#sinceMs) return true;
    if (this.#seen.has(path) || !isPlainPath(path)) return true;
    this.#seen.add(path);
    const known = Object.hasOwn(this.#before.dirty, path) ? this.#before.dirty[path] : undefined;
    if (stat === undefined) {
      // Gone before already, or never there.
      if (known?.ref.at === 'none') return true;
    } else if (!stat.isFile() || (known !== undefined && sameStat(known, stat))) return true;
    const before = known?.ref ?? this.#cleanRef(path);
    if (stat === undefined) {
      // Whether it was there when the command began was not seen.
      if (before.at === 'none' || before.at === 'unknown') return before.at === 'none';
      return this.#add(path, 'delete', before, NONE);
    }
    const gitId = before.at === 'git' ? before.id : undefined;
    const after = this.#keeper.keep(path, stat, gitId).ref;
    if ('id' in before && 'id' in after && before.id === after.id) return true;
    return this.#add(path, before.at === 'none' ? 'create' : 'write', before, after);
  }

  #add(path: string, kind: ChangedFile['kind'], before: ContentRef, after: ContentRef): boolean {
    this.changes.push({ path: join(this.#tree.root, path), kind, before, after });
    return this.changes.length < MAX_CHANGED;
  }

  /** What a file held that was not seen to differ from the index of then. */
  #cleanRef(path: string): ContentRef {
    const old = this.#old;
    if (old === undefined) return { at: 'unknown', why: 'time' };
    const { index } = old;
    const at = findPath(index.paths, path);
    // Tracked since the command: whether it was there before, untracked, nobody saw.
    if (at < 0) return { at: 'unknown', why: 'untracked' };
    if (index.regular[at] === 0) return { at: 'unknown', why: 'unreadable' };
    if (at >= this.#before.looked && !this.#named.has(path)) return { at: 'unknown', why: 'time' };
    if (isSensitivePath(path)) return { at: 'unknown', why: 'sensitive' };
    const id = old.oid(at);
    return id === undefined
      ? { at: 'unknown', why: 'unreadable' }
      : { at: 'git', id, size: index.sizes[at]! };
  }
}
