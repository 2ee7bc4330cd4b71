/** What `compare` and `diff` begin with: two sessions read, and what is known of each. */
import { factsInSlices, type SideFacts, sideFacts } from '../analysis/compare/compareSessions.ts';
import type { Comparison } from '../analysis/compare/comparison.ts';
import { untoldInSlices } from '../analysis/compare/outcome.ts';
import { compareContents, END_SOURCES, type EndedSession } from '../history/endContents.ts';
import { FileHistory } from '../history/fileHistory.ts';
import type { StepView } from '../model/step.ts';
import { isActive } from '../model/summary.ts';
import { SessionNames } from '../trace/names.ts';
import type { TraceSession } from '../trace/session.ts';
import type { SessionEntry, TraceStore } from '../trace/store.ts';
import { breathe, type Io, inSlices } from './io.ts';
import { readBilled } from './listing.ts';

export interface Side {
  entry: SessionEntry;
  session: TraceSession;
  facts: SideFacts;
}

/** @throws CliError, Interrupted */
export async function readSide(io: Io, store: TraceStore, entry: SessionEntry): Promise<Side> {
  const { session, summary } = await readBilled(io, store, entry);
  const name = new SessionNames(io.env).get(entry.traceDir, entry.id);
  const work = sideFacts(session, {
    live: isActive(summary),
    ...(name === undefined ? {} : { title: name }),
  });
  return { entry, session, facts: await inSlices(io, work, `Comparing ${entry.id}`) };
}

/** @throws Interrupted */
export async function comparisonOf(io: Io, a: Side, b: Side): Promise<Comparison> {
  const what = `Comparing ${a.entry.id} and ${b.entry.id}`;
  const paths = await inSlices(io, untoldInSlices(a.facts, b.facts), what);
  const ended = ({ session }: Side): EndedSession => ({
    cwd: session.fold.session.cwd,
    history: new FileHistory(session, { ...END_SOURCES, env: io.env }),
  });
  const contents = await compareContents(ended(a), ended(b), paths, () => breathe(io));
  return await inSlices(io, factsInSlices(a.facts, b.facts, contents), what);
}

/** Steps in words, as the reports ask for them. */
export function describer(
  a: Side,
  b: Side,
): (side: 'a' | 'b', step: number) => StepView | undefined {
  return (side, step) => (side === 'a' ? a : b).session.describe(step, step + 1)[0];
}
