import { describe, expect, it } from 'vitest';
import {
  formatAge,
  formatClock,
  formatCount,
  formatCountdown,
  formatDay,
  formatDuration,
  formatElapsed,
  formatPercent,
  formatRate,
  formatTokens,
  formatUsd,
  plural,
} from './format.ts';

const usd = (dollars: number) => formatUsd(dollars * 1e9);
const s = 1000;
const min = 60 * s;
const h = 60 * min;

describe('money', () => {
  it.each([
    [4.37, '$4.37'],
    [1, '$1.00'],
    [0.0312, '$0.0312'],
    [0.85, '$0.8500'],
    [0, '$0.00'],
    [1204.4, '$1,204'],
    [1_234_567, '$1,234,567'],
    [-2.5, '−$2.50'],
    [-0.0312, '−$0.0312'],
  ])('%d dollars are %s', (dollars, text) => expect(usd(dollars)).toBe(text));

  it('never rounds something to nothing', () => {
    expect(formatUsd(1)).toBe('<$0.0001');
    expect(formatUsd(-1)).toBe('−<$0.0001');
  });

  it('changes its decimals without showing $1.0000 or $1000.00', () => {
    expect(usd(0.99994)).toBe('$0.9999');
    expect(usd(0.99996)).toBe('$1.00');
    expect(usd(999.994)).toBe('$999.99');
    expect(usd(999.996)).toBe('$1,000');
  });

  it('marks an estimate', () => {
    expect(formatUsd(0.12e9, { estimate: true })).toBe('~$0.1200');
    expect(formatUsd(1, { estimate: true })).toBe('~<$0.0001');
  });

  it.each([
    [0.21, '$0.21/min'],
    [0.0031, '$0.0031/min'],
    [0.996, '$0.9960/min'],
    [1.5, '$1.50/min'],
    [0, '$0.00/min'],
  ])('%d dollars a minute are %s', (dollars, text) => {
    expect(formatRate(dollars * 1e9)).toBe(text);
  });

  it('shows a missing sum as missing', () => expect(formatUsd(Number.NaN)).toBe('–'));
});

describe('durations', () => {
  it.each([
    [0, '<0.1s'],
    [49, '<0.1s'],
    [50, '0.1s'],
    [300, '0.3s'],
    [8_400, '8.4s'],
    [9 * s, '9s'],
    [9_949, '9.9s'],
    [9_950, '10s'],
    [12_400, '12s'],
    [59_499, '59s'],
    [59_500, '1m 00s'],
    [8 * min + 41 * s, '8m 41s'],
    [59 * min + 59_600, '1h 00m'],
    [2 * h + 5 * min, '2h 05m'],
    [31 * h, '31h 00m'],
    [999 * h, '999h 00m'],
    [1000 * h, '41 days'],
    [498_611 * h, '20,775 days'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('shows what is no duration as missing', () => {
    expect(formatDuration(Number.NaN)).toBe('–');
    expect(formatDuration(-1)).toBe('–');
  });

  it('counts a running one in whole seconds', () => {
    expect(formatElapsed(300)).toBe('0s');
    expect(formatElapsed(-5_000)).toBe('0s');
    expect(formatElapsed(4_900)).toBe('4s');
    expect(formatElapsed(24 * min + 18_999)).toBe('24m 18s');
  });
});

describe('clocks', () => {
  it.each([
    [0, '0:00'],
    [12 * min + 20 * s, '12:20'],
    [59 * min + 59_999, '59:59'],
    [h + 3 * min + 42 * s, '1:03:42'],
  ])('%d ms is %s', (ms, text) => expect(formatClock(ms)).toBe(text));

  it('counts down to a word', () => {
    expect(formatCountdown(3 * min + 42 * s)).toBe('3:42');
    expect(formatCountdown(1)).toBe('0:01');
    expect(formatCountdown(0)).toBe('cold');
    expect(formatCountdown(-1, 'over')).toBe('over');
  });

  it('says an age', () => {
    const now = new Date(2026, 10, 22, 14, 30).getTime();
    expect(formatAge(now - 20 * s, now)).toBe('now');
    expect(formatAge(now - 10 * min, now)).toBe('10 min ago');
    expect(formatAge(now - 59 * min, now)).toBe('59 min ago');
    expect(formatAge(new Date(2026, 10, 22, 9, 2).getTime(), now)).toBe('09:02');
    expect(formatAge(new Date(2026, 10, 21, 23, 59).getTime(), now)).toBe('21 Nov');
    expect(formatAge(new Date(2025, 10, 22, 14, 30).getTime(), now)).toBe('22 Nov 2025');
    expect(formatAge(Number.NaN, now)).toBe('–');
  });

  it('says a day', () => {
    expect(formatDay('2026-11-20')).toBe('20 Nov 2026');
    expect(formatDay('2026-13-20')).toBe('2026-13-20');
    expect(formatDay('soon')).toBe('soon');
  });
});

describe('counts', () => {
  it.each([
    [0, '0'],
    [428, '428'],
    [9_999, '9,999'],
    [10_000, '10k'],
    [12_400, '12.4k'],
    [999_949, '999.9k'],
    [999_950, '1M'],
    [1_300_000, '1.3M'],
    [2_500_000_000, '2.5B'],
    [Number.NaN, '–'],
  ])('%d is %s', (value, text) => expect(formatCount(value)).toBe(text));

  it.each([
    [812, '812'],
    [999.6, '1k'],
    [1_200, '1.2k'],
    [9_950, '10k'],
    [142_000, '142k'],
    [999_499, '999k'],
    [999_500, '1M'],
    [1_300_000, '1.3M'],
    [999_900_000_000, '999.9B'],
    [1e12, '>999B'],
    [1e308, '>999B'],
    [Number.NaN, '–'],
  ])('%d tokens are %s', (value, text) => expect(formatTokens(value)).toBe(text));

  it('says percent', () => {
    expect(formatPercent(0.123)).toBe('12%');
    expect(formatPercent(0.0042, 1)).toBe('0.4%');
    expect(formatPercent(1 / 0)).toBe('–');
  });

  it('says one and many', () => {
    expect(plural(1, 'call')).toBe('1 call');
    expect(plural(2, 'call')).toBe('2 calls');
    expect(plural(0, 'retry', 'retries')).toBe('0 retries');
    expect(plural(12_400, 'event')).toBe('12.4k events');
  });
});
