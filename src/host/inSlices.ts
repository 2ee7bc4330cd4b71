import { drain } from '../analysis/slices.ts';
import type { LiveSession } from './liveSession.ts';

/** Work in one go, ms: then the editor has its turn. */
const SLICE_MS = 8;
/** A session that grows faster than that is analysed in one go. */
const MOST_TRIES = 3;

/**
 * Analyses a session in slices. What it finds is of one moment: where the session grew meanwhile, it begins again.
 *
 * @param work begins the analysis
 * @param signal nobody waits for it any more
 * @throws the signal's reason
 */
export async function inSlices<T>(
  { trace }: Pick<LiveSession, 'trace'>,
  work: () => Generator<unknown, T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { epoch, bytesRead } = trace;
    const found = await inTurns(work(), () => {
      signal?.throwIfAborted();
      return trace.epoch !== epoch || trace.bytesRead !== bytesRead;
    });
    if (found !== undefined) return found.value;
  }
  return drain(work());
}

/**
 * Does what is done in slices: between two of them the editor has its turn.
 *
 * @param isVain whether nobody wants it any more, asked after each turn of the editor
 * @returns undefined: it was in vain
 * @throws what `work` or `isVain` throws
 */
export async function inTurns<T>(
  work: Generator<unknown, T>,
  isVain: () => boolean,
): Promise<{ value: T } | undefined> {
  for (;;) {
    const until = performance.now() + SLICE_MS;
    do {
      const { done, value } = work.next();
      if (done) return { value: value as T };
    } while (performance.now() < until);
    await new Promise((resolve) => setImmediate(resolve));
    if (isVain()) return undefined;
  }
}
