import fc from 'fast-check';
import { expect, test } from 'vitest';
import { panned, showing, within, zoomed } from './view.ts';

const view = fc
  .tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0.01, max: 1, noNaN: true }))
  .map(([from, span]) => within({ from: from * 1000, to: (from + span) * 1000 }, 1000, 5));

test('whatever is done, the view stays within the session and is not too short', () => {
  fc.assert(
    fc.property(
      view,
      fc.double({ min: -3000, max: 3000, noNaN: true }),
      fc.double({ min: 0.001, max: 100, noNaN: true }),
      (start, by, factor) => {
        for (const next of [
          panned(start, by, 1000, 5),
          zoomed(start, start.from + by, factor, 1000, 5),
          showing(start, by, 1000, 5),
        ]) {
          expect(next.from).toBeGreaterThanOrEqual(0);
          expect(next.to).toBeLessThanOrEqual(1000 + 1e-9);
          expect(next.to - next.from).toBeGreaterThanOrEqual(5 - 1e-9);
        }
      },
    ),
  );
});

test('zooming keeps the place under the pointer, as long as the ends allow it', () => {
  const next = zoomed({ from: 400, to: 600 }, 450, 0.5, 1000, 5);
  expect(next).toEqual({ from: 425, to: 525 });
  expect(zoomed({ from: 0, to: 600 }, 100, 4, 1000, 5)).toEqual({ from: 0, to: 1000 });
});

test('a place that is seen moves nothing; one that is not comes into view with room before it', () => {
  const start = { from: 100, to: 200 };
  expect(showing(start, 150, 1000, 5)).toBe(start);
  expect(showing(start, 500, 1000, 5)).toEqual({ from: 480, to: 580 });
  expect(showing(start, 50, 1000, 5)).toEqual({ from: 0, to: 100 });
});
