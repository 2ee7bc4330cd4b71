/**
 * Analyses walk over a million events. In slices they can be done where something else waits, too: an editor, Ctrl-C.
 *
 * A session that grows between two slices is analysed as it was at the beginning, with what changed in it since then
 * here and there: whoever works in slices does it again when the session has changed.
 */
export type Sliced<T> = Generator<void, T, void>;

/** Events that are looked at in one go: a few milliseconds. */
export const SLICE = 32_768;

/** Calls `work` for one slice after the other of `count` things: from the first number up to, and without, the second. */
export function* slicewise(count: number, work: (from: number, end: number) => void): Sliced<void> {
  for (let from = 0; from < count; from += SLICE) {
    yield;
    work(from, Math.min(count, from + SLICE));
  }
}

/** Does it all in one go. */
export function drain<T>(work: Generator<unknown, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value as T;
  }
}
