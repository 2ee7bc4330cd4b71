import type { Activity, PhaseOutcome } from '../phases/phase.ts';

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
  /** Of the responses that have a price; see `knownNanoUsd`. */
  nanoUsd: number;
  responses: number;
  /** Responses in it without a known price. */
  unpriced: number;
  calls: number;
  activity: Activity;
  steps: number;
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

export type CostDoubt = 'estimate' | 'unpriced';

export interface Measure {
  name: MeasureName;
  /** Undefined: not known. Nano-dollars, ms, counts; shares from 0 to 1; lines: added + removed. */
  a: number | undefined;
  b: number | undefined;
  /** `lines` only. */
  aRemoved?: number;
  bRemoved?: number;
  /** `cost` only: what is known is a guess from the text, or there are responses without a price beside it. */
  aCost?: CostDoubt;
  bCost?: CostDoubt;
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
  /** How each came out. */
  outcomes: { a: Outcome; b: Outcome };
  /** Files that either changed, by path. */
  files: ChangedFile[];
  /** Steps of A that were set beside B's roughly, for there were too many to weigh all pairs; 0: none. */
  approximate: number;
  /** Events whose bodies were read for this. */
  readEvents: number;
}

/** How a session came out, as far as its trace tells. */
export interface Outcome {
  /** `answered`: its last turn came to an answer; `cut`: it broke off within one; `running`: it goes on. */
  ending: 'answered' | 'cut' | 'running';
  /** The last run of tests; `unknown`: it ran, and how it came out is not told. */
  tests: 'passed' | 'failed' | 'unknown' | 'none';
  /** As the runner said, of the last run. */
  passed?: number;
  failed?: number;
  /** The step of that run; -1. */
  testStep: number;
  /** Steps that changed files after it: they were not tested. */
  untested: number;
  /** Commands after it that threw work away, of which nothing was committed. */
  undone: number;
  commits: number;
  /** Failures of the work that nothing made good, by the rules of phases, the newest first; at most 20 of `errorsLeft`. */
  errorsLeft: number;
  errorSteps: number[];
  filesChanged: number;
  /** Steps that changed files by commands in a way that was not recorded. */
  unknownChanges: number;
  /** Calls of tools that change files, and did, whether or not it is known which. */
  edits: number;
  retries: number;
  denied: number;
  /** Hash of the last answer without its white space; 0: none. */
  answerKey: number;
  answerStep: number;
}

/** Whether files that both changed ended the same, by path, where that is known. */
export type EndContents = ReadonlyMap<string, 'same' | 'different'>;

export interface ChangedFile {
  /** As seen from the session's folder. */
  path: string;
  /** Lines; undefined: that side did not change it. */
  a?: { added: number; removed: number; edits: number };
  b?: { added: number; removed: number; edits: number };
  /** Whether it ended with the same content; `unknown`: the traces do not tell. */
  content: 'same' | 'different' | 'unknown' | 'oneSide';
}
