/**
 * Reads what a session's transcript says beyond the hooks, a bit at a time: only bytes that are
 * new since the last commit, of the main file and of the subagents' files.
 *
 * Synchronous and small: the hook uses it when no editor is running.
 */
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TraceEvent } from '../../model/event.ts';
import { textHash } from '../../model/ids.ts';
import type { RedactPolicy } from '../../redact/redact.ts';
import { writeSmallFile } from '../../trace/files.ts';
import type { FindBeside } from './files.ts';
import {
  besideIndex,
  configDirs,
  isSessionId,
  openOwn,
  readSmall,
  subagentFiles,
  trustedTranscript,
} from './files.ts';
import type { Seen, UsageState } from './usage.ts';
import { asObject, UsageMapper } from './usage.ts';

/** A row longer than this is skipped and counted. */
const MAX_ROW = 8 * 1024 * 1024;
const CHUNK = 256 * 1024;
/** Bytes before the offset that must still be the same, or the file was rewritten. */
const ANCHOR = 64;
/** Longest state file that is read. What {@link stateText} writes is shorter, whatever the session. */
const MAX_STATE = 8 * 1024 * 1024;
/** Room for open messages and calls in a state file, in UTF-16 units: the latest files' go first. */
const MAX_MAPPERS = 300_000;
const MAX_PROMPT_ID = 100;
/** A lease that was not renewed for so long is nobody's. */
const LEASE_MS = 10_000;

export interface ReadOptions {
  sessionId: string;
  transcriptPath: string;
  /** Claude's config folders; default: where this user's are. */
  configDirs?: readonly string[];
  /** Where offsets are kept, not the trace folder; default `~/.agent-strace/state`. */
  stateDir?: string;
  /** Bytes read at most in one call; the rest is left for the next. */
  maxBytes?: number;
  /** False: secrets stay. */
  redact?: RedactPolicy | undefined;
  /** The trace that the events go to: where it is another one, or gone, all is told again. */
  eventsFile?: string;
  /** For a process that lives on: {@link besideIndex}. */
  beside?: FindBeside;
}

export interface ReadResult {
  /** The last word on each event: write them, then {@link ReadResult.commit}. */
  events: TraceEvent[];
  /** There is more to read than `maxBytes`. */
  more: boolean;
  /** Rows that are no JSON, or are too long. */
  unreadable: number;
  /** Bytes read. */
  bytes: number;
  /** Remembers how far was read. Without it the same events come again. */
  commit(): void;
}

/** How far one file was read. JSON. */
interface FileProgress {
  dev: number;
  ino: number;
  offset: number;
  /** Hash of the bytes before the offset. */
  anchor: string;
  /** In the middle of a row that is too long. */
  skipping?: boolean;
  mapper: UsageState;
}

/** How far a session's files were read. */
interface Progress {
  /** By the hash of a file's path, the one that was read last at the end. */
  files: Map<string, FileProgress>;
  seen: Seen;
  /** Which trace has the events; empty for none. */
  trace: string;
}

const nothing: ReadResult = { events: [], more: false, unreadable: 0, bytes: 0, commit: () => {} };

export const defaultStateDir = (): string => join(homedir(), '.agent-strace', 'state');

/**
 * The events of the rows since the last commit. None where the path is not a transcript of this
 * session: see {@link trustedTranscript}. Throws nothing but what the file system throws at
 * {@link ReadResult.commit}.
 */
export function readUsage(options: ReadOptions): ReadResult {
  const { sessionId } = options;
  const dirs = options.configDirs ?? configDirs();
  const main = trustedTranscript(options.transcriptPath, sessionId, dirs);
  if (main === undefined) return nothing;
  const statePath = join(options.stateDir ?? defaultStateDir(), sessionId, 'transcripts.json');
  const trace = traceOf(options.eventsFile);
  const progress = loadProgress(statePath, trace);
  const next = new Map(progress.files);
  const here = new Set<string>();
  const events = new Map<string, TraceEvent>();
  const result = { ...nothing };
  let left = options.maxBytes ?? Number.POSITIVE_INFINITY;
  const files = [{ path: main, agentId: '' }, ...subagentFiles(main, sessionId, options.beside)];
  for (const { path, agentId } of files) {
    const key = textHash(path);
    here.add(key);
    const before = progress.files.get(key);
    result.more ||= left <= 0;
    const read =
      left > 0 ? readFile(path, agentId, before, progress.seen, left, options) : undefined;
    if (read === undefined) continue;
    if (read.bytes > 0) next.delete(key);
    next.set(key, read.progress);
    left -= read.bytes;
    result.bytes += read.bytes;
    result.unreadable += read.unreadable;
    result.more ||= read.more;
    for (const event of read.events) {
      // Told again, an event moves to the end: it is as new as its last row.
      events.delete(event.event_id);
      events.set(event.event_id, event);
    }
  }
  result.events = [...events.values()];
  for (const key of next.keys()) if (!here.has(key)) next.delete(key);
  if (result.bytes > 0) {
    result.commit = () => {
      const now = traceOf(options.eventsFile);
      // Replaced while we read: what an earlier read told is not in it.
      if (trace !== '' && trace !== now) return;
      replaceFile(statePath, stateText({ files: next, seen: progress.seen, trace: now }));
    };
  }
  return result;
}

