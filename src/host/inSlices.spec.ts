import { expect, test } from 'vitest';
import { inSlices } from './inSlices.ts';
import type { LiveSession } from './liveSession.ts';

/** Goes on until the session has grown, which it does while the editor has its turn. */
function* untilGrown(trace: { bytesRead: number }): Generator<void, number> {
  const before = trace.bytesRead;
  while (trace.bytesRead === before) yield;
  return before;
}

function* atOnce(trace: { bytesRead: number }): Generator<void, number> {
  yield;
  return trace.bytesRead;
}

const sessionOf = (trace: { epoch: number; bytesRead: number }) =>
  ({ trace }) as unknown as LiveSession;

test('what a session was found to be is of one moment, also where it grew meanwhile', async () => {
  const trace = { epoch: 0, bytesRead: 1 };
  let begun = 0;
  const found = inSlices(sessionOf(trace), () => {
    begun++;
    return begun === 1 ? untilGrown(trace) : atOnce(trace);
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
  let begun = 0;
  const found = await inSlices(sessionOf(trace), () => {
    begun++;
    return begun <= 3 ? untilGrown(trace) : atOnce(trace);
  });
  going = false;
  expect(begun).toBe(4);
  expect(found).toBe(trace.bytesRead);
});
