import { join } from 'node:path';
import { readSmallFile, writeSmallFile } from '../trace/files.ts';
import { ensureStateFolder, stateHome } from '../trace/paths.ts';
import type { Env, TranscriptFile } from './agent.ts';
import type { PastSummary } from './pastSessions.ts';

const VERSION = 1;
const MAX_BYTES = 64 * 1_048_576;
/** Sessions that are remembered, those that were looked up last. */
const MAX_SESSIONS = 10_000;

/** What is kept of one session. */
export interface CachedPast {
  title: string;
  /** Absent: it was not looked into yet. */
  read?: PastSummary;
}

interface Stored extends CachedPast {
  bytes: number;
  modifiedAtMs: number;
}

/**
 * What is known of sessions in transcripts, keyed by file, size and time, in the state folder: a line of JSON
 * about the cache, then one a session. Only a cache: one that is missing, broken, or of another version is left
 * unread.
 */
export class PastCache {
  /** By {@link keyOf}, as JSON: of thousands only those that are asked for are parsed. */
  private sessions = new Map<string, string>();
  private readonly own = new Map<string, string>();
  private readonly path: string;
  private readonly stamp: string;
  private readonly env: Env;

  /** @param stamp of what else the summaries rest on (the price list) */
  constructor(stamp: string, env: Env = process.env) {
    this.stamp = stamp;
    this.env = env;
    this.path = join(stateHome(env), 'cache', 'past.json');
    this.sessions = this.load();
  }

  private load(): Map<string, string> {
    const sessions = new Map<string, string>();
    const [head = '', ...lines] = (readSmallFile(this.path, MAX_BYTES) ?? '').split('\n');
    try {
      const saved = JSON.parse(head) as { version?: unknown; stamp?: unknown } | null;
      if (saved?.version !== VERSION || saved.stamp !== this.stamp) return sessions;
    } catch {
      return sessions;
    }
    for (const line of lines) {
      const tab = line.indexOf('\t');
      if (tab > 0) sessions.set(line.slice(0, tab), line.slice(tab + 1));
    }
    return sessions;
  }

  get(transcript: TranscriptFile): CachedPast | undefined {
    const kept = this.sessions.get(keyOf(transcript));
    if (kept === undefined) return undefined;
    try {
      const stored: unknown = JSON.parse(kept);
      return isStored(stored) && isOf(stored, transcript) ? stored : undefined;
    } catch {
      return undefined;
    }
  }

  set(transcript: TranscriptFile, session: CachedPast): void {
    const { bytes, modifiedAtMs } = transcript;
    const stored: Stored = { ...session, bytes, modifiedAtMs };
    const text = JSON.stringify(stored);
    this.sessions.set(keyOf(transcript), text);
    this.own.set(keyOf(transcript), text);
  }

  /** Writes what is new, beside what other windows wrote. Never throws. */
  save(): void {
    if (this.own.size === 0) return;
    if (ensureStateFolder('cache', this.env).problem !== undefined) return;
    const sessions = this.load();
    for (const [key, text] of this.own) {
      // The last ones stand last, and stay.
      sessions.delete(key);
      sessions.set(key, text);
    }
    const lines = [...sessions].slice(-MAX_SESSIONS).map(([key, text]) => `${key}\t${text}`);
    const head = JSON.stringify({ version: VERSION, stamp: this.stamp });
    try {
      writeSmallFile(this.path, `${[head, ...lines].join('\n')}\n`);
      this.own.clear();
    } catch {
      // The next window reads anew.
    }
  }
}

/** A path may hold anything but NUL; a key stands in a line, before a tab. */
const keyOf = ({ agent, path, sessionId }: TranscriptFile): string =>
  JSON.stringify([agent, path, sessionId]);

const isOf = (stored: Stored, { bytes, modifiedAtMs }: TranscriptFile): boolean =>
  stored.bytes === bytes && stored.modifiedAtMs === modifiedAtMs;

/** The shape that readers rest on; the rest was written by us or it would not parse as ours. */
function isStored(value: unknown): value is Stored {
  const stored = value as Stored | null;
  if (typeof stored?.title !== 'string') return false;
  const { read } = stored;
  return (
    read === undefined ||
    (typeof read.badLines === 'number' &&
      typeof read.summary?.lastMs === 'number' &&
      typeof read.summary.cost?.nanoUsd === 'number' &&
      Array.isArray(read.summary.cost.models))
  );
}