/** Never longer than what is read back, or the whole session would be told again at every look. */
function stateText({ files, seen, trace }: Progress): string {
  let room = MAX_MAPPERS;
  for (const { mapper } of [...files.values()].reverse()) {
    if (mapper.prompt.length > MAX_PROMPT_ID) mapper.prompt = '';
    for (const key of ['messages', 'calls'] as const) {
      const size = JSON.stringify(mapper[key]).length;
      if (size > room) mapper[key] = [];
      else room -= size;
    }
  }
  return JSON.stringify({ trace, files: [...files], seen: [...seen] });
}

interface FileRead {
  events: TraceEvent[];
  progress: FileProgress;
  bytes: number;
  unreadable: number;
  more: boolean;
}

function readFile(
  path: string,
  agentId: string,
  before: FileProgress | undefined,
  seen: Seen,
  maxBytes: number,
  options: ReadOptions,
): FileRead | undefined {
  const file = openOwn(path);
  if (file === undefined) return undefined;
  const { fd, stats } = file;
  try {
    const same =
      before !== undefined &&
      before.ino === stats.ino &&
      before.dev === stats.dev &&
      before.offset <= stats.size &&
      anchorOf(fd, before.offset) === before.anchor;
    const mapper = new UsageMapper({
      sessionId: options.sessionId,
      seen,
      redact: options.redact,
      ...(agentId !== '' && { agentId }),
      ...(same && { state: before.mapper }),
    });
    const lines = new LineSplitter(same && before.skipping === true);
    const start = same ? before.offset : 0;
    const end = Math.min(stats.size, start + maxBytes);
    const events: TraceEvent[] = [];
    let unreadable = 0;
    const take = (line: string | undefined): void => {
      const row = line === undefined ? undefined : parse(line);
      if (row === undefined) unreadable += 1;
      else events.push(...mapper.push(row));
    };
    const buffer = Buffer.allocUnsafe(CHUNK);
    let position = start;
    // At least one row is read whole, however long: a smaller limit must not stop at it for ever.
    while (position < stats.size && (position < end || position - lines.pending === start)) {
      const length = position < end ? Math.min(CHUNK, end - position) : CHUNK;
      const count = fs.readSync(fd, buffer, 0, length, position);
      if (count === 0) break;
      position += count;
      lines.push(buffer.subarray(0, count), take);
    }
    const offset = position - lines.pending;
    return {
      events,
      unreadable,
      bytes: offset - start,
      more: position < stats.size,
      progress: {
        dev: stats.dev,
        ino: stats.ino,
        offset,
        anchor: anchorOf(fd, offset),
        skipping: lines.skipping,
        mapper: mapper.state(),
      },
    };
  } catch {
    return undefined;
  } finally {
    fs.closeSync(fd);
  }
}

function anchorOf(fd: number, offset: number): string {
  const buffer = Buffer.alloc(Math.min(ANCHOR, offset));
  const count = fs.readSync(fd, buffer, 0, buffer.length, offset - buffer.length);
  return textHash(buffer.toString('latin1', 0, count));
}

/** Parsed JSON; undefined where it is none. An empty line is an empty row. */
function parse(line: string): unknown {
  if (line.trim() === '') return {};
  try {
    return JSON.parse(line) ?? {};
  } catch {
    return undefined;
  }
}

/** Cuts bytes into lines at 0x0A; what comes after the last one is kept. */
export class LineSplitter {
  /** In a line that is too long: it is dropped up to its end. */
  skipping: boolean;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(skipping = false) {
    this.skipping = skipping;
  }

  /** Bytes of the line that has no end yet; none while it is dropped. */
  get pending(): number {
    return this.#length;
  }

