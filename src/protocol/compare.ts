/** The messages between the page that compares two sessions and whatever hosts it. */

import type { Comparison } from '../analysis/compare/comparison.ts';
import type { StepView } from '../model/step.ts';

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

export type ToComparePage =
  /** `one`: a second session is to be picked. */
  | { type: 'empty'; reason: 'one' | 'gone' | 'loading' }
  | { type: 'progress'; readEvents: number; readBytes: number; totalBytes: number }
  /** All there is; sent anew after a swap, or when one of them has grown. */
  | { type: 'comparison'; comparison: Comparison; a: SideColumns; b: SideColumns }
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
