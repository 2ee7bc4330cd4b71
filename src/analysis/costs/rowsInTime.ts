import type { SessionFold } from '../../model/fold.ts';
import { SLICE, type Sliced } from '../slices.ts';

/** Lists in order that a session is taken apart into; what is left then is sorted. */
const MOST_LISTS = 8;

/**
 * All rows by time; those of one moment in an order that does not depend on the order of arrival.
 *
 * Rows arrive in few lists that are in order each: those of the hooks, and those that the transcript brings later. So they
 * are taken apart and merged, which is O(n), where sorting what came late is not.
 */
export function* rowsInTime(fold: SessionFold): Sliced<Int32Array> {
  const { timeMs, key, length } = fold.columns;
  const before = (a: number, b: number): number => timeMs[a]! - timeMs[b]! || key[a]! - key[b]!;
  const lists: Int32Array[] = [];
  let rest: Int32Array = new Int32Array(length);
  for (let row = 0; row < length; row++) rest[row] = row;
  while (rest.length > 0 && lists.length < MOST_LISTS) {
    // Seldom any: made when the first one comes.
    let late: Int32Array | undefined;
    let lateCount = 0;
    let count = 0;
    let last = -1;
    for (let at = 0; at < rest.length; at++) {
      if (at % SLICE === 0) yield;
      const row = rest[at]!;
      if (last < 0 || timeMs[last]! < timeMs[row]! || before(last, row) <= 0) {
        rest[count++] = row;
        last = row;
      } else {
        late ??= new Int32Array(rest.length - at);
        late[lateCount++] = row;
      }
    }
    lists.push(rest.subarray(0, count));
    rest = late?.subarray(0, lateCount) ?? NONE;
  }
  if (rest.length > 0) lists.push(rest.sort(before));
  let merged = lists.pop() ?? NONE;
  for (let list = lists.pop(); list !== undefined; list = lists.pop()) {
    merged = yield* merge(list, merged, before);
  }
  return merged;
}

const NONE = new Int32Array(0);

function* merge(
  a: Int32Array,
  b: Int32Array,
  before: (a: number, b: number) => number,
): Sliced<Int32Array> {
  const rows = new Int32Array(a.length + b.length);
  for (let to = 0, i = 0, j = 0; to < rows.length; to++) {
    if (to % SLICE === 0) yield;
    const first = j >= b.length || (i < a.length && before(a[i]!, b[j]!) <= 0);
    rows[to] = first ? a[i++]! : b[j++]!;
  }
  return rows;
}
