/** Finding, reading and copying agents' transcripts: loaded when somebody looks at the list of sessions. */
import {
  type ArchiveResult,
  archiveTranscripts,
  takeTurnOfDay,
  withArchive,
} from '../agents/archive.ts';
import { type Added, addToTrace, eventsOf } from '../agents/importTrace.ts';
import { PastCache } from '../agents/pastCache.ts';
import {
  findPast,
  type PastFolder,
  type PastSession,
  type PastSummary,
  readPast,
  titleOf,
} from '../agents/pastSessions.ts';
import { breatheUntil } from '../agents/transcriptRows.ts';
import { TRANSCRIPTS } from '../agents/transcripts.ts';
import type { Pricer } from '../model/usage.ts';
import { policyOf } from '../redact/event.ts';
import { maskChosen } from '../trace/choices.ts';
import { loadPersonalRules } from './personalRules.ts';

export interface TranscriptPartOptions {
  loadPricer(): Promise<Pricer | undefined>;
  /** Of what summaries rest on beside the transcripts: the prices. */
  stamp: string;
  /** Something that a person may want to know, for the log. */
  problem(message: string): void;
}

export class TranscriptPart {
  private readonly options: TranscriptPartOptions;
  private readonly cache: PastCache;
  private readonly sources = TRANSCRIPTS.map((source) => withArchive(source));
  private pricer: Promise<Pricer | undefined> | undefined;

  constructor(options: TranscriptPartOptions) {
    this.options = options;
    this.cache = new PastCache(options.stamp);
  }

  /** The sessions of these folders, the one that was written last first. @throws what the signal says */
  async find(folders: readonly PastFolder[], signal: AbortSignal): Promise<PastSession[]> {
    return await findPast({
      sources: this.sources,
      folders,
      breathe: breatheUntil(signal),
      problem: this.options.problem,
    });
  }

  /** What a session is about, and what is known of it without reading it. */
  known(session: PastSession): { title: string; read?: PastSummary } {
    const cached = this.cache.get(session.transcript);
    if (cached) return cached;
    const title = titleOf(session);
    this.cache.set(session.transcript, { title });
    return { title };
  }

  /** What a session did and cost. @throws a system error, or what the signal says */
  async read(session: PastSession, title: string, signal: AbortSignal): Promise<PastSummary> {
    this.pricer ??= this.options.loadPricer();
    const read = await readPast(session, title, {
      pricer: await this.pricer,
      breathe: breatheUntil(signal),
    });
    this.cache.set(session.transcript, { title, read });
    return read;
  }

  /** Keeps what is known for the next window. */
  save(): void {
    this.cache.save();
  }

  /** Adds a session to a trace folder. @throws Error with a message for people, or what the signal says */
  async import(session: PastSession, traceDir: string, signal: AbortSignal): Promise<Added> {
    const redact = policyOf(process.env, maskChosen);
    if (redact === 'personal') await loadPersonalRules();
    const { events } = await eventsOf(session, { redact, breathe: breatheUntil(signal) });
    return addToTrace(traceDir, session.transcript, events);
  }

  /**
   * Copies agents' transcripts to the archive.
   *
   * @param daily nothing, where that was done today
   * @throws Error with a message for people, or what the signal says
   */
  async archive(daily: boolean, signal: AbortSignal): Promise<ArchiveResult | undefined> {
    if (daily && !takeTurnOfDay(Date.now())) return undefined;
    return await archiveTranscripts({
      sources: TRANSCRIPTS,
      breathe: breatheUntil(signal),
      nowMs: Date.now(),
      problem: this.options.problem,
    });
  }
}
