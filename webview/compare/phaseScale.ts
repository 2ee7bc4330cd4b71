import type { Comparison, Side, SideColumns } from '../../src/protocol/compare.ts';
import type { Order } from './app.ts';

export interface Band {
  /** 0 to 1 of the width. */
  from: number;
  to: number;
}

export interface PhaseScale {
  /** By phase. */
  bands: Record<Side, Band[]>;
  /** Where a step stands, 0 to 1. */
  at(side: Side, step: number): number;
  /** End of each side, 0 to 1. */
  end: Record<Side, number>;
  /** What the whole width is: ms, nano-dollars or steps. */
  full: number;
}

/** Where phases and steps stand, both sides on one scale: by time, by cost, or one width a step. */
export function phaseScale(
  comparison: Comparison,
  columns: Record<Side, SideColumns>,
  order: Order,
): PhaseScale {
  const sides = {
    a: measured(comparison, columns.a, 'a', order),
    b: measured(comparison, columns.b, 'b', order),
  };
  const full = Math.max(sides.a.end, sides.b.end) || 1;
  const scaled = ({ bands }: Measured): Band[] =>
    bands.map(({ from, to }) => ({ from: from / full, to: to / full }));
  return {
    bands: { a: scaled(sides.a), b: scaled(sides.b) },
    at: (side, step) => Math.min(1, Math.max(0, sides[side].at(step) / full)),
    end: { a: sides.a.end / full, b: sides.b.end / full },
    full,
  };
}

interface Measured {
  bands: Band[];
  end: number;
  at(step: number): number;
}

function measured(
  { phases }: Comparison,
  columns: SideColumns,
  side: Side,
  order: Order,
): Measured {
  const list = phases[side];
  switch (order) {
    case 'time': {
      const bands = list.map(({ startMs, endMs }) => ({
        from: startMs,
        to: Math.max(startMs, endMs),
      }));
      return { bands, end: bands.at(-1)?.to ?? 0, at: (step) => columns.timeMs[step] ?? 0 };
    }
    case 'steps': {
      const bands = list.map(({ firstStep, lastStep }) => ({ from: firstStep, to: lastStep + 1 }));
      return { bands, end: columns.kind.length, at: (step) => step };
    }
    case 'cost': {
      let sum = 0;
      const bands = list.map(({ nanoUsd }) => {
        const from = sum;
        sum += nanoUsd || 0;
        return { from, to: sum };
      });
      return {
        bands,
        end: sum,
        // Within its phase by steps: costs of responses are shared by their calls, and some are nobody's.
        at: (step) => {
          const phase = list.findIndex(({ lastStep }) => step <= lastStep);
          const band = bands[phase];
          if (!band) return sum;
          const { firstStep, lastStep } = list[phase]!;
          const share = (step - firstStep) / Math.max(1, lastStep + 1 - firstStep);
          return band.from + share * (band.to - band.from);
        },
      };
    }
  }
}

/** Steps of a ruler that has about so many: 1, 2 or 5 times a power of ten; for time whole seconds, minutes, hours. */
export function ticks(full: number, about: number, isTime: boolean): number[] {
  const rough = full / Math.max(1, about);
  let step: number;
  if (isTime) {
    step = TIME_STEPS.find((one) => one >= rough) ?? Math.ceil(rough / 86_400_000) * 86_400_000;
  } else {
    const power = 10 ** Math.floor(Math.log10(rough));
    step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough) ?? rough;
  }
  const list: number[] = [];
  for (let at = 0; at <= full && list.length < 100; at += step) list.push(at);
  return list;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 4, 8, 12, 24].map((n) => n * HOUR),
];
