/** What pages that list steps have in common: the rows in columns, and how to ask for their words. */

import { STEP_KINDS, type StepKind } from '../model/step.ts';

/**
 * Rows `from … from + count - 1` of the list (a row is a step: a call with its result is one).
 * Typed arrays of `count` each; sent as they stand, so that a million rows are a few megabytes.
 * Sent again for rows that changed (a call that ended, the total of the running turn): the page then asks
 * for their words again. Messages of at most 50,000 rows keep the page from stalling.
 */
export interface RowColumns {
  from: number;
  count: number;
  /** Total rows now. Smaller than before: the list was rebuilt, forget what was cached. */
  total: number;
  /** Index into {@link ROW_KINDS}. */
  kind: Uint8Array;
  /** Bits of {@link ROW_FLAGS}. */
  flags: Uint16Array;
  lane: Uint16Array;
  /** ms since the epoch. */
  timeMs: Float64Array;
  /** ms; NaN where there is none (yet). */
  durationMs: Float32Array;
  /** Nano-dollars; NaN where there is none. On a prompt: the total of its turn. */
  nanoUsd: Float64Array;
}

export const ROW_KINDS = STEP_KINDS;
export type RowKind = StepKind;

export const ROW_FLAGS = {
  error: 1,
  denied: 2,
  retry: 4,
  running: 8,
  /** The cost is an estimate. */
  estimate: 16,
  /** Something was redacted. */
  redacted: 32,
  /** A command that runs the project's tests. */
  test: 64,
  /** A command that commits. */
  commit: 128,
  /** The context window was compacted. */
  compaction: 256,
} as const;

/** Asks for the words of rows `from … to - 1`. */
export interface RowsRequest {
  type: 'rows';
  requestId: number;
  from: number;
  to: number;
}
