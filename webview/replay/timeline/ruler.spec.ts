import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { niceStep, rulerTicks, scaleStep } from './ruler.ts';

const MINUTE = 60_000;
const labels = (...given: Parameters<typeof rulerTicks>) =>
  rulerTicks(...given).map(({ label }) => label);

describe('ruler', () => {
  test.each([
    [24 * MINUTE, ['0:00', '2:00', '4:00']],
    [90_000, ['0:00', '0:10', '0:20']],
    [3 * 60 * MINUTE, ['0:00', '15:00', '30:00']],
    [2000, ['0:00.0', '0:00.2', '0:00.4']],
    [600, ['0:00.00', '0:00.05', '0:00.10']],
  ])('a span of %d ms over 1,186 px', (to, first) => {
    expect(labels('time', { from: 0, to }, 1186, 84).slice(0, 3)).toEqual(first);
  });

  test('above an hour with hours, above days in days', () => {
    const from = 59 * MINUTE;
    expect(labels('time', { from, to: from + 20 * MINUTE }, 1186, 84)).toContain('1:00:00');
    expect(labels('time', { from: 0, to: 40 * 24 * 60 * MINUTE }, 1186, 84)[1]).toBe('5d');
  });

  test('steps and dollars', () => {
    expect(labels('steps', { from: 0, to: 214 }, 1186, 84).slice(0, 3)).toEqual(['0', '20', '40']);
    expect(labels('steps', { from: 3, to: 7 }, 1186, 84)).toEqual(['3', '4', '5', '6', '7']);
    expect(labels('cost', { from: 0, to: 4.37e9 }, 1186, 84)[1]).toBe('$0.5000');
  });

  test('ticks are in the view, evenly spaced, and never closer than asked', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('time' as const, 'steps' as const, 'cost' as const),
        fc.double({ min: 0, max: 1e12, noNaN: true }),
        fc.double({ min: 100, max: 1e12, noNaN: true }),
        fc.integer({ min: 100, max: 4000 }),
        (order, from, span, width) => {
          const view = { from, to: from + span };
          const ticks = rulerTicks(order, view, width, 84);
          const scale = width / (view.to - view.from);
          for (const [i, { at }] of ticks.entries()) {
            expect(at).toBeGreaterThanOrEqual(view.from - 1e-6 * span);
            expect(at).toBeLessThanOrEqual(view.to);
            if (i > 0) expect((at - ticks[i - 1]!.at) * scale).toBeGreaterThan(83.9);
          }
        },
      ),
    );
  });

  test('nothing to divide', () => {
    expect(rulerTicks('time', { from: 5, to: 5 }, 1000, 84)).toEqual([]);
    expect(rulerTicks('time', { from: 0, to: 5 }, 0, 84)).toEqual([]);
  });

  test('round numbers', () => {
    expect([0.9, 1, 1.1, 2.1, 5.1, 70].map(niceStep)).toEqual([1, 1, 2, 5, 10, 100]);
    expect([5, 4.37, 1, 12].map(scaleStep)).toEqual([2.5, 2, 0.5, 5]);
  });
});
