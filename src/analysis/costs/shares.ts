import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { drain, SLICE, type Sliced } from '../slices.ts';

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
  /** Calls by response: `calls[from[r]] … calls[from[r + 1] - 1]`. */
  private readonly calls: Int32Array;
  private readonly from: Int32Array;
  /** Of each call, its place among those of its response. */
  private readonly place: Int32Array;

  private constructor(fold: SessionFold, calls: Int32Array, from: Int32Array) {
    this.fold = fold;
    this.calls = calls;
    this.from = from;
    this.place = new Int32Array(fold.columns.length);
  }

  /** Of a fold as it is now. */
  static of(fold: SessionFold): CallShares {
    return drain(CallShares.inSlices(fold));
  }

  static *inSlices(fold: SessionFold): Sliced<CallShares> {
    const { length, response, type } = fold.columns;
    const from = new Int32Array(length + 2);
    const call = TYPE.tool_call;
    const found = new Int32Array(length);
    // As it was when the call was counted: it may change between two slices.
    const responses = new Int32Array(length);
    let count = 0;
    for (let row = 0; row < length; row++) {
      if (row % SLICE === 0) yield;
      const own = response[row]!;
      if (type[row] !== call || own < 0 || own >= length) continue;
      from[own + 2]!++;
      found[count] = row;
      responses[count++] = own;
    }
    yield;
    for (let i = 1, sum = 0; i < from.length; i++) {
      sum += from[i]!;
      from[i] = sum;
    }
    yield;
    const calls = new Int32Array(count);
    for (let at = 0; at < count; at++) calls[from[responses[at]! + 1]!++] = found[at]!;
    const shares = new CallShares(fold, calls, from);
    yield* shares.findPlaces();
    return shares;
  }

  /** The order of the calls of one response must not depend on which came first. */
  private *findPlaces(): Sliced<void> {
    const { calls, from, place } = this;
    const { timeMs, key } = this.fold.columns;
    const before = (a: number, b: number): number => timeMs[a]! - timeMs[b]! || key[a]! - key[b]!;
    for (let response = 0; response < from.length - 2; response++) {
      if (response % SLICE === 0) yield;
      const start = from[response]!;
      const end = from[response + 1]!;
      if (end - start < 2) continue;
      for (let at = start + 1; at < end; at++) {
        // Mostly in order as they arrived.
        if (before(calls[at - 1]!, calls[at]!) <= 0) continue;
        calls.subarray(start, end).sort(before);
        break;
      }
      for (let at = start; at < end; at++) place[calls[at]!] = at - start;
    }
  }

  /** Rows of the calls that a response asked for, the first one first. */
  callsOf(response: number): Int32Array {
    return this.calls.subarray(this.from[response]!, this.from[response + 1]!);
  }

  /** How many calls of a response the trace holds. */
  seen(response: number): number {
    return this.from[response + 1]! - this.from[response]!;
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
    let rest = this.fold.columns.nanoUsd[response]!;
    const { calls, from } = this;
    const end = from[response + 1]!;
    for (let at = from[response]!; at < end; at++) rest -= this.ofCall(calls[at]!);
    return rest;
  }
}

/** The step that shows a response: itself, its text, or the first call that it asked for; else the last one before it. */
export function responseStep(fold: SessionFold, shares: CallShares, response: number): number {
  const { steps, columns } = fold;
  const text = columns.pair[response]!;
  for (const row of [response, text, ...shares.callsOf(response).subarray(0, 8)]) {
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
