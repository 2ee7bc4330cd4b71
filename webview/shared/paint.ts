/** When the page is painted: at once for the person's own doing, at most four times a second for the rest. */

/** Between two paints of live numbers, ms. */
export const LIVE_PAINT_MS = 250;

export class Painter {
  private readonly listeners = new Set<() => void>();
  private lastMs = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `paint` at every paint; returns how to stop. */
  subscribe(paint: () => void): () => void {
    this.listeners.add(paint);
    return () => void this.listeners.delete(paint);
  }

  /** Paints now. */
  now(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.lastMs = performance.now();
    for (const paint of this.listeners) paint();
  }

  /** Paints soon: whatever changes until then is painted in one go. */
  soon(): void {
    if (this.timer !== undefined) return;
    const waitMs = Math.max(0, this.lastMs + LIVE_PAINT_MS - performance.now());
    this.timer = setTimeout(() => this.now(), waitMs);
  }
}
