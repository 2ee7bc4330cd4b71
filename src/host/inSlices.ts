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
    const found = await sliced(work(), () => `${trace.epoch} ${trace.bytesRead}`, signal);
    if (found !== undefined) return found.value;
  }
  return drain(work());
}

/** @returns undefined: it changed */
async function sliced<T>(
  work: Generator<unknown, T>,
  stamp: () => string,
  signal: AbortSignal | undefined,
): Promise<{ value: T } | undefined> {
  const before = stamp();
  for (;;) {
    const until = performance.now() + SLICE_MS;
    do {
      const { done, value } = work.next();
      if (done) return { value: value as T };
    } while (performance.now() < until);
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    if (stamp() !== before) return undefined;
  }
}
