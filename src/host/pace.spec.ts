import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Pace } from './pace.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('runs a single change at once', () => {
  const work = vi.fn();
  const pace = new Pace(work, 4, Date.now);
  pace.ask();
  expect(work).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1000);
  pace.ask();
  expect(work).toHaveBeenCalledTimes(2);
});

it('never runs more often than allowed, and never forgets the last change', () => {
  const runs: number[] = [];
  let value = 0;
  let shown = 0;
  const work = () => {
    runs.push(Date.now());
    shown = value;
  };
  const pace = new Pace(work, 4, Date.now);
  for (let i = 0; i < 500; i++) {
    value++;
    pace.ask();
    vi.advanceTimersByTime(7);
  }
  vi.advanceTimersByTime(2000);
  expect(shown).toBe(500);
  for (const at of runs) {
    expect(runs.filter((other) => other >= at && other < at + 1000).length).toBeLessThanOrEqual(4);
  }
});

it('stops when disposed', () => {
  const work = vi.fn();
  const pace = new Pace(work, 1, Date.now);
  pace.ask();
  pace.ask();
  pace.dispose();
  vi.advanceTimersByTime(5000);
  pace.ask();
  expect(work).toHaveBeenCalledTimes(1);
});
