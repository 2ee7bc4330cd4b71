import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LiveChange, LiveSessions } from './liveSessions.ts';
import { ReportClock } from './reportClock.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** As much of the sessions as a clock knows. */
function sessions() {
  let listener: (change: LiveChange) => void = () => {};
  const live = {
    onChange: (listen: typeof listener) => {
      listener = listen;
      return () => {};
    },
  } as LiveSessions;
  return {
    live,
    grow: (key: string) => listener({ type: 'session', session: { key } } as LiveChange),
  };
}

function shown(clock: ReportClock, key: string) {
  const report = {
    keys: [key],
    seen: true,
    made: 0,
    isSeen: () => report.seen,
    remake: () => void report.made++,
  };
  return { report, remove: clock.add(report) };
}

it('makes what is seen anew, together, and no oftener than it may', () => {
  const { live, grow } = sessions();
  const clock = new ReportClock(live);
  const [one, other, third] = ['a', 'a', 'b'].map((key) => shown(clock, key).report);
  grow('a');
  vi.advanceTimersByTime(0);
  expect([one!.made, other!.made, third!.made]).toEqual([1, 1, 0]);
  // It took half a second: it may be a tenth of the time.
  clock.made(500);
  grow('a');
  vi.advanceTimersByTime(4900);
  expect(one!.made).toBe(1);
  vi.advanceTimersByTime(200);
  expect(one!.made).toBe(2);
  clock.dispose();
});

it('what nobody sees is made when it is seen; what was taken away, never', () => {
  const { live, grow } = sessions();
  const clock = new ReportClock(live);
  const { report } = shown(clock, 'a');
  const gone = shown(clock, 'a');
  report.seen = false;
  gone.remove();
  grow('a');
  vi.advanceTimersByTime(10_000);
  expect([report.made, gone.report.made]).toEqual([0, 0]);
  report.seen = true;
  clock.ask();
  vi.advanceTimersByTime(0);
  expect(report.made).toBe(1);
  // Made from what is there now: nothing is due.
  grow('a');
  clock.begun(report);
  vi.advanceTimersByTime(10_000);
  expect(report.made).toBe(1);
  clock.dispose();
});
