import type { ArchiveResult } from '../agents/archive.ts';
import type { Added } from '../agents/importTrace.ts';
import type { PastFolder, PastSession } from '../agents/pastSessions.ts';
import { agentName, type SessionSummary } from '../model/summary.ts';
import type { TranscriptPart } from './transcriptPart.ts';

export interface TranscriptSessionsOptions {
  /** False: no transcript is looked for. */
  enabled: boolean;
  /** The open folders; asked for when somebody looks. */
  folders(): readonly PastFolder[];
  /** The part that reads transcripts. */
  load(): Promise<TranscriptPart>;
  /** Something that a person may want to know, for the log. */
  problem(message: string): void;
}

/** A session that an agent wrote down itself, in one of the open folders. */
export interface TranscriptSession {
  /** `codex/0199…`: no key of a recorded session looks like it. */
  key: string;
  id: string;
  agent: string;
  title: string;
  /** Absolute path of its main file. */
  path: string;
  /** The folder of the workspace. */
  folder: PastFolder;
  /** Of the last write; of the last event once it is read. ms since the epoch. */
  lastMs: number;
  parent?: string;
  /** Once it is read. */
  summary?: SessionSummary;
  badLines: number;
}

interface Found {
  past: PastSession;
  session: TranscriptSession;
}

/** The agents' folders are looked through again after so long, ms: */
const LOOK_MS = 30_000;
/** at least; of a person with thousands of transcripts after so many times what it took. */
const LOOK_SHARE = 100;

/**
 * The sessions of the open folders that are in agents' own transcripts: found when somebody looks, read one after the
 * other when somebody wants to know more, in slices.
 */
export class TranscriptSessions {
  private readonly options: TranscriptSessionsOptions;
  private readonly changed: () => void;
  private readonly end = new AbortController();
  private part: Promise<TranscriptPart> | undefined;
  private found = new Map<string, Found>();
  /** Not before this moment again, ms of `performance.now()`. */
  private nextLookMs = Number.NEGATIVE_INFINITY;
  private looking: Promise<void> | undefined;
  private wanted = new Map<string, Found>();
  private reading: Promise<void> | undefined;

  /** @param changed sessions were found, or one was read */
  constructor(options: TranscriptSessionsOptions, changed: () => void) {
    this.options = options;
    this.changed = changed;
  }

  /** Those that were found, recorded or not. */
  get all(): TranscriptSession[] {
    return [...this.found.values()].map(({ session }) => session);
  }

  get(key: string): TranscriptSession | undefined {
    return this.found.get(key)?.session;
  }

  /** The transcript of a session that was imported, and has gone on since. @param sinceMs ms since the epoch */
  grown(id: string, sinceMs: number): TranscriptSession | undefined {
    for (const { past, session } of this.found.values()) {
      if (session.id === id && past.transcript.modifiedAtMs > sinceMs) return session;
    }
    return undefined;
  }

  /** Looks through the agents' folders, unless that was done a moment ago. Never throws. */
  async look(): Promise<void> {
    if (!this.options.enabled || this.end.signal.aborted) return;
    const startMs = performance.now();
    if (this.looking === undefined && startMs > this.nextLookMs) {
      this.looking = this.find()
        .catch((error: Error) => this.tell(error))
        .finally(() => {
          this.looking = undefined;
          const endMs = performance.now();
          this.nextLookMs = endMs + Math.max(LOOK_MS, (endMs - startMs) * LOOK_SHARE);
        });
    }
    await this.looking;
  }

  private async find(): Promise<void> {
    const folders = this.options.folders();
    if (folders.length === 0) return;
    const part = await this.loaded();
    const before = this.found;
    const all = await part.find(folders, this.end.signal);
    const found = new Map<string, Found>();
    let fresh = 0;
    let last = performance.now();
    for (const past of all) {
      const key = `${past.transcript.agent}/${past.transcript.sessionId}`;
      const known = before.get(key);
      if (known && isSame(known.past, past)) found.set(key, known);
      else {
        const { title, read } = part.known(past);
        const session = sessionOf(key, past, title);
        if (read) Object.assign(session, { ...read, lastMs: read.summary.lastMs });
        found.set(key, { past, session });
        fresh++;
      }
      if (performance.now() - last > 8) {
        await new Promise((resolve) => setImmediate(resolve));
        this.end.signal.throwIfAborted();
        last = performance.now();
      }
    }
    this.end.signal.throwIfAborted();
    if (fresh === 0 && found.size === before.size) return;
    this.found = found;
    this.changed();
  }

  /** Reads these, unless they are read. @returns settles when nothing more is to be read */
  async want(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const found = this.found.get(key);
      if (found && !found.session.summary) this.wanted.set(key, found);
    }
    if (this.wanted.size === 0) return;
    this.reading ??= this.read()
      .catch((error: Error) => this.tell(error))
      .finally(() => {
        this.reading = undefined;
      });
    await this.reading;
  }

  private async read(): Promise<void> {
    const part = await this.loaded();
    for (;;) {
      const [next] = this.wanted;
      if (next === undefined) break;
      const [key, { past, session }] = next;
      this.wanted.delete(key);
      try {
        const read = await part.read(past, session.title, this.end.signal);
        const known = this.found.get(key);
        // Another object: who has the old one sees that it is not the same any more.
        if (known?.session === session) {
          const { lastMs } = read.summary;
          this.found.set(key, { past, session: { ...session, ...read, lastMs } });
          this.changed();
        }
      } catch (error) {
        this.end.signal.throwIfAborted();
        // Whatever one holds, the others are read.
        this.options.problem(`${session.path}: ${(error as Error).message}`);
      }
    }
    part.save();
  }

  private async loaded(): Promise<TranscriptPart> {
    this.part ??= this.options.load();
    return await this.part;
  }

  private tell(error: Error): void {
    if (!this.end.signal.aborted) this.options.problem(`transcripts: ${error.message}`);
  }

  /**
   * Adds a session to a trace folder.
   *
   * @throws Error with a message for people, or what the signal says
   */
  async import(key: string, traceDir: string, signal: AbortSignal): Promise<Added> {
    const found = this.found.get(key);
    if (!found) throw new Error('This session is no longer there.');
    const part = await this.loaded();
    return await part.import(found.past, traceDir, signal);
  }

  /** See `TranscriptPart.archive`. */
  async archive(daily: boolean, signal?: AbortSignal): Promise<ArchiveResult | undefined> {
    const part = await this.loaded();
    const { signal: end } = this.end;
    return await part.archive(daily, signal ? AbortSignal.any([signal, end]) : end);
  }

  dispose(): void {
    this.end.abort(new Error('The window is closing.'));
    this.wanted.clear();
  }
}

const isSame = ({ transcript: a }: PastSession, { transcript: b }: PastSession): boolean =>
  a.path === b.path && a.bytes === b.bytes && a.modifiedAtMs === b.modifiedAtMs;

function sessionOf(key: string, { transcript, folder }: PastSession, title: string) {
  const { agent, sessionId, path, modifiedAtMs, parentId } = transcript;
  const session: TranscriptSession = {
    key,
    id: sessionId,
    agent: agentName(agent),
    title,
    path,
    folder,
    lastMs: modifiedAtMs,
    badLines: 0,
  };
  if (parentId !== undefined) session.parent = parentId;
  return session;
}
