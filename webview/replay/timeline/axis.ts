import type { RowStore } from '../../shared/rowStore.ts';
import type { SessionIndex } from './sessionIndex.ts';

/** How wide a step is: by its time, all alike, or by its cost. */
export const ORDERS = ['time', 'steps', 'cost'] as const;
export type Order = (typeof ORDERS)[number];

/** Shortest view, ms or steps; of cost that part of the whole. */
const LEAST_MS = 200;
const LEAST_STEPS = 4;
const LEAST_SHARE = 1e-5;

/**
 * Where steps stand along the timeline, in units of the order: ms since the session began, steps, or nano-dollars.
 * Both `start` and `end` never go back from one step to the next, but for ends in time.
 */
export class Axis {
  order: Order = 'time';
  /** ms since the epoch. */
  startMs = 0;
  /** End of the session so far, ms since the epoch. */
  endMs = 0;
  private readonly rows: RowStore;
  private readonly index: SessionIndex;

  constructor(rows: RowStore, index: SessionIndex) {
    this.rows = rows;
    this.index = index;
  }

  /** Length of the whole, units. */
  get length(): number {
    const { order, rows, index } = this;
    if (order === 'time') return Math.max(1, this.endMs - this.startMs);
    return Math.max(1, order === 'steps' ? rows.total : index.costBefore(index.built));
  }

  /** Shortest part that can be looked at, units. */
  get least(): number {
    const { order, length } = this;
    if (order === 'cost') return length * LEAST_SHARE;
    return Math.min(length, order === 'time' ? LEAST_MS : LEAST_STEPS);
  }

  start(step: number): number {
    switch (this.order) {
      case 'time':
        return this.rows.timeMs(step) - this.startMs;
      case 'steps':
        return step;
      case 'cost':
        return this.index.costBefore(step);
    }
  }

  end(step: number): number {
    switch (this.order) {
      case 'time':
        return this.ofMs(this.index.endMs(step));
      case 'steps':
        return step + 1;
      case 'cost':
        return this.index.costBefore(step + 1);
    }
  }

  /** Place of a moment that is told in ms since the epoch; of time only. */
  ofMs(ms: number): number {
    return ms - this.startMs;
  }

  /** The last indexed step that starts at or before a place; -1: none. */
  stepAt(unit: number): number {
    let low = 0;
    let high = this.index.built;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.start(middle) <= unit) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The first indexed step that starts at or after a place; as many as are indexed: none. */
  stepFrom(unit: number): number {
    let low = 0;
    let high = this.index.built;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.start(middle) < unit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
