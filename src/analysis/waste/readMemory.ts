import type { FileLines } from '../../model/slices/files.ts';

/** Ranges that are remembered of one file, and looked at of one read: files are not read in more pieces. */
const MOST_RANGES = 64;

/** Which lines of a file one lane has in its window, as they are now. */
export class ReadMemory {
  /** Reads so far. */
  reads = 0;
  private whole = false;
  /** First and last lines, in order, apart from each other. */
  private ranges: number[] = [];

  /** Changes of the file, changes that may have been of any, and windows of the lane, as of which it is told. */
  private changes = 0;
  private unknown = 0;
  private windows = 0;

  /** Forgets all that was before any of the three counted up. */
  asOf(changes: number, unknown: number, windows: number): void {
    if (this.changes === changes && this.unknown === unknown && this.windows === windows) return;
    this.changes = changes;
    this.unknown = unknown;
    this.windows = windows;
    this.reads = 0;
    this.whole = false;
    // Setting its length would cost several times as much.
    this.ranges = [];
  }

  holds({ pool, from, end, all }: FileLines): boolean {
    if (this.reads === 0) return false;
    // Told without lines: that it did not change since it was read, or a picture, which is never held.
    if (this.whole || all) return this.whole;
    // No line is known, or too many pieces to tell.
    if (from === end || end - from > 2 * MOST_RANGES) return false;
    for (let at = from; at < end; at += 2) {
      if (!this.holdsRange(pool[at]!, pool[at + 1]!)) return false;
    }
    return true;
  }

  add({ pool, from, end, all }: FileLines): void {
    if (all) this.whole = true;
    else if (from === end) return;
    this.reads++;
    if (this.whole) return;
    const most = Math.min(end, from + 2 * MOST_RANGES);
    for (let at = from; at < most; at += 2) this.addRange(pool[at]!, pool[at + 1]!);
  }

  private holdsRange(first: number, last: number): boolean {
    const { ranges } = this;
    for (let at = 0; at < ranges.length; at += 2) {
      if (ranges[at]! <= first && last <= ranges[at + 1]!) return true;
    }
    return false;
  }

  private addRange(first: number, last: number): void {
    const { ranges } = this;
    let from = 0;
    while (from < ranges.length && ranges[from + 1]! < first - 1) from += 2;
    let to = from;
    let low = first;
    let high = last;
    while (to < ranges.length && ranges[to]! <= last + 1) {
      low = Math.min(low, ranges[to]!);
      high = Math.max(high, ranges[to + 1]!);
      to += 2;
    }
    if (to === from && ranges.length >= 2 * MOST_RANGES) return;
    if (to === from + 2) {
      ranges[from] = low;
      ranges[from + 1] = high;
    } else if (from === ranges.length) ranges.push(low, high);
    else ranges.splice(from, to - from, low, high);
  }
}
