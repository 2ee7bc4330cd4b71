import { type Columns, FLAG, TYPE } from '../columns.ts';
import type { Json, TraceEvent } from '../event.ts';
import { hash52 } from '../ids.ts';
import type { FoldContext, Slice } from './slice.ts';

/** A hostile trace may repeat one call a million times: walks along a chain are bounded. */
const MAX_WALK = 1000;

/**
 * Retries: a call with the same tool and input, in the same lane, as an earlier one that failed or
 * was denied. The calls of one input form a chain in time order.
 */
export class RetriesSlice implements Slice {
  readonly name = 'retries';
  retries = 0;
  private readonly last = new Map<number, number>();
  private readonly columns: Columns;

  constructor(context: FoldContext) {
    this.columns = context.columns;
  }

  add(row: number, event: TraceEvent): void {
    const { columns } = this;
    if (columns.type[row] !== TYPE.tool_call || (columns.flags[row]! & FLAG.subagent) !== 0) return;
    const key = inputKey(columns.tool[row]!, columns.lane[row]!, event);
    let before = this.last.get(key) ?? -1;
    let after = -1;
    for (let walk = 0; before >= 0 && walk < MAX_WALK; walk++) {
      if (columns.timeMs[before]! <= columns.timeMs[row]!) break;
      after = before;
      before = columns.previousSame[before]!;
    }
    columns.previousSame[row] = before;
    columns.nextSame[row] = after;
    if (before >= 0) columns.nextSame[before] = row;
    if (after >= 0) columns.previousSame[after] = row;
    else this.last.set(key, row);
    if (before >= 0 && (columns.flags[before]! & (FAILED | FLAG.retry)) !== 0) this.mark(row);
  }

  remove(row: number): void {
    const { columns } = this;
    if (columns.type[row] !== TYPE.tool_call) return;
    const before = columns.previousSame[row]!;
    const after = columns.nextSame[row]!;
    if (before >= 0) columns.nextSame[before] = after;
    if (after >= 0) columns.previousSame[after] = before;
    else {
      for (const [key, last] of this.last) {
        if (last !== row) continue;
        if (before >= 0) this.last.set(key, before);
        else this.last.delete(key);
        break;
      }
    }
    this.unmark(row);
    columns.previousSame[row] = -1;
    columns.nextSame[row] = -1;
    this.recount(after);
  }

  pair(callRow: number): void {
    this.recount(this.columns.nextSame[callRow]!);
  }

  unpair(callRow: number): void {
    this.recount(this.columns.nextSame[callRow]!);
  }

  /** Brings the marks from `row` on into line with what came before. */
  private recount(from: number): void {
    const { columns } = this;
    let row = from;
    for (let walk = 0; row >= 0 && walk < MAX_WALK; walk++) {
      const before = columns.previousSame[row]!;
      const retry = before >= 0 && (columns.flags[before]! & (FAILED | FLAG.retry)) !== 0;
      if (retry === ((columns.flags[row]! & FLAG.retry) !== 0)) return;
      if (retry) this.mark(row);
      else this.unmark(row);
      row = columns.nextSame[row]!;
    }
  }

  private mark(row: number): void {
    if ((this.columns.flags[row]! & FLAG.retry) !== 0) return;
    this.columns.flags[row]! |= FLAG.retry;
    this.retries++;
  }

  private unmark(row: number): void {
    if ((this.columns.flags[row]! & FLAG.retry) === 0) return;
    this.columns.flags[row]! &= ~FLAG.retry;
    this.retries--;
  }

  /** 1 for the first call of this input, 2 for the next, … (counted up to 1000). */
  attempt(row: number): number {
    let attempt = 1;
    for (
      let before = this.columns.previousSame[row]!;
      before >= 0 && attempt < MAX_WALK;
      before = this.columns.previousSame[before]!
    ) {
      attempt++;
    }
    return attempt;
  }

  save(): Json {
    return { retries: this.retries, last: [...this.last] };
  }

  load(saved: Json): void {
    const from = saved as unknown as { retries: number; last: [number, number][] };
    this.retries = from.retries;
    for (const [key, row] of from.last) this.last.set(key, row);
  }
}

const FAILED = FLAG.error | FLAG.denied;

/** Inputs longer than this are told apart by their length and their first part. */
const HASHED = 2048;

function inputKey(tool: number, lane: number, event: TraceEvent): number {
  const args = event.data.arguments;
  const input = args === undefined ? '' : JSON.stringify(args);
  const part = input.length > HASHED ? `${input.length}:${input.slice(0, HASHED)}` : input;
  return hash52(String(tool), String(lane), part);
}
