/** What is remembered of a session: the last so many of each kind, whatever its length. */

/** Characters of a number. */
export const WIDTH = 8;
const BASE = 36;
/** Keys are below this, and so are moments in ms. */
export const KEYS = BASE ** WIDTH;

/** A number as it stands in what is {@link packed}. */
export const text = (number: number): string =>
  Math.max(0, Math.min(Math.round(number), KEYS - 1))
    .toString(BASE)
    .padStart(WIDTH, '0');

/** Numbers below {@link KEYS} in eight characters each: half of what JSON takes, and as quick to read. */
export function packed(numbers: Iterable<number>): string {
  let out = '';
  for (const number of numbers) out += text(number);
  return out;
}

export function unpacked(packed: string): number[] {
  const numbers: number[] = [];
  for (let at = 0; at + WIDTH <= packed.length; at += WIDTH)
    numbers.push(Number.parseInt(packed.slice(at, at + WIDTH), BASE));
  return numbers;
}

/** How a value is saved: a row of so many numbers, the key not counted. */
export interface Row<Value> {
  width: number;
  of(value: Value): readonly number[];
  /** @param numbers exactly `width` of them */
  from(numbers: number[]): Value;
}

/**
 * Values by key; of more than `max`, the one that was set first goes. What was saved stays a text until it is asked for, row by
 * row: a hook needs a few rows of some hundreds.
 */
export class Recent<Value> {
  private readonly map = new Map<number, Value>();
  private readonly max: number;
  private readonly row: Row<Value>;
  private readonly gone: ((value: Value, key: number) => void) | undefined;
  /** Rows that come before those of the map. */
  private rows = '';
  /** Of those, what was asked for or set. */
  private readonly read = new Map<number, Value>();

  constructor(max: number, row: Row<Value>, gone?: (value: Value, key: number) => void) {
    this.max = max;
    this.row = row;
    this.gone = gone;
  }

  get size(): number {
    return this.rows === '' ? this.map.size : this.rows.length / this.bytes + this.map.size;
  }

  get(key: number): Value | undefined {
    if (this.rows === '') return this.map.get(key);
    const known = this.map.get(key) ?? this.read.get(key);
    if (known !== undefined) return known;
    const at = this.find(key);
    return at < 0 ? undefined : this.at(at).value;
  }

  set(key: number, value: Value): void {
    if (this.rows !== '' && !this.map.has(key) && (this.read.has(key) || this.find(key) >= 0)) {
      this.read.set(key, value);
      return;
    }
    this.map.set(key, value);
    if (this.size > this.max) this.forget();
  }

  private forget(): void {
    if (this.rows !== '') {
      const { gone } = this;
      const { key, value } = gone === undefined ? { key: this.keyAt(0) } : this.at(0);
      this.cut(0, key);
      if (value !== undefined) gone?.(value, key);
      return;
    }
    for (const [first, old] of this.map) {
      this.map.delete(first);
      this.gone?.(old, first);
      return;
    }
  }

  /** As it was set last. */
  again(key: number, value: Value): void {
    this.delete(key);
    this.set(key, value);
  }

  delete(key: number): void {
    if (this.map.delete(key) || this.rows === '') return;
    const at = this.find(key);
    if (at >= 0) this.cut(at, key);
  }

  *entries(): Generator<[number, Value]> {
    for (let at = 0; at < this.rows.length; at += this.bytes) {
      const { key, value } = this.at(at);
      yield [key, value];
    }
    yield* this.map;
  }

  /** The last set first. */
  *newest(): Generator<[number, Value]> {
    yield* [...this.map].reverse();
    for (let at = this.rows.length - this.bytes; at >= 0; at -= this.bytes) {
      const { key, value } = this.at(at);
      yield [key, value];
    }
  }

  /** The key of the last row that was saved with this number in this column (0 is the first after the key). */
  savedWith(column: number, number: number): number | undefined {
    const wanted = text(number);
    let at = this.rows.lastIndexOf(wanted);
    while (at > 0 && at % this.bytes !== (column + 1) * WIDTH)
      at = this.rows.lastIndexOf(wanted, at - 1);
    return at <= 0
      ? undefined
      : Number.parseInt(this.rows.substr(at - (column + 1) * WIDTH, WIDTH), BASE);
  }

  save(): string {
    let out = this.rows;
    if (this.read.size > 0) {
      out = '';
      for (let at = 0; at < this.rows.length; at += this.bytes) {
        const key = this.keyAt(at);
        const value = this.read.get(key);
        out += value === undefined ? this.rows.slice(at, at + this.bytes) : this.saved(key, value);
      }
    }
    for (const [key, value] of this.map) out += this.saved(key, value);
    return out;
  }

  /** @throws where it is nothing that {@link save} gave */
  load(saved: string): void {
    if (typeof saved !== 'string' || saved.length % this.bytes !== 0) throw new Error('no rows');
    this.rows = saved;
  }

  /** Characters of a row. */
  private get bytes(): number {
    return (this.row.width + 1) * WIDTH;
  }

  private saved(key: number, value: Value): string {
    return text(key) + packed(this.row.of(value));
  }

