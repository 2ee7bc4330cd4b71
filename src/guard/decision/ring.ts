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

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_';
const VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));
const WIDTH = 7;
/** Keys are below this. */
export const KEYS = 64 ** WIDTH;

/** Numbers below {@link KEYS} in seven characters each: half of what JSON takes. */
export function packed(numbers: Iterable<number>): string {
  let out = '';
  for (const number of numbers) {
    let rest = Math.max(0, Math.min(Math.round(number), KEYS - 1));
    let text = '';
    for (let at = 0; at < WIDTH; at++) {
      text = DIGITS[rest % 64] + text;
      rest = Math.floor(rest / 64);
    }
    out += text;
  }
  return out;
}

export function unpacked(text: string): number[] {
  const numbers: number[] = [];
  for (let at = 0; at + WIDTH <= text.length; at += WIDTH) {
    let number = 0;
    for (let k = 0; k < WIDTH; k++) number = number * 64 + (VALUES.get(text[at + k]!) ?? 0);
    numbers.push(number);
  }
  return numbers;
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
