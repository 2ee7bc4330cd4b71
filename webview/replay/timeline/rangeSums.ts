import type { ReplayApp } from '../app.ts';
import type { RangeSums } from './store.ts';

/** What the page itself knows of a range of steps; undefined members are for the host to tell. */
export interface PageSums {
  durationMs: number;
  nanoUsd: number;
  estimatedNanoUsd: number;
  calls: number;
  errors: number;
  denied: number;
}

/** @param to inclusive */
export function pageSums(
  { rows, timeline: { index } }: ReplayApp,
  from: number,
  to: number,
): PageSums {
  const end = Math.min(to + 1, index.built);
  let calls = 0;
  let endMs = rows.timeMs(from);
  for (let step = from; step < end; step++) {
    if (index.isCall(step)) calls++;
    const at = index.endMs(step);
    if (at > endMs) endMs = at;
  }
  return {
    durationMs: endMs - rows.timeMs(from),
    nanoUsd: index.costBefore(end) - index.costBefore(from),
    estimatedNanoUsd: index.estimatesAside(from, end),
    calls,
    errors: index.marks.error.count(from, end),
    denied: index.marks.denied.count(from, end),
  };
}

/** The host's numbers where it has told them. */
export const exact = (page: PageSums, sums: RangeSums | undefined): PageSums =>
  sums
    ? {
        ...page,
        durationMs: sums.durationMs,
        nanoUsd: sums.nanoUsd,
        calls: sums.calls,
        errors: sums.errors,
        denied: sums.denied,
      }
    : page;
