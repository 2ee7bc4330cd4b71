import type { PhaseOutcome } from '../phases/phase.ts';

/** How two steps, or two phases, stand to each other. */
export type Likeness =
  /** The same thing on the same target. */
  | 'same'
  /** Another tool or another change, on the same target. */
  | 'similar'
  | 'different'
  | 'onlyA'
  | 'onlyB';

/** Steps side by side, in order; -1: nothing there. */
export interface AlignedSteps {
  length: number;
  a: Int32Array;
  b: Int32Array;
  /** Index into {@link LIKENESSES}. */
  like: Uint8Array;
}
export const LIKENESSES = ['same', 'similar', 'different', 'onlyA', 'onlyB'] as const;

export interface ComparedPhase {
  name: string;
  outcome: PhaseOutcome;
  firstStep: number;
  lastStep: number;
  /** ms after the session's start. */
  startMs: number;
  endMs: number;
  nanoUsd: number;
  calls: number;
}

export const MEASURES = [
  'cost',
  'duration',
  'calls',
  'errors',
  'wasted',
  'tokens',
  'cacheHits',
  'lines',
] as const;
export type MeasureName = (typeof MEASURES)[number];

export interface Measure {
  name: MeasureName;
  /** Undefined: not known. Nano-dollars, ms, counts; shares from 0 to 1; lines: added + removed. */
  a: number | undefined;
  b: number | undefined;
  /** `lines` only. */
  aRemoved?: number;
  bRemoved?: number;
  /** Of B against A; `none` where it is neither better nor worse, or one is not known. */
  verdict: 'better' | 'worse' | 'none';
}

export interface Verdict {
  /** `none`: they cannot be compared, or no measure that counts tells them apart. */
  winner: 'a' | 'b' | 'none';
  /** Measures that speak for the winner, and those that speak against it. */
  by: MeasureName[];
  against: MeasureName[];
  /** One pair is a hint; several runs of each, by tag, say more. */
  sure: 'hint' | 'likely' | 'sure';
  /** Why no winner is named. */
  refused?: 'prompts' | 'outcome' | 'unknown';
  /** Three sentences for people: a fact, a cause, a caution. */
  fact: string;
  cause: string;
  caution: string;
}

export interface ComparedSession {
  id: string;
  title: string;
  agent: string;
  models: string[];
  startedAtMs: number;
  durationMs: number;
  commit?: string;
  branch?: string;
}

export interface Comparison {
  a: ComparedSession;
  b: ComparedSession;
  samePrompt: boolean;
  verdict: Verdict;
  measures: Measure[];
  phases: {
    a: ComparedPhase[];
    b: ComparedPhase[];
    pairs: [a: number, b: number, like: Likeness][];
  };
  steps: AlignedSteps;
  /** Places in `steps` where they part, the first first. */
  divergences: number[];
}
