/** Tokens and money of a session, response by response. */
import { isObject, type Json, type JsonObject } from '../../model/event.ts';
import { responsePrice } from '../../model/responsePrice.ts';
import type { Pricer, Usage } from '../../model/usage.ts';
import { KeyList, Recent, type Row } from './ring.ts';

export interface Response {
  key: number;
  data: JsonObject;
  usage: Usage;
  rank: number;
  /** Rows that told of it, beside the first. */
  rows: number;
  timeMs: number;
  /** Bytes. */
  size: number;
  /** Of the main agent. */
  main: boolean;
}

/** What a response added, so that a better version can take its place. `nano` -1: unpriced; -2: billed elsewhere. */
type Counted = [
  rank: number,
  rows: number,
  timeMs: number,
  size: number,
  tokens: number,
  nano: number,
];

const UNPRICED = -1;
const ELSEWHERE = -2;
/** What is saved is not negative. */
const COUNTED: Row<Counted> = {
  width: 6,
  of: ([rank, rows, timeMs, size, tokens, nano]) => [
    rank,
    rows,
    timeMs,
    size,
    tokens,
    nano - ELSEWHERE,
  ],
  from: (numbers) => {
    numbers[5]! += ELSEWHERE;
    return numbers as Counted;
  },
};
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const RATE_MINUTES = 10;
/** Seven days and the hour that is under way. */
const MAX_HOURS = 169;
const MAX_NAMES = 10;

export class Money {
  readonly unpriced: string[] = [];
  /** Nano-dollars by hours since the epoch. */
  readonly hours = new Map<number, number>();
  private nano = 0;
  private tokenSum = 0;
  private responses = 0;
  private priced = 0;
  private contextTokens = 0;
  private contextMs = 0;
  private contextModel = '';
  private windowModel = '';
  private window = 0;
  private readonly minutes = new Map<number, number>();
  private readonly recent: Recent<Counted>;
  /** Keys of responses before those. */
  private readonly older: KeyList;
  private given: Pricer | (() => Pricer | undefined) | undefined;

  constructor(pricer: Pricer | (() => Pricer | undefined) | undefined, memory = 1) {
    this.given = pricer;
    this.older = new KeyList(600 * memory);
    this.recent = new Recent(100 * memory, COUNTED, ([, , timeMs], key) =>
      this.older.add(key, timeMs),
    );
  }

  /** ms: responses before this are not known by their keys any more. */
  get forgottenMs(): number {
    return this.older.forgottenMs;
  }

  private get pricer(): Pricer | undefined {
    if (typeof this.given === 'function') this.given = this.given();
    return this.given;
  }

  add(response: Response): void {
    const { key, data, usage, rank, rows, timeMs, size } = response;
    if (response.main) this.fill(response);
    const known = this.recent.get(key);
    if (known === undefined && this.older.has(key)) return;
    if (known !== undefined) {
      if (!isBetter(known, rank, rows, timeMs, size)) return;
      this.count(known, -1);
    }
    const counted: Counted = [rank, rows, timeMs, size, 0, ELSEWHERE];
    if (typeof data.copied_from !== 'string') {
      const price = responsePrice(data, usage, timeMs, this.pricer);
      counted[4] = usage.input_tokens + usage.output_tokens;
      counted[5] = price.status === 'unpriced' ? UNPRICED : price.nanoUsd;
      if (price.status === 'unpriced') this.name(data.model);
    }
    this.count(counted, 1);
    this.recent.set(key, counted);
  }

  private name(model: Json | undefined): void {
    const name = (typeof model === 'string' && model !== '' ? model : '(no model)').slice(0, 60);
    if (this.unpriced.length < MAX_NAMES && !this.unpriced.includes(name)) this.unpriced.push(name);
  }

  private count([, , timeMs, , tokens, nano]: Counted, by: 1 | -1): void {
    if (nano === ELSEWHERE) return;
    this.responses += by;
    this.tokenSum += by * tokens;
    if (nano === UNPRICED) return;
    this.priced += by;
    this.nano += by * nano;
    add(this.minutes, Math.floor(timeMs / MINUTE_MS), by * nano, RATE_MINUTES + 2);
    add(this.hours, Math.floor(timeMs / HOUR_MS), by * nano, MAX_HOURS);
  }

