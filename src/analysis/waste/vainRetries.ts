import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { STEP_KINDS } from '../../model/step.ts';
import type { SessionRows } from '../costs/sessionRows.ts';
import { type Sliced, slicewise } from '../slices.ts';

const RUN = STEP_KINDS.indexOf('run');
const MODIFY = STEP_KINDS.indexOf('modify');
const PROMPT = STEP_KINDS.indexOf('prompt');
const FAILED = FLAG.error | FLAG.denied | FLAG.closed;
const REFUSED = FLAG.denied | FLAG.closed;
/** From the end of one look to the end of the next, ms: who lets so much time go by waits for something. */
const WAITED_MS = 10_000;
/** Tools that ask for what is running: to ask again is to wait. Lower case. */
const WATCHERS = new Set(
  (
    'bashoutput taskoutput read_bash read_powershell write_stdin get_terminal_output wait wait_agent ' +
    'read_agent list_agents monitor await_shell agentoutput agentoutputtool'
  ).split(' '),
);

/** A call that failed, and that was for nothing. */
export interface VainAttempt {
  row: number;
  /** Which attempt of this call in a row it was, 1-based. */
  nth: number;
}

/**
 * Calls that failed and were made again though nothing was done in between that could have helped: no file changed by
 * anyone, no other command run by this agent, no word from the person. Of such a row of attempts the first one told
 * what is wrong, so those after it that failed were for nothing; where one of them worked all the same, the first was
 * for nothing, too, unless a person had refused it. The one that worked never is. Running the tests again after a change is no waste, and neither is
 * waiting: a tool that asks for what is running, a look that was repeated after some time or that found something else.
 * In time order.
 */
export function* vainRetries(
  fold: SessionFold,
  { order, ops: { first, next } }: SessionRows,
): Sliced<VainAttempt[]> {
  const { columns, files } = fold;
  if (fold.retries.retries === 0) return [];
  const { flags, timeMs, pair, size, tool, key } = columns;
  const change = { file: 0, isRead: false, added: 0, removed: 0 };
  const changes = (row: number): boolean => {
    for (let op = first[row]!; op >= 0; op = next[op]!) {
      files.change(op, change);
      if (!change.isRead) return true;
    }
    return files.mayChangeMore(row);
  };
  const watches = fold.tools.names.map((name) => WATCHERS.has(name.toLowerCase()));
  const waits = (row: number, before: number): boolean => {
    if (watches[tool[row]!]) return true;
    if ((flags[row]! & FLAG.look) === 0 || (flags[before]! & REFUSED) !== 0) {
      return false;
    }
    const answer = pair[row]!;
    const earlier = pair[before]!;
    if (answer < 0 || earlier < 0) return true;
    return (
      timeMs[answer]! - timeMs[earlier]! >= WAITED_MS || differs(size[answer]!, size[earlier]!)
    );
  };
  let helpedMs = Number.NEGATIVE_INFINITY;
  const byLane: number[] = [];
  const found: VainAttempt[] = [];
  /** Of an attempt in vain, the first of its row of attempts, and how many there were so far. */
  const attempts = new Map<number, { first: number; nth: number }>();
  const attempt = (row: number, before: number): void => {
    const known = attempts.get(before) ?? { first: before, nth: 1 };
    attempts.delete(before);
    const nth = known.nth + 1;
    if ((flags[row]! & FAILED) !== 0) {
      found.push({ row, nth });
      attempts.set(row, { first: known.first, nth });
    } else if (pair[row]! >= 0 && (flags[known.first]! & REFUSED) === 0) {
      found.push({ row: known.first, nth: 1 });
    }
  };
  yield* slicewise(order.length, (from, end) => {
    const { type, kind, lane, previousSame } = columns;
    for (let at = from; at < end; at++) {
      const row = order[at]!;
      const code = lane[row]!;
      const own = flags[row]!;
      const isCall = type[row] === TYPE.tool_call && (own & FLAG.subagent) === 0;
      if (isCall && (own & FLAG.retry) !== 0) {
        const before = previousSame[row]!;
        const failed = before >= 0 && (flags[before]! & FAILED) !== 0;
        const lastMs = Math.max(helpedMs, byLane[code] ?? helpedMs);
        if (failed && lastMs <= timeMs[before]! && !waits(row, before)) attempt(row, before);
      }
      const works = isCall && (kind[row] === RUN || kind[row] === MODIFY);
      if (works && (own & (FAILED | FLAG.look)) === 0) byLane[code] = timeMs[row]!;
      else if (kind[row] === PROMPT || (first[row]! >= 0 && changes(row))) helpedMs = timeMs[row]!;
    }
  });
  return found.sort((a, b) => timeMs[a.row]! - timeMs[b.row]! || key[a.row]! - key[b.row]!);
}

/** Lines of a trace tell of one outcome in the same bytes, but for a number that grew by a digit. */
const differs = (a: number, b: number): boolean => Math.abs(a - b) > 8;
