/** After so much of a frame nothing large begins in it, ms. */
const FULL_MS = 8;

/**
 * Runs something large with the next frame; where others took most of that, with the one after it: two large things in one
 * frame are one long task, and the person's hand waits for both.
 *
 * @returns how to leave it
 */
export function inFreeFrame(run: () => void): () => void {
  let frame = requestAnimationFrame((frameMs) => {
    if (performance.now() - frameMs <= FULL_MS) run();
    else frame = requestAnimationFrame(run);
  });
  return () => cancelAnimationFrame(frame);
}
