import type { SessionPhase } from '../phases/phase.ts';

/** The phase that a moment belongs to: the last that began at or before it, or the first; -1 where there are none. */
export function phaseIndexAt(phases: readonly SessionPhase[], timeMs: number): number {
  let low = 0;
  let high = phases.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (phases[middle]!.startMs <= timeMs) low = middle + 1;
    else high = middle;
  }
  return phases.length === 0 ? -1 : Math.max(0, low - 1);
}
