/**
 * Maps the height of a list, however long, to a height that browsers can scroll.
 *
 * Browsers keep lengths in 1/64 px of 32 bits, and scroll positions in floats that lose half pixels
 * beyond a few million. So a long list is squeezed: one to one near both ends, scaled in between.
 */

/** Tallest element, px: positions in it are exact to a quarter of a pixel. */
export const MAX_HEIGHT = 4_000_000;
/** At both ends the list is as tall as its rows, px. */
const EXACT_END = 500_000;

export class ScrollMap {
  /** Height of all rows, px. */
  readonly virtualHeight: number;
  /** Height of the element that scrolls, px. */
  readonly realHeight: number;
  private readonly virtualMax: number;
  private readonly realMax: number;

  /**
   * @param virtualHeight height of all rows, px
   * @param viewport height of the part that is seen, px
   */
  constructor(virtualHeight: number, viewport: number) {
    this.virtualHeight = virtualHeight;
    this.realHeight = Math.min(virtualHeight, MAX_HEIGHT);
    this.virtualMax = Math.max(0, virtualHeight - viewport);
    this.realMax = Math.max(0, this.realHeight - viewport);
  }

  get scaled(): boolean {
    return this.virtualHeight > this.realHeight;
  }

  /** Last place that can be scrolled to, px of the rows. */
  get max(): number {
    return this.virtualMax;
  }

  /** The place among the rows for a scroll position. */
  toVirtual(scrollTop: number): number {
    const real = clamp(scrollTop, 0, this.realMax);
    if (!this.scaled || real <= EXACT_END) return real;
    const fromEnd = this.realMax - real;
    if (fromEnd <= EXACT_END) return this.virtualMax - fromEnd;
    return EXACT_END + (real - EXACT_END) * this.scale;
  }

  /** The scroll position for a place among the rows. */
  toReal(top: number): number {
    const virtual = clamp(top, 0, this.virtualMax);
    if (!this.scaled || virtual <= EXACT_END) return virtual;
    const fromEnd = this.virtualMax - virtual;
    if (fromEnd <= EXACT_END) return this.realMax - fromEnd;
    return EXACT_END + (virtual - EXACT_END) / this.scale;
  }

  private get scale(): number {
    return (this.virtualMax - 2 * EXACT_END) / (this.realMax - 2 * EXACT_END);
  }
}

export const clamp = (value: number, low: number, high: number): number =>
  Math.min(Math.max(value, low), Math.max(low, high));
