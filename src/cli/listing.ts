/** Summaries of all sessions of a store, through the cache. */

import { PRICE_LIST } from '../analysis/price.ts';
import { formatCount } from '../model/format.ts';
import { type SessionSummary, summarise } from '../model/summary.ts';
import { metaParent } from '../trace/meta.ts';
import { badLines, TraceSession } from '../trace/session.ts';
import type { SessionEntry, TraceStore } from '../trace/store.ts';
import { type CachedSession, SummaryCache } from '../trace/summaryCache.ts';
import { breathe, type Io, Progress } from './io.ts';
import { listEntries, processState, sharedPricer } from './traces.ts';

export interface ListedSession {
  entry: SessionEntry;
  summary: SessionSummary;
  badLines: number;
  newerVersion: boolean;
  /** The session that started this one, where the trace says so. */
  parent?: string;
}

/** Every session, the one active last first. @throws Interrupted; what was read by then is kept */
export async function summariseAll(io: Io, store: TraceStore): Promise<ListedSession[]> {
  const entries = listEntries(io, store);
  const caches = new Map(
    store.traceDirs.map((dir) => [dir, new SummaryCache(dir, stamp(), io.env)]),
  );
  const listed: ListedSession[] = [];
  const progress = new Progress(io);
  try {
    for (const [at, entry] of entries.entries()) {
      const cache = caches.get(entry.traceDir)!;
      listed.push(await summaryOf(io, entry, cache));
      if (at % 50 === 49) await breathe(io);
      progress.show(`Reading ${formatCount(at + 1)} of ${formatCount(entries.length)} sessions`);
    }
  } finally {
    progress.clear();
    for (const [dir, cache] of caches) {
      cache.save(new Set(entries.filter((e) => e.traceDir === dir).map(({ id }) => id)));
    }
  }
  return listed.sort(
    (a, b) => b.summary.lastMs - a.summary.lastMs || (a.entry.id < b.entry.id ? 1 : -1),
  );
}

const stamp = (): string => `${PRICE_LIST.version} ${PRICE_LIST.date}`;

async function summaryOf(io: Io, entry: SessionEntry, cache: SummaryCache): Promise<ListedSession> {
  const cached = cache.get(entry);
  if (cached !== undefined) {
    // One that did not say it ended may still run, however long it has been silent.
    const process = cached.open ? processState(io, entry.id) : 'unknown';
    if (process === 'unknown') return listed(entry, cached);
  }
  const fold = await foldOf(io, entry);
  const summary = summarise(fold.session.fold, { nowMs: io.now() });
  const read: CachedSession = {
    summary,
    open: isOpen(fold.session),
    badLines: badLines(fold.session.problems),
    newerVersion: fold.session.fold.newerVersion > 0,
    ...(fold.parent === undefined ? {} : { parent: fold.parent }),
  };
  if (summary.status === 'ended') cache.set(entry, read);
  if (!read.open) return listed(entry, read);
  const process = processState(io, entry.id);
  return listed(entry, {
    ...read,
    summary: summarise(fold.session.fold, { nowMs: io.now(), process }),
  });
}

function isOpen({ fold }: TraceSession): boolean {
  const { session } = fold;
  return session.endMs === 0 || Math.max(session.startMs, session.promptMs) > session.endMs;
}

async function foldOf(
  io: Io,
  entry: SessionEntry,
): Promise<{ session: TraceSession; parent: string | undefined }> {
  const session = new TraceSession(entry.directory, entry.id, { pricer: await sharedPricer() });
  try {
    while (session.update(8 * 1_048_576)) await breathe(io);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    // One unreadable file is no reason to show none: it counts as a bad line.
    session.problems.malformed++;
  }
  return { session, parent: metaParent(entry) };
}

function listed(entry: SessionEntry, from: CachedSession): ListedSession {
  return {
    entry,
    summary: from.summary,
    badLines: from.badLines,
    newerVersion: from.newerVersion,
    ...(from.parent === undefined ? {} : { parent: from.parent }),
  };
}

/** The shortest beginnings, of at least `least` characters, by which ids can be told apart. */
export function uniquePrefixes(ids: readonly string[], least = 8): Map<string, string> {
  const sorted = [...new Set(ids)].sort();
  const common = (a: string, b: string | undefined): number => {
    if (b === undefined) return 0;
    let length = 0;
    while (length < a.length && a[length] === b[length]) length++;
    return length;
  };
  return new Map(
    sorted.map((id, at) => {
      const needed = Math.max(common(id, sorted[at - 1]), common(id, sorted[at + 1])) + 1;
      return [id, id.slice(0, Math.max(least, needed))];
    }),
  );
}
