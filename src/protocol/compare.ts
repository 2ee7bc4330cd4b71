/** The messages between the page that compares two sessions and whatever hosts it. */

import { type Comparison, LIKENESSES as likenesses } from '../analysis/compare/comparison.ts';
import {
  MEASURE_HINTS,
  MEASURE_LABELS,
  measureDifference,
  measureValue,
} from '../analysis/compare/measureWords.ts';
import type { StepView } from '../model/step.ts';

export type {
  ComparedPhase,
  ComparedSession,
  Comparison,
  Likeness,
  Measure,
  Verdict,
} from '../analysis/compare/comparison.ts';
/** What the page says is said in the terminal, too. */
export const LIKENESSES = likenesses;
export const compareWords = {
  labels: MEASURE_LABELS,
  hints: MEASURE_HINTS,
  value: measureValue,
  difference: measureDifference,
} as const;

export const COMPARE_PROTOCOL = 1;

export type Side = 'a' | 'b';

/** One side's steps in columns, by step. */
export interface SideColumns {
  /** Index into STEP_KINDS, and bits of ROW_FLAGS. */
  kind: Uint8Array;
  flags: Uint16Array;
  /** ms since the session's start. */
  timeMs: Float64Array;
  durationMs: Float32Array;
  /** Nano-dollars; NaN where there is none. Prompts have none. */
  nanoUsd: Float64Array;
}

/** What a page says of a side beside the comparison. */
export interface SideState {
  /** The session goes on. */
  live: boolean;
  /** Its trace was moved or deleted: what was read is shown. */
  gone: boolean;
}

export type ToComparePage =
  /** First: which sessions this is about, so that the tab can be filled again after a reload. B: undefined until one is picked. */
  | { type: 'start'; version: number; a: string; b?: string }
  /** `one`: a second session is to be picked. */
  | { type: 'empty'; reason: 'one' | 'gone' | 'loading' }
  | { type: 'progress'; readEvents: number; readBytes: number; totalBytes: number }
  /** All there is; sent anew after a swap, or when one of them has grown. */
  | {
      type: 'comparison';
      comparison: Comparison;
      a: SideColumns;
      b: SideColumns;
      states: { a: SideState; b: SideState };
    }
  /** Whether they go on, or are still there, changed; nothing else. */
  | { type: 'states'; a: SideState; b: SideState }
  | { type: 'rows'; requestId: number; side: Side; from: number; rows: StepView[] }
  | { type: 'error'; message: string; detail?: string };

export type FromComparePage =
  | { type: 'ready'; version: number }
  | { type: 'rows'; requestId: number; side: Side; from: number; to: number }
  | { type: 'swap' }
  /** Opens the replay of one side at a step, or both. */
  | { type: 'open'; side: Side | 'both'; step: number }
  | { type: 'openDiff'; side: Side; step: number }
  | { type: 'choose' }
  /** Puts the comparison on the clipboard as Markdown. */
  | { type: 'copy' };
