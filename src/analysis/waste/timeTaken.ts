/** Time that was counted already: of what overlaps, each moment counts once. */
export class TimeTaken {
  /** Beginnings and ends, in order, apart from each other; ms since the epoch. */
  private spans: number[] = [];
  private fresh: number[] = [];
  private last = Number.NEGATIVE_INFINITY;

  /**
   * Counts a span. Spans of one kind come by their beginnings; {@link settle} goes on to the next kind.
   *
   * @returns ms of it that were not counted before
   */
  take(startMs: number, endMs: number): number {
    const from = Math.max(startMs, this.last);
    if (!(endMs > from)) return 0;
    this.last = endMs;
    this.fresh.push(from, endMs);
    const { spans } = this;
    let low = 0;
    let high = spans.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (spans[2 * middle + 1]! <= from) low = middle + 1;
      else high = middle;
    }
    let free = endMs - from;
    for (let at = 2 * low; at < spans.length && spans[at]! < endMs; at += 2) {
      free -= Math.min(endMs, spans[at + 1]!) - Math.max(from, spans[at]!);
    }
    return free;
  }

  settle(): void {
    const merged: number[] = [];
    const { spans, fresh } = this;
    for (let a = 0, b = 0; a < spans.length || b < fresh.length; ) {
      const old = b >= fresh.length || (a < spans.length && spans[a]! <= fresh[b]!);
      const start = old ? spans[a]! : fresh[b]!;
      const end = old ? spans[a + 1]! : fresh[b + 1]!;
      if (old) a += 2;
      else b += 2;
      if (merged.length > 0 && start <= merged[merged.length - 1]!) {
        merged[merged.length - 1] = Math.max(merged[merged.length - 1]!, end);
      } else merged.push(start, end);
    }
    this.spans = merged;
    this.fresh = [];
    this.last = Number.NEGATIVE_INFINITY;
  }
}
