import { expect, test } from 'vitest';
import { LastCalls, MAX_WINDOW } from './lastCalls.ts';

/** The same numbers on every run. */
function* numbers(): Generator<number, never> {
  for (let state = 7; ; ) {
    state = (state * 48_271) % 2_147_483_647;
    yield state;
  }
}

test('what was saved counts as what is at hand, wherever the two meet', () => {
  const next = numbers();
  const random = (below: number): number => next.next().value % below;
  let differing = 0;
  for (let round = 0; round < 300; round++) {
    const before = random(260);
    const after = random(12);
    // Numbers that are found within others, too, were they searched as a text alone.
    const keys = Array.from({ length: before + after }, () => [0, 1, 36, 1296, 37][random(5)]!);
    const whole = new LastCalls();
    let resumed = new LastCalls();
    keys.forEach((key, at) => {
      whole.add(key, at);
      if (at === before) {
        const saved = resumed.save();
        resumed = new LastCalls();
        resumed.load(saved);
      }
      resumed.add(key, at);
    });
    const key = keys[random(keys.length)] ?? 0;
    const besides = random(2) === 0 ? undefined : random(keys.length + 1);
    for (const window of [1, 5, 50, MAX_WINDOW, 1000]) {
      const expected = whole.repeats(key, window, besides);
      expect(resumed.repeats(key, window, besides), `round ${round}`).toBe(expected);
      if (expected > 1) differing++;
    }
    expect(resumed.repeatsOfLast(30)).toBe(whole.repeatsOfLast(30));
    expect(resumed.sequence(undefined, 5, besides)).toBe(whole.sequence(undefined, 5, besides));
  }
  expect(differing).toBeGreaterThan(500);
});
