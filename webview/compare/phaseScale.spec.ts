import { expect, test } from 'vitest';
import type { ComparedPhase, Comparison, SideColumns } from '../../src/protocol/compare.ts';
import { phaseScale, ticks } from './phaseScale.ts';

const phase = (
  firstStep: number,
  lastStep: number,
  startMs: number,
  endMs: number,
  nanoUsd: number,
) => ({ firstStep, lastStep, startMs, endMs, nanoUsd }) as ComparedPhase;
const columns = (timeMs: number[]): SideColumns => ({
  kind: new Uint8Array(timeMs.length),
  flags: new Uint16Array(timeMs.length),
  timeMs: Float64Array.from(timeMs),
  durationMs: new Float32Array(timeMs.length),
  nanoUsd: new Float64Array(timeMs.length),
});

const comparison = {
  phases: {
    a: [phase(0, 1, 0, 40, 10), phase(2, 3, 50, 100, 30)],
    b: [phase(0, 1, 0, 50, 20)],
    pairs: [],
  },
} as unknown as Comparison;
const sides = { a: columns([0, 20, 50, 90]), b: columns([0, 30]) };

test('both sides are on one scale', () => {
  const time = phaseScale(comparison, sides, 'time');
  expect(time.full).toBe(100);
  expect(time.bands.a).toEqual([
    { from: 0, to: 0.4 },
    { from: 0.5, to: 1 },
  ]);
  expect(time.end.b).toBe(0.5);
  expect(time.at('a', 2)).toBe(0.5);
  const cost = phaseScale(comparison, sides, 'cost');
  expect(cost.bands.a[1]).toEqual({ from: 0.25, to: 1 });
  expect(cost.bands.b[0]).toEqual({ from: 0, to: 0.5 });
  // Within a phase by steps.
  expect(cost.at('a', 3)).toBe(0.25 + 0.75 / 2);
  const steps = phaseScale(comparison, sides, 'steps');
  expect(steps.bands.b[0]).toEqual({ from: 0, to: 0.5 });
  expect(steps.at('b', 1)).toBe(0.25);
});

test('nothing to measure is no division by nothing', () => {
  const empty = { phases: { a: [], b: [], pairs: [] } } as unknown as Comparison;
  const none = { a: columns([]), b: columns([]) };
  for (const order of ['time', 'cost', 'steps'] as const) {
    const scale = phaseScale(empty, none, order);
    expect(scale.full).toBe(1);
    expect(scale.at('a', 5)).toBeGreaterThanOrEqual(0);
  }
});

test('the ruler has round steps', () => {
  expect(ticks(330_000, 5, true)).toEqual([0, 120_000, 240_000]);
  expect(ticks(40, 4, false)).toEqual([0, 10, 20, 30, 40]);
  expect(ticks(7, 10, false).length).toBeLessThanOrEqual(8);
  expect(ticks(1e15, 5, true).length).toBeLessThan(100);
});
