/**
 * What the transcript of a session that runs says beyond its hooks, a bit at a time, for any agent: only
 * bytes that are new since the last commit, of the main file and of the subagents' files.
 */
import { join } from 'node:path';
import { isObject, type Json, type TraceEvent } from '../model/event.ts';
import { textHash } from '../model/ids.ts';
import type { RedactPolicy } from '../redact/redact.ts';
import type { AgentId, AgentPlaces, RowMapper, SessionFile, TranscriptSource } from './agent.ts';
import { configDirs } from './claude/files.ts';
import { readUsage, tailUsage } from './claude/usageReader.ts';
import { LeasedTail, type LiveTail } from './leasedTail.ts';
import { isSessionId, readSmall } from './ownFiles.ts';
import {
  nothing,
  type ReadResult,
  type RowProgress,
  readNewRows,
  replaceFile,
  traceOf,
} from './rowReader.ts';
import { transcriptSourceOf } from './transcripts.ts';

/** Longest state file that is read. */
const MAX_STATE = 8 * 1024 * 1024;

export interface LiveOptions {
  sessionId: string;
  /** As the trace says; where the agent keeps it is checked. Empty: by the session's id. */
  transcriptPath: string;
  /** Where offsets are kept: not the trace folder. */
  stateDir: string;
  /** Bytes read at most in one call; the rest is left for the next. */
  maxBytes: number;
  redact: RedactPolicy;
  /** The trace that the events go to: where it is another one, or gone, all is told again. */
  eventsFile: string;
  places?: AgentPlaces;
}

/** Follows one session's transcript in a process that lives on; undefined where this agent's are not read. */
export function tailLive(agent: AgentId, options: LiveOptions): LiveTail | undefined {
  if (agent === 'claude') return tailUsage(claudeOptions(options));
  const source = transcriptSourceOf(agent);
  if (source === undefined) return undefined;
  const { sessionId, stateDir, eventsFile } = options;
  return new LeasedTail({
    sessionId,
    stateDir,
    eventsFile,
    files: () => filesOf(source, options),
    read: () => readRows(source, options),
  });
}

/**
 * The events since the last commit. None where there is no transcript of this session. Throws nothing but
 * what the file system throws at {@link ReadResult.commit}.
 */
export function readLive(agent: AgentId, options: LiveOptions): ReadResult {
  if (agent === 'claude') return readUsage(claudeOptions(options));
  const source = transcriptSourceOf(agent);
  return source === undefined ? nothing : readRows(source, options);
}

const claudeOptions = ({ places, ...options }: LiveOptions) => ({
  ...options,
  ...(places?.dirs !== undefined
    ? { configDirs: places.dirs }
    : places?.env !== undefined && { configDirs: configDirs(places) }),
});

interface FileState {
  progress: RowProgress;
  mapper: Json;
}

const filesOf = (source: TranscriptSource, options: LiveOptions): SessionFile[] =>
  source.liveFilesOf(options.sessionId, options.transcriptPath, options.places);

function readRows(source: TranscriptSource, options: LiveOptions): ReadResult {
  const { sessionId, eventsFile } = options;
  const files = filesOf(source, options);
  if (files.length === 0 || !isSessionId(sessionId)) return nothing;
  const statePath = join(options.stateDir, sessionId, 'transcripts.json');
  const trace = traceOf(eventsFile);
  const known = loadStates(statePath, trace);
  const next = new Map<string, FileState>();
  const events = new Map<string, TraceEvent>();
  const result = { ...nothing };
  let left = options.maxBytes;
  for (const file of files) {
    const key = textHash(file.path);
    const before = known.get(key);
    if (before !== undefined) next.set(key, before);
    result.more ||= left <= 0;
    const begin = (resumed: boolean): RowMapper =>
      source.mapper({
        sessionId,
        file,
        redact: options.redact,
        live: true,
        ...(resumed && before !== undefined && { state: before.mapper }),
      });
    const read = left > 0 ? readNewRows(file.path, before?.progress, left, begin) : undefined;
    if (read === undefined) continue;
    next.set(key, { progress: read.progress, mapper: read.taker.save() });
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
  if (result.bytes > 0) {
    result.commit = () => {
      const now = traceOf(eventsFile);
      // Replaced while we read: what an earlier read told is not in it.
      if (trace !== '' && trace !== now) return;
      replaceFile(statePath, JSON.stringify({ trace: now, rows: [...next] }));
    };
  }
  return result;
}

function loadStates(path: string, trace: string): Map<string, FileState> {
  const states = new Map<string, FileState>();
  try {
    // Our own file, but an older version's or half of one is read anew from the start.
    const saved = JSON.parse(readSmall(path, MAX_STATE) ?? '') as { trace: unknown; rows: unknown };
    if (saved.trace !== trace || !Array.isArray(saved.rows)) return states;
    for (const [key, state] of saved.rows as [unknown, unknown][]) {
      if (typeof key === 'string' && isState(state)) states.set(key, state);
    }
  } catch {
    // What was read so far is good.
  }
  return states;
}

const isState = (value: unknown): value is FileState =>
  isObject(value) && isObject(value.progress) && typeof value.progress.offset === 'number';
