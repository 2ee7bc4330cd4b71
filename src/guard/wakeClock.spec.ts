import { describe, expect, it } from 'vitest';
import type { Facts } from './decision/facts.ts';
import { WakeClock } from './wakeClock.ts';

const MINUTE = 60_000;
/** A session that began at 0 and was last heard of at `lastMs`. */
const facts = (lastMs: number): Facts => ({
  metric: (name, nowMs) =>
    name === 'duration_minutes'
      ? nowMs / MINUTE
      : name === 'idle_minutes'
        ? (nowMs - lastMs) / MINUTE
        : 7,
  repeats: () => 1,
  sequence: () => 0,
  unpriced: [],
});

describe('WakeClock', () => {
  it('does not count the time in which the machine slept', () => {
    const clock = new WakeClock();
    clock.look(10 * MINUTE, 0);
    clock.look(11 * MINUTE, MINUTE);
    // An hour of sleep, which the monotonic clock did not see.
    clock.look(72 * MINUTE, 2 * MINUTE);
    const now = 73 * MINUTE;
    clock.look(now, 3 * MINUTE);
    expect(clock.awake(facts(11 * MINUTE)).metric('duration_minutes', now)).toBeCloseTo(13);
    expect(clock.awake(facts(11 * MINUTE)).metric('idle_minutes', now)).toBeCloseTo(2);
    // An event after the sleep: nothing of it is idleness.
    expect(clock.awake(facts(72.5 * MINUTE)).metric('idle_minutes', now)).toBeCloseTo(0.5);
    expect(clock.awake(facts(0)).metric('cost_usd', now)).toBe(7);
  });

  it('counts a slow tick, and not what the agent was frozen', () => {
    const clock = new WakeClock();
    clock.look(0, 0);
    clock.look(5 * MINUTE, 5 * MINUTE);
    expect(clock.awake(facts(0)).metric('duration_minutes', 5 * MINUTE)).toBe(5);
    clock.look(8 * MINUTE, 8 * MINUTE, true);
    expect(clock.awake(facts(0)).metric('duration_minutes', 8 * MINUTE)).toBe(5);
    expect(clock.awake(facts(0)).metric('idle_minutes', 9 * MINUTE)).toBe(6);
  });

  it('keeps the sum of a thousand gaps', () => {
    const clock = new WakeClock();
    let wall = 0;
    for (let at = 0; at < 1000; at++) {
      clock.look(wall, 0);
      wall += 2 * MINUTE;
    }
    clock.look(wall, 0);
    expect(clock.missedSince(0)).toBeCloseTo(2000 * MINUTE, -1);
  });
});
