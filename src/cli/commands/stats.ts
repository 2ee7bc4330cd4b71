import { summarise } from '../../model/summary.ts';
import { type ChildStats, statsReport, statsText } from '../../report/statsReport.ts';
import { failuresOf } from '../../trace/findings.ts';
import type { ListedSession } from '../../trace/sessionSummary.ts';
import { EXIT } from '../exit.ts';
import { type Io, print, printJson, styleFor, widthOf } from '../io.ts';
import { billedElsewhere, summariseAll } from '../listing.ts';
import { findSession, openStore, processState, readSession, type TraceOptions } from '../traces.ts';

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
  const store = openStore(io, options);
  const entry = findSession(io, store, id);
  const elsewhere = await billedElsewhere(io, store, entry);
  const session = await readSession(io, entry, { billedElsewhere: elsewhere });
  const summary = summarise(session.fold, {
    nowMs: io.now(),
    process: processState(io, entry.id),
  });
  const children =
    options.includeSubagents === true ? childrenOf(entry.id, await summariseAll(io, store)) : [];
  const report = statsReport(entry.id, session.fold, summary, {
    failures: [...failuresOf(session)],
    children,
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

function childrenOf(root: string, sessions: readonly ListedSession[]): ChildStats[] {
  const byParent = new Map<string, ListedSession[]>();
  for (const session of sessions) {
    if (session.parent === undefined) continue;
    const siblings = byParent.get(session.parent) ?? [];
    siblings.push(session);
    byParent.set(session.parent, siblings);
  }
  const found: ChildStats[] = [];
  const seen = new Set([root]);
  const visit = (parent: string, depth: number): void => {
    if (depth > MAX_DEPTH) return;
    const own = byParent.get(parent) ?? [];
    for (const { entry, summary } of own.toSorted(
      (a, b) => a.summary.startedAtMs - b.summary.startedAtMs,
    )) {
      if (seen.has(entry.id)) continue;
      seen.add(entry.id);
      found.push({
        session_id: entry.id,
        title: summary.title,
        tool_calls: summary.calls,
        errors: summary.errors,
        duration_ms: Math.round(summary.durationMs),
        depth,
      });
      visit(entry.id, depth + 1);
    }
  };
  visit(root, 1);
  return found;
}
