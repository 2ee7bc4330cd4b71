import type { BilledElsewhere } from '../billing.ts';
import type { Columns } from '../columns.ts';
import type { Json, TraceEvent } from '../event.ts';
import type { Interner } from '../interner.ts';
import type { Pricer, Usage } from '../usage.ts';

/** What every slice sees of the fold that it is part of. */
export interface FoldContext {
  readonly columns: Columns;
  readonly lanes: Interner;
  readonly tools: Interner;
  readonly pricer: Pricer | undefined;
  /** What the trace itself does not say: responses that other sessions were billed for. */
  readonly billedElsewhere: BilledElsewhere | undefined;
  /** Whether the event that is being added was written by another tool. */
  readonly foreign: boolean;
  /** Usage of the event that is being added: read once for all slices. */
  readonly usage: Usage | undefined;
  /** The row of the event with this id, or -1. */
  rowOf(idKey: number): number;
}

/**
 * One independent part of a session's state.
 *
 * `add` and `remove` are O(1) in the number of events; an event that is seen again in a better
 * version is removed and added. Whatever a slice sums must not depend on the order of arrival.
 */
export interface Slice {
  readonly name: string;
  add(row: number, event: TraceEvent): void;
  /** Takes back what `add` did for this row. The columns still hold the old version. */
  remove(row: number): void;
  save(): Json;
  load(saved: Json): void;
}
