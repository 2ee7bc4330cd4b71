/** Ranges that are remembered of one file, and looked at of one read: files are not read in more pieces. */
const MOST_RANGES = 64;

/** Which lines of a file one lane has in its window, as they are now. */
export class ReadMemory {
  /** Reads so far. */
  reads = 0;
  private whole = false;
  /** First and last lines, in order, apart from each other. */
  private ranges: number[] = [];

  forget(): void {
    this.reads = 0;
    this.whole = false;
    this.ranges = [];
  }

  /** @param ranges two numbers a range; undefined: the whole file */
  holds(ranges: Int32Array | undefined): boolean {
    if (this.reads === 0) return false;
    // Told without lines: that it did not change since it was read, or a picture, which is never held.
    if (this.whole || ranges === undefined) return this.whole;
    // No line is known, or too many pieces to tell.
    if (ranges.length === 0 || ranges.length > 2 * MOST_RANGES) return false;
    for (let at = 0; at < ranges.length; at += 2) {
      if (!this.holdsRange(ranges[at]!, ranges[at + 1]!)) return false;
    }
    return true;
  }

  add(ranges: Int32Array | undefined): void {
    if (ranges === undefined) this.whole = true;
    else if (ranges.length === 0) return;
    this.reads++;
    if (this.whole || ranges === undefined) return;
    for (let at = 0; at < Math.min(ranges.length, 2 * MOST_RANGES); at += 2) {
      this.addRange(ranges[at]!, ranges[at + 1]!);
    }
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
