/** What the agent was at in a phase. */
export const ACTIVITIES = [
  /** Reads, searches, looks things up. */
  'explore',
  /** Changes files. */
  'edit',
  /** Runs tests. */
  'test',
  /** Changes files after tests or commands had failed. */
  'fix',
  /** Runs other commands. */
  'run',
  /** Waits for subagents. */
  'delegate',
  /** Thinks and answers: hardly a tool. */
  'answer',
] as const;
export type Activity = (typeof ACTIVITIES)[number];

/** How a phase came out. */
export type PhaseOutcome =
  | 'ok'
  /** Something failed on the way and came right, or work went on after it. */
  | 'mixed'
  /** It holds a failure that nothing after it, up to the next prompt, mended. */
  | 'failed'
  /** The last one of a session that goes on. */
  | 'running';

/** What a phase, or any range of steps, comes to. Nano-dollars, ms, counts. */
export interface PhaseSums {
  nanoUsd: number;
  /** Of `nanoUsd`, the main agent's; the rest is its subagents'. */
  ownNanoUsd: number;
  /** Responses without a known price. */
  unpriced: number;
  responses: number;
  /** All prompt tokens (cached ones in them), and all output tokens. */
  inputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
  calls: number;
  /** Calls of tools that read files, that change them, and that run commands; of those, the tests. */
  reads: number;
  edits: number;
  runs: number;
  tests: number;
  errors: number;
  denied: number;
  retries: number;
}

/**
 * A part of a session with one aim: what one prompt led to, or, where that was long, a stretch of one activity. Phases
 * cover all steps, in order, without gaps. Every event belongs to the last phase that began at or before its time (see
 * `phaseAt`; what came before all of them, to the first), so the sums of the phases add up to those of the session, and
 * those of one prompt to what the stream says of it.
 */
export interface SessionPhase extends PhaseSums {
  /** 0-based. */
  index: number;
  /** 1 for P1; 0: before the first prompt, where the agent worked without one. */
  promptNumber: number;
  /** Which of the phases of its prompt, 0-based, and how many these are. */
  part: number;
  parts: number;
  /** The fold's row of the prompt; -1: before the first. */
  promptRow: number;
  activity: Activity;
  outcome: PhaseOutcome;
  /** Steps, both inclusive. */
  firstStep: number;
  lastStep: number;
  /**
   * ms since the epoch: when it began (the prompt, where there is one), and when the work in it ended: its last call, result or
   * answer. What came later (a notice, the end of the session) belongs to it and is no work.
   */
  startMs: number;
  endMs: number;
  /** Files read and changed, those worked on most first; codes of `fold.files.paths`. At most 20. */
  files: number[];
  filesRead: number;
  filesChanged: number;
  /** The step that decided a `failed` outcome; -1. */
  failedStep: number;
}

/** Index of the phase that an event of this time belongs to; -1 where there is no phase. */
export function phaseAt(phases: readonly { startMs: number }[], timeMs: number): number {
  let low = 0;
  let high = phases.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (phases[middle]!.startMs <= timeMs) low = middle + 1;
    else high = middle;
  }
  return phases.length === 0 ? -1 : Math.max(0, low - 1);
}

/** As {@link phaseAt}, where the phase is mostly the one of the event before. @param near its index, or any */
export function phaseNear(
  phases: readonly { startMs: number }[],
  timeMs: number,
  near: number,
): number {
  const own = phases[near];
  const next = phases[near + 1];
  const isInside =
    own !== undefined &&
    (near === 0 || own.startMs <= timeMs) &&
    (next === undefined || timeMs < next.startMs);
  return isInside ? near : phaseAt(phases, timeMs);
}
