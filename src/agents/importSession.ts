/** Sessions of the past, whichever agent wrote them down: as a trace, and what they cost. */
import { Billing, isSidechain, responseRef } from '../model/billing.ts';
import type { TraceEvent } from '../model/event.ts';
import type { Pricer } from '../model/usage.ts';
import type { RedactPolicy } from '../redact/redact.ts';
import type { AgentPlaces, TranscriptFile, TranscriptSource } from './agent.ts';
import { type ImportedTranscript, importTranscript, priceTranscript } from './claude/discover.ts';
import { besideIndex, subagentFiles } from './claude/files.ts';
import { asString } from './rows.ts';
import {
  inBillingOrder,
  markCopies,
  type PricedSession,
  priceResponses,
  type Response,
  unpricedSession,
} from './sessionPrices.ts';
import { EventList, rowsIn } from './transcriptRows.ts';

export interface ImportOptions {
  /** Default `'secrets'`. */
  redact?: RedactPolicy;
  /** Of the sessions that were imported before: what they were billed for is marked as theirs. */
  billing?: Billing;
  /** A person named this file: it may belong to another user. */
  named?: boolean;
}

/**
 * All events of a session, in time order; ids are the same every time, and those that a hook would have given.
 *
 * @throws Error with a message for people
 */
export function importSession(
  source: TranscriptSource,
  transcript: TranscriptFile,
  options: ImportOptions,
): ImportedTranscript {
  // Its files have one mapper, which knows of copies between them.
  if (source.agent === 'claude') return importTranscript(transcript.path, options);
  const { sessionId } = transcript;
  const list = new EventList();
  const stats = { rows: 0, ignored: {}, deduplicated: 0, copied: 0 };
  const unreadable = eachRow(source, transcript, options.redact, list.add, stats);
  const events = list.inOrder();
  if (options.billing !== undefined) markCopies(events, sessionId, options.billing);
  return { sessionId, events, stats, unreadable };
}

interface Stats {
  rows: number;
  ignored: Record<string, number>;
}

function eachRow(
  source: TranscriptSource,
  transcript: TranscriptFile,
  redact: RedactPolicy | undefined,
  take: (event: TraceEvent) => void,
  stats: Stats = { rows: 0, ignored: {} },
): number {
  let unreadable = 0;
  for (const file of source.filesOf(transcript)) {
    const mapper = source.mapper({
      sessionId: transcript.sessionId,
      file,
      redact,
      live: false,
    });
    for (const row of rowsIn(source, transcript, file)) {
      stats.rows += 1;
      if (row === undefined) unreadable += 1;
      else mapper.push(row).forEach(take);
    }
    mapper.finish().forEach(take);
    for (const [type, count] of Object.entries(mapper.ignored)) {
      stats.ignored[type] = (stats.ignored[type] ?? 0) + count;
    }
  }
  return unreadable;
}

export interface DiscoverProgress {
  sessions: number;
  total: number;
  bytes: number;
}

export interface DiscoverOptions {
  sources: readonly TranscriptSource[];
  places: AgentPlaces;
  pricer: Pricer;
  signal?: AbortSignal;
  onProgress?: (progress: DiscoverProgress) => void;
}

/** Every session of these agents, in the order in which they are billed. */
export const sessionsOf = (
  sources: readonly TranscriptSource[],
  places: AgentPlaces,
): { source: TranscriptSource; transcript: TranscriptFile }[] =>
  sources
    .flatMap((source) => [...source.find(places)].map((transcript) => ({ source, transcript })))
    .sort((a, b) => inBillingOrder(a.transcript, b.transcript));

/**
 * What every session cost, the one that began first first. A response that several sessions have is counted once, for
 * the first of them. What cannot be read is left out and counted as unreadable.
 */
export async function* discoverPriced(options: DiscoverOptions): AsyncGenerator<PricedSession> {
  const { pricer, signal, onProgress } = options;
  const found = sessionsOf(options.sources, options.places);
  const billing = new Billing();
  const beside = besideIndex.pass();
  let bytes = 0;
  for (const [at, { source, transcript }] of found.entries()) {
    if (signal?.aborted === true) return;
    const { agent, path, sessionId } = transcript;
    const session =
      agent === 'claude'
        ? priceTranscript(transcript, subagentFiles(path, sessionId, beside), pricer, billing)
        : priceSession(source, transcript, pricer, billing);
    bytes += session.bytes;
    onProgress?.({ sessions: at + 1, total: found.length, bytes });
    yield session;
    // Long runs leave room for what else the process has to do.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function priceSession(
  source: TranscriptSource,
  transcript: TranscriptFile,
  pricer: Pricer,
  billing: Billing,
): PricedSession {
  const session = { ...unpricedSession(transcript), bytes: transcript.bytes };
  const responses = new Map<string, Response>();
  const elsewhere = new Map<string, string>();
  const take = ({ event_type: type, event_id: id, timestamp: time, data }: TraceEvent): void => {
    if (time > session.endedAt) session.endedAt = time;
    if (type !== 'llm_response') return;
    const ref = responseRef(data);
    // Some agents give copies ids of their own, and the mapper knows whose they are.
    const owner =
      (asString(data.copied_from) || undefined) ?? billing.billedIn(ref, isSidechain(data));
    if (owner !== undefined && owner !== session.sessionId) {
      session.deduplicated += 1;
      elsewhere.set(ref, owner);
      return;
    }
    if (responses.has(id)) session.deduplicated += 1;
    // A later row of one response knows more.
    responses.set(id, { data, time: Math.min(time, responses.get(id)?.time ?? time) });
  };
  try {
    session.unreadable = eachRow(source, transcript, 'none', take);
  } catch {
    session.unreadable += 1;
  }
  priceResponses(session, responses.values(), elsewhere, pricer, billing);
  return session;
}
