import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { STEP_KINDS } from '../../model/step.ts';
import { hasFailed } from '../../model/testWords.ts';
import { drain, SLICE, type Sliced } from '../slices.ts';
import { testFirst } from './testFirst.ts';
import { ACTIVITY, classOf } from './units.ts';

const SEARCH = STEP_KINDS.indexOf('search');
const ASSISTANT = STEP_KINDS.indexOf('assistant');

/**
 * Whether something made a failure good: nothing did; work went on, and whether it did is not known; it came right; it was
 * to fail: a test that comes before the code.
 */
export type Mended = 'no' | 'went on' | 'right' | 'meant';

/** What came after a step, up to the next prompt. */
class Later {
  private tests = false;
  /** Something was done, and tests passed after it. */
  private testsAfterWork = false;
  /** Code was changed, and tests passed after it. */
  private testsAfterCode = false;
  /** The main agent did or said something. */
  private work = false;
  /** By lane and activity, and by lane and tool. */
  private readonly right = new Set<number>();
  /** Calls by their input. */
  private sameRight = new Set<number>();
  /** Of the next prompt. */
  private nextRight = new Set<number>();
  private nextAfterCode = false;
  private readonly sameFailed = new Set<number>();
  /** What was noted last: mostly the next one is its like. */
  private lane = -1;
  private kind = -1;
  private tool = -1;

  /** Goes on to the prompt before. */
  clear(): void {
    [this.sameRight, this.nextRight] = [this.nextRight, this.sameRight];
    this.nextAfterCode = this.testsAfterCode;
    this.tests = false;
    this.testsAfterWork = false;
    this.testsAfterCode = false;
    this.work = false;
    this.lane = -1;
    this.right.clear();
    this.sameRight.clear();
    this.sameFailed.clear();
  }

  /** A file was changed that is no test. */
  codeChanged(): void {
    if (this.tests) this.testsAfterCode = true;
  }

  /**
   * Whether tests that failed before there was code for them were to do so: they passed after it was written, now or for the
   * next prompt.
   *
   * @param asked the prompt asks for a test that fails
   */
  meant(input: number, asked: boolean): boolean {
    if (this.testsAfterCode) return true;
    if (this.tests) return false;
    return asked || this.nextAfterCode || this.nextRight.has(input);
  }

  /** A call that came right. @param input -1: no other call has its input */
  note(lane: number, kind: number, tool: number, input: number, look: boolean): void {
    if (lane === 0) this.work = true;
    if (look) return;
    if (kind === ACTIVITY.test) this.tests = true;
    else if (this.tests) this.testsAfterWork = true;
    if (input >= 0) this.sameRight.add(input);
    if (lane === this.lane && kind === this.kind && tool === this.tool) return;
    this.lane = lane;
    this.kind = kind;
    this.tool = tool;
    this.right.add(lane * 16 + kind);
    this.right.add(-1 - (lane * 65_536 + tool));
  }

  answer(): void {
    this.work = true;
  }

  /** @param retry it had failed before */
  mends(lane: number, kind: number, tool: number, input: number, retry: boolean): Mended {
    const retried = retry || this.sameFailed.has(input);
    this.sameFailed.add(input);
    if (this.sameRight.has(input)) return 'right';
    const has = (other: number): boolean => this.right.has(lane * 16 + other);
    const { test, edit, run, delegate } = ACTIVITY;
    switch (kind) {
      case test:
        // Other tests, with nothing done in between, pass as they did before.
        return this.testsAfterWork ? 'right' : this.tests ? 'went on' : 'no';
      case edit:
        return has(edit) ? 'right' : 'no';
      case run:
        // What was tried again and again, and never worked, is not made good by an edit.
        return has(run) || has(test) || (!retried && has(edit)) ? 'went on' : 'no';
      case delegate:
        return has(delegate) || has(run) || has(edit) ? 'went on' : 'no';
      default:
        // A list of things to do, a question: what mattered of it shows in what follows.
        if (this.right.has(-1 - (lane * 65_536 + tool))) return 'right';
        return this.work ? 'went on' : 'no';
    }
  }

  get goesOn(): boolean {
    return this.work;
  }
}

/** A step that failed, and whether something came right after it. */
export interface FailedStep {
  step: number;
  mended: Mended;
}

/** How a phase went. */
export interface Found {
  /** Last step with a failure that nothing made good; -1. */
  failedStep: number;
  /** Something failed and came right. */
  mended: boolean;
  /** Failures of the work, the last ones, ascending; and how many there were. */
  failures: FailedStep[];
  failureCount: number;
}

/** Where a phase begins, whether a prompt begins there too, and the row of its prompt. */
interface PhaseStart {
  firstStep: number;
  part: number;
  promptRow: number;
}

