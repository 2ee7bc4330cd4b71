import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { STEP_KINDS } from '../../model/step.ts';
import { hasFailed } from '../../model/testWords.ts';
import { SLICE, type Sliced } from '../slices.ts';
import { ACTIVITIES, type Activity } from './phase.ts';

/** Codes of the activities: places in `ACTIVITIES`. */
export const ACTIVITY = Object.fromEntries(ACTIVITIES.map((name, code) => [name, code])) as Record<
  Activity,
  number
>;
/** A step that says nothing of what the agent was at. */
const NO_CLASS = 255;

const CLASS_OF_KIND = new Uint8Array(STEP_KINDS.length).fill(NO_CLASS);
for (const [kind, activity] of [
  ['read', 'explore'],
  ['search', 'explore'],
  ['web', 'explore'],
  ['modify', 'edit'],
  ['run', 'run'],
  ['mcp', 'run'],
  ['agent', 'delegate'],
] as const) {
  CLASS_OF_KIND[STEP_KINDS.indexOf(kind)] = ACTIVITY[activity];
}

/** What a step is part of by itself, as a code of an activity; `NO_CLASS`. */
export function classOf({ columns }: SessionFold, row: number): number {
  const type = columns.type[row]!;
  const flags = columns.flags[row]!;
  if (type === TYPE.tool_call) {
    if ((flags & FLAG.subagent) !== 0) return NO_CLASS;
    if ((flags & FLAG.test) !== 0) return ACTIVITY.test;
    if ((flags & FLAG.look) !== 0) return ACTIVITY.explore;
  } else if (type !== TYPE.file_read && type !== TYPE.file_write) return NO_CLASS;
  return CLASS_OF_KIND[columns.kind[row]!]!;
}

/** How a unit stands to a failure before it. */
const TEST_TROUBLE = 40;
const RUN_TROUBLE = 10;

/** The main agent's calls of a session, in order: what its activities are told by. */
export interface Units {
  count: number;
  /** Steps. */
  step: Int32Array;
  /** Codes of activities. */
  kind: Uint8Array;
  /** 1: tests or a command failed not long before, and nothing has come right since. */
  trouble: Uint8Array;
  /** 1: a phase may begin here; calls of one response stay together. */
  open: Uint8Array;
  /** How much it says: waiting for subagents that do much says more than one read. */
  weight: Float32Array;
}

/** @param list rows of the steps */
export function* unitsOf(fold: SessionFold, list: Int32Array): Sliced<Units> {
  const { columns } = fold;
  const units: Units = {
    count: 0,
    step: new Int32Array(list.length),
    kind: new Uint8Array(list.length),
    trouble: new Uint8Array(list.length),
    open: new Uint8Array(list.length),
    weight: new Float32Array(list.length),
  };
  let tests = 0;
  let runs = 0;
  let response = -1;
  for (let step = 0; step < list.length; step++) {
    if (step % SLICE === 0) yield;
    const row = list[step]!;
    if (columns.lane[row] !== 0) {
      // What subagents do while the main agent waits for them weighs for the waiting.
      const last = units.count - 1;
      if (last >= 0 && units.kind[last] === ACTIVITY.delegate && units.weight[last]! < 6) {
        units.weight[last]! += 0.2;
      }
      continue;
    }
    const kind = classOf(fold, row);
    if (kind === NO_CLASS) continue;
    const at = units.count++;
    units.step[at] = step;
    units.kind[at] = kind;
    units.weight[at] = 1;
    units.trouble[at] = tests > 0 || runs > 0 ? 1 : 0;
    const own = columns.response[row]!;
    units.open[at] = own >= 0 && own === response ? 0 : 1;
    response = own;
    if (tests > 0) tests--;
    if (runs > 0) runs--;
    if (kind !== ACTIVITY.test && kind !== ACTIVITY.run) continue;
    const flags = columns.flags[row]!;
    const failed = hasFailed(columns, row);
    if (kind === ACTIVITY.test) {
      tests = failed ? TEST_TROUBLE : 0;
      if (!failed) runs = 0;
    } else if ((flags & FLAG.denied) === 0) runs = failed ? RUN_TROUBLE : 0;
  }
  return units;
}
