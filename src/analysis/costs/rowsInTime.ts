import type { SessionFold } from '../../model/fold.ts';

/**
 * The rows that are wanted, by time; those of one moment in an order that does not depend on the order of arrival.
 * O(n) where few of them came late.
 */
export function rowsInTime(fold: SessionFold, wanted: (row: number) => boolean): Int32Array {
  const { timeMs, key, length } = fold.columns;
  const before = (a: number, b: number): number => timeMs[a]! - timeMs[b]! || key[a]! - key[b]!;
  const inOrder = new Int32Array(length);
  const late = new Int32Array(length);
  let count = 0;
  let lateCount = 0;
  for (let row = 0; row < length; row++) {
    if (!wanted(row)) continue;
    if (count === 0 || before(inOrder[count - 1]!, row) <= 0) inOrder[count++] = row;
    else late[lateCount++] = row;
  }
  if (lateCount === 0) return inOrder.slice(0, count);
  const stragglers = late.subarray(0, lateCount).sort(before);
  const rows = new Int32Array(count + lateCount);
  for (let to = 0, a = 0, b = 0; to < rows.length; to++) {
    const first = b >= lateCount || (a < count && before(inOrder[a]!, stragglers[b]!) <= 0);
    rows[to] = first ? inOrder[a++]! : stragglers[b++]!;
  }
  return rows;
}
