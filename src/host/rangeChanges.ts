import type { SessionFold } from '../model/fold.ts';

/** A file that some steps changed. */
export interface RangeChange {
  /** As the trace names it. */
  path: string;
  /** Rows of the first and the last step that changed it. */
  firstRow: number;
  lastRow: number;
}

/** The files that the steps `from … to` (both inclusive) changed, in the order of their first change. */
export function changedBetween(fold: SessionFold, from: number, to: number): RangeChange[] {
  const found: (RangeChange & { at: number })[] = [];
  for (const { path, writes } of fold.files.summaries()) {
    if (writes === 0) continue;
    const rows = fold.files
      .opsOf(path)
      .filter(({ kind }) => kind !== 'read')
      .map(({ row }) => ({ row, step: fold.steps.stepOf(row) }))
      .filter(({ step }) => step >= from && step <= to);
    const [first] = rows;
    if (first) {
      found.push({ path, firstRow: first.row, lastRow: rows.at(-1)!.row, at: first.step });
    }
  }
  return found.sort((a, b) => a.at - b.at).map(({ at: _, ...change }) => change);
}