/** Failures that are named, of a phase. */
const MOST_NAMED = 50;

/**
 * How phases went, by the failures in them.
 *
 * - Tests that failed are made good by the same ones that pass, or by any that pass after something was done; an edit that
 *   failed by one that works; a command that failed by the same one, or where work went on: with another command that works, or, unless it was tried again in vain, with an edit. All of that up to the next prompt: who must ask again was not served.
 * - Tests that failed where nothing but tests had been changed since they passed last, or since the prompt, came before the
 *   code, and were to fail: where they passed after code was changed, now or for the next prompt, or where the prompt asks for it.
 * - Tests failed, too, where the command hides its exit code and the runner's own words tell.
 * - A search without matches, a file that is not there, a command that only looks: no failures of the work. Only where three or
 *   more calls of a phase all failed, and no answer came of it: that nothing was found may be the
 *   answer.
 * - Denied calls are no failures of the work.
 * - What failed in a subagent is the subagent's matter; that the subagent failed is the main agent's.
 *
 * @param list rows of the steps
 * @param phases first steps, ascending, and whether a prompt begins there
 */
export function outcomesOf(
  fold: SessionFold,
  list: Int32Array,
  phases: readonly PhaseStart[],
): Found[] {
  return drain(outcomesInSlices(fold, list, phases));
}

/** As {@link outcomesOf}. */
export function* outcomesInSlices(
  fold: SessionFold,
  list: Int32Array,
  phases: readonly PhaseStart[],
): Sliced<Found[]> {
  const { columns } = fold;
  const early = yield* testFirst(fold, list, phases);
  const { previousSame, nextSame } = columns;
  const found: Found[] = phases.map(() => ({
    failedStep: -1,
    mended: false,
    failures: [],
    failureCount: 0,
  }));
  const later = new Later();
  let end = list.length;
  for (let at = phases.length - 1; at >= 0; at--) {
    const { firstStep, part, promptRow } = phases[at]!;
    const asked = fold.phases.asksForFailure(promptRow);
    const own = found[at]!;
    let calls = 0;
    let failed = 0;
    let looked = 0;
    let lastFailed = -1;
    for (let step = end - 1; step >= firstStep; step--) {
      if (step % SLICE === 0) yield;
      const row = list[step]!;
      const type = columns.type[row]!;
      const flags = columns.flags[row]!;
      const lane = columns.lane[row]!;
      if (type === TYPE.tool_call) {
        if ((flags & (FLAG.subagent | FLAG.denied)) !== 0) continue;
        const kind = classOf(fold, row);
        const tool = columns.tool[row]!;
        if (lane === 0) calls++;
        if (!hasFailed(columns, row)) {
          // A call without a result has not come right yet.
          if (columns.pair[row]! >= 0 && (flags & FLAG.closed) === 0) {
            const alone = previousSame[row]! < 0 && nextSame[row]! < 0;
            const input = alone ? -1 : columns.inputKey[row]!;
            later.note(lane, kind, tool, input, (flags & FLAG.look) !== 0);
          }
          if (early?.code[step] === 1) later.codeChanged();
          continue;
        }
        if (lane === 0) {
          failed++;
          if (lastFailed < 0) lastFailed = step;
        }
        if (kind === ACTIVITY.explore) {
          // A file that is not there was thought to be there.
          const looks = (flags & FLAG.look) !== 0 || columns.kind[row] === SEARCH;
          if (lane === 0 && looks) looked++;
          continue;
        }
        const input = columns.inputKey[row]!;
        const meant = early?.red[step] === 1 && later.meant(input, asked);
        const retry = (flags & FLAG.retry) !== 0;
        const how = meant ? 'meant' : later.mends(lane, kind, tool, input, retry);
        note(own, step, lane !== 0 && how === 'no' ? 'went on' : how);
      } else if (type === TYPE.error && (flags & FLAG.denied) === 0) {
        note(own, step, lane !== 0 || later.goesOn ? 'went on' : 'no');
      } else if (type === TYPE.assistant_response && lane === 0) {
        if (columns.kind[row] === ASSISTANT) later.answer();
      }
    }
    const answered = looked === calls && later.goesOn;
    if (calls >= 3 && failed === calls && own.failedStep < 0 && !answered) {
      own.failedStep = lastFailed;
      if (own.failureCount === 0) note(own, lastFailed, 'no');
    }
    own.failures.reverse();
    end = firstStep;
    if (part === 0) later.clear();
  }
  return found;
}

function note(found: Found, step: number, mended: Mended): void {
  found.failureCount++;
  if (found.failures.length < MOST_NAMED) found.failures.push({ step, mended });
  if (mended === 'meant') return;
  if (mended !== 'no') found.mended = true;
  else if (found.failedStep < 0) found.failedStep = step;
}
