import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_HEIGHT, ScrollMap } from './scrollMap.ts';

describe('scroll map', () => {
  it('changes nothing for a list that fits', () => {
    const map = new ScrollMap(22 * 1000, 500);
    expect(map.realHeight).toBe(22_000);
    expect(map.toVirtual(1234.5)).toBe(1234.5);
    expect(map.toReal(map.max)).toBe(21_500);
  });

  it('reaches both ends of a list of ten million rows', () => {
    const map = new ScrollMap(22 * 10_000_000, 500);
    expect(map.realHeight).toBe(MAX_HEIGHT);
    expect(map.toVirtual(0)).toBe(0);
    expect(map.toVirtual(MAX_HEIGHT - 500)).toBe(map.max);
    expect(map.toVirtual(MAX_HEIGHT - 500 - 22)).toBe(map.max - 22);
    expect(map.toVirtual(100)).toBe(100);
  });

  it('is monotone and its own inverse', () => {
    const height = fc.integer({ min: 0, max: 22 * 20_000_000 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(height, share, share, (virtualHeight, a, b) => {
        const map = new ScrollMap(virtualHeight, 600);
        const [low, high] = [map.max * Math.min(a, b), map.max * Math.max(a, b)];
        expect(map.toReal(low)).toBeLessThanOrEqual(map.toReal(high));
        expect(map.toVirtual(map.toReal(low))).toBeCloseTo(low, 3);
      }),
    );
  });
});
