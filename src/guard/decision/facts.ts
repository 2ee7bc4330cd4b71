/** What rules know of a session: of its events so far, and of the clock. */
import type { Metric } from '../rules/rule.ts';

export interface Facts {
  /** Undefined: not known (no usage, no window, no price). */
  metric(metric: Metric, nowMs: number): number | undefined;
  /** How often a call with this key is among the last `window - 1` calls and this one. */
  repeats(key: string, window: number): number;
  /** The longest run of a sequence of 2 to `length` calls, back to back, that this call ends; 0: none. Without a key: that the last call ended. */
  sequence(key: string | undefined, length: number): number;
  /** Models whose usage has no price. */
  readonly unpriced: readonly string[];
}
