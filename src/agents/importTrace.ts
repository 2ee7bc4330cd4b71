/** Puts what a transcript tells into a trace folder. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TraceEvent } from '../model/event.ts';
import { appendEvents, EVENTS_FILE, updateMeta } from '../trace/append.ts';
import { codeOf, problemText } from '../trace/files.ts';
import { importedCommand } from '../trace/meta.ts';
import { isSafeSessionId } from '../trace/paths.ts';
import { AGENTS, type TranscriptFile } from './agent.ts';
import type { PastSession } from './pastSessions.ts';
import { EventList, type EventsOptions, eachEvent } from './transcriptRows.ts';

export interface Added {
  /** Events that the trace did not have yet. */
  added: number;
  events: number;
}

/**
 * The events of a whole session, in time order, each once. Read in slices: see `importSession` for one go.
 *
 * @throws a system error, or what `breathe` does
 */
export async function eventsOf(
  { source, transcript }: Pick<PastSession, 'source' | 'transcript'>,
  options: EventsOptions,
): Promise<{ events: TraceEvent[]; unreadable: number }> {
  const list = new EventList();
  const unreadable = await eachEvent(source, transcript, options, list.add);
  return { events: list.inOrder(), unreadable };
}

/**
 * Adds to a trace what it does not have yet. Done twice it adds nothing twice.
 *
 * @throws Error with a message for people
 */
export function addToTrace(
  traceDir: string,
  transcript: TranscriptFile,
  events: readonly TraceEvent[],
): Added {
  const { sessionId } = transcript;
  if (events.length === 0) throw new Error(`${transcript.path} holds no event of a session`);
  if (!isSafeSessionId(sessionId)) throw new Error(`"${sessionId}" cannot be a session's name`);
  const fresh = missingEvents(events, eventsText(traceDir, sessionId)).map((event) =>
    // Some agents keep the folder beside the transcript, and of an archived one only the archive knows it.
    event.event_type === 'session_start' && !event.data.cwd && transcript.cwd !== ''
      ? { ...event, data: { ...event.data, cwd: transcript.cwd } }
      : event,
  );
  const result = appendEvents(traceDir, sessionId, fresh);
  if (!result.ok) {
    throw new Error(`The trace of ${sessionId} cannot be written: ${problemText(result.problem)}`);
  }
  if (fresh.length > 0) writeMeta(traceDir, transcript, events);
  return { added: fresh.length, events: events.length };
}

/**
 * The events that a trace does not have yet. Where hooks recorded the session, its start and end
 * are theirs; what both tell has the same id.
 *
 * @param eventsFile text of the trace's `events.ndjson`, empty where there is none
 */
function missingEvents(events: readonly TraceEvent[], eventsFile: string): TraceEvent[] {
  const known = new Set<string>();
  const types = new Set<string>();
  for (const line of eventsFile.split('\n')) {
    const id = /"event_id": ?"([0-9a-f]{1,32})"/.exec(line)?.[1];
    if (id !== undefined) known.add(id);
    const type = /^\{"event_type": ?"(session_(?:start|end))"/.exec(line)?.[1];
    if (type !== undefined) types.add(type);
  }
  return events.filter((event) => !known.has(event.event_id) && !types.has(event.event_type));
}

function eventsText(traceDir: string, sessionId: string): string {
  const path = join(traceDir, sessionId, EVENTS_FILE);
  try {
    // Lines are ASCII; only ids and types are looked at.
    return existsSync(path) ? readFileSync(path, 'latin1') : '';
  } catch (error) {
    throw new Error(`The trace of ${sessionId} cannot be read: ${problemText(codeOf(error))}`);
  }
}

function writeMeta(
  traceDir: string,
  { agent, path, sessionId, parentId }: TranscriptFile,
  events: readonly TraceEvent[],
): void {
  const times = events.map(({ timestamp }) => timestamp);
  const started = times.reduce((a, b) => Math.min(a, b));
  const ended = times.reduce((a, b) => Math.max(a, b));
  updateMeta(traceDir, sessionId, (before) => {
    // What the recorder knew of it stays.
    const parent = [before?.parent_session_id, parentId].find(
      (id) => isSafeSessionId(id) && id !== sessionId,
    );
    return {
      session_id: sessionId,
      started_at:
        typeof before?.started_at === 'number' ? Math.min(before.started_at, started) : started,
      ended_at: ended,
      agent_name: AGENTS[agent].traceName,
      command:
        typeof before?.command === 'string' && before.command !== ''
          ? before.command
          : importedCommand(basename(path)),
      tool_calls: events.filter(({ event_type }) => event_type === 'tool_call').length,
      total_duration_ms: (ended - started) * 1000,
      attribution: typeof before?.attribution === 'object' ? before.attribution : {},
      ...(parent !== undefined && { parent_session_id: parent }),
    };
  });
}
