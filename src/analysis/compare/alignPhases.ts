import type { Activity } from '../phases/phase.ts';
import { drain, type Sliced, slicewise } from '../slices.ts';
import { type AlignedSteps, LIKENESSES, type Likeness } from './comparison.ts';
import { STEP_CLASSES } from './stepKeys.ts';

/** What a phase is known by. */
export interface PhaseGoal {
  activity: Activity;
  firstStep: number;
  lastStep: number;
  /** Key of its prompt; 0: before the first. */
  prompt: number;
  /** It is all that its prompt led to. */
  sole: boolean;
  /** Paths as seen from the session's folder: read, and changed. */
  read: ReadonlySet<string>;
  changed: ReadonlySet<string>;
}

/** Phases whose goals resemble each other less than this are not joined. */
const LEAST = 0.4;
/** Sessions with more phases than this, taken together, are joined by the first ones only. */
const MOST_PHASES = 1500;

/** Pairs of phases that are weighed in one go. */
const PAIRS = 100_000;

const WORD = STEP_CLASSES.indexOf('word');

/**
 * Phases with the same goal, in order: by the steps that they share, the files, the activity and the prompt.
 *
 * @param groups of A's steps, index into {@link STEP_CLASSES}: what was said is no goal shared
 */
export const alignPhases = (
  a: readonly PhaseGoal[],
  b: readonly PhaseGoal[],
  steps: AlignedSteps,
  groups: Uint8Array,
): PhasePair[] => drain(phasePairsInSlices(a, b, steps, groups));

export type PhasePair = [a: number, b: number, like: Likeness];

/** As {@link alignPhases}. */
export function* phasePairsInSlices(
  a: readonly PhaseGoal[],
  b: readonly PhaseGoal[],
  steps: AlignedSteps,
  groups: Uint8Array,
): Sliced<PhasePair[]> {
  const n = Math.min(a.length, MOST_PHASES);
  const m = Math.min(b.length, MOST_PHASES);
  const shared = yield* sharedSteps(a, b, steps, groups, n, m);
  const worth = new Float32Array(n * m);
  const others = b.slice(0, m);
  const changed = new Overlaps(others.map((phase) => phase.changed));
  const read = new Overlaps(others.map((phase) => phase.read));
  const rowsAtOnce = Math.max(1, Math.floor(PAIRS / m));
  for (let i = 0; i < n; i++) {
    if (i % rowsAtOnce === 0) yield;
    const own = a[i]!;
    changed.look(own.changed);
    read.look(own.read);
    for (let j = 0; j < m; j++) {
      const alike = filesAlike(changed.with(j), read.with(j));
      worth[i * m + j] = resemblance(own, b[j]!, shared[i * m + j]!, alike);
    }
  }
  yield;
  // best[i][j]: of the phases from i and j on.
  const best = new Float32Array((n + 1) * (m + 1));
  const width = m + 1;
  for (let i = n - 1; i >= 0; i--) {
    if (i % rowsAtOnce === 0) yield;
    for (let j = m - 1; j >= 0; j--) {
      const own = worth[i * m + j]!;
      const paired = own >= LEAST ? own + best[(i + 1) * width + j + 1]! : 0;
      best[i * width + j] = Math.max(best[(i + 1) * width + j]!, best[i * width + j + 1]!, paired);
    }
  }
  const pairs: PhasePair[] = [];
  for (let i = 0, j = 0; i < n && j < m; ) {
    const own = worth[i * m + j]!;
    const here = best[i * width + j]!;
    if (own >= LEAST && here === Math.fround(own + best[(i + 1) * width + j + 1]!)) {
      pairs.push([i, j, own >= 0.75 ? 'same' : 'similar']);
      i++;
      j++;
    } else if (here === best[(i + 1) * width + j]!) i++;
    else j++;
  }
  return pairs;
}

/** From 0 to 1. */
function resemblance(
  a: PhaseGoal,
  b: PhaseGoal,
  shared: number,
  files: number | undefined,
): number {
  const worth = likeness(a, b, shared, files);
  // All that one prompt led to has one goal, whatever was done for it.
  return a.sole && b.sole && a.prompt === b.prompt ? Math.max(worth, SAME_PROMPT) : worth;
}

const SAME_PROMPT = 0.6;

/** What was changed says more of a goal than what was read on the way. */
function filesAlike(changed: number | undefined, read: number | undefined): number | undefined {
  if (changed === undefined) return read;
  return read === undefined ? changed : 0.75 * changed + 0.25 * read;
}

function likeness(a: PhaseGoal, b: PhaseGoal, shared: number, files: number | undefined): number {
  const activity = a.activity === b.activity ? 1 : 0;
  const prompt = a.prompt === b.prompt ? 1 : 0;
  // Without files nothing speaks for or against by them.
  return files === undefined
    ? 0.4 * shared + 0.35 * activity + 0.25 * prompt
    : 0.3 * shared + 0.35 * files + 0.25 * activity + 0.1 * prompt;
}

/** What one set has in common with each of many: of two sets mostly nothing, so it is looked up by what is in them. */
class Overlaps {
  private readonly sets: readonly ReadonlySet<string>[];
  /** By what is in a set: the sets that have it. */
  private readonly holders = new Map<string, number[]>();
  private readonly both: Int32Array;
  private size = 0;

  constructor(sets: readonly ReadonlySet<string>[]) {
    this.sets = sets;
    this.both = new Int32Array(sets.length);
    for (const [at, set] of sets.entries()) {
      for (const one of set) {
        const holders = this.holders.get(one);
        if (holders === undefined) this.holders.set(one, [at]);
        else holders.push(at);
      }
    }
  }

  look(own: ReadonlySet<string>): void {
    this.both.fill(0);
    this.size = own.size;
    for (const one of own) for (const at of this.holders.get(one) ?? []) this.both[at]!++;
  }

  /** Of the smaller set, how much is in the other; undefined where both are empty. */
  with(at: number): number | undefined {
    const { size } = this.sets[at]!;
    if (this.size === 0 && size === 0) return undefined;
    const small = Math.min(this.size, size);
    return small === 0 ? 0 : this.both[at]! / small;
  }
}

/** By pair of phases: of the one with fewer, the share of steps that were set beside a like one of the other. */
function* sharedSteps(
  a: readonly PhaseGoal[],
  b: readonly PhaseGoal[],
  steps: AlignedSteps,
  groups: Uint8Array,
  n: number,
  m: number,
): Sliced<Float32Array> {
  const counts = new Float32Array(n * m);
  const inA = new Float32Array(n);
  const inB = new Float32Array(m);
  const [same, similar] = [LIKENESSES.indexOf('same'), LIKENESSES.indexOf('similar')];
  let i = 0;
  let j = 0;
  yield* slicewise(steps.length, (from, end) => {
    for (let at = from; at < end; at++) {
      const stepA = steps.a[at]!;
      const stepB = steps.b[at]!;
      if (stepA >= 0) {
        while (i < n && a[i]!.lastStep < stepA) i++;
        if (i < n) inA[i]!++;
      }
      if (stepB >= 0) {
        while (j < m && b[j]!.lastStep < stepB) j++;
        if (j < m) inB[j]!++;
      }
      const like = steps.like[at]!;
      if (i >= n || j >= m || stepA < 0 || stepB < 0 || groups[stepA] === WORD) continue;
      if (like === same || like === similar) counts[i * m + j]!++;
    }
  });
  for (let x = 0; x < n; x++) {
    for (let y = 0; y < m; y++) {
      counts[x * m + y]! /= Math.max(1, Math.min(inA[x]!, inB[y]!));
    }
  }
  return counts;
}
