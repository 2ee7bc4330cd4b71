import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { CostSummary, SessionSummary } from '../model/summary.ts';
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
  /** Responses that count here: see `CostSlice.responses`. */
  responses: { main: string; side: string };
  /** What it cost without those that other sessions were billed for (the hash of which ones). */
  once?: { shared: string; cost: CostSummary };
}

interface Stored extends CachedSession {
  size: number;
  mtimeMs: number;
}

const VERSION = 3;
const MAX_BYTES = 256 * 1_048_576;

/**
 * Summaries of the sessions of one trace folder, kept in the state folder and keyed by each file's
 * size and time: a line of JSON about the cache, then one a session. Only a cache: one that is missing, broken, or of another version is left unread.
 */
export class SummaryCache {
  /** By id, as JSON: of thousands only those that are asked for are parsed. */
  private readonly sessions = new Map<string, string>();
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
    const [head = '', ...lines] = text.split('\n');
    try {
      const saved = JSON.parse(head) as { version: number; stamp: string; trace_dir: string };
      if (saved.version !== VERSION || saved.stamp !== this.stamp) return;
      if (saved.trace_dir !== this.traceDir) return;
    } catch {
      return;
    }
    for (const line of lines) {
      const space = line.indexOf(' ');
      if (space > 0) this.sessions.set(line.slice(0, space), line.slice(space + 1));
    }
  }

  get(entry: SessionEntry): CachedSession | undefined {
    const stored = this.parsed(entry.id);
    if (stored?.size !== entry.size || stored.mtimeMs !== entry.modifiedMs) return undefined;
    return stored;
  }

  private parsed(id: string): Stored | undefined {
    const kept = this.sessions.get(id);
    if (kept === undefined) return undefined;
    try {
      const stored: unknown = JSON.parse(kept);
      if (isStored(stored)) return stored;
    } catch {
      // As one that is not there.
    }
    this.sessions.delete(id);
    return undefined;
  }

  /** Only of sessions that are over: the others' state depends on the clock. */
  set(entry: SessionEntry, session: CachedSession): void {
    const stored: Stored = { ...session, size: entry.size, mtimeMs: entry.modifiedMs };
    this.sessions.set(entry.id, JSON.stringify(stored));
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
      const head = { version: VERSION, stamp: this.stamp, trace_dir: this.traceDir };
      const lines = [JSON.stringify(head)];
      for (const [id, kept] of this.sessions) lines.push(`${id} ${kept}`);
      writeSmallFile(this.path, `${lines.join('\n')}\n`);
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
    typeof stored.responses?.main === 'string' &&
    typeof stored.responses.side === 'string' &&
    Array.isArray(stored.summary.cost.models)
  );
}
