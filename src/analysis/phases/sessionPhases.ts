import type { SessionFold } from '../../model/fold.ts';
import type { SessionPhase } from './phase.ts';

export interface PhaseOptions {
  /** The session goes on: its last phase is running. */
  live?: boolean;
}

/** The phases of a session, from its columns alone. O(events). */
export function sessionPhases(fold: SessionFold, _options: PhaseOptions = {}): SessionPhase[] {
  void fold;
  return [];
}

/**
 * What a phase is called, in a few words: `Explore src/payments`, `Fix webhook.py`, or the prompt's own words where it is
 * the only phase of its prompt. One line; hostile, as it comes from a trace.
 *
 * @param prompt first line of the prompt
 */
export function phaseName(_fold: SessionFold, phase: SessionPhase, prompt: string): string {
  return prompt || phase.activity;
}
