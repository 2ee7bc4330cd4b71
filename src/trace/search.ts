/** Looks through the events of many sessions for what a query asks, at about the speed of the disk. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { decodeLine } from '../model/decode.ts';
import type { TraceEvent } from '../model/event.ts';
import { agentName } from '../model/summary.ts';
import { isUserPrompt } from '../model/userPrompt.ts';
import { EVENTS_FILE } from './append.ts';
import { openRead } from './files.ts';
import { lastEventMs } from './latest.ts';
import type { SessionEntry } from './store.ts';

/** What is known of a session before its events are looked at. */
export interface SearchedHead {
  id: string;
  agent: string;
  /** ms since the epoch. */
  startMs: number;
  nanoUsd?: number | undefined;
}

/** A query made ready: `QueryMatcher` of src/analysis/search. */
export interface SessionQuery {
  /** Over the bytes of lines as Latin-1; a line in which it finds nothing is passed by. With the flag `g`. */
  readonly lines: RegExp | undefined;
  readonly needsCost: boolean;
  begin(head: SearchedHead): boolean;
  match(event: TraceEvent): FoundIn | undefined;
  holdsAlready(group: number): boolean;
  holdsNow(group: number): boolean;
  readonly holdsAsWhole: boolean;
}

export interface FoundIn {
  field: string;
  excerpt: string;
  ranges: [at: number, length: number][];
  groups: number[];
}

/** Something found. Texts are hostile. */
export interface SearchHit {
  type: 'hit';
  entry: SessionEntry;
  /** Of the event, as `stepOfEvent` and links take it; empty: the session as a whole was found. */
  eventId: string;
  /** Byte offset of its line. */
  offset: number;
  /** ms since the epoch. */
  timeMs: number;
  eventType: string;
  tool: string;
  /** `prompt`, `text`, `arguments`, `result`, `error`, … */
  field: string;
  excerpt: string;
  /** What was found in the excerpt, UTF-16 units. */
  ranges: [at: number, length: number][];
  /** Of the session: its agent and first prompt, as far as its beginning tells. */
  agent: string;
  title: string;
}

/** Told now and then, also where nothing is found. */
export interface SearchProgress {
  type: 'progress';
  /** Sessions that are done, of all. */
  sessions: number;
  allSessions: number;
  /** Bytes read or passed by, of all. */
  bytes: number;
  allBytes: number;
}

export interface SearchOptions {
  /** Those whose last event is the newest are looked through first. */
  entries: readonly SessionEntry[];
  query: SessionQuery;
  signal?: AbortSignal | undefined;
  /** Asked only where the query is about costs. Nano-dollars; undefined: not known. */
  costOf?: ((entry: SessionEntry) => Promise<number | undefined> | number | undefined) | undefined;
  /** The most hits of one session (default 100): the search goes on with the next. */
  perSession?: number | undefined;
  /** Work between two breaths, ms (default 12). */
  sliceMs?: number | undefined;
}

const CHUNK = 524_288;
/** Longest line that is looked into, bytes. */
const MAX_LINE = 8 * 1_048_576;
/** A session's first lines, where its agent and first prompt stand. */
const HEAD_BYTES = 131_072;
const NEWLINE = 0x0a;

/**
 * The hits of a query in sessions, one after the other, with tidings of the progress in between; ends when `signal` is aborted. A
 * session that cannot be read is passed by.
 */