  /** @param take gets every whole line, or undefined for one that is too long */
  push(bytes: Buffer, take: (line: string | undefined) => void): void {
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(0x0a, start);
      const part = bytes.subarray(start, end < 0 ? bytes.length : end);
      if (!this.skipping && this.#length + part.length > MAX_ROW) {
        this.skipping = true;
        this.#parts = [];
        this.#length = 0;
        take(undefined);
      }
      if (end < 0) {
        if (this.skipping || part.length === 0) return;
        this.#parts.push(Buffer.from(part));
        this.#length += part.length;
        return;
      }
      if (this.skipping) this.skipping = false;
      else if (this.#parts.length === 0) take(part.toString('utf8'));
      else {
        take(Buffer.concat([...this.#parts, part]).toString('utf8'));
        this.#parts = [];
        this.#length = 0;
      }
      start = end + 1;
    }
  }
}

/** What a trace's file is told by: its inode, and its first bytes, for inodes are used again. */
function traceOf(path: string | undefined): string {
  const file = path === undefined ? undefined : openOwn(path);
  if (file === undefined) return '';
  try {
    return `${file.stats.dev} ${file.stats.ino} ${anchorOf(file.fd, ANCHOR)}`;
  } finally {
    fs.closeSync(file.fd);
  }
}

function loadProgress(path: string, trace: string): Progress {
  const progress: Progress = { files: new Map(), seen: new Map(), trace };
  try {
    // Our own file, but an older version's or half of one is read anew from the start.
    const { files, seen, trace: told } = JSON.parse(readSmall(path, MAX_STATE) ?? '');
    if (told !== trace) return progress;
    for (const [key, file] of files) if (isProgress(file)) progress.files.set(key, file);
    for (const [key, response] of seen) progress.seen.set(key, String(response));
  } catch {
    // What was read so far is good.
  }
  return progress;
}

/** Throws, too, where there is no list. */
function isProgress(file: FileProgress): boolean {
  const { prompt, messages, calls } = file.mapper;
  const events = [...messages, ...calls];
  return (
    typeof file.offset === 'number' &&
    typeof prompt === 'string' &&
    events.every((event) => asObject(event?.data))
  );
}

/** Writes a small private file whole: others see the old one or the new one. */
function replaceFile(path: string, text: string): void {
  fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeSmallFile(path, text);
}

/** `wx` follows no link: there must be nothing at the path. */
const writeNew = (path: string, text: string): void =>
  fs.writeFileSync(path, text, { flag: 'wx', mode: 0o600 });

/** The right to append what a session's transcript says. */
export interface Lease {
  /** False: it was lost to another process. */
  renew(): boolean;
  release(): void;
}

/**
 * Takes the lease of a session; undefined where another live process has it. Two processes that
 * both think they have it do no harm but duplicate lines, which readers count once.
 */
export function acquireLease(sessionId: string, stateDir = defaultStateDir()): Lease | undefined {
  if (!isSessionId(sessionId)) return undefined;
  const path = join(stateDir, sessionId, 'transcripts.lease');
  const token = `${process.pid} ${Math.random()}`;
  const temp = `${path}.${token.replace(' ', '.')}`;
  try {
    fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (isHeld(path)) return undefined;
    writeNew(temp, token);
    try {
      fs.linkSync(temp, path);
    } catch {
      // Somebody's old one. Of those who want it, one can move it away.
      if (isHeld(path)) return undefined;
      const old = `${temp}.old`;
      fs.renameSync(path, old);
      fs.unlinkSync(old);
      fs.linkSync(temp, path);
    }
  } catch {
    return undefined;
  } finally {
    remove(temp);
  }
  const isOurs = (): boolean => readSmall(path) === token;
  return {
    renew() {
      if (!isOurs()) return false;
      const now = Date.now() / 1000;
      try {
        fs.utimesSync(path, now, now);
        return true;
      } catch {
        return false;
      }
    },
    release() {
      if (isOurs()) remove(path);
    },
  };
}

function isHeld(path: string): boolean {
  try {
    if (Math.abs(Date.now() - fs.lstatSync(path).mtimeMs) > LEASE_MS) return false;
    const pid = Number.parseInt(readSmall(path) ?? '', 10);
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    // Another user's process is alive too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function remove(path: string): void {
  try {
    fs.unlinkSync(path);
  } catch {
    // Gone already.
  }
}

/** Follows one session's transcript in a process that lives on. */
export class UsageTail {
  readonly #options: ReadOptions;
  #lease: Lease | undefined;
  #seen = '';

  constructor(options: ReadOptions) {
    this.#options = { beside: besideIndex.find, ...options };
  }

  /**
   * What is new, cheap where nothing is: a stat of each file. Nothing while another process has
   * the session's lease.
   */
  poll(): ReadResult {
    const { sessionId, stateDir } = this.#options;
    if (this.#lease?.renew() !== true) {
      this.#lease = acquireLease(sessionId, stateDir);
      // What was committed meanwhile is another's.
      this.#seen = '';
    }
    if (this.#lease === undefined) return nothing;
    const now = this.#signature();
    if (now === this.#seen || now === '') return nothing;
    const result = readUsage(this.#options);
    const commit = result.commit;
    result.commit = () => {
      commit();
      if (!result.more) this.#seen = now;
    };
    if (result.events.length === 0) result.commit();
    return result;
  }

  close(): void {
    this.#lease?.release();
    this.#lease = undefined;
  }

  #signature(): string {
    const { sessionId, transcriptPath, configDirs: dirs = configDirs(), beside } = this.#options;
    const main = trustedTranscript(transcriptPath, sessionId, dirs);
    if (main === undefined) return '';
    const parts = [traceOf(this.#options.eventsFile)];
    for (const { path } of [{ path: main }, ...subagentFiles(main, sessionId, beside)]) {
      try {
        const { ino, size, mtimeMs } = fs.statSync(path);
        parts.push(`${path}\n${ino} ${size} ${mtimeMs}`);
      } catch {
        // Gone between the two calls.
      }
    }
    return parts.join('\n');
  }
}
