/** What `compare` and `diff` begin with: two sessions read, and what is known of each. */
import { compareFacts, type SideFacts, sideFacts } from '../analysis/compare/compareSessions.ts';
import type { Comparison } from '../analysis/compare/comparison.ts';
import { changedFiles } from '../analysis/compare/outcome.ts';
import { type Content, sameContent } from '../history/content.ts';
import { FileHistory } from '../history/fileHistory.ts';
import type { StepView } from '../model/step.ts';
import { isActive } from '../model/summary.ts';
import { SessionNames } from '../trace/names.ts';
import type { TraceSession } from '../trace/session.ts';
import type { SessionEntry, TraceStore } from '../trace/store.ts';
import { breathe, type Io, Progress } from './io.ts';
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

/** Files whose contents are looked up. */
const MAX_FILES = 200;

export async function comparisonOf(io: Io, a: Side, b: Side): Promise<Comparison> {
  return compareFacts(a.facts, b.facts, await contentsOf(io, a, b));
}

/**
 * Whether files that both changed ended the same: by the agents' transcripts and the contents that our hook kept. Not by
 * the disk, which holds what came last, whoever wrote it.
 */
async function contentsOf(io: Io, a: Side, b: Side): Promise<Map<string, 'same' | 'different'>> {
  const contents = new Map<string, 'same' | 'different'>();
  const open = changedFiles(a.facts, b.facts).filter(({ content }) => content === 'unknown');
  if (open.length === 0) return contents;
  const options = { git: false, mayLook: () => false, env: io.env };
  const histories = [a, b].map(({ session }) => new FileHistory(session, options));
  for (const { path } of open.slice(0, MAX_FILES)) {
    const [one, other] = await Promise.all(
      [a, b].map(({ session }, at) => lastContent(histories[at]!, session, path)),
    );
    if (one && other) contents.set(path, sameContent(one, other) ? 'same' : 'different');
    await breathe(io);
  }
  return contents;
}

async function lastContent(
  history: FileHistory,
  { fold }: TraceSession,
  path: string,
): Promise<Content | undefined> {
  const { cwd } = fold.session;
  // As the trace names it: below its folder, or as it is.
  for (const name of [cwd === '' ? path : `${cwd}/${path}`, path]) {
    const course = await history.course(name);
    const after = course?.versions.at(-1)?.after;
    if (after?.known) return after;
  }
  return undefined;
}

/** Steps in words, as the reports ask for them. */
export function describer(
  a: Side,
  b: Side,
): (side: 'a' | 'b', step: number) => StepView | undefined {
  return (side, step) => (side === 'a' ? a : b).session.describe(step, step + 1)[0];
}
