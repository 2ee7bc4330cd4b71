/** Kinds of waste, in the order in which they take: no dollar is counted in two. */
export const WASTE_KINDS = [
  /** All that a failed phase cost. */
  'failedPhase',
  /** An attempt that failed, of a call made again with the same input and nothing done in between that could have helped. */
  'retry',
  /** A file read again that had not changed since, in the same context window. */
  'redundantRead',
  /** Prompt tokens paid at full price, or written anew, that a warm cache would have held. */
  'cacheBreak',
] as const;
export type WasteKind = (typeof WASTE_KINDS)[number];

export interface WasteItem {
  kind: WasteKind;
  /** The step that it is best shown at. */
  step: number;
  /** Nano-dollars, whole; unpriced responses count nothing. */
  nanoUsd: number;
  /** ms that it took; 0 where it took none. */
  durationMs: number;
  /** Of a failed phase, its index; else -1. */
  phase: number;
  /** Of a redundant read: code of its path; else -1. */
  file: number;
  /** Of a retry: which attempt in a row it was, 1-based; of a redundant read: how often read before. */
  times: number;
  /** Of a cache break. */
  break?: CacheBreak;
}

/** Why the cached prefix was not used. */
export type BreakCause =
  /** It lay longer than it lives. */
  | 'time'
  | 'model'
  | 'compaction'
  /** Resumed, cleared or forked: the agent sent another beginning. */
  | 'restart'
  /** Tools or servers came or went. */
  | 'tools'
  /** The prefix changed, and the trace does not tell by what. */
  | 'prefix';

export interface CacheBreak {
  step: number;
  /** The fold's row of the response that paid. */
  row: number;
  lane: number;
  timeMs: number;
  cause: BreakCause;
  /** What changed, for people: `idle 7m 12s, the cache lives 5m`, `claude-opus-4-5 → claude-haiku-4-5`. Hostile. */
  detail: string;
  /** Tokens that the cache held before and that were paid again. */
  tokens: number;
  /** What they cost above the price of a cache read, nano-dollars; NaN: no price is known. */
  nanoUsd: number;
}

/** Cache breaks of one cause. */
export interface BreakSum {
  cause: BreakCause;
  count: number;
  /** Tokens that were paid again. */
  tokens: number;
  nanoUsd: number;
  /** Of `count`, those whose price is not known: not in `nanoUsd`. */
  unpriced: number;
}

export interface Waste {
  /** Sum of all items, nano-dollars. */
  nanoUsd: number;
  durationMs: number;
  byKind: Record<WasteKind, { nanoUsd: number; durationMs: number; count: number }>;
  /** Of the cache breaks, by cause, the dearest first. */
  byCause: BreakSum[];
  /** Nano-dollars by index of the phase; empty where there are no phases. */
  byPhase: number[];
  /** The dearest first; at most 1,000, the sums are of all. */
  items: WasteItem[];
}
