import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { SessionSummary } from '../model/summary.ts';
import { readSmallFile, writeSmallFile } from './files.ts';
import { ensureStateFolder, stateHome } from './paths.ts';
import type { SessionEntry } from './store.ts';

type Env = Record<string, string | undefined>;

/** What is kept of one session. */
export interface CachedSession {
  /** As if no process were known: see `summarise`. */
  summary: SessionSummary;
  /** The trace does not say that the session ended. */
  open: boolean;
  badLines: number;
  newerVersion: boolean;
  /** Where another session started this one: its id. */
  parent?: string;
}

interface Stored extends CachedSession {
  size: number;
  mtimeMs: number;
}

const VERSION = 1;
const MAX_BYTES = 256 * 1_048_576;

/**
 * Summaries of the sessions of one trace folder, kept in the state folder and keyed by each file's
 * size and time. Only a cache: one that is missing, broken, or of another version is left unread.
 */
export class SummaryCache {
  private readonly sessions = new Map<string, Stored>();
  private readonly path: string;
  private readonly traceDir: string;
  private readonly stamp: string;
  private readonly env: Env;
  private changed = false;

  /** @param stamp of what else the summaries rest on (the price list) */
  constructor(traceDir: string, stamp: string, env: Env = process.env) {
    this.traceDir = traceDir;
    this.stamp = stamp;
    this.env = env;
    const name = createHash('sha256').update(traceDir).digest('hex').slice(0, 24);
    this.path = join(stateHome(env), 'cache', `summaries-${name}.json`);
    this.load();
  }

  private load(): void {
    const text = readSmallFile(this.path, MAX_BYTES);
    if (text === undefined) return;
    try {
      const saved = JSON.parse(text) as {
        version: number;
        stamp: string;
        trace_dir: string;
        sessions: [string, Stored][];
      };
      if (saved.version !== VERSION || saved.stamp !== this.stamp) return;
      if (saved.trace_dir !== this.traceDir) return;
      for (const [id, stored] of saved.sessions) {
        if (isStored(stored)) this.sessions.set(id, stored);
      }
    } catch {
      this.sessions.clear();
    }
  }

  get(entry: SessionEntry): CachedSession | undefined {
    const stored = this.sessions.get(entry.id);
    if (stored?.size !== entry.size || stored.mtimeMs !== entry.modifiedMs) return undefined;
    return stored;
  }

  /** Only of sessions that are over: the others' state depends on the clock. */
  set(entry: SessionEntry, session: CachedSession): void {
    this.sessions.set(entry.id, { ...session, size: entry.size, mtimeMs: entry.modifiedMs });
    this.changed = true;
  }

  /** Writes what changed, without the sessions that are gone. Never throws. */
  save(present: ReadonlySet<string>): void {
    for (const id of this.sessions.keys()) {
      if (present.has(id)) continue;
      this.sessions.delete(id);
      this.changed = true;
    }
    if (!this.changed) return;
    if (ensureStateFolder('cache', this.env).problem !== undefined) return;
    try {
      writeSmallFile(
        this.path,
        JSON.stringify({
          version: VERSION,
          stamp: this.stamp,
          trace_dir: this.traceDir,
          sessions: [...this.sessions],
        }),
      );
      this.changed = false;
    } catch {
      // The next reader folds anew.
    }
  }
}

/** The shape that the readers rest on; the rest was written by us or it would not parse as ours. */
function isStored(value: unknown): value is Stored {
  const stored = value as Stored | null;
  return (
    typeof stored?.size === 'number' &&
    typeof stored.mtimeMs === 'number' &&
    typeof stored.summary?.title === 'string' &&
    typeof stored.summary.lastMs === 'number' &&
    typeof stored.summary.cost?.nanoUsd === 'number' &&
    Array.isArray(stored.summary.cost.models)
  );
}
