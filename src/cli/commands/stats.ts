import { descendants } from '../../analysis/tree/descendants.ts';
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
import { type Io, mostOf, print, printJson, styleFor, widthOf } from '../io.ts';
import { openSession, summariseAll } from '../listing.ts';
import type { TraceOptions } from '../traces.ts';

export interface StatsOptions extends TraceOptions {
  json?: boolean;
  includeSubagents?: boolean;
  all?: boolean;
  limit?: number;
}

export async function stats(
  io: Io,
  id: string | undefined,
  options: StatsOptions,
): Promise<number> {
  const most = mostOf(options);
  const { store, entry, session, summary } = await openSession(io, id, options);
  const started =
    options.includeSubagents === true ? below(entry.id, await summariseAll(io, store)) : [];
  const report = statsReport(entry.id, session.fold, summary, {
    failures: [...failuresOf(session)],
    children: started.map(({ session, depth }) => childStats(session, depth)),
    with_children:
      options.includeSubagents === true
        ? sumOf([summary, ...started.map(({ session }) => session.summary)])
        : null,
  });
  if (options.json === true) await printJson(io, report);
  else {
    const look = { style: styleFor(io, io.stdout), width: widthOf(io), most };
    await print(io, statsText(report, summary, look));
  }
  return EXIT.ok;
}

/** All that a session started, at any depth, in the order in which they began. */
const below = (root: string, sessions: readonly ListedSession[]) =>
  descendants(
    root,
    sessions.toSorted((a, b) => a.summary.startedAtMs - b.summary.startedAtMs),
    ({ entry: { id }, parent }) => ({ id, parent }),
  );

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
