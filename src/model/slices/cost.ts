import { isSidechain, responseRef } from '../billing.ts';
import { type Columns, FLAG, TYPE } from '../columns.ts';
import type { Json, TraceEvent } from '../event.ts';
import { Interner } from '../interner.ts';
import { repeatsOf, responsePrice } from '../responsePrice.ts';
import { addUsage, emptyUsage, type Price, type Pricer, USAGE_KEYS, type Usage } from '../usage.ts';
import type { FoldContext, Slice } from './slice.ts';

/** Tokens and money of one model, or of one lane. */
export interface CostSum {
  responses: number;
  usage: Usage;
  nanoUsd: number;
  /** Responses whose price is not known: their tokens are in `usage`, their money is not. */
  unpriced: number;
}

const STATUS = { priced: 0, reported: 1, unpriced: 2 } as const;
const WIDTH = USAGE_KEYS.length;

/**
 * Tokens and money, from the usage records of the agent. Sums are in whole nano-dollars and whole
 * tokens, so that they are the same in whichever order events arrive.
 */
export class CostSlice implements Slice {
  readonly name = 'cost';
  readonly total: CostSum = emptySum();
  priced = 0;
  /** Priced by the agent itself. */
  reported = 0;
  /** Further records of responses that were counted already. */
  deduplicated = 0;
  /** Responses that another session was billed for: forks and resumed sessions copy them. */
  copied = 0;
  /** The records that told of them. */
  copiedRecords = 0;
  /** Those records, by row. */
  private readonly copies = new Map<number, number>();
  /** The newest price date among the priced responses. */
  priceDate = '';
  readonly models = new Interner('');
  private readonly byModel = new Map<number, CostSum>();
  private readonly byLane = new Map<number, CostSum>();
  private readonly reasons = new Map<number, string>();
  /** Bytes of text that went to the model and came from it: the estimate where no usage is. */
  private bytesIn = 0;
  private bytesOut = 0;

  // One record a response, also where it tells no usage: a better version may. So `rows` ascends, for rows are numbered
  // in order of arrival.
  private count = 0;
  private rows = new Int32Array(64);
  private model = new Uint16Array(64);
  private status = new Uint8Array(64);
  private repeats = new Uint16Array(64);
  private refs: string[] = [];
  private sides: boolean[] = [];
  // Doubles: a hostile count must not wrap around into a small one.
  private tokens = new Float64Array(64 * WIDTH);
  /** The record that was asked for last. */
  private near = 0;

  private readonly columns: Columns;
  private readonly pricer: Pricer | undefined;
  private readonly fold: FoldContext;

  constructor(context: FoldContext) {
    this.fold = context;
    this.columns = context.columns;
    this.pricer = context.pricer;
  }

  add(row: number, event: TraceEvent): void {
    const type = this.columns.type[row]!;
    if (type !== TYPE.llm_response) {
      this.weigh(row, type, 1);
      return;
    }
    const at = this.recordFor(row);
    const { usage } = this.fold;
    if (!usage) return;
    const { data } = event;
    const ref = responseRef(data);
    const repeats = repeatsOf(data);
    if (typeof data.copied_from === 'string' || this.fold.billedElsewhere?.has(ref) === true) {
      // A fork or a resumed session brings its parent's responses along: they were billed there.
      this.copied++;
      this.copiedRecords += repeats + 1;
      this.copies.set(row, repeats + 1);
      return;
    }
    const modelName = typeof data.model === 'string' ? data.model : '';
    const price = responsePrice(data, usage, this.columns.timeMs[row]!, this.pricer);
    this.model[at] = this.models.code(modelName);
    this.status[at] = STATUS[price.status];
    this.refs[at] = ref;
    this.sides[at] = isSidechain(data);
    this.repeats[at] = repeats;
    this.keep(at, usage);
    if (price.status === 'unpriced') {
      this.columns.nanoUsd[row] = Number.NaN;
      this.columns.flags[row]! |= FLAG.unpriced;
      this.reasons.set(this.model[at]!, price.reason);
    } else {
      this.columns.nanoUsd[row] = price.nanoUsd;
    }
    if (price.status === 'priced' && price.priceDate && price.priceDate > this.priceDate) {
      this.priceDate = price.priceDate;
    }
    this.sum(at, 1);
  }

  remove(row: number): void {
    const type = this.columns.type[row]!;
    if (type !== TYPE.llm_response) {
      this.weigh(row, type, -1);
      return;
    }
    const records = this.copies.get(row);
    if (records !== undefined) {
      this.copies.delete(row);
      this.copied--;
      this.copiedRecords -= records;
    }
    const at = this.find(row);
    if (at >= 0 && this.status[at] !== GONE) {
      this.sum(at, -1);
      this.status[at] = GONE;
    }
  }

  /** A record of a response that was there already. */
  duplicate(type: number, event: TraceEvent): void {
    // A record that counts its own rows tells of the same rows again.
    if (type === TYPE.llm_response && event.data.row_count === undefined) this.deduplicated++;
  }

