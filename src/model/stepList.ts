import type { Columns } from './columns.ts';

/** An insertion further from the end than this is left to one sort at the next reading. */
const NEAR = 65_536;

/**
 * The rows that are steps, in time order (then in order of arrival). Kept sorted as events arrive;
 * `changedFrom` says from which step on a reader must read again.
 */
export class StepList {
  private list: Int32Array = new Int32Array(256);
  private count = 0;
  private stale = false;
  private low = 0;
  /** Goes up when steps came in before others, or went: those behind have other numbers then. */
  moves = 0;
  private readonly columns: Columns;

  constructor(columns: Columns) {
    this.columns = columns;
  }

  get length(): number {
    this.settle();
    return this.count;
  }

  /** The row of step `at`. */
  row(at: number): number {
    this.settle();
    return this.list[at] ?? -1;
  }

  /** The step of a row, or -1. */
  stepOf(row: number): number {
    this.settle();
    const at = this.position(row);
    return at < this.count && this.list[at] === row ? at : -1;
  }

  /** First step that changed since the last call; `length` where none did. */
  takeChangedFrom(): number {
    this.settle();
    const from = Math.min(this.low, this.count);
    this.low = this.count;
    return from;
  }

  insert(row: number): void {
    if (this.count === this.list.length) {
      const larger = new Int32Array(this.list.length * 2);
      larger.set(this.list);
      this.list = larger;
    }
    if (this.stale || this.count === 0 || this.isBefore(this.list[this.count - 1]!, row)) {
      this.list[this.count++] = row;
      if (this.count - 1 < this.low) this.low = this.count - 1;
      return;
    }
    this.moves++;
    const at = this.position(row);
    if (this.count - at > NEAR) {
      this.list[this.count++] = row;
      this.stale = true;
      this.low = Math.min(this.low, at);
      return;
    }
    this.list.copyWithin(at + 1, at, this.count);
    this.list[at] = row;
    this.count++;
    if (at < this.low) this.low = at;
  }

  remove(row: number): void {
    this.settle();
    const at = this.position(row);
    if (at >= this.count || this.list[at] !== row) return;
    this.moves++;
    this.list.copyWithin(at, at + 1, this.count);
    this.count--;
    if (at < this.low) this.low = at;
  }

  /** The step of this row must be shown anew. */
  touch(row: number): void {
    if (this.stale) {
      this.low = 0;
      return;
    }
    // Nearly always one of the last few.
    for (let at = this.count - 1, tries = 0; at >= 0 && tries < 16; at--, tries++) {
      if (this.list[at] === row) {
        if (at < this.low) this.low = at;
        return;
      }
    }
    const at = this.position(row);
    if (this.list[at] === row && at < this.low) this.low = at;
  }

  /**
   * Something changed that is no step of its own: what is read from the place on where it stands must
   * be read again.
   */
  touchAt(row: number): void {
    if (this.stale) {
      this.low = 0;
      return;
    }
    if (this.count === 0 || this.isBefore(this.list[this.count - 1]!, row)) return;
    this.low = Math.min(this.low, this.position(row));
  }

  /** The rows of all steps, as they are now. */
  copy(): Int32Array {
    this.settle();
    return this.list.slice(0, this.count);
  }

  /**
   * The last step that stands before this row, which is no step; -1: none.
   *
   * @param list of steps, in their order
   */
  before(row: number, list: Int32Array): number {
    return this.position(row, list, list.length) - 1;
  }

  private settle(): void {
    if (!this.stale) return;
    this.stale = false;
    const { timeMs } = this.columns;
    this.list.subarray(0, this.count).sort((a, b) => timeMs[a]! - timeMs[b]! || a - b);
  }

  /** Where the row stands or would stand. */
  private position(row: number, list = this.list, count = this.count): number {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.isBefore(list[middle]!, row)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private isBefore(a: number, b: number): boolean {
    const { timeMs } = this.columns;
    return timeMs[a]! < timeMs[b]! || (timeMs[a] === timeMs[b] && a < b);
  }

  save(): number[] {
    this.settle();
    return [...this.list.subarray(0, this.count)];
  }

  load(rows: readonly number[]): void {
    this.list = new Int32Array(Math.max(256, rows.length));
    this.list.set(rows);
    this.count = rows.length;
    this.low = 0;
    this.stale = false;
  }
}
