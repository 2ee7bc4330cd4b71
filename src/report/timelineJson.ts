/** A timeline as JSON: a superset of what the Python `agent-strace` prints. */
import type { AnalysedSession } from '../analysis/analysed.ts';
import { isCostKnown } from '../model/summary.ts';
import { offset, phaseJson } from './phaseJson.ts';
import { sessionJson, usd } from './sessionJson.ts';
import { safeJson } from './terminalText.ts';
import {
  entriesOf,
  type Timeline,
  type TimelineEntry,
  type TimelinePhase,
} from './timelineReport.ts';

/**
 * The JSON in pieces: a session may have a million entries.
 *
 * @param most entries a phase; undefined: all
 */
export function* timelineJson(
  session: AnalysedSession,
  timeline: Timeline,
  most?: number,
): Generator<string> {
  const { summary, phases, wastedNanoUsd, id } = timeline;
  const known = isCostKnown(summary.cost);
  const head = safeJson(
    {
      ...sessionJson(id, summary),
      total_duration: Math.round(summary.durationMs) / 1000,
      total_events: summary.events,
      total_cost: known ? usd(summary.cost.nanoUsd) : null,
      wasted_cost: known ? usd(wastedNanoUsd) : null,
      error_count: summary.errors,
      retry_count: summary.retries,
    },
    2,
  );
  yield `${head.slice(0, -2)},\n  "phases": [`;
  for (const [at, one] of phases.entries()) {
    const text = indented(safeJson(phaseOf(timeline, one, most), 2), '    ');
    yield `${at === 0 ? '' : ','}\n    ${text.slice(0, -6)},\n      "entries": [`;
    const last = most === undefined ? one.phase.lastStep : one.phase.firstStep + most - 1;
    let first = true;
    for (const entry of entriesOf(
      session,
      one.phase.firstStep,
      Math.min(last, one.phase.lastStep),
    )) {
      const json = indented(safeJson(entryJson(entry, summary.startedAtMs), 2), '        ');
      yield `${first ? '' : ','}\n        ${json}`;
      first = false;
    }
    yield `${first ? '' : '\n      '}]\n    }`;
  }
  yield `${phases.length === 0 ? '' : '\n  '}]\n}\n`;
}

const indented = (text: string, by: string): string => text.replaceAll('\n', `\n${by}`);

function phaseOf(
  { summary }: Timeline,
  { phase, name, prompt, wastedNanoUsd }: TimelinePhase,
  most: number | undefined,
): object {
  const own = phaseJson(phase, name, wastedNanoUsd, summary.startedAtMs);
  return {
    ...own,
    prompt,
    // As the Python tool calls them.
    failed: phase.outcome === 'failed',
    retry_count: phase.retries,
    total_cost: own.cost_usd,
    wasted_cost: own.wasted_usd,
    entry_count: phase.lastStep - phase.firstStep + 1,
    entries_left_out:
      most === undefined ? 0 : Math.max(0, phase.lastStep - phase.firstStep + 1 - most),
  };
}

function entryJson(entry: TimelineEntry, startMs: number): object {
  const { status, durationMs, nanoUsd } = entry;
  return {
    step: entry.step + 1,
    offset: offset(entry.timeMs, startMs),
    kind: entry.kind,
    // The Python tool knows ok, fail and info.
    status: status === 'denied' ? 'fail' : status === 'running' ? 'info' : status,
    denied: status === 'denied',
    running: status === 'running',
    label: entry.words,
    ...(entry.detail === '' ? {} : { detail: entry.detail }),
    ...(Number.isNaN(durationMs) ? {} : { duration_ms: Math.round(durationMs) }),
    ...(Number.isNaN(nanoUsd) ? {} : { cost: usd(nanoUsd) }),
    ...(entry.attempt === undefined ? {} : { attempt: entry.attempt }),
    ...(entry.added === undefined ? {} : { added: entry.added }),
    ...(entry.removed === undefined ? {} : { removed: entry.removed }),
    ...(entry.lane === 0 ? {} : { lane: entry.lane }),
  };
}
