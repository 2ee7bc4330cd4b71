import { type Columns, FLAG, NumberTable, TYPE } from '../columns.ts';
import type { Json, JsonObject, TraceEvent } from '../event.ts';
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
  private readonly last = new NumberTable();
  private readonly columns: Columns;

  constructor(context: FoldContext) {
    this.columns = context.columns;
  }

  add(row: number, event: TraceEvent): void {
    const { columns } = this;
    if (columns.type[row] !== TYPE.tool_call || (columns.flags[row]! & FLAG.subagent) !== 0) return;
    const key = inputKey(columns.tool[row]!, columns.lane[row]!, event);
    columns.inputKey[row] = key;
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
    if (columns.type[row] !== TYPE.tool_call || (columns.flags[row]! & FLAG.subagent) !== 0) return;
    const before = columns.previousSame[row]!;
    const after = columns.nextSame[row]!;
    if (before >= 0) columns.nextSame[before] = after;
    if (after >= 0) columns.previousSame[after] = before;
    else if (before >= 0) this.last.set(columns.inputKey[row]!, before);
    else this.last.delete(columns.inputKey[row]!);
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

/** Texts longer than this are told apart by their length, their start and samples of the rest. */
const WHOLE = 256;

// Module state, so that hashing an input allocates nothing and calls nothing per character.
let h1 = 0;
let h2 = 0;

function mixText(text: string): void {
  const { length } = text;
  let x = Math.imul(h1 ^ length, 0x85ebca77);
  let y = h2 + length;
  const end = Math.min(length, WHOLE);
  for (let i = 0; i < end; i++) {
    const unit = text.charCodeAt(i);
    x = Math.imul(x ^ unit, 0x85ebca77);
    y = (Math.imul(y, 31) + unit) | 0;
  }
  if (length > WHOLE) {
    const step = Math.max(1, Math.floor((length - WHOLE) / WHOLE));
    for (let i = length - 1; i >= WHOLE; i -= step)
      x = Math.imul(x ^ text.charCodeAt(i), 0x85ebca77);
  }
  h1 = x;
  h2 = y;
}

function mixValue(value: Json, depth: number): void {
  if (typeof value === 'string') mixText(value);
  else if (typeof value === 'number') mixText(String(value));
  else if (typeof value !== 'object' || value === null) {
    h1 = Math.imul(h1 ^ (value === null ? 1 : value ? 2 : 3), 0x9e3779b1);
  } else if (depth < 8) {
    h1 = Math.imul(h1 ^ 5, 0x9e3779b1);
    for (const key in value) {
      mixText(key);
      mixValue((value as JsonObject)[key] as Json, depth + 1);
    }
  }
}

function inputKey(tool: number, lane: number, event: TraceEvent): number {
  h1 = Math.imul(tool + 1, 0x9e3779b1);
  h2 = lane + 1;
  mixValue(event.data.arguments ?? null, 0);
  const x = h1 ^ (h1 >>> 15);
  const y = Math.imul(h2 ^ (h2 >>> 13), 0xc2b2ae3d);
  return 0x100000000 * ((y ^ x) & 0xfffff) + (x >>> 0);
}
