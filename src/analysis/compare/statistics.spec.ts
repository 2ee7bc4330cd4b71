import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fisherExact, holm, mannWhitney, median } from './statistics.ts';

test('Mann–Whitney: the tables of the textbooks, exactly', () => {
  // Complete separation: 2 / C(n + m, n).
  expect(mannWhitney([1, 2, 3], [4, 5, 6])).toBeCloseTo(2 / 20, 12);
  expect(mannWhitney([1, 2, 3, 4], [5, 6, 7, 8])).toBeCloseTo(2 / 70, 12);
  expect(mannWhitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])).toBeCloseTo(2 / 252, 12);
  // U = 1 of 3 and 3: four of twenty divisions are as far out.
  expect(mannWhitney([1, 2, 4], [3, 5, 6])).toBeCloseTo(4 / 20, 12);
  expect(mannWhitney([1, 1, 1], [1, 1, 1])).toBe(1);
  expect(mannWhitney([], [1, 2])).toBe(1);
});

test('Mann–Whitney counts what trying all divisions counts, ties and all', () => {
  const few = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(few, few, (a, b) => {
      expect(mannWhitney(a, b)).toBeCloseTo(byHand(a, b), 9);
    }),
  );
});

/** All ways to choose which of the numbers are the first group's. */
function byHand(a: readonly number[], b: readonly number[]): number {
  const all = [...a, ...b];
  const rank = (x: number): number =>
    all.filter((y) => y < x).length + (all.filter((y) => y === x).length + 1) / 2;
  const ranks = all.map(rank);
  const mean = (ranks.reduce((sum, r) => sum + r, 0) * a.length) / all.length;
  const observed = Math.abs(ranks.slice(0, a.length).reduce((sum, r) => sum + r, 0) - mean);
  let far = 0;
  let every = 0;
  for (let mask = 0; mask < 2 ** all.length; mask++) {
    const chosen = ranks.filter((_, at) => (mask >> at) & 1);
    if (chosen.length !== a.length) continue;
    every++;
    if (Math.abs(chosen.reduce((sum, r) => sum + r, 0) - mean) >= observed - 1e-9) far++;
  }
  return far / every;
}

test('many runs: close to the exact value', () => {
  const a = Array.from({ length: 61 }, (_, at) => at * 1.0);
  const b = Array.from({ length: 61 }, (_, at) => at + 8.5);
  const exact = mannWhitney(a.slice(0, 60), b.slice(0, 60));
  expect(Math.abs(mannWhitney(a, b) - exact)).toBeLessThan(0.02);
});

test('Fisher: the lady tasting tea', () => {
  expect(fisherExact(3, 4, 1, 4)).toBeCloseTo(34 / 70, 9);
  expect(fisherExact(5, 5, 0, 5)).toBeCloseTo(2 / 252, 9);
  expect(fisherExact(2, 4, 2, 4)).toBeCloseTo(1, 9);
});

test('Holm: the least p is multiplied by all, and none falls below one before it', () => {
  expect(holm([0.01, 0.04])).toEqual([0.02, 0.04]);
  expect(holm([0.04, 0.03])).toEqual([0.06, 0.06]);
  expect(holm([0.9, 0.8])).toEqual([1, 1]);
});

test('median', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});
