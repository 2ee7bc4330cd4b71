import { isCostKnown, type SessionSummary } from '../../model/summary.ts';
import { usd } from '../../report/sessionJson.ts';
import {
  type ChildrenSum,
  type ChildStats,
  statsReport,
  statsText,
} from '../../report/statsReport.ts';
import { failuresOf } from '../../trace/findings.ts';
import type { ListedSession } from '../../trace/sessionSummary.ts';
import { EXIT } from '../exit.ts';
import { type Io, print, printJson, styleFor, widthOf } from '../io.ts';
import { openSession, summariseAll } from '../listing.ts';
import type { TraceOptions } from '../traces.ts';

export interface StatsOptions extends TraceOptions {
  json?: boolean;
  includeSubagents?: boolean;
}

/** A hostile folder can name sessions as each other's parents. */
const MAX_DEPTH = 20;

export async function stats(
  io: Io,
  id: string | undefined,
  options: StatsOptions,
): Promise<number> {
  const { store, entry, session, summary } = await openSession(io, id, options);
  const below =
    options.includeSubagents === true ? childrenOf(entry.id, await summariseAll(io, store)) : [];
  const report = statsReport(entry.id, session.fold, summary, {
    failures: [...failuresOf(session)],
    children: below.map(({ session, depth }) => childStats(session, depth)),
    with_children:
      options.includeSubagents === true
        ? sumOf([summary, ...below.map(({ session }) => session.summary)])
        : null,
  });
  if (options.json === true) await printJson(io, report);
  else {
    await print(
      io,
      statsText(report, summary, { style: styleFor(io, io.stdout), width: widthOf(io) }),
    );
  }
  return EXIT.ok;
}

interface Child {
  session: ListedSession;
  depth: number;
}

function childrenOf(root: string, sessions: readonly ListedSession[]): Child[] {
  const byParent = new Map<string, ListedSession[]>();
  for (const session of sessions) {
    if (session.parent === undefined) continue;
    const siblings = byParent.get(session.parent) ?? [];
    siblings.push(session);
    byParent.set(session.parent, siblings);
  }
  const found: Child[] = [];
  const seen = new Set([root]);
  const visit = (parent: string, depth: number): void => {
    if (depth > MAX_DEPTH) return;
    const own = byParent.get(parent) ?? [];
    for (const session of own.toSorted((a, b) => a.summary.startedAtMs - b.summary.startedAtMs)) {
      const { id } = session.entry;
      if (seen.has(id)) continue;
      seen.add(id);
      found.push({ session, depth });
      visit(id, depth + 1);
    }
  };
  visit(root, 1);
  return found;
}

const childStats = ({ entry, summary }: ListedSession, depth: number): ChildStats => ({
  session_id: entry.id,
  title: summary.title,
  tool_calls: summary.calls,
  errors: summary.errors,
  duration_ms: Math.round(summary.durationMs),
  depth,
});

function sumOf(summaries: readonly SessionSummary[]): ChildrenSum {
  const known = summaries.filter(({ cost }) => isCostKnown(cost));
  const timed = summaries.filter(({ startedAtMs }) => startedAtMs > 0);
  const sum = { sessions: summaries.length, tool_calls: 0, errors: 0 };
  let nanoUsd = 0;
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const { calls, errors } of summaries) {
    sum.tool_calls += calls;
    sum.errors += errors;
  }
  for (const { cost } of known) nanoUsd += cost.nanoUsd;
  for (const { startedAtMs, durationMs } of timed) {
    first = Math.min(first, startedAtMs);
    last = Math.max(last, startedAtMs + durationMs);
  }
  return {
    ...sum,
    cost_usd: known.length > 0 ? usd(nanoUsd) : null,
    duration_ms: timed.length > 0 ? Math.round(last - first) : 0,
  };
}
