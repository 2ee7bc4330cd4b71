import { TYPE } from './columns.ts';
import type { SessionFold } from './fold.ts';
import { idNumber } from './ids.ts';

/** Ids of different kinds of things never meet: the fold keeps each kind apart. */
const CLASSES = 8;

/** The row of the event of this id, as traces write it; -1: there is none. */
function rowOfEvent(fold: SessionFold, eventId: string): number {
  if (eventId === '') return -1;
  const id = idNumber(eventId);
  for (let kind = 0; kind < CLASSES; kind++) {
    const row = fold.rowOf(id * CLASSES + kind);
    if (row >= 0) return row;
  }
  return -1;
}

/**
 * The step that an event belongs to: a result's is its call, a model response's the text or call that shows it,
 * that of what shows nowhere the last before it. -1: there is no such event.
 */
export const stepOfEvent = (fold: SessionFold, eventId: string): number =>
  stepsOfEvents(fold)(eventId);

/** As {@link stepOfEvent}, of many events: the steps are walked once. Good until the fold goes on. */
export function stepsOfEvents(fold: SessionFold): (eventId: string) => number {
  const { columns, steps } = fold;
  let list: Int32Array | undefined;
  let firstOf: Map<number, number> | undefined;
  return (eventId) => {
    const row = rowOfEvent(fold, eventId);
    if (row < 0) return -1;
    const own = steps.stepOf(row);
    if (own >= 0) return own;
    const pair = columns.pair[row]!;
    const shown = pair < 0 ? -1 : steps.stepOf(pair);
    if (shown >= 0) return shown;
    list ??= steps.copy();
    if (columns.type[row] === TYPE.llm_response) {
      firstOf ??= firstSteps(columns.response, list);
      const first = firstOf.get(row);
      if (first !== undefined) return first;
    }
    return Math.max(0, steps.before(row, list));
  };
}

/** By the row of a response, the first step that shows it. */
function firstSteps(response: Int32Array, list: Int32Array): Map<number, number> {
  const first = new Map<number, number>();
  for (const [step, row] of list.entries()) {
    const of = response[row]!;
    if (of >= 0 && !first.has(of)) first.set(of, step);
  }
  return first;
}
