/** What `compare` and `diff` begin with: two sessions read, and what is known of each. */
import { compareFacts, type SideFacts, sideFacts } from '../analysis/compare/compareSessions.ts';
import type { Comparison } from '../analysis/compare/comparison.ts';
import type { StepView } from '../model/step.ts';
import { isActive, summarise } from '../model/summary.ts';
import { SessionNames } from '../trace/names.ts';
import type { TraceSession } from '../trace/session.ts';
import type { SessionEntry, TraceStore } from '../trace/store.ts';
import { breathe, type Io, Progress } from './io.ts';
import { billedElsewhere } from './listing.ts';
import { processState, readSession } from './traces.ts';

export interface Side {
  entry: SessionEntry;
  session: TraceSession;
  facts: SideFacts;
}

/** @throws CliError, Interrupted */
export async function readSide(io: Io, store: TraceStore, entry: SessionEntry): Promise<Side> {
  const session = await readSession(io, entry, {
    billedElsewhere: await billedElsewhere(io, store, entry),
  });
  const status = summarise(session.fold, { nowMs: io.now(), process: processState(io, entry.id) });
  const name = new SessionNames(io.env).get(entry.traceDir, entry.id);
  const work = sideFacts(session, {
    live: isActive(status),
    ...(name === undefined ? {} : { title: name }),
  });
  const progress = new Progress(io);
  try {
    for (;;) {
      const { done, value } = work.next();
      if (done) return { entry, session, facts: value };
      progress.show(`Comparing ${entry.id}`);
      await breathe(io);
    }
  } finally {
    progress.clear();
  }
}

export function comparisonOf(a: Side, b: Side): Comparison {
  return compareFacts(a.facts, b.facts);
}

/** Steps in words, as the reports ask for them. */
export function describer(
  a: Side,
  b: Side,
): (side: 'a' | 'b', step: number) => StepView | undefined {
  return (side, step) => (side === 'a' ? a : b).session.describe(step, step + 1)[0];
}
