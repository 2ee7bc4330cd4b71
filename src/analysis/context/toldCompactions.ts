import type { SessionFold } from '../../model/fold.ts';
import type { LaneRows } from './contextRows.ts';

/** Compactions that were told, by the point that they come before. The hook and the transcript tell of one twice. */
export function toldCompactions(
  fold: SessionFold,
  { responses, compactions }: LaneRows,
): Map<number, number> {
  const { timeMs } = fold.columns;
  const told = new Map<number, number>();
  for (const row of compactions) {
    const point = pointFrom(timeMs, responses, timeMs[row]!, 0);
    const known = told.get(point);
    // Of two that tell of it, the one that says more.
    if (known === undefined || tells(fold, row) >= tells(fold, known)) told.set(point, row);
  }
  return told;
}

function tells({ context }: SessionFold, row: number): number {
  const told = context.toldOf(row);
  return (told?.trigger === 'unknown' ? 0 : 2) + (told?.before === undefined ? 0 : 1);
}

/**
 * The first of the responses at or after a moment; their count: there is none.
 *
 * @param times ms of all rows
 * @param near events come nearly in order: what is sought is mostly where the last one was found, or next to it
 */
export function pointFrom(
  times: Float64Array,
  responses: Int32Array,
  timeMs: number,
  near: number,
): number {
  const count = responses.length;
  for (let at = near; at < near + 3 && at <= count; at++) {
    if (at < count && times[responses[at]!]! < timeMs) continue;
    if (at === 0 || times[responses[at - 1]!]! < timeMs) return at;
    break;
  }
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[responses[middle]!]! < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
