/** What of the time painting may take while a hand moves: one part in so many. */
const PART = 12;
/** A paint that takes no longer goes into every frame, ms. */
const QUICK_MS = 6;
/** Longest wait for a paint, ms. */
const MOST_MS = 400;
/** A hand that moves no more waits no longer, ms. */
const REST_MS = 60;

/**
 * Paints for a hand that moves in every frame. Where a paint of the page is slow, it is held back, so that what follows the hand
 * (the canvas, the knob) can: a list that flies past cannot be read anyway. It comes once the hand rests.
 */
export class HeldPaint {
  private costMs = 0;
  private paintedMs = Number.NEGATIVE_INFINITY;
  private frame: number | undefined;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private readonly paint: () => void;

  constructor(paint: () => void) {
    this.paint = paint;
  }

  /** A paint would be too soon after the last one. */
  get holds(): boolean {
    const waitMs = this.costMs <= QUICK_MS ? 0 : Math.min(MOST_MS, this.costMs * PART);
    return performance.now() < this.paintedMs + waitMs;
  }

  soon(): void {
    clearTimeout(this.rest);
    if (!this.holds) {
      this.frame ??= requestAnimationFrame(() => this.now());
    } else this.rest = setTimeout(() => this.now(), REST_MS);
  }

  private now(): void {
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
    this.frame = undefined;
    clearTimeout(this.rest);
    const startedMs = performance.now();
    this.paint();
    // A message comes when all of it is rendered.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      this.paintedMs = performance.now();
      this.costMs = this.paintedMs - startedMs;
      port1.close();
    };
    port2.postMessage(0);
  }
}
