/** Sessions as they are billed: summaries of all of a store, through the cache, and one read to its end. */

import { PRICE_LIST } from '../analysis/price.ts';
import type { BilledElsewhere } from '../model/billing.ts';
import { formatCount } from '../model/format.ts';
import { type SessionSummary, summarise } from '../model/summary.ts';
import { type CountedSession, countOnce } from '../trace/countOnce.ts';
import { SessionNames } from '../trace/names.ts';
import type { TraceSession } from '../trace/session.ts';
import { readSummary } from '../trace/sessionSummary.ts';
import type { SessionEntry, TraceStore } from '../trace/store.ts';
import { SummaryCache } from '../trace/summaryCache.ts';
import { breathe, type Io, Progress } from './io.ts';
import {
  findSession,
  listEntries,
  openStore,
  processState,
  readSession,
  sharedPricer,
  type TraceOptions,
} from './traces.ts';

/** A session with the name that the person gave it, if any. */
export type NamedSession = CountedSession & { name?: string };

/** A session that is wanted in whole: where its file has to be read for the list, that is kept. */
export interface Wanted {
  entry: SessionEntry;
  session?: TraceSession;
}

/**
 * Every session, the one active last first. What two of them hold counts in one, see `countOnce`.
 *
 * @throws Interrupted; what was read by then is kept
 */
export async function summariseAll(
  io: Io,
  store: TraceStore,
  entries: readonly SessionEntry[] = listEntries(io, store),
  wanted?: Wanted,
): Promise<NamedSession[]> {
  const names = new SessionNames(io.env);
  const caches = new Map(
    store.traceDirs.map((dir) => [dir, new SummaryCache(dir, stamp(), io.env)]),
  );
  let listed: NamedSession[] = [];
  const reading = { breathe: () => breathe(io), sliceBytes: SLICE_BYTES, pricer: sharedPricer };
  const progress = new Progress(io);
  try {
    for (const [at, entry] of entries.entries()) {
      const cache = caches.get(entry.traceDir)!;
      const session = await readSummary(entry, {
        ...reading,
        cache,
        nowMs: io.now(),
        process: () => processState(io, entry.id),
        read: (read) => {
          if (entry.directory === wanted?.entry.directory) wanted.session = read;
        },
      });
      const name = names.get(entry.traceDir, entry.id);
      listed.push(name === undefined ? session : { ...session, name });
      if (at % 50 === 49) await breathe(io);
      progress.show(`Reading ${formatCount(at + 1)} of ${formatCount(entries.length)} sessions`);
    }
    listed = await countOnce(listed, { ...reading, cacheOf: (dir) => caches.get(dir) });
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

/** Which responses of a session others were billed for: one number in the list and by itself. */
export async function billedElsewhere(
  io: Io,
  store: TraceStore,
  entry: SessionEntry,
  wanted?: Wanted,
): Promise<BilledElsewhere> {
  const { sessions } = store.list();
  if (sessions.length < 2) return new Map();
  const all = await summariseAll(io, store, sessions, wanted);
  const own = all.find((one) => one.entry.directory === entry.directory);
  return own?.billedElsewhere ?? new Map();
}

/** A session that was read to its end, with what counts for others left out of its cost. */
export interface BilledSession {
  session: TraceSession;
  summary: SessionSummary;
  /** Its responses that others were billed for. */
  elsewhere: BilledElsewhere;
}

/** @throws CliError, Interrupted */
export async function readBilled(
  io: Io,
  store: TraceStore,
  entry: SessionEntry,
): Promise<BilledSession> {
  const wanted: Wanted = { entry };
  const elsewhere = await billedElsewhere(io, store, entry, wanted);
  const session = await readSession(io, entry, {
    billedElsewhere: elsewhere,
    known: wanted.session,
  });
  const process = processState(io, entry.id);
  return { session, elsewhere, summary: summarise(session.fold, { nowMs: io.now(), process }) };
}

/**
 * What most reports on one session begin with: the session of an id or prefix, or the one active last.
 *
 * @throws CliError, Interrupted
 */
export async function openSession(
  io: Io,
  id: string | undefined,
  options: TraceOptions,
): Promise<BilledSession & { store: TraceStore; entry: SessionEntry }> {
  const store = openStore(io, options);
  const entry = findSession(io, store, id);
  return { store, entry, ...(await readBilled(io, store, entry)) };
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
