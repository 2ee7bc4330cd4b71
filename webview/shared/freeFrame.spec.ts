import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inFreeFrame } from './freeFrame.ts';

let frames: FrameRequestCallback[] = [];
let nowMs = 0;
/** Runs the next frame; others have taken some of it before. */
const frame = (takenMs: number): void => {
  const waiting = frames;
  frames = [];
  nowMs += 16;
  const begunMs = nowMs;
  nowMs += takenMs;
  for (const run of waiting) run(begunMs);
};

beforeEach(() => {
  frames = [];
  vi.stubGlobal('requestAnimationFrame', (run: FrameRequestCallback) => frames.push(run));
  vi.stubGlobal('cancelAnimationFrame', (id: number) => frames.splice(id - 1, 1));
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('runs with the next frame, and one later where that is taken; never later than that', () => {
  const run = vi.fn();
  inFreeFrame(run);
  frame(2);
  expect(run).toHaveBeenCalledTimes(1);
  inFreeFrame(run);
  frame(30);
  expect(run).toHaveBeenCalledTimes(1);
  frame(30);
  expect(run).toHaveBeenCalledTimes(2);
  expect(frames).toEqual([]);
});

test('is left, also after it was put off', () => {
  const run = vi.fn();
  inFreeFrame(run)();
  frame(0);
  const leave = inFreeFrame(run);
  frame(30);
  leave();
  frame(0);
  expect(run).not.toHaveBeenCalled();
});