export async function* searchSessions(
  options: SearchOptions,
): AsyncGenerator<SearchHit | SearchProgress> {
  const { entries, query, signal, sliceMs = 12 } = options;
  const progress: SearchProgress = {
    type: 'progress',
    sessions: 0,
    allSessions: entries.length,
    bytes: 0,
    allBytes: entries.reduce((sum, { size }) => sum + size, 0),
  };
  const buffer = Buffer.allocUnsafe(CHUNK + MAX_LINE);
  let until = performance.now() + sliceMs;
  const times: { entry: SessionEntry; ms: number }[] = [];
  for (const entry of entries) {
    times.push({ entry, ms: lastMs(entry) });
    if (signal?.aborted) return;
    if (performance.now() < until) continue;
    await new Promise((resolve) => setImmediate(resolve));
    until = performance.now() + sliceMs;
  }
  times.sort((a, b) => b.ms - a.ms);
  for (const { entry } of times) {
    const before = progress.bytes;
    if (signal?.aborted) return;
    const nanoUsd = query.needsCost ? await options.costOf?.(entry) : undefined;
    for (const step of searchOne(entry, query, buffer, nanoUsd, options.perSession ?? 100)) {
      if (signal?.aborted) return;
      if (typeof step === 'number') progress.bytes = before + step;
      else yield step;
      if (performance.now() < until) continue;
      yield { ...progress };
      await new Promise((resolve) => setImmediate(resolve));
      until = performance.now() + sliceMs;
    }
    progress.sessions++;
    progress.bytes = before + entry.size;
  }
  yield { ...progress };
}

/** By the end of its file, which is looked at again only where it grew. */
const LAST = new WeakMap<SessionEntry, { size: number; ms: number }>();

function lastMs(entry: SessionEntry): number {
  const known = LAST.get(entry);
  if (known?.size === entry.size) return known.ms;
  const ms = lastEventMs(entry) ?? entry.modifiedMs;
  LAST.set(entry, { size: entry.size, ms });
  return ms;
}

/** Hits of one session, and after each chunk how many bytes are done. */
function* searchOne(
  entry: SessionEntry,
  query: SessionQuery,
  buffer: Buffer,
  nanoUsd: number | undefined,
  most: number,
): Generator<SearchHit | number> {
  let file: number;
  try {
    file = openRead(join(entry.directory, EVENTS_FILE));
  } catch {
    return;
  }
  try {
    const head = readHead(file, entry, buffer);
    const found = query.begin({
      id: entry.id,
      agent: `${head.provider} ${head.agent}`,
      startMs: head.startMs,
      nanoUsd,
    });
    // Hits wait until the session is known to have all that was asked for.
    const waiting: { hit: SearchHit; groups: number[] }[] = [];
    const seen = new Set<string>();
    let count = 0;
    if (found) {
      for (const each of readLines(file, query.lines, buffer)) {
        if (typeof each === 'number') {
          yield each;
          continue;
        }
        const decoded = decodeLine(each.text);
        if (!decoded.ok) continue;
        const { event } = decoded;
        const match = query.match(event);
        if (match === undefined || count + waiting.length >= most) continue;
        // The call of a result was found already, or the same event from another source.
        if (seen.has(event.event_id) || (event.parent_id && seen.has(event.parent_id))) continue;
        if (event.event_id !== '') seen.add(event.event_id);
        const hit = hitOf(entry, head, event, each.offset, match);
        waiting.push({ hit, groups: match.groups });
        if (!match.groups.some((group) => query.holdsAlready(group))) continue;
        for (let at = 0; at < waiting.length; ) {
          const { hit: ready, groups } = waiting[at]!;
          if (!groups.some((group) => query.holdsAlready(group))) {
            at++;
            continue;
          }
          waiting.splice(at, 1);
          count++;
          yield ready;
        }
        if (count >= most) return;
      }
    }
    for (const { hit, groups } of waiting) {
      if (groups.some((group) => query.holdsNow(group))) {
        count++;
        yield hit;
      }
    }
    if (count === 0 && query.holdsAsWhole) yield wholeSession(entry, head);
  } catch (error) {
    // One file that cannot be read is no reason to find nothing in the others.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  } finally {
    closeSync(file);
  }
}

interface Head {
  provider: string;
  /** As people call it. */
  agent: string;
  title: string;
  startMs: number;
}

