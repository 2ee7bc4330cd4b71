import { TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { isWork } from '../../model/slices/phases.ts';
import { STEP_KINDS } from '../../model/step.ts';
import { oneLine } from '../../model/text.ts';
import { drain, SLICE, type Sliced } from '../slices.ts';
import { activityName } from './activityName.ts';
import { outcomesInSlices } from './outcome.ts';
import { ACTIVITIES, phaseNear, type SessionPhase } from './phase.ts';
import { addFiles } from './phaseFiles.ts';
import { emptySums, RowAdder } from './phaseSums.ts';
import { LEAST_UNITS, mostPhases, segmentsOf } from './segments.ts';
import { type Units, unitsOf } from './units.ts';

export interface PhaseOptions {
  /** The session goes on: its last phase is running. */
  live?: boolean;
}

const ASSISTANT = STEP_KINDS.indexOf('assistant');
const REASONING = STEP_KINDS.indexOf('reasoning');
/** Phases inside prompts, over all prompts: beyond that only the longest prompts are cut. */
const MOST_INNER = 1000;

/** What a prompt led to, as a stretch of steps and of units. */
interface Stretch {
  promptNumber: number;
  promptRow: number;
  startMs: number;
  firstStep: number;
  firstUnit: number;
  endUnit: number;
}

/** The phases of a session, from its columns alone. O(events). */
export function sessionPhases(fold: SessionFold, options: PhaseOptions = {}): SessionPhase[] {
  return drain(phasesInSlices(fold, options));
}

/** As {@link sessionPhases}. */
export function* phasesInSlices(
  fold: SessionFold,
  options: PhaseOptions = {},
): Sliced<SessionPhase[]> {
  const list = fold.steps.copy();
  if (list.length === 0) return [];
  const prompts = fold.phases.all().filter(({ row }) => row >= 0);
  const units = yield* unitsOf(fold, list);
  const stretches = stretchesOf(fold, list, units, prompts);
  const phases = yield* cut(fold, list, units, stretches);
  yield* addSums(fold, phases);
  yield* addFiles(fold, phases);
  const outcomes = yield* outcomesInSlices(fold, list, phases);
  outcomes.forEach(({ failedStep, mended }, at) => {
    const phase = phases[at]!;
    phase.failedStep = failedStep;
    phase.outcome = failedStep >= 0 ? 'failed' : mended ? 'mixed' : 'ok';
  });
  const last = phases.at(-1);
  if (options.live === true && last !== undefined) {
    last.outcome = 'running';
    last.failedStep = -1;
  }
  return phases;
}

/** The session at its prompts. */
function stretchesOf(
  fold: SessionFold,
  list: Int32Array,
  units: Units,
  prompts: readonly { row: number; startMs: number }[],
): Stretch[] {
  const { timeMs } = fold.columns;
  const stretches: Stretch[] = [];
  const push = (promptNumber: number, promptRow: number, startMs: number): void => {
    const before = stretches.at(-1);
    // Of prompts at one moment the last has all that follows.
    if (before !== undefined && before.startMs >= startMs) stretches.pop();
    stretches.push({ promptNumber, promptRow, startMs, firstStep: 0, firstUnit: 0, endUnit: 0 });
  };
  const firstMs = fold.session.firstMs;
  const first = prompts[0];
  if (first === undefined || worksBefore(fold, first.startMs)) push(0, -1, firstMs);
  prompts.forEach(({ row, startMs }, at) => {
    push(at + 1, row, startMs);
  });
  stretches.forEach((stretch, at) => {
    stretch.firstStep =
      at === 0 ? 0 : lowerBound(list.length, (step) => timeMs[list[step]!]! < stretch.startMs);
    stretch.firstUnit = lowerBound(units.count, (unit) => units.step[unit]! < stretch.firstStep);
    if (at > 0) stretches[at - 1]!.endUnit = stretch.firstUnit;
  });
  stretches.at(-1)!.endUnit = units.count;
  return stretches;
}

/** Whether something was done before a moment: a start alone is no phase. */
function worksBefore({ columns, cost }: SessionFold, startMs: number): boolean {
  for (let row = 0; row < columns.length; row++) {
    if (!(columns.timeMs[row]! < startMs)) continue;
    const type = columns.type[row]!;
    if (type === TYPE.tool_call || type === TYPE.tool_result || type === TYPE.error) return true;
    if (type === TYPE.llm_response && cost.hasUsage(row)) return true;
  }
  return false;
}

function lowerBound(length: number, isBefore: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function* cut(
  fold: SessionFold,
  list: Int32Array,
  units: Units,
  stretches: readonly Stretch[],
): Sliced<SessionPhase[]> {
  const least = leastUnits(stretches);
  const phases: SessionPhase[] = [];
  let seen = 0;
  for (const stretch of stretches) {
    seen += stretch.endUnit - stretch.firstUnit;
    if (seen > SLICE) {
      seen = 0;
      yield;
    }
    const { firstUnit, endUnit } = stretch;
    const count = endUnit - firstUnit;
    const { from, activity } = yield* segmentsOf(
      units,
      firstUnit,
      endUnit,
      count < least ? 1 : mostPhases(count),
    );
    const index = phases.length;
    from.forEach((unit, at) => {
      const begin =
        at === 0
          ? { step: stretch.firstStep, timeMs: stretch.startMs }
          : beginOf(fold, list, units, unit);
      // Where nothing but the order of arrival tells them apart, they are one.
      if (begin === undefined || (at > 0 && begin.timeMs <= phases.at(-1)!.startMs)) return;
      phases.push(newPhase(stretch, begin, activity[at]!));
    });
    for (let at = index; at < phases.length; at++) {
      phases[at]!.part = at - index;
      phases[at]!.parts = phases.length - index;
    }
  }
  phases.forEach((phase, index) => {
    phase.index = index;
    phase.lastStep = (phases[index + 1]?.firstStep ?? list.length) - 1;
  });
  return phases;
}

/** How long a prompt must be to be cut, so that a huge session does not have a phase for everything. */
function leastUnits(stretches: readonly Stretch[]): number {
  for (let least = LEAST_UNITS; ; least *= 2) {
    let inner = 0;
    for (const { firstUnit, endUnit } of stretches) {
      if (endUnit - firstUnit >= least) inner += mostPhases(endUnit - firstUnit) - 1;
    }
    if (inner <= MOST_INNER) return least;
    // One prompt may have more by itself.
    if (stretches.length === 1) return least;
  }
}

/**
 * Where a phase begins that this unit is the first of: at the response that asked for it, with what it said before.
 * Undefined: what came before happened in the same millisecond.
 */
function beginOf(
  { columns }: SessionFold,
  list: Int32Array,
  units: Units,
  unit: number,
): { step: number; timeMs: number } | undefined {
  const { timeMs, kind, lane, response } = columns;
  const own = units.step[unit]!;
  const before = units.step[unit - 1]!;
  const at = (step: number): number => timeMs[list[step]!]!;
  let step = own;
  while (step - 1 > before) {
    const row = list[step - 1]!;
    if (lane[row] !== 0 || (kind[row] !== ASSISTANT && kind[row] !== REASONING)) break;
    step--;
  }
  for (; step <= own; step++) if (at(step) > at(step - 1)) break;
  if (step > own) return undefined;
  const asked = response[list[own]!]!;
  const askedMs = asked >= 0 ? timeMs[asked]! : Number.NaN;
  return { step, timeMs: askedMs > at(step - 1) && askedMs < at(step) ? askedMs : at(step) };
}

function newPhase(
  { promptNumber, promptRow }: Stretch,
  begin: { step: number; timeMs: number },
  activity: number,
): SessionPhase {
  return {
    index: 0,
    promptNumber,
    part: 0,
    parts: 1,
    promptRow,
    activity: ACTIVITIES[activity]!,
    outcome: 'ok',
    firstStep: begin.step,
    lastStep: begin.step,
    startMs: begin.timeMs,
    endMs: begin.timeMs,
    files: [],
    filesRead: 0,
    filesChanged: 0,
    failedStep: -1,
    ...emptySums(),
  };
}

function* addSums(fold: SessionFold, phases: readonly SessionPhase[]): Sliced<void> {
  const { columns } = fold;
  const { timeMs, length } = columns;
  const adder = new RowAdder(fold);
  let at = 0;
  for (let row = 0; row < length; row++) {
    if (row % SLICE === 0) yield;
    const ms = timeMs[row]!;
    at = phaseNear(phases, ms, at);
    const phase = phases[at]!;
    adder.add(row, phase);
    if (ms > phase.endMs && isWork(columns, row)) phase.endMs = ms;
  }
}

/** UTF-16 units. */
const LONGEST_NAME = 80;

/**
 * What a phase is called, in a few words: `Explore src/payments`, `Fix webhook.py`, or the prompt's own words where it is
 * the only phase of its prompt. One line; hostile, as it comes from a trace.
 *
 * @param prompt first line of the prompt
 */
export function phaseName(fold: SessionFold, phase: SessionPhase, prompt: string): string {
  if (phase.parts === 1) {
    const words = oneLine(prompt, LONGEST_NAME);
    if (words !== '') return words;
    if (phase.promptNumber === 0 && phase.calls === 0) return 'Start';
  }
  return oneLine(activityName(fold, phase), LONGEST_NAME);
}
