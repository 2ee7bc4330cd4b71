import type { AnalysedSession } from '../src/analysis/analysed.ts';
import type { TraceEvent } from '../src/model/event.ts';
import type { SessionFold } from '../src/model/fold.ts';

/** A session in memory. @param events the events by row; without them none can be read */
export const analysed = (
  fold: SessionFold,
  events: readonly TraceEvent[] = [],
): AnalysedSession => ({
  id: 'in-memory',
  fold,
  readEvents: (rows) => rows.map((row) => events[row]),
});