function readHead(file: number, entry: SessionEntry, buffer: Buffer): Head {
  const head: Head = { provider: '', agent: '', title: '', startMs: Number.POSITIVE_INFINITY };
  let name = '';
  const got = readSync(file, buffer, 0, Math.min(HEAD_BYTES, buffer.length), 0);
  const end = got < HEAD_BYTES ? got : buffer.lastIndexOf(NEWLINE, got - 1) + 1;
  for (const line of buffer.toString('utf8', 0, Math.max(0, end)).split('\n').slice(0, 200)) {
    const decoded = decodeLine(line);
    if (!decoded.ok) continue;
    const { data, timestamp, event_type: type } = decoded.event;
    const ms = timestamp * 1000;
    if (ms < head.startMs) head.startMs = ms;
    if (head.provider === '') head.provider = textOf(data.provider).slice(0, 40);
    if (name === '') name = textOf(data.agent_name).slice(0, 100);
    if (head.title === '' && type === 'user_prompt' && isUserPrompt(data, 0)) {
      head.title = textOf(data.prompt).slice(0, 300);
    }
    if (head.title !== '' && head.provider !== '') break;
  }
  if (!Number.isFinite(head.startMs)) head.startMs = entry.modifiedMs;
  if (head.provider + name !== '') head.agent = agentName(head.provider, name);
  return head;
}

/**
 * The lines in which `pattern` finds something, and after each chunk the bytes that are done. Lines that it does not
 * find are never made into text of their own.
 */
function* readLines(
  file: number,
  pattern: RegExp | undefined,
  buffer: Buffer,
): Generator<{ text: string; offset: number } | number> {
  const { size } = fstatSync(file);
  let at = 0;
  /** Bytes of a line that is not whole yet, at the buffer's beginning. */
  let kept = 0;
  let skipping = false;
  while (at < size) {
    const got = readSync(file, buffer, kept, Math.min(CHUNK, size - at), at);
    if (got === 0) break;
    at += got;
    let start = 0;
    const filled = kept + got;
    if (skipping) {
      const end = buffer.subarray(0, filled).indexOf(NEWLINE);
      if (end < 0) {
        kept = 0;
        yield at;
        continue;
      }
      start = end + 1;
      skipping = false;
    }
    const last = at >= size ? filled : buffer.lastIndexOf(NEWLINE, filled - 1) + 1;
    // Only what was not searched before is: the line that was torn is searched from its beginning.
    if (last > start) yield* linesIn(buffer, start, last, at - filled, pattern);
    kept = filled - Math.max(start, last);
    if (kept > MAX_LINE) {
      // A line of a gigabyte is passed by.
      skipping = true;
      kept = 0;
    } else if (kept > 0) buffer.copyWithin(0, filled - kept, filled);
    yield at;
  }
}

function* linesIn(
  buffer: Buffer,
  start: number,
  end: number,
  base: number,
  pattern: RegExp | undefined,
): Generator<{ text: string; offset: number }> {
  const text = buffer.toString('latin1', start, end);
  let from = 0;
  while (from < text.length) {
    if (pattern !== undefined) {
      pattern.lastIndex = from;
      const found = pattern.exec(text);
      if (found === null) return;
      from = Math.max(from, text.lastIndexOf('\n', found.index) + 1);
    }
    const newline = text.indexOf('\n', from);
    const stop = newline < 0 ? text.length : newline;
    if (stop > from && stop - from <= MAX_LINE) {
      yield {
        text: buffer.toString('utf8', start + from, start + stop),
        offset: base + start + from,
      };
    }
    from = stop + 1;
  }
}

function hitOf(
  entry: SessionEntry,
  head: Head,
  event: TraceEvent,
  offset: number,
  { field, excerpt, ranges }: FoundIn,
): SearchHit {
  return {
    type: 'hit',
    entry,
    eventId: event.event_id,
    offset,
    timeMs: Number.isFinite(event.timestamp) ? event.timestamp * 1000 : head.startMs,
    eventType: event.event_type,
    tool: textOf(event.data.tool_name),
    field,
    excerpt,
    ranges,
    agent: head.agent,
    title: head.title,
  };
}

const wholeSession = (entry: SessionEntry, head: Head): SearchHit => ({
  type: 'hit',
  entry,
  eventId: '',
  offset: 0,
  timeMs: head.startMs,
  eventType: '',
  tool: '',
  field: '',
  excerpt: '',
  ranges: [],
  agent: head.agent,
  title: head.title,
});

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
