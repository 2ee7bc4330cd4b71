import type { SessionFold } from '../../model/fold.ts';
import { SLICE, type Sliced } from '../slices.ts';

/**
 * The rows that are wanted, by time; those of one moment in an order that does not depend on the order of arrival.
 * O(n) where few of them came late.
 */
export function* rowsInTime(
  fold: SessionFold,
  wanted: (row: number) => boolean,
): Sliced<Int32Array> {
  const { timeMs, key, length } = fold.columns;
  const before = (a: number, b: number): number => timeMs[a]! - timeMs[b]! || key[a]! - key[b]!;
  const inOrder = new Int32Array(length);
  // Seldom any: made when the first one comes.
  let late: Int32Array | undefined;
  let count = 0;
  let lateCount = 0;
  let last = -1;
  for (let row = 0; row < length; row++) {
    if (row % SLICE === 0) yield;
    if (!wanted(row)) continue;
    if (last < 0 || timeMs[last]! < timeMs[row]! || before(last, row) <= 0) {
      inOrder[count++] = row;
      last = row;
    } else {
      late ??= new Int32Array(length);
      late[lateCount++] = row;
    }
  }
  if (late === undefined) return inOrder.subarray(0, count);
  const stragglers = late.subarray(0, lateCount).sort(before);
  const rows = new Int32Array(count + lateCount);
  for (let to = 0, a = 0, b = 0; to < rows.length; to++) {
    const first = b >= lateCount || (a < count && before(inOrder[a]!, stragglers[b]!) <= 0);
    rows[to] = first ? inOrder[a++]! : stragglers[b++]!;
  }
  return rows;
}
