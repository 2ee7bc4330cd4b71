import { formatClock, formatCount, formatUsd } from '../../../src/model/format.ts';
import type { Order } from './axis.ts';
import type { View } from './view.ts';

export interface Tick {
  /** Units of the order. */
  at: number;
  label: string;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIMES = [
  50,
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
];

/** 1, 2 or 5 times a power of ten, not below `least`. */
export function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  for (const factor of [1, 2, 5]) if (factor * power >= least * 0.999_999) return factor * power;
  return 10 * power;
}

/** Step of a scale that shows about half of `top`, and all of it. */
export function scaleStep(top: number): number {
  const least = top / 2.4;
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 2.5, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

/**
 * Ticks of the ruler: at round places, at least `minPx` apart.
 *
 * @param width of the view, px
 */
export function rulerTicks(order: Order, view: View, width: number, minPx: number): Tick[] {
  const span = view.to - view.from;
  if (!(span > 0) || !(width > 0)) return [];
  const step = tickStep(order, (span / width) * minPx);
  const ticks: Tick[] = [];
  for (let n = Math.ceil(view.from / step - 1e-9); ticks.length < 1000; n++) {
    const at = n * step;
    if (at > view.to) break;
    ticks.push({ at, label: tickLabel(order, at, step) });
  }
  return ticks;
}

function tickStep(order: Order, least: number): number {
  if (order === 'time') {
    return TIMES.find((time) => time >= least) ?? niceStep(least / DAY) * DAY;
  }
  return order === 'steps' ? Math.max(1, niceStep(least)) : niceStep(least);
}

function tickLabel(order: Order, at: number, step: number): string {
  switch (order) {
    case 'steps':
      return formatCount(at);
    case 'cost':
      return formatUsd(at);
    case 'time':
      if (step >= DAY) return `${Math.round(at / DAY)}d`;
      // Halves of a second are not to be lost to rounding.
      return step < SECOND
        ? `${formatClock(at + 0.5)}.${String(Math.round(at % SECOND))
            .padStart(3, '0')
            .slice(0, step < 100 ? 2 : 1)}`
        : formatClock(at + 0.5);
  }
}
