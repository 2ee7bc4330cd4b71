import { lowerBound } from './rowStore.ts';

/** Rows of a list that are taller than the others: a few, wherever they stand. */
export class Extras {
  /** Counts the changes. */
  version = 0;
  private rows: number[] = [];
  /** Room of all up to and with each of `rows`, px. */
  private sums: number[] = [];

  /** @param rows ascending, with their room beyond the common height, px */
  setAll(rows: readonly (readonly [row: number, px: number])[]): void {
    this.rows = [];
    this.sums = [];
    let sum = 0;
    for (const [row, px] of rows) {
      if (px <= 0) continue;
      sum += px;
      this.rows.push(row);
      this.sums.push(sum);
    }
    this.version++;
  }

  /** Room of the rows before one, px. */
  before(row: number): number {
    return this.sums[lowerBound(this.rows, row) - 1] ?? 0;
  }

  /** The row at a place, px of the rows. */
  rowAt(top: number, rowHeight: number): number {
    // The last of them that begins above the place.
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const begins = this.rows[middle]! * rowHeight + (this.sums[middle - 1] ?? 0);
      if (begins <= top) low = middle + 1;
      else high = middle;
    }
    const row = this.rows[low - 1];
    if (row === undefined) return Math.floor(top / rowHeight);
    return Math.max(row, Math.floor((top - this.sums[low - 1]!) / rowHeight));
  }
}
