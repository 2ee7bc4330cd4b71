/** Summaries of all sessions of a store, through the cache. */

import { PRICE_LIST } from '../analysis/price.ts';
import { formatCount } from '../model/format.ts';
import { SessionNames } from '../trace/names.ts';
import { type ListedSession, readSummary } from '../trace/sessionSummary.ts';
import type { TraceStore } from '../trace/store.ts';
import { SummaryCache } from '../trace/summaryCache.ts';
import { breathe, type Io, Progress } from './io.ts';
import { listEntries, processState, sharedPricer } from './traces.ts';

/** A session with the name that the person gave it, if any. */
export type NamedSession = ListedSession & { name?: string };

/** Every session, the one active last first. @throws Interrupted; what was read by then is kept */
export async function summariseAll(io: Io, store: TraceStore): Promise<NamedSession[]> {
  const entries = listEntries(io, store);
  const names = new SessionNames(io.env);
  const caches = new Map(
    store.traceDirs.map((dir) => [dir, new SummaryCache(dir, stamp(), io.env)]),
  );
  const listed: NamedSession[] = [];
  const progress = new Progress(io);
  try {
    for (const [at, entry] of entries.entries()) {
      const cache = caches.get(entry.traceDir)!;
      const session = await readSummary(entry, {
        cache,
        pricer: sharedPricer,
        nowMs: io.now(),
        process: () => processState(io, entry.id),
        breathe: () => breathe(io),
        sliceBytes: SLICE_BYTES,
      });
      const name = names.get(entry.traceDir, entry.id);
      listed.push(name === undefined ? session : { ...session, name });
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

/** Bytes that are read before Ctrl-C is looked at. */
const SLICE_BYTES = 8 * 1_048_576;

const stamp = (): string => `${PRICE_LIST.version} ${PRICE_LIST.date}`;

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
