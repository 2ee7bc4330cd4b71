import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { drain, SLICE, type Sliced } from '../slices.ts';
import { rowsInTime } from './rowsInTime.ts';

/** A model response that was billed here, with or without a known price. */
export function isBilled(fold: SessionFold, row: number): boolean {
  const { type, nanoUsd, flags } = fold.columns;
  if (type[row] !== TYPE.llm_response) return false;
  return !Number.isNaN(nanoUsd[row]!) || (flags[row]! & FLAG.unpriced) !== 0;
}

/**
 * Part `at` of `parts` equal ones of a whole number of nano-dollars, each of them whole: the first ones take what is
 * left over, so that all of them add up to the whole.
 */
export function partOf(nanoUsd: number, parts: number, at: number): number {
  const each = Math.floor(nanoUsd / parts);
  return each + (at < nanoUsd - each * parts ? 1 : 0);
}

/**
 * Who the money of each response belongs to: its calls, in equal and whole parts that add up to the response. What
 * {@link SessionFold.stepNanoUsd} says of one call, to the nano-dollar.
 */
export class CallShares {
  private readonly fold: SessionFold;
  /** Of each response, how many of its calls the trace holds, and the last of them. */
  private readonly count: Int32Array;
  private readonly last: Int32Array;
  /** Of each call, its place among those of its response, and the next of them; of the last one, the first. */
  private readonly place: Int32Array;
  private readonly next: Int32Array;

  private constructor(fold: SessionFold, rows: number) {
    this.fold = fold;
    this.count = new Int32Array(rows);
    this.last = new Int32Array(rows);
    this.place = new Int32Array(rows);
    this.next = new Int32Array(rows);
  }

  /** Of a fold as it is now. */
  static of(fold: SessionFold): CallShares {
    return drain(CallShares.inSlices(fold));
  }

  /** @param known all rows by time, see {@link rowsInTime} */
  static *inSlices(fold: SessionFold, known?: Int32Array): Sliced<CallShares> {
    // By time: the order of the calls of one response must not depend on which came first.
    const order = known ?? (yield* rowsInTime(fold));
    const shares = new CallShares(fold, order.length);
    const { response, type } = fold.columns;
    const call = TYPE.tool_call;
    for (let at = 0; at < order.length; at++) {
      if (at % SLICE === 0) yield;
      const row = order[at]!;
      if (type[row] !== call) continue;
      const own = response[row]!;
      if (own >= 0 && own < order.length) shares.add(row, own);
    }
    return shares;
  }

  private add(call: number, response: number): void {
    const { count, last, place, next } = this;
    const before = count[response]! === 0 ? call : last[response]!;
    next[call] = before === call ? call : next[before]!;
    next[before] = call;
    last[response] = call;
    place[call] = count[response]!++;
  }

  /** Rows of the calls that a response asked for, the first one first; at most `most` of them. */
  callsOf(response: number, most: number): number[] {
    const calls: number[] = [];
    let call = this.last[response]!;
    for (let left = Math.min(most, this.seen(response)); left > 0; left--) {
      call = this.next[call]!;
      calls.push(call);
    }
    return calls;
  }

  /** How many calls of a response the trace holds. */
  seen(response: number): number {
    return this.count[response]!;
  }

  /** In how many parts a response is shared: its calls, also those that the trace does not hold; 0: it asked for none. */
  parts(response: number): number {
    return Math.max(this.fold.columns.sharers[response]!, this.seen(response));
  }

  /** Nano-dollars of a call, whole; NaN where its response has no price, or is not known. */
  ofCall(row: number): number {
    const { response, nanoUsd } = this.fold.columns;
    const of = response[row]!;
    if (of < 0) return Number.NaN;
    const whole = nanoUsd[of]!;
    return Number.isNaN(whole) ? whole : partOf(whole, this.parts(of), this.place[row]!);
  }

  /** What no call in the trace takes of a response: all of it where it asked for none; NaN where it has no price. */
  unshared(response: number): number {
    const whole = this.fold.columns.nanoUsd[response]!;
    const seen = this.seen(response);
    if (seen === 0) return whole;
    // The parts are as `partOf` makes them.
    const parts = this.parts(response);
    const each = Math.floor(whole / parts);
    return whole - each * seen - Math.min(seen, whole - each * parts);
  }
}

/** The step that shows a response: itself, its text, or the first call that it asked for; else the last one before it. */
export function responseStep(fold: SessionFold, shares: CallShares, response: number): number {
  const { steps, columns } = fold;
  const text = columns.pair[response]!;
  for (const row of [response, text, ...shares.callsOf(response, 8)]) {
    const step = row < 0 ? -1 : steps.stepOf(row);
    if (step >= 0) return step;
  }
  return Math.max(0, lastStepBefore(fold, response));
}

/** The last step that stands before this row, which is none; -1: none. */
function lastStepBefore({ steps, columns: { timeMs } }: SessionFold, row: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = steps.row(middle);
    if (timeMs[at]! < timeMs[row]! || (timeMs[at] === timeMs[row] && at < row)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