  private sum(at: number, by: 1 | -1): void {
    const row = this.rows[at]!;
    const nano = this.columns.nanoUsd[row]!;
    const status = this.status[at]!;
    const model = this.model[at]!;
    const lane = this.columns.lane[row]!;
    const usage = this.usageAt(at);
    const priced = status !== STATUS.unpriced;
    addTo(this.total, usage, by, nano, priced);
    addTo(sumFor(this.byModel, model), usage, by, nano, priced);
    addTo(sumFor(this.byLane, lane), usage, by, nano, priced);
    if (status === STATUS.priced) this.priced += by;
    else if (status === STATUS.reported) this.reported += by;
    this.deduplicated += by * this.repeats[at]!;
  }

  private weigh(row: number, type: number, by: 1 | -1): void {
    const bytes = by * this.columns.size[row]!;
    if (type === TYPE.tool_call || type === TYPE.assistant_response) this.bytesOut += bytes;
    else if (type === TYPE.user_prompt || type === TYPE.tool_result || type === TYPE.error) {
      this.bytesIn += bytes;
    }
  }

  private usageAt(at: number): Usage {
    const usage = emptyUsage();
    this.fill(at, usage);
    return usage;
  }

  // Key by key, in the order of USAGE_KEYS: names that are looked up would cost several times as much.
  private keep(at: number, usage: Usage): void {
    const { tokens } = this;
    const first = at * WIDTH;
    tokens[first] = usage.input_tokens;
    tokens[first + 1] = usage.cache_read_input_tokens;
    tokens[first + 2] = usage.cache_write_input_tokens;
    tokens[first + 3] = usage.cache_write_1h_input_tokens;
    tokens[first + 4] = usage.output_tokens;
    tokens[first + 5] = usage.reasoning_output_tokens;
  }

  private fill(at: number, usage: Usage): void {
    const { tokens } = this;
    const first = at * WIDTH;
    usage.input_tokens = tokens[first]!;
    usage.cache_read_input_tokens = tokens[first + 1]!;
    usage.cache_write_input_tokens = tokens[first + 2]!;
    usage.cache_write_1h_input_tokens = tokens[first + 3]!;
    usage.output_tokens = tokens[first + 4]!;
    usage.reasoning_output_tokens = tokens[first + 5]!;
  }

  private recordFor(row: number): number {
    const known = this.find(row);
    if (known >= 0) return known;
    if (this.count === this.rows.length) this.grow();
    const at = this.count++;
    this.rows[at] = row;
    this.status[at] = GONE;
    this.refs[at] = '';
    this.sides[at] = false;
    return at;
  }

  private grow(): void {
    const size = this.rows.length * 2;
    const larger = <T extends Int32Array | Float64Array | Uint16Array | Uint8Array>(
      old: T,
      length: number,
    ): T => {
      const next = new (old.constructor as new (n: number) => T)(length);
      next.set(old as never);
      return next;
    };
    this.rows = larger(this.rows, size);
    this.model = larger(this.model, size);
    this.status = larger(this.status, size);
    this.repeats = larger(this.repeats, size);
    this.tokens = larger(this.tokens, size * WIDTH);
  }

  private find(row: number): number {
    const { rows, count, near } = this;
    // Mostly the newest, the one that was asked for last, or the next.
    if (count === 0 || row > rows[count - 1]!) return -1;
    if (near < count && rows[near] === row) return near;
    if (near + 1 < count && rows[near + 1] === row) {
      this.near = near + 1;
      return this.near;
    }
    const at = this.search(row);
    if (at >= 0) this.near = at;
    return at;
  }

