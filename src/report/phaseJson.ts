/** A phase in JSON, the same in all reports; some add what they know more. Steps are numbered from 1, as people see them. */
import type { SessionPhase } from '../analysis/phases/phase.ts';
import { knownNanoUsd } from '../model/knownCost.ts';
import { usd } from './sessionJson.ts';

export interface PhaseJson {
  /** 1-based. */
  index: number;
  name: string;
  /** 1 for the first prompt; 0: before it. */
  prompt_number: number;
  part: number;
  parts: number;
  activity: SessionPhase['activity'];
  outcome: SessionPhase['outcome'];
  first_step: number;
  last_step: number;
  /** The step that decided a failed outcome, or null. */
  failed_step: number | null;
  /** Seconds since the session's start. */
  start_offset: number;
  end_offset: number;
  duration_ms: number;
  /** null: nothing of it has a price. */
  cost_usd: number | null;
  own_usd: number | null;
  unpriced: number;
  responses: number;
  /** null: none, and no price is known that could have been wasted. */
  wasted_usd: number | null;
  input_tokens: number;
  cache_read_input_tokens: number;
  cache_write_input_tokens: number;
  output_tokens: number;
  tool_calls: number;
  reads: number;
  edits: number;
  runs: number;
  tests: number;
  errors: number;
  denied: number;
  retries: number;
  files_read: number;
  files_changed: number;
}

/** @param startMs of the session, ms since the epoch */
export function phaseJson(
  phase: SessionPhase,
  name: string,
  wastedNanoUsd: number,
  startMs: number,
): PhaseJson {
  const known = !Number.isNaN(knownNanoUsd(phase));
  return {
    index: phase.index + 1,
    name,
    prompt_number: phase.promptNumber,
    part: phase.part + 1,
    parts: phase.parts,
    activity: phase.activity,
    outcome: phase.outcome,
    first_step: phase.firstStep + 1,
    last_step: phase.lastStep + 1,
    failed_step: phase.failedStep < 0 ? null : phase.failedStep + 1,
    start_offset: offset(phase.startMs, startMs),
    end_offset: offset(phase.endMs, startMs),
    duration_ms: Math.round(phase.endMs - phase.startMs),
    cost_usd: known ? usd(phase.nanoUsd) : null,
    own_usd: known ? usd(phase.ownNanoUsd) : null,
    unpriced: phase.unpriced,
    responses: phase.responses,
    wasted_usd: wastedUsd(phase, wastedNanoUsd),
    input_tokens: phase.inputTokens,
    cache_read_input_tokens: phase.cacheReadTokens,
    cache_write_input_tokens: phase.cacheWriteTokens,
    output_tokens: phase.outputTokens,
    tool_calls: phase.calls,
    reads: phase.reads,
    edits: phase.edits,
    runs: phase.runs,
    tests: phase.tests,
    errors: phase.errors,
    denied: phase.denied,
    retries: phase.retries,
    files_read: phase.filesRead,
    files_changed: phase.filesChanged,
  };
}

/** What was wasted of a phase; null where nothing is known of its cost. */
const wastedUsd = (phase: SessionPhase, wastedNanoUsd: number): number | null =>
  wastedNanoUsd > 0 ? usd(wastedNanoUsd) : Number.isNaN(knownNanoUsd(phase)) ? null : 0;

/** Seconds, to the millisecond. */
export const offset = (ms: number, startMs: number): number => Math.round(ms - startMs) / 1000;
