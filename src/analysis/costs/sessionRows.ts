import type { SessionFold } from '../../model/fold.ts';
import type { Sliced } from '../slices.ts';
import { type OpsByRow, opsByRow } from './opsByRow.ts';
import { rowsInTime } from './rowsInTime.ts';
import { CallShares } from './shares.ts';

/** What waste and costs look up by row. Of a fold as it is now: made once, for all that look at it together. */
export interface SessionRows {
  /** All rows by time, see {@link rowsInTime}. */
  readonly order: Int32Array;
  readonly ops: OpsByRow;
  readonly shares: CallShares;
}

export function* sessionRows(fold: SessionFold): Sliced<SessionRows> {
  const order = yield* rowsInTime(fold);
  const shares = yield* CallShares.inSlices(fold, order);
  const ops = opsByRow(fold);
  yield;
  return { order, ops, shares };
}
