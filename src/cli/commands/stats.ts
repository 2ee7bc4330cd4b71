import { FLAG } from '../../model/columns.ts';
import { summarise } from '../../model/summary.ts';
import { oneLine } from '../../model/text.ts';
import { seconds } from '../../report/sessionJson.ts';
import { type ChildStats, type Failure, statsReport, statsText } from '../../report/statsReport.ts';
import type { TraceSession } from '../../trace/session.ts';
import { EXIT } from '../exit.ts';
import { failureReason } from '../failures.ts';
import { type Io, print, printJson, styleFor, widthOf } from '../io.ts';
import { type ListedSession, summariseAll } from '../listing.ts';
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
  const session = await readSession(io, entry);
  const summary = summarise(session.fold, {
    nowMs: io.now(),
    process: processState(io, entry.id),
  });
  const children =
    options.includeSubagents === true ? childrenOf(entry.id, await summariseAll(io, store)) : [];
  const report = statsReport(entry.id, session.fold, summary, {
    failures: failuresOf(session),
    children,
  });
  if (options.json === true) await printJson(io, report);
  else {
    await print(
      io,
      statsText(report, summary, { style: styleFor(io, io.stdout), width: widthOf(io.stdout) }),
    );
  }
  return EXIT.ok;
}

/** Failed and denied steps with what they said, in time order. */
function failuresOf(session: TraceSession): Failure[] {
  const { fold } = session;
  const { columns } = fold;
  const failures: Failure[] = [];
  for (let at = 0; at < fold.steps.length; at++) {
    const row = fold.steps.row(at);
    const flags = columns.flags[row]!;
    if ((flags & (FLAG.error | FLAG.denied)) === 0) continue;
    const view = session.describe(at, at + 1)[0]!;
    const pair = columns.pair[row]!;
    failures.push({
      at: seconds(columns.timeMs[row]!),
      kind: (flags & FLAG.denied) !== 0 ? 'denied' : 'error',
      step: [view.verb, view.target].filter(Boolean).join(' '),
      message: pair < 0 ? '' : oneLine(failureReason(session.readEvents([pair])[0]), 300),
    });
  }
  return failures;
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