  private find(key: number): number {
    const wanted = text(key);
    let at = this.rows.indexOf(wanted);
    while (at >= 0 && at % this.bytes !== 0) at = this.rows.indexOf(wanted, at + 1);
    return at;
  }

  private keyAt(at: number): number {
    return Number.parseInt(this.rows.slice(at, at + WIDTH), BASE);
  }

  private at(at: number): { key: number; value: Value } {
    const key = this.keyAt(at);
    let value = this.read.get(key);
    if (value === undefined) {
      value = this.row.from(unpacked(this.rows.slice(at + WIDTH, at + this.bytes)));
      this.read.set(key, value);
    }
    return { key, value };
  }

  private cut(at: number, key: number): void {
    this.rows = this.rows.slice(0, at) + this.rows.slice(at + this.bytes);
    this.read.delete(key);
  }
}

/** A value that is a number itself. */
export const NUMBER: Row<number> = {
  width: 1,
  of: (value) => [value],
  from: (numbers) => numbers[0]!,
};

/** Whether a key is among those of a packed text. */
function hasKey(keys: string, key: number): boolean {
  const wanted = text(key);
  for (let at = keys.indexOf(wanted); at >= 0; at = keys.indexOf(wanted, at + 1))
    if (at % WIDTH === 0) return true;
  return false;
}

/** Keys that are forgotten at once. */
const BATCH = 100;

/**
 * The last keys, as one text: a hook loads them, asks for one or two, and saves them; nothing but a search in a text is quick
 * enough for that.
 */
export class KeyList {
  /** The latest moment of a key that is forgotten, ms. */
  forgottenMs = 0;
  private keys = '';
  /** The latest moment of each whole batch. */
  private marks: number[] = [];
  private latestMs = 0;
  private readonly max: number;

  constructor(max: number) {
    this.max = max;
  }

  has(key: number): boolean {
    return hasKey(this.keys, key);
  }

  add(key: number, timeMs: number): void {
    this.keys += text(key);
    if (timeMs > this.latestMs) this.latestMs = timeMs;
    const count = this.keys.length / WIDTH;
    if (count % BATCH === 0) this.marks.push(this.latestMs);
    if (count < this.max) return;
    this.keys = this.keys.slice(BATCH * WIDTH);
    this.forgottenMs = Math.max(this.forgottenMs, this.marks.shift() ?? 0);
  }

  save(): [string, number, number, ...number[]] {
    return [this.keys, this.forgottenMs, this.latestMs, ...this.marks];
  }

  load([keys, forgottenMs, latestMs, ...marks]: [string, number, number, ...number[]]): void {
    if (typeof keys !== 'string') throw new Error('no keys');
    Object.assign(this, { keys, forgottenMs, latestMs, marks });
  }
}

const BITS = 16_384;

/**
 * How many different things there were: exact up to some hundreds, then by a table of bits (linear counting, within a few
 * percent up to a hundred thousand).
 */
export class Distinct {
  /** Undefined: there are too many, and the table counts. */
  private known: Set<number> | undefined = new Set();
  /** Those that were saved, besides. */
  private saved = '';
  /** Made when it is first needed. */
  private bits: Uint8Array | undefined;
  private savedBits = '';
  private readonly exact: number;

  constructor(exact: number) {
    this.exact = exact;
  }

  /** @returns whether it is new, as far as can be told */
  add(hash: number): boolean {
    if (this.known === undefined) return this.mark(hash);
    if (this.known.has(hash) || hasKey(this.saved, hash)) return false;
    this.known.add(hash);
    if (this.count > this.exact) {
      for (const one of this.known) this.mark(one);
      for (const one of unpacked(this.saved)) this.mark(one);
      this.known = undefined;
      this.saved = '';
    }
    return true;
  }

  private mark(hash: number): boolean {
    const bits = this.table();
    const bit = Math.floor(hash / 7) % BITS;
    const mask = 1 << (bit & 7);
    const set = (bits[bit >> 3]! & mask) !== 0;
    bits[bit >> 3]! |= mask;
    return !set;
  }

  private table(): Uint8Array {
    if (this.bits === undefined) {
      this.bits = new Uint8Array(BITS / 8);
      this.bits.set(Buffer.from(this.savedBits, 'base64').subarray(0, BITS / 8));
    }
    return this.bits;
  }

  get count(): number {
    if (this.known !== undefined) return this.saved.length / WIDTH + this.known.size;
    let zeros = BITS;
    for (const byte of this.table()) for (let left = byte; left > 0; left &= left - 1) zeros--;
    return Math.max(this.exact, Math.round(-BITS * Math.log(Math.max(zeros, 1) / BITS)));
  }

  save(): string {
    if (this.known !== undefined) return this.saved + packed(this.known);
    return `#${this.bits === undefined ? this.savedBits : Buffer.from(this.bits).toString('base64')}`;
  }

  load(saved: string): void {
    if (saved.startsWith('#')) {
      this.known = undefined;
      this.savedBits = saved.slice(1);
    } else this.saved = saved;
  }
}
