/**
 * Reads what a session's transcript says beyond the hooks, a bit at a time: only bytes that are
 * new since the last commit, of the main file and of the subagents' files.
 *
 * Synchronous and small: the hook uses it when no editor is running.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TraceEvent } from '../../model/event.ts';
import { textHash } from '../../model/ids.ts';
import type { RedactPolicy } from '../../redact/redact.ts';
import { LeasedTail } from '../leasedTail.ts';
import { readSmall } from '../ownFiles.ts';
import {
  nothing,
  type ReadResult,
  type RowProgress,
  readNewRows,
  replaceFile,
  traceOf,
} from '../rowReader.ts';
import { asObject } from '../rows.ts';
import type { FindBeside } from './files.ts';
import { besideIndex, configDirs, subagentFiles, trustedTranscript } from './files.ts';
import type { Seen, UsageState } from './usage.ts';
import { UsageMapper } from './usage.ts';

/** Longest state file that is read. What {@link stateText} writes is shorter, whatever the session. */
const MAX_STATE = 8 * 1024 * 1024;
/** Room for open messages and calls in a state file, in UTF-16 units: the latest files' go first. */
const MAX_MAPPERS = 300_000;
const MAX_PROMPT_ID = 100;

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

/** How far one file was read. JSON. */
interface FileProgress extends RowProgress {
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

const defaultStateDir = (): string => join(homedir(), '.agent-strace', 'state');

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
  const read = readNewRows(
    path,
    before,
    maxBytes,
    (resumed) =>
      new UsageMapper({
        sessionId: options.sessionId,
        seen,
        redact: options.redact,
        ...(agentId !== '' && { agentId }),
        ...(resumed && before !== undefined && { state: before.mapper }),
      }),
  );
  return read && { ...read, progress: { ...read.progress, mapper: read.taker.state() } };
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

/** Follows one session's transcript in a process that lives on. */
export function tailUsage(given: ReadOptions): LeasedTail {
  const options = { beside: besideIndex.find, ...given };
  const { sessionId, transcriptPath, stateDir = defaultStateDir(), eventsFile, beside } = options;
  return new LeasedTail({
    sessionId,
    stateDir,
    eventsFile,
    files: () => {
      const main = trustedTranscript(transcriptPath, sessionId, options.configDirs ?? configDirs());
      if (main === undefined) return [];
      return [{ path: main }, ...subagentFiles(main, sessionId, beside)];
    },
    read: () => readUsage(options),
  });
}
