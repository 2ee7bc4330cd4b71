import { STEP_KINDS } from '../../model/step.ts';
import { drain, SLICE, type Sliced } from '../slices.ts';
import { SAME, type Sequence, sequencesInSlices } from './alignSequences.ts';
import { type AlignedSteps, LIKENESSES, type Likeness } from './comparison.ts';
import { STEP_CLASSES, type StepKeys } from './stepKeys.ts';

/** Start and end are the same in every session. */
const SESSION = STEP_KINDS.indexOf('session') + 1;
const WORD = STEP_CLASSES.indexOf('word');
const CODE = Object.fromEntries(LIKENESSES.map((name, code) => [name, code])) as Record<
  Likeness,
  number
>;

export interface StepAlignment {
  steps: AlignedSteps;
  /** Places in `steps` where the two part: the first of each run of rows that are not alike. */
  divergences: number[];
  /** Steps of A that were matched roughly, because there were too many to weigh all pairs. */
  approximate: number;
}

/**
 * The steps of two sessions side by side. What was said (thoughts, answers, notices) is set beside what was said at
 * the same place and is never a divergence: no two runs say the same.
 */
export const alignSteps = (a: StepKeys, b: StepKeys): StepAlignment => drain(stepsInSlices(a, b));

/** As {@link alignSteps}. */
export function* stepsInSlices(a: StepKeys, b: StepKeys): Sliced<StepAlignment> {
  const hardA = hardSteps(a);
  const hardB = hardSteps(b);
  const { match, how, approximate } = yield* sequencesInSlices(
    sequence(a, hardA),
    sequence(b, hardB),
  );
  yield;
  const rows = new Rows(a, b);
  let fromA = 0;
  let fromB = 0;
  for (let i = 0; i < hardA.length; i++) {
    if ((i + 1) % SLICE === 0) yield;
    const j = match[i]!;
    if (j < 0) continue;
    const stepA = hardA[i]!;
    const stepB = hardB[j]!;
    rows.gap(fromA, stepA, fromB, stepB);
    rows.pair(stepA, stepB, how[i] === SAME);
    fromA = stepA + 1;
    fromB = stepB + 1;
  }
  rows.gap(fromA, a.length, fromB, b.length);
  return { steps: rows.steps(), divergences: rows.divergences, approximate };
}

function hardSteps(keys: StepKeys): Int32Array {
  const list = new Int32Array(keys.length);
  let count = 0;
  for (let step = 0; step < keys.length; step++) {
    if (keys.group[step] !== WORD) list[count++] = step;
  }
  return list.subarray(0, count);
}

function sequence(keys: StepKeys, steps: Int32Array): Sequence {
  const exact = new Float64Array(steps.length);
  const target = new Float64Array(steps.length);
  for (let i = 0; i < steps.length; i++) {
    exact[i] = keys.exact[steps[i]!]!;
    target[i] = keys.target[steps[i]!]!;
  }
  return { length: steps.length, exact, target };
}

class Rows {
  readonly divergences: number[] = [];
  private readonly a: StepKeys;
  private readonly b: StepKeys;
  private readonly inA: Int32Array;
  private readonly inB: Int32Array;
  private readonly like: Uint8Array;
  private count = 0;
  /** The rows under way are not alike. */
  private parted = false;

  constructor(a: StepKeys, b: StepKeys) {
    this.a = a;
    this.b = b;
    this.inA = new Int32Array(a.length + b.length);
    this.inB = new Int32Array(a.length + b.length);
    this.like = new Uint8Array(a.length + b.length);
  }

  /** Two steps that were matched: calls or prompts. */
  pair(stepA: number, stepB: number, same: boolean): void {
    // The same command that fails here and works there is where they part.
    const outcome = this.a.failed[stepA] !== this.b.failed[stepB];
    this.parted &&= outcome;
    if (outcome) this.part();
    this.push(stepA, stepB, same && !outcome ? CODE.same : CODE.similar);
  }

  /** Steps between two matched ones, in their order; those of one class beside each other. */
  gap(a0: number, a1: number, b0: number, b1: number): void {
    let i = a0;
    let j = b0;
    while (i < a1 || j < b1) {
      const groupA = i < a1 ? this.a.group[i]! : -1;
      const groupB = j < b1 ? this.b.group[j]! : -1;
      if (groupA === groupB && groupA !== WORD) {
        this.part();
        this.push(i++, j++, CODE.different);
      } else if (groupA === WORD && groupB === WORD && this.a.target[i] === this.b.target[j]) {
        const marks = this.a.target[i] === SESSION;
        this.push(i++, j++, marks ? CODE.same : CODE.similar);
      } else if (groupB < 0 || groupA === WORD || (groupA > groupB && groupB !== WORD)) {
        if (groupA !== WORD) this.part();
        this.push(i++, -1, CODE.onlyA);
      } else {
        if (groupB !== WORD) this.part();
        this.push(-1, j++, CODE.onlyB);
      }
    }
  }

  steps(): AlignedSteps {
    const { count } = this;
    return {
      length: count,
      a: this.inA.slice(0, count),
      b: this.inB.slice(0, count),
      like: this.like.slice(0, count),
    };
  }

  private part(): void {
    if (!this.parted) this.divergences.push(this.count);
    this.parted = true;
  }

  private push(stepA: number, stepB: number, like: number): void {
    this.inA[this.count] = stepA;
    this.inB[this.count] = stepB;
    this.like[this.count++] = like;
  }
}