  /** How full the main agent's window is: as the last response left it. */
  private fill({ data, usage, timeMs }: Response): void {
    const tokens = usage.input_tokens + usage.output_tokens;
    // At one and the same moment the larger is the later state of one stream.
    if (this.contextMs > timeMs || (this.contextMs === timeMs && this.contextTokens > tokens))
      return;
    this.contextTokens = tokens;
    this.contextMs = timeMs;
    this.contextModel = typeof data.model === 'string' ? data.model.slice(0, 200) : '';
    const { context_window: told } = data;
    if (typeof told === 'number' && Number.isSafeInteger(told) && told > 0) {
      [this.windowModel, this.window] = [this.contextModel, told];
    }
  }

  /** Undefined where no price is known. */
  get usd(): number | undefined {
    return this.priced === 0 ? undefined : this.nano / 1e9;
  }

  get nanoUsd(): number {
    return this.nano;
  }

  /** Undefined where no response told any. */
  get tokens(): number | undefined {
    return this.responses === 0 ? undefined : this.tokenSum;
  }

  get contextPercent(): number | undefined {
    if (this.contextMs === 0) return undefined;
    if (this.windowModel !== this.contextModel) {
      this.window = this.pricer?.contextWindow(this.contextModel) ?? 0;
      this.windowModel = this.contextModel;
    }
    return this.window === 0 ? undefined : Math.min(100, (100 * this.contextTokens) / this.window);
  }

  /** USD an hour, over the last ten minutes, or since the start; undefined in the first minute. */
  perHour(nowMs: number, ageMs: number): number | undefined {
    if (this.priced === 0 || ageMs < MINUTE_MS) return undefined;
    const from = Math.floor(nowMs / MINUTE_MS) - RATE_MINUTES;
    let nano = 0;
    for (const [minute, spent] of this.minutes) if (minute > from) nano += spent;
    return (nano / 1e9) * (60 / Math.min(RATE_MINUTES, ageMs / MINUTE_MS));
  }

  /** @param fromMs ms since the epoch, to the hour */
  sinceUsd(fromMs: number): number | undefined {
    if (this.priced === 0) return undefined;
    return sumSince(this.hours, fromMs) / 1e9;
  }

  save(): Json {
    const { nano, tokenSum, responses, priced, contextTokens, contextMs, contextModel } = this;
    return {
      numbers: [nano, tokenSum, responses, priced, contextTokens, contextMs],
      model: contextModel,
      window: [this.windowModel, this.window],
      unpriced: [...this.unpriced],
      minutes: [...this.minutes],
      hours: [...this.hours],
      recent: this.recent.save(),
      older: this.older.save(),
    };
  }

  load(saved: Json): void {
    if (!isObject(saved)) throw new Error('no money');
    const numbers = saved.numbers as number[];
    [this.nano, this.tokenSum, this.responses, this.priced] = numbers as [
      number,
      number,
      number,
      number,
    ];
    [, , , , this.contextTokens, this.contextMs] = numbers as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    this.contextModel = saved.model as string;
    // A window that was not known may be by now.
    const [model, window] = saved.window as [string, number];
    if (window > 0) [this.windowModel, this.window] = [model, window];
    this.unpriced.push(...(saved.unpriced as string[]));
    for (const [minute, spent] of saved.minutes as [number, number][])
      this.minutes.set(minute, spent);
    for (const [hour, spent] of saved.hours as [number, number][]) this.hours.set(hour, spent);
    this.older.load(saved.older as ReturnType<KeyList['save']>);
    this.recent.load(saved.recent as string);
  }
}

/** What was spent since a moment, to the hour, nano-dollars. */
export function sumSince(hours: ReadonlyMap<number, number>, fromMs: number): number {
  const from = Math.floor(fromMs / HOUR_MS);
  let sum = 0;
  for (const [hour, spent] of hours) if (hour >= from) sum += spent;
  return sum;
}

function isBetter(known: Counted, rank: number, rows: number, timeMs: number, size: number) {
  if (rank !== known[0]) return rank > known[0];
  if (rows !== known[1]) return rows > known[1];
  if (timeMs !== known[2]) return timeMs < known[2];
  return size > known[3];
}

/** Of more places than `max` the earliest goes. */
function add(sums: Map<number, number>, place: number, amount: number, max: number): void {
  sums.set(place, (sums.get(place) ?? 0) + amount);
  if (sums.size > max) sums.delete(Math.min(...sums.keys()));
}
