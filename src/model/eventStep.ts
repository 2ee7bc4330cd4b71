import { TYPE } from './columns.ts';
import type { SessionFold } from './fold.ts';
import { idNumber } from './ids.ts';

/** Ids of different kinds of things never meet: the fold keeps each kind apart. */
const CLASSES = 8;

/** The row of the event of this id, as traces write it; -1: there is none. */
export function rowOfEvent(fold: SessionFold, eventId: string): number {
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
export function stepOfEvent(fold: SessionFold, eventId: string): number {
  const row = rowOfEvent(fold, eventId);
  return row < 0 ? -1 : stepOfRow(fold, row);
}

/** As {@link stepOfEvent}, by row. */
export function stepOfRow(fold: SessionFold, row: number): number {
  const { columns, steps } = fold;
  const own = steps.stepOf(row);
  if (own >= 0) return own;
  const pair = columns.pair[row]!;
  const shown = pair < 0 ? -1 : steps.stepOf(pair);
  if (shown >= 0) return shown;
  const list = steps.copy();
  if (columns.type[row] === TYPE.llm_response) {
    const at = list.findIndex((each) => columns.response[each] === row);
    if (at >= 0) return at;
  }
  return Math.max(0, steps.before(row, list));
}
