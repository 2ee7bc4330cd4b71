/** What is remembered of a session: the last so many of each kind, whatever its length. */

/** Values by key; of more than `max`, the one that was set first goes. */
export class Recent<Value> {
  private readonly map = new Map<number, Value>();
  private readonly max: number;
  private readonly gone: ((value: Value, key: number) => void) | undefined;

  constructor(max: number, gone?: (value: Value, key: number) => void) {
    this.max = max;
    this.gone = gone;
  }

  get size(): number {
    return this.map.size;
  }

  has(key: number): boolean {
    return this.map.has(key);
  }

  get(key: number): Value | undefined {
    return this.map.get(key);
  }

  set(key: number, value: Value): void {
    this.map.set(key, value);
    if (this.map.size <= this.max) return;
    for (const [first, old] of this.map) {
      this.map.delete(first);
      this.gone?.(old, first);
      return;
    }
  }

  /** As it was set last. */
  again(key: number, value: Value): void {
    this.map.delete(key);
    this.set(key, value);
  }

  delete(key: number): void {
    this.map.delete(key);
  }

  entries(): IterableIterator<[number, Value]> {
    return this.map.entries();
  }

  /** The last set first. */
  newest(): [number, Value][] {
    return [...this.map].reverse();
  }
}

const WIDTH = 8;
const BASE = 36;
/** Keys are below this, and so are moments in ms. */
export const KEYS = BASE ** WIDTH;

const text = (number: number): string =>
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
    const wanted = text(key);
    for (let at = this.keys.indexOf(wanted); at >= 0; at = this.keys.indexOf(wanted, at + 1))
      if (at % WIDTH === 0) return true;
    return false;
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
  private known: Set<number> | undefined = new Set();
  private bits = new Uint8Array(BITS / 8);
  private readonly exact: number;

  constructor(exact: number) {
    this.exact = exact;
  }

  /** @returns whether it is new, as far as can be told */
  add(hash: number): boolean {
    if (this.known?.has(hash)) return false;
    const bit = Math.floor(hash / 7) % BITS;
    const mask = 1 << (bit & 7);
    const set = (this.bits[bit >> 3]! & mask) !== 0;
    this.bits[bit >> 3]! |= mask;
    this.known?.add(hash);
    if (this.known !== undefined && this.known.size > this.exact) this.known = undefined;
    return this.known !== undefined || !set;
  }

  get count(): number {
    if (this.known !== undefined) return this.known.size;
    let zeros = 0;
    for (const byte of this.bits) for (let k = 0; k < 8; k++) if (((byte >> k) & 1) === 0) zeros++;
    return Math.max(this.exact, Math.round(-BITS * Math.log(Math.max(zeros, 1) / BITS)));
  }

  save(): string {
    return this.known === undefined
      ? `#${Buffer.from(this.bits).toString('base64')}`
      : packed(this.known);
  }

  load(saved: string): void {
    if (saved.startsWith('#')) {
      this.known = undefined;
      this.bits.set(Buffer.from(saved.slice(1), 'base64').subarray(0, BITS / 8));
      return;
    }
    for (const hash of unpacked(saved)) this.add(hash);
  }
}
