import type { RowStore } from '../shared/rowStore.ts';

/** A longer gap between two steps is idle, ms. */
export const IDLE_MS = 15_000;
/** What an idle gap takes where it is skipped, ms. */
export const SKIPPED_MS = 300;

/**
 * Playing time: where each step stands when the session is played in real time, with or without its idle
 * gaps. Worked out when it is asked for, from the first step that changed.
 */
export class Timebase {
  private readonly rows: RowStore;
  private starts = new Float64Array(1024);
  private valid = 0;
  private skip: boolean;
  /** Counts the changes. */
  version = 0;

  constructor(rows: RowStore, skipIdle: boolean) {
    this.rows = rows;
    this.skip = skipIdle;
  }

  get skipIdle(): boolean {
    return this.skip;
  }

  set skipIdle(skip: boolean) {
    this.skip = skip;
    this.changed(0);
  }

  /** Steps from this one on changed. */
  changed(from: number): void {
    this.valid = Math.min(this.valid, from);
    this.version++;
  }

  /** Whole playing time, ms. */
  get totalMs(): number {
    return this.at(this.rows.total - 1);
  }

  /** When a step begins, ms of playing time. */
  at(step: number): number {
    const last = Math.min(step, this.rows.total - 1);
    this.settle(last + 1);
    return this.starts[last] ?? 0;
  }

  /** The last step that has begun by then. */
  stepAt(ms: number): number {
    this.settle();
    let low = 0;
    let high = this.rows.total;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! <= ms) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** How far the session's own clock is at a moment of playing time, ms since the epoch. */
  clockAt(ms: number): number {
    const step = this.stepAt(ms);
    const timeMs = this.rows.timeMs(step);
    const next = step + 1 < this.rows.total ? this.at(step + 1) : this.at(step);
    const gap = this.rows.timeMs(step + 1) - timeMs;
    const share = next > this.at(step) ? (ms - this.at(step)) / (next - this.at(step)) : 0;
    return Number.isFinite(gap) && gap > 0 ? timeMs + share * gap : timeMs;
  }

  /** Works out the first `needed` steps: while a long session comes in, most of them are asked for once, at the end. */
  private settle(needed = this.rows.total): void {
    const { rows } = this;
    const { total } = rows;
    if (this.valid >= needed) return;
    if (this.starts.length < total) {
      const larger = new Float64Array(Math.ceil(total * 1.25));
      larger.set(this.starts);
      this.starts = larger;
    }
    for (let step = this.valid; step < needed; step++) {
      this.starts[step] = step === 0 ? 0 : this.starts[step - 1]! + this.gapBefore(step);
    }
    this.valid = needed;
  }

  private gapBefore(step: number): number {
    const { rows } = this;
    if (!rows.known(step) || !rows.known(step - 1)) return 0;
    const gap = Math.max(0, rows.timeMs(step) - rows.timeMs(step - 1));
    return this.skip && gap > IDLE_MS ? SKIPPED_MS : gap;
  }
}
