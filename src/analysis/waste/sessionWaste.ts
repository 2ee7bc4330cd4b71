import type { SessionFold } from '../../model/fold.ts';
import type { SessionPhase } from '../phases/phase.ts';
import type { CacheBreak, Waste } from './waste.ts';

/** Where the prompt cache was lost, in time order. From the columns alone. */
export function cacheBreaks(_fold: SessionFold): CacheBreak[] {
  return [];
}

/** What was paid for nothing. From the columns alone. */
export function sessionWaste(_fold: SessionFold, _phases: readonly SessionPhase[]): Waste {
  const none = () => ({ nanoUsd: 0, durationMs: 0, count: 0 });
  return {
    nanoUsd: 0,
    durationMs: 0,
    byKind: { failedPhase: none(), retry: none(), redundantRead: none(), cacheBreak: none() },
    items: [],
  };
}
