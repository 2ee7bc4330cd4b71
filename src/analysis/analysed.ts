import type { TraceEvent } from '../model/event.ts';
import type { SessionFold } from '../model/fold.ts';

/**
 * A session to be analysed: what is known of it in columns, and its events by row. A `TraceSession` is one; a
 * page that holds the events in memory can be one, too.
 */
export interface AnalysedSession {
  readonly id: string;
  readonly fold: SessionFold;
  /** The events of these rows; undefined where they cannot be read. Reads what is asked for, no more. */
  readEvents(rows: readonly number[]): (TraceEvent | undefined)[];
}
