import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Extras } from './extras.ts';

const HEIGHT = 28;

test('places and rows agree with adding up every height', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.nat(60), fc.integer({ min: 0, max: 300 })), {
        selector: ([row]) => row,
      }),
      (given) => {
        const extras = new Extras();
        extras.setAll([...given].sort(([a], [b]) => a - b));
        const heights = new Map(given);
        let top = 0;
        for (let row = 0; row < 80; row++) {
          expect(row * HEIGHT + extras.before(row)).toBe(top);
          const height = HEIGHT + (heights.get(row) ?? 0);
          expect(extras.rowAt(top, HEIGHT)).toBe(row);
          expect(extras.rowAt(top + height - 1, HEIGHT)).toBe(row);
          top += height;
        }
      },
    ),
  );
});
