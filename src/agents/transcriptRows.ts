/** The rows of transcripts, read a bit at a time: an editor's other work goes on in between. */
import { closeSync } from 'node:fs';
import { shallow } from '../model/depth.ts';
import type { Json, TraceEvent } from '../model/event.ts';
import type { RedactPolicy } from '../redact/redact.ts';
import { openRead } from '../trace/files.ts';
import type { SessionFile, TranscriptFile, TranscriptSource } from './agent.ts';
import { chunksOf, linesOf } from './lines.ts';

/** Work in one go, ms: after it others have their turn. */
const SLICE_MS = 8;

/** Gives others a turn; throws to end the work. */
export type Breathe = () => Promise<void>;

/** Long work, cut into slices of a few ms. */
export class Slices {
  private readonly breathe: Breathe;
  private until = performance.now() + SLICE_MS;

  constructor(breathe: Breathe) {
    this.breathe = breathe;
  }

  /** Waits for its turn where it has had enough. @throws what `breathe` does */
  async turn(): Promise<void> {
    if (performance.now() < this.until) return;
    await this.breathe();
    this.until = performance.now() + SLICE_MS;
  }
}

/** For {@link Slices}: lets timers and files in, and ends the work when it is no longer wanted. */
export const breatheUntil =
  (signal?: AbortSignal): Breathe =>
  async () => {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  };

/**
 * The rows of one file of a session; undefined for a line that is no JSON or too long. A file that is
 * left in the middle is closed.
 *
 * @throws a system error where it cannot be read
 */
export function* rowsIn(
  source: TranscriptSource,
  transcript: TranscriptFile,
  file: SessionFile,
): Generator<Json | undefined> {
  if (source.rowsOf) {
    yield* source.rowsOf(transcript, file);
    return;
  }
  const fd = openRead(file.path);
  try {
    for (const line of linesOf(chunksOf(fd))) yield parsed(line);
  } finally {
    closeSync(fd);
  }
}

function parsed(line: string | undefined): Json | undefined {
  try {
    return line === undefined ? undefined : shallow(JSON.parse(line) as Json);
  } catch {
    return undefined;
  }
}

/** The events of a session, each once, in time order. */
export class EventList {
  private readonly events = new Map<string, TraceEvent>();

  readonly add = (event: TraceEvent): void => {
    const known = this.events.get(event.event_id);
    // A tool call told twice keeps its time; the later word on the rest stands.
    if (known !== undefined) event.timestamp = Math.min(known.timestamp, event.timestamp);
    this.events.set(event.event_id, event);
  };

  inOrder(): TraceEvent[] {
    return [...this.events.values()].sort((a, b) => a.timestamp - b.timestamp || rank(a) - rank(b));
  }
}

/** At one instant the session's start comes first and its end last. */
const rank = (event: TraceEvent): number =>
  event.event_type === 'session_start' ? -1 : event.event_type === 'session_end' ? 1 : 0;

export interface EventsOptions {
  redact: RedactPolicy;
  breathe: Breathe;
}

/**
 * Every event of a session, file by file, in the order of the rows; one may come again, better.
 *
 * @returns lines that are none
 * @throws a system error where its main file cannot be read; what `breathe` does
 */
export async function eachEvent(
  source: TranscriptSource,
  transcript: TranscriptFile,
  options: EventsOptions,
  take: (event: TraceEvent) => void,
): Promise<number> {
  const { sessionId } = transcript;
  // Many small ones after each other are long work, too.
  await options.breathe();
  const slices = new Slices(options.breathe);
  let unreadable = 0;
  for (const file of source.filesOf(transcript)) {
    const mapper = source.mapper({ sessionId, file, redact: options.redact, live: false });
    try {
      for (const row of rowsIn(source, transcript, file)) {
        if (row === undefined) unreadable++;
        else mapper.push(row).forEach(take);
        await slices.turn();
      }
    } catch (error) {
      // A subagent's file that went away meanwhile is no reason to lose the rest.
      if (file.agentId === '' || (error as NodeJS.ErrnoException).code === undefined) throw error;
      unreadable++;
    }
    mapper.finish().forEach(take);
  }
  return unreadable;
}
