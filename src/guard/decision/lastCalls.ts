/** The last calls of a session, by their keys: loops and repeating sequences. */
import { packed, text, unpacked, WIDTH } from './ring.ts';

/** Longer windows are not looked back over. */
export const MAX_WINDOW = 200;

/** Characters of a call that is saved. */
const PAIR = 2 * WIDTH;

interface Found {
  key: number;
  besides: number | undefined;
  places: number[];
}

export class LastCalls {
  /** Oldest first: the call's key (tool and input), and its own. */
  private keys: number[] = [];
  private ids: number[] = [];
  /** Those before, as they were saved: most hooks need none. */
  private saved = '';
  private found: Found | undefined;

  add(key: number, id: number): void {
    this.found = undefined;
    this.keys.push(key);
    this.ids.push(id);
    // Not at every call: shifting costs as much as the list is long.
    if (this.keys.length < 2 * MAX_WINDOW) return;
    this.saved = '';
    this.keys = this.keys.slice(-MAX_WINDOW);
    this.ids = this.ids.slice(-MAX_WINDOW);
  }

  /** @param besides the call that `key` is of, where it is in the list: it counts as the last */
  repeats(key: number, window: number, besides: number | undefined): number {
    let { found } = this;
    if (found === undefined || found.key !== key || found.besides !== besides)
      found = this.find(key, besides);
    const within = Math.min(window, MAX_WINDOW);
    let count = 1;
    for (const back of found.places) if (back < within) count++;
    return count;
  }

  /** How far back the equal calls are, the nearest first: many rules may ask for loops of one call. */
  private find(key: number, besides: number | undefined): Found {
    const places: number[] = [];
    let back = 0;
    for (let at = this.keys.length - 1; at >= 0 && back < MAX_WINDOW; at--) {
      if (this.ids[at] === besides) continue;
      back++;
      if (this.keys[at] === key) places.push(back);
    }
    const skipped = besides === undefined ? [] : this.savedAt(besides, WIDTH);
    for (const at of this.savedAt(key, 0)) {
      if (skipped.includes(at)) continue;
      const far = back + this.saved.length / PAIR - at - skipped.filter((one) => one > at).length;
      if (far > MAX_WINDOW) break;
      places.push(far);
    }
    this.found = { key, besides, places };
    return this.found;
  }

  /** Which of the saved calls have this number in their pair, the last first. Nothing is unpacked for it. */
  private savedAt(number: number, column: number): number[] {
    const { saved } = this;
    const wanted = text(number);
    const found: number[] = [];
    for (let at = saved.lastIndexOf(wanted); at >= 0; at = saved.lastIndexOf(wanted, at - 1)) {
      if (at % PAIR === column) found.push(Math.floor(at / PAIR));
      if (at === 0) break;
    }
    return found;
  }

  repeatsOfLast(window: number): number {
    this.unpack();
    const key = this.keys.at(-1);
    return key === undefined ? 0 : this.repeats(key, window, this.ids.at(-1));
  }

  /** The longest run of a sequence of 2 to `length` calls, back to back, at the end; 0: none. */
  sequence(key: number | undefined, length: number, besides: number | undefined): number {
    this.unpack();
    const keys = this.keys.filter((_, at) => this.ids[at] !== besides).slice(-MAX_WINDOW);
    if (key !== undefined) keys.push(key);
    let best = 0;
    for (let size = 2; size <= Math.min(length, keys.length >> 1); size++) {
      const block = keys.slice(-size);
      // One call over and over is a loop, no sequence.
      if (new Set(block).size < 2) continue;
      let same = 0;
      for (let at = keys.length - 1 - size; at >= 0 && keys[at] === keys[at + size]; at--) same++;
      const runs = Math.floor(same / size) + 1;
      if (runs > 1) best = Math.max(best, runs);
    }
    return best;
  }

  private unpack(): void {
    if (this.saved === '') return;
    const numbers = unpacked(this.saved);
    this.saved = '';
    this.keys = [...numbers.filter((_, at) => at % 2 === 0), ...this.keys];
    this.ids = [...numbers.filter((_, at) => at % 2 === 1), ...this.ids];
  }

  save(): string {
    this.unpack();
    const from = Math.max(0, this.keys.length - MAX_WINDOW);
    return packed(this.keys.slice(from).flatMap((key, at) => [key, this.ids[from + at]!]));
  }

  load(saved: string): void {
    if (typeof saved !== 'string') throw new Error('no calls');
    this.saved = saved;
  }
}
