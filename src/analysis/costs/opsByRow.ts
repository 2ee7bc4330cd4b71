import type { SessionFold } from '../../model/fold.ts';

/** Operations on files by the row of the event that told of them, as lists: `first[row]`, then `next[op]`; -1 ends one. */
export interface OpsByRow {
  first: Int32Array;
  next: Int32Array;
}

export function opsByRow({ files, columns }: SessionFold): OpsByRow {
  const first = new Int32Array(columns.length).fill(-1);
  const next = new Int32Array(files.opCount);
  for (let op = files.opCount - 1; op >= 0; op--) {
    const row = files.opRow(op);
    if (row < 0) continue;
    next[op] = first[row]!;
    first[row] = op;
  }
  return { first, next };
}