  private search(row: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const at = this.rows[middle]!;
      if (at === row) return middle;
      if (at < row) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** The responses that count here, as one text of refs; those of sidechains apart. */
  responses(): { main: string; side: string } {
    const of = (side: boolean): string =>
      this.refs
        .slice(0, this.count)
        .filter((_, at) => this.sides[at] === side && this.status[at] !== GONE)
        .join('');
    return { main: of(false), side: of(true) };
  }

  /** Rows of the transcript that told of this response so far. */
  rowsOf(row: number): number {
    const at = this.find(row);
    return at < 0 || this.status[at] === GONE ? 0 : this.repeats[at]! + 1;
  }

  /** Usage of the response in this row. */
  usageOfRow(row: number): Usage | undefined {
    const at = this.find(row);
    return at < 0 || this.status[at] === GONE ? undefined : this.usageAt(at);
  }

  /** Rows of the responses that were billed here, priced or not, ascending. */
  billedRows(): Int32Array {
    const rows = new Int32Array(this.count);
    let count = 0;
    for (let at = 0; at < this.count; at++) {
      if (this.status[at] !== GONE) rows[count++] = this.rows[at]!;
    }
    return rows.subarray(0, count);
  }

  /** Whether the response in this row told its tokens, billed here or in the session it was copied from. */
  hasUsage(row: number): boolean {
    return this.copies.has(row) || this.recordOf(row) >= 0;
  }

  /** As {@link usageOfRow}, written into `into`, for there may be many. @returns false: there is none */
  usageInto(row: number, into: Usage): boolean {
    const at = this.recordOf(row);
    if (at < 0) return false;
    this.fill(at, into);
    return true;
  }

  private recordOf(row: number): number {
    const at = this.find(row);
    return at < 0 || this.status[at] === GONE ? -1 : at;
  }

  modelOfRow(row: number): string {
    const at = this.find(row);
    return at < 0 ? '' : this.models.name(this.model[at]!);
  }

  /** By model, dearest first. */
  perModel(): ({ model: string; reason?: string } & CostSum)[] {
    return [...this.byModel]
      .filter(([, sum]) => sum.responses > 0)
      .map(([code, sum]) => {
        const reason = sum.unpriced > 0 ? this.reasons.get(code) : undefined;
        return { model: this.models.name(code), ...sum, ...(reason ? { reason } : {}) };
      })
      .sort((a, b) => b.nanoUsd - a.nanoUsd || b.responses - a.responses);
  }

  ofLane(lane: number): CostSum {
    return this.byLane.get(lane) ?? emptySum();
  }

  /**
   * A guess for a session without usage records: its text at four bytes a token. It leaves out what
   * every turn sends again, so it is a lower bound. Undefined where there is usage (if only such as
   * another session was billed for), or no text.
   */
  estimate(model: string, timeMs: number): { usage: Usage; price: Price } | undefined {
    if (this.total.responses + this.copied > 0) return undefined;
    if (this.bytesIn + this.bytesOut === 0) return undefined;
    const usage = emptyUsage();
    usage.input_tokens = Math.ceil(this.bytesIn / 4);
    usage.output_tokens = Math.ceil(this.bytesOut / 4);
    const price: Price = this.pricer?.price(model, usage, timeMs) ?? {
      status: 'unpriced',
      reason: 'no price list is loaded',
    };
    return { usage, price };
  }

  save(): Json {
    const { count } = this;
    return {
      total: this.total as unknown as Json,
      priced: this.priced,
      reported: this.reported,
      deduplicated: this.deduplicated,
      copied: this.copied,
      copiedRecords: this.copiedRecords,
      copies: [...this.copies],
      priceDate: this.priceDate,
      models: this.models.save(),
      byModel: [...this.byModel] as unknown as Json,
      byLane: [...this.byLane] as unknown as Json,
      reasons: [...this.reasons],
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      rows: [...this.rows.subarray(0, count)],
      model: [...this.model.subarray(0, count)],
      status: [...this.status.subarray(0, count)],
      repeats: [...this.repeats.subarray(0, count)],
      refs: this.refs.slice(0, count),
      sides: this.sides.slice(0, count),
      tokens: [...this.tokens.subarray(0, count * WIDTH)],
    };
  }

  load(saved: Json): void {
    const from = saved as unknown as {
      total: CostSum;
      models: string[];
      byModel: [number, CostSum][];
      byLane: [number, CostSum][];
      reasons: [number, string][];
      rows: number[];
      copies: [number, number][];
      refs: string[];
      sides: boolean[];
      model: number[];
      status: number[];
      repeats: number[];
      tokens: number[];
    } & Record<
      'priced' | 'reported' | 'deduplicated' | 'copied' | 'copiedRecords' | 'bytesIn' | 'bytesOut',
      number
    > & {
        priceDate: string;
      };
    Object.assign(this.total, from.total);
    this.priced = from.priced;
    this.reported = from.reported;
    this.deduplicated = from.deduplicated;
    this.copied = from.copied;
    this.copiedRecords = from.copiedRecords;
    for (const [row, records] of from.copies) this.copies.set(row, records);
    this.refs = from.refs;
    this.sides = from.sides;
    this.priceDate = from.priceDate;
    this.bytesIn = from.bytesIn;
    this.bytesOut = from.bytesOut;
    this.models.load(from.models);
    for (const [key, value] of from.byModel) this.byModel.set(key, value);
    for (const [key, value] of from.byLane) this.byLane.set(key, value);
    for (const [key, value] of from.reasons) this.reasons.set(key, value);
    this.count = from.rows.length;
    const size = Math.max(64, this.count);
    this.rows = new Int32Array(size);
    this.rows.set(from.rows);
    this.model = new Uint16Array(size);
    this.model.set(from.model);
    this.status = new Uint8Array(size);
    this.status.set(from.status);
    this.repeats = new Uint16Array(size);
    this.repeats.set(from.repeats);
    this.tokens = new Float64Array(size * WIDTH);
    this.tokens.set(from.tokens);
  }
}

/** A record whose event was removed, or is counted elsewhere, or tells no usage. */
const GONE = 255;

function emptySum(): CostSum {
  return { responses: 0, usage: emptyUsage(), nanoUsd: 0, unpriced: 0 };
}

function addTo(sum: CostSum, usage: Usage, by: 1 | -1, nano: number, priced: boolean): void {
  sum.responses += by;
  addUsage(sum.usage, usage, by);
  if (priced) sum.nanoUsd += by * nano;
  else sum.unpriced += by;
}

function sumFor(map: Map<number, CostSum>, key: number): CostSum {
  let sum = map.get(key);
  if (!sum) {
    sum = emptySum();
    map.set(key, sum);
  }
  return sum;
}
