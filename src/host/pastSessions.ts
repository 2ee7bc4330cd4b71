import { closeSync, fstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { ownRecord } from '../agents/process.ts';
import { brakedState } from '../guard/brake.ts';
import type { Pricer } from '../model/usage.ts';
import { openRead } from '../trace/files.ts';
import { metaParent, readMeta } from '../trace/meta.ts';
import { EVENTS_FILE } from '../trace/session.ts';
import { type ListedSession, readSummary } from '../trace/sessionSummary.ts';
import type { SessionEntry } from '../trace/store.ts';
import { SummaryCache } from '../trace/summaryCache.ts';

export interface PastSessionsOptions {
  loadPricer(): Promise<Pricer | undefined>;
  /** Of what summaries rest on beside the traces: the prices. */
  stamp: string;
  /** Keep what was read in the state folder, for the next window and the command line. */
  save: boolean;
  /** Something that a person may want to know, for the log. */
  problem(message: string): void;
}

/** One session of the list, as {@link LiveSessions.all} has it. */
interface Found {
  key: string;
  entry: SessionEntry;
}

/** What is kept of a file is good while it has this size and time. */
interface Kept<T> {
  size: number;
  modifiedMs: number;
  value: T;
}

/** Read in one go: a few ms, then the editor has its turn. */
const SLICE_BYTES = 256 * 1024;
/** Files whose last moment is looked up in one go. */
const DATES_AT_ONCE = 40;
/** After so long without an event the recorder has written what it knows of a session, ms. */
const SETTLED_MS = 60_000;
/** The last events of a trace lie here. */
const TAIL_BYTES = 16 * 1024;

/**
 * Sessions that are over, for the list of sessions: the day of each from the end of its file, and
 * summaries of those that are asked for, through the cache, one after the other and in slices.
 */
export class PastSessions {
  private readonly options: PastSessionsOptions;
  private readonly changed: () => void;
  private readonly sessions = new Map<string, Kept<ListedSession>>();
  private readonly dates = new Map<string, Kept<number>>();
  private readonly parents = new Map<string, string | undefined>();
  private readonly caches = new Map<string, SummaryCache>();
  private wanted = new Map<string, Found>();
  private pricer: Promise<Pricer | undefined> | undefined;
  private reading = false;
  private waiting: { for: Set<string>; resolve: () => void }[] = [];
  private closed = false;
  /** Ids of a trace folder's sessions, for the cache to forget the others. */
  private present: (traceDir: string) => ReadonlySet<string> = () => new Set();

  /** @param changed a session was read */
  constructor(options: PastSessionsOptions, changed: () => void) {
    this.options = options;
    this.changed = changed;
  }

  /** What was read of a session; undefined: nothing yet, or it changed since. */
  get({ key, entry }: Found): ListedSession | undefined {
    return good(this.sessions.get(key), entry);
  }

  /** Last sign of life, ms since the epoch: of the trace where it is known, else of the file. */
  lastMs({ key, entry }: Found): number {
    return (
      this.get({ key, entry })?.summary.lastMs ??
      good(this.dates.get(key), entry) ??
      entry.modifiedMs
    );
  }

  /** The session that started this one, by its own word; undefined: none, or not looked up yet. */
  parentOf({ key }: Found): string | undefined {
    return this.parents.get(key);
  }

  /** Looks up when those were last active, and what started them, of which it is not known yet. */
  async lookUp(all: readonly Found[]): Promise<void> {
    let looked = 0;
    for (const { key, entry } of all) {
      if (this.parents.has(key)) continue;
      const parent = metaParent(entry);
      // Its recorder writes that a moment after the first event.
      const settled = Date.now() - entry.modifiedMs > SETTLED_MS || readMeta(entry) !== undefined;
      if (parent !== undefined || settled) this.parents.set(key, parent);
      if (++looked % DATES_AT_ONCE === 0) await turn();
      if (this.closed) return;
    }
    const open = all.filter(
      ({ key, entry }) =>
        good(this.dates.get(key), entry) === undefined && !this.get({ key, entry }),
    );
    for (const [at, { key, entry }] of open.entries()) {
      if (this.closed) return;
      const { size, modifiedMs } = entry;
      this.dates.set(key, { size, modifiedMs, value: lastTimeOf(entry) ?? modifiedMs });
      if (at % DATES_AT_ONCE === DATES_AT_ONCE - 1) await turn();
    }
  }

  /**
   * Reads these, unless they are read: those asked for last come first.
   *
   * @param all every session there is
   * @returns settles when they are read
   */
  async want(some: readonly Found[], all: readonly Found[]): Promise<void> {
    this.present = (traceDir) =>
      new Set(all.filter(({ entry }) => entry.traceDir === traceDir).map(({ entry }) => entry.id));
    const fresh = some.filter((found) => this.get(found) === undefined);
    if (fresh.length === 0) return;
    this.wanted = new Map([...fresh.map((found) => [found.key, found] as const), ...this.wanted]);
    void this.pump();
    await new Promise<void>((resolve) => {
      this.waiting.push({ for: new Set(fresh.map(({ key }) => key)), resolve });
    });
  }

  private isRead(key: string): void {
    this.waiting = this.waiting.filter((waiting) => {
      waiting.for.delete(key);
      if (waiting.for.size > 0) return true;
      waiting.resolve();
      return false;
    });
  }

  private async pump(): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    // Who asked is drawing: it comes first.
    await turn();
    for (let next = this.next(); next && !this.closed; next = this.next()) {
      await this.read(next);
      this.isRead(next.key);
    }
    this.reading = false;
    if (this.options.save && !this.closed) {
      for (const [traceDir, cache] of this.caches) cache.save(this.present(traceDir));
    }
  }

  private next(): Found | undefined {
    const [first] = this.wanted.values();
    if (first) this.wanted.delete(first.key);
    return first;
  }

  private async read(found: Found): Promise<void> {
    if (this.get(found)) return;
    const { key, entry } = found;
    // The watcher brings entries up to date in place.
    const { size, modifiedMs } = entry;
    try {
      const session = await readSummary(entry, {
        cache: this.cacheOf(entry.traceDir),
        pricer: () => {
          this.pricer ??= this.options.loadPricer();
          return this.pricer;
        },
        nowMs: Date.now(),
        process: () => brakedState(ownRecord(entry.traceDir, entry.id)),
        breathe: async () => {
          await turn();
          if (this.closed) throw new Closed();
        },
        sliceBytes: SLICE_BYTES,
      });
      this.sessions.set(key, { size, modifiedMs, value: session });
      this.changed();
      await turn();
    } catch (error) {
      // Whatever its file holds, the others are read.
      if (!(error instanceof Closed))
        this.options.problem(`${entry.id}: ${(error as Error).message}`);
    }
  }

  private cacheOf(traceDir: string): SummaryCache {
    let cache = this.caches.get(traceDir);
    if (!cache) {
      cache = new SummaryCache(traceDir, this.options.stamp);
      this.caches.set(traceDir, cache);
    }
    return cache;
  }

  dispose(): void {
    this.closed = true;
    this.wanted.clear();
    for (const { resolve } of this.waiting.splice(0)) resolve();
  }
}

class Closed extends Error {}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function good<T>(kept: Kept<T> | undefined, entry: SessionEntry): T | undefined {
  return kept?.size === entry.size && kept.modifiedMs === entry.modifiedMs ? kept.value : undefined;
}

/**
 * The latest moment that the end of a trace tells of, ms since the epoch: a trace that was copied or
 * imported is as old as what is in it. Undefined where its end has no whole event.
 */
function lastTimeOf(entry: SessionEntry): number | undefined {
  let file: number;
  try {
    file = openRead(join(entry.directory, EVENTS_FILE));
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(file);
    const length = Math.min(size, TAIL_BYTES);
    const bytes = Buffer.allocUnsafe(length);
    const read = readSync(file, bytes, 0, length, size - length);
    // Only the head of a line: what is in an event may say anything.
    const heads = bytes
      .toString('latin1', 0, read)
      .matchAll(/^\{"event_type": ?"\w+", ?"timestamp": ?(\d{9,11}(?:\.\d+)?)\b/gm);
    const times = [...heads].map(([, seconds]) => Number(seconds) * 1000);
    return times.length > 0 ? Math.max(...times) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}
