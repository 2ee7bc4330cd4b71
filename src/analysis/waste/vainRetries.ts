import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { STEP_KINDS } from '../../model/step.ts';
import type { SessionRows } from '../costs/sessionRows.ts';
import { type Sliced, slicewise } from '../slices.ts';

const RUN = STEP_KINDS.indexOf('run');
const MODIFY = STEP_KINDS.indexOf('modify');
const PROMPT = STEP_KINDS.indexOf('prompt');
const FAILED = FLAG.error | FLAG.denied | FLAG.closed;

/**
 * Calls made again with the input of one that had failed, though nothing was done in between that could have helped: no
 * file changed by anyone, no other command run by this agent, no word from the person. Running the tests again after a
 * change is no waste. In time order.
 */
export function* vainRetries(
  fold: SessionFold,
  { order, ops: { first, next } }: SessionRows,
): Sliced<number[]> {
  const { columns, files } = fold;
  if (fold.retries.retries === 0) return [];
  const byLane: number[] = [];
  const found: number[] = [];
  let helpedMs = Number.NEGATIVE_INFINITY;
  const change = { file: 0, isRead: false, added: 0, removed: 0 };
  const changes = (row: number): boolean => {
    for (let op = first[row]!; op >= 0; op = next[op]!) {
      files.change(op, change);
      if (!change.isRead) return true;
    }
    return files.mayChangeMore(row);
  };
  yield* slicewise(order.length, (from, end) => {
    const { type, flags, kind, lane, timeMs, previousSame } = columns;
    for (let at = from; at < end; at++) {
      const row = order[at]!;
      const set = flags[row]!;
      const isCall = type[row] === TYPE.tool_call && (set & FLAG.subagent) === 0;
      const code = lane[row]!;
      if (isCall && (set & FLAG.retry) !== 0) {
        const before = previousSame[row]!;
        const failed = before >= 0 && (flags[before]! & FAILED) !== 0;
        const lastMs = Math.max(helpedMs, byLane[code] ?? helpedMs);
        if (failed && lastMs <= timeMs[before]!) found.push(row);
      }
      const own = kind[row]!;
      const works = isCall && (own === RUN || own === MODIFY);
      if (works && (set & (FAILED | FLAG.look)) === 0) byLane[code] = timeMs[row]!;
      else if (own === PROMPT || (first[row]! >= 0 && changes(row))) helpedMs = timeMs[row]!;
    }
  });
  return found;
}
