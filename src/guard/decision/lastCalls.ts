/** The last calls of a session, by their keys: loops and repeating sequences. */
import { packed, unpacked } from './ring.ts';

/** Longer windows are not looked back over. */
export const MAX_WINDOW = 200;

export class LastCalls {
  /** Oldest first: the call's key (tool and input), and its own. */
  private keys: number[] = [];
  private ids: number[] = [];

  add(key: number, id: number): void {
    this.keys.push(key);
    this.ids.push(id);
    // Not at every call: shifting costs as much as the list is long.
    if (this.keys.length < 2 * MAX_WINDOW) return;
    this.keys = this.keys.slice(-MAX_WINDOW);
    this.ids = this.ids.slice(-MAX_WINDOW);
  }

  /** @param besides the call that `key` is of, where it is in the list: it counts as the last */
  repeats(key: number, window: number, besides: number | undefined): number {
    let count = 1;
    let left = Math.min(window, MAX_WINDOW) - 1;
    for (let at = this.keys.length - 1; at >= 0 && left > 0; at--) {
      if (this.ids[at] === besides) continue;
      left--;
      if (this.keys[at] === key) count++;
    }
    return count;
  }

  repeatsOfLast(window: number): number {
    const key = this.keys.at(-1);
    return key === undefined ? 0 : this.repeats(key, window, this.ids.at(-1));
  }

  /** The longest run of a sequence of 2 to `length` calls, back to back, at the end; 0: none. */
  sequence(key: number | undefined, length: number, besides: number | undefined): number {
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

  save(): string {
    return packed(
      this.keys
        .slice(-MAX_WINDOW)
        .flatMap((key, at, kept) => [key, this.ids.slice(-kept.length)[at]!]),
    );
  }

  load(saved: string): void {
    const numbers = unpacked(saved);
    for (let at = 0; at + 1 < numbers.length; at += 2) this.add(numbers[at]!, numbers[at + 1]!);
  }
}
