/** Sessions of a folder hold copies of each other's responses. Here each counts once. */
import { type BilledElsewhere, Billing, refsIn } from '../model/billing.ts';
import { textHash } from '../model/ids.ts';
import { costOf } from '../model/summary.ts';
import type { Pricer } from '../model/usage.ts';
import { TraceSession } from './session.ts';
import type { ListedSession } from './sessionSummary.ts';
import type { SummaryCache } from './summaryCache.ts';

export interface CountOnceOptions {
  cacheOf(traceDir: string): SummaryCache | undefined;
  pricer(): Promise<Pricer | undefined>;
  /** Between two slices: may throw to end the reading. */
  breathe(): Promise<void>;
  /** Read between two breaths, bytes. */
  sliceBytes: number;
}

/** A session in which each response that another was billed for costs nothing. */
export type CountedSession = ListedSession & {
  billedElsewhere?: BilledElsewhere;
};

/**
 * The sessions in their order, each response billed to the one that began first (of two that began with
 * the same rows, the one that ended first). Traces say so themselves where the agent did (`copied_from`);
 * where it did not, only the other traces tell.
 *
 * Most sessions share nothing and cost a look at a table; one that does is folded again, once: what
 * came of it is kept in the cache.
 */
export async function countOnce<T extends ListedSession>(
  sessions: readonly T[],
  options: CountOnceOptions,
): Promise<(T & CountedSession)[]> {
  const billing = new Billing();
  const counted = new Map<T, T & CountedSession>();
  for (const session of [...sessions].sort(firstBilled)) {
    const { main, side } = session.responses;
    const shared = new Map<string, string>();
    const look = (refs: string, sidechain: boolean): void => {
      for (const ref of refsIn(refs)) {
        const owner = billing.billedIn(ref, sidechain);
        if (owner !== undefined) shared.set(ref, owner);
      }
    };
    look(main, false);
    look(side, true);
    if (shared.size > 0) {
      const cost = await costWithout(session, shared, options);
      const summary = { ...session.summary, cost };
      counted.set(session, { ...session, summary, billedElsewhere: shared });
    }
    for (const ref of refsIn(main + side)) billing.bill(ref, session.entry.id);
  }
  return sessions.map((session) => counted.get(session) ?? session);
}

function firstBilled(a: ListedSession, b: ListedSession): number {
  return (
    a.summary.startedAtMs - b.summary.startedAtMs ||
    a.summary.cost.copied - b.summary.cost.copied ||
    a.summary.lastMs - b.summary.lastMs ||
    (a.entry.id < b.entry.id ? -1 : 1)
  );
}

async function costWithout(
  { entry, summary }: ListedSession,
  shared: BilledElsewhere,
  options: CountOnceOptions,
): Promise<ListedSession['summary']['cost']> {
  const cache = options.cacheOf(entry.traceDir);
  const stored = cache?.get(entry);
  const hash = textHash([...shared.keys()].join(''));
  if (stored?.once?.shared === hash) return stored.once.cost;
  const session = new TraceSession(entry.directory, entry.id, {
    pricer: await options.pricer(),
    billedElsewhere: shared,
  });
  try {
    while (session.update(options.sliceBytes)) await options.breathe();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    // It could be read a moment ago: what came of that stands.
    return summary.cost;
  }
  const cost = costOf(session.fold);
  if (stored !== undefined) cache?.set(entry, { ...stored, once: { shared: hash, cost } });
  return cost;
}
