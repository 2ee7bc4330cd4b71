import { expect, test } from 'vitest';
import { inSlices } from './inSlices.ts';
import type { LiveSession } from './liveSession.ts';

/** Rests so often that the editor has its turn in between. */
function* slow(trace: { bytesRead: number }): Generator<void, number> {
  const before = trace.bytesRead;
  const until = performance.now() + 30;
  while (performance.now() < until) yield;
  return before;
}

const sessionOf = (trace: { epoch: number; bytesRead: number }) =>
  ({ trace }) as unknown as LiveSession;

test('what a session was found to be is of one moment, also where it grew meanwhile', async () => {
  const trace = { epoch: 0, bytesRead: 1 };
  let begun = 0;
  const found = inSlices(sessionOf(trace), () => {
    begun++;
    return slow(trace);
  });
  setImmediate(() => {
    trace.bytesRead = 2;
  });
  expect(await found).toBe(2);
  expect(begun).toBe(2);
});

test('a session that never stops growing is analysed in one go', async () => {
  const trace = { epoch: 0, bytesRead: 1 };
  let going = true;
  const grow = (): void => {
    trace.bytesRead++;
    if (going) setImmediate(grow);
  };
  grow();
  const found = await inSlices(sessionOf(trace), () => slow(trace));
  going = false;
  expect(found).toBe(trace.bytesRead);
});
