import type { StreamFilter } from '../../src/protocol/stream.ts';
import { lowerBound, type RowChange, type RowStore } from '../shared/rowStore.ts';

/** Work on the page's thread before it gives way, ms. */
const STEP_MS = 3;
/** Rows between two looks at the clock. */
const STRIDE = 2048;

/**
 * The rows the list shows, in order: all of them, those that pass a filter, or those a search found.
 * Under a filter, the prompt of every turn with a match stays as its head.
 * Computed in steps: never more than {@link STEP_MS} at a time.
 */
export class RowView {
  private readonly store: RowStore;
  private readonly changed: () => void;
  private filter: StreamFilter = 'all';
  private searching = false;
  private searchDone = true;
  /** Found rows from here on give way to the next answer; -1: none. */
  private replaceFrom = -1;
  private matches = new Uint32Array(256);
  private size = 0;
  /** Rows from here on have not been looked at. */
  private scanned = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Rows that are here as heads only, ascending. */
  private readonly heads: number[] = [];
  /** Longest step so far, ms. */
  longestStepMs = 0;

  /** @param changed called when a step after the first added rows */
  constructor(store: RowStore, changed: () => void) {
    this.store = store;
    this.changed = changed;
  }

  /** Rows shown. */
  get length(): number {
    return this.isAll ? this.store.total : this.size;
  }

  /** Matches, without the prompts kept as heads. */
  get matchCount(): number {
    return this.isAll ? this.store.total : this.size - this.heads.length;
  }

  /** Everything there is has been looked at. */
  get done(): boolean {
    if (this.searching) return this.searchDone;
    return this.isAll || this.scanned >= this.store.total;
  }

  get isAll(): boolean {
    return !this.searching && this.filter === 'all';
  }

  rowAt(index: number): number {
    return this.isAll ? index : (this.matches[index] ?? -1);
  }

  /** Place of a row, or of the first one after it. */
  indexOf(row: number): number {
    return this.isAll ? row : lowerBound(this.matches, row, this.size);
  }

  setFilter(filter: StreamFilter): void {
    this.filter = filter;
    this.searching = false;
    this.restart();
  }

  /** Starts a search: matches come by {@link addFound}. */
  startSearch(): void {
    this.searching = true;
    this.searchDone = false;
    this.restart();
  }

  /** @param rows matching rows, ascending and after those added before */
  addFound(rows: Uint32Array, done: boolean): void {
    if (!this.searching) return;
    this.searchDone = done;
    if (this.replaceFrom >= 0) this.truncate(this.replaceFrom);
    this.replaceFrom = -1;
    for (const row of rows) this.add(row);
  }

  /** Rows from `from` on are searched again: the next answer replaces what was found there. */
  reopenSearch(from: number): void {
    this.searchDone = false;
    this.replaceFrom = from;
  }

  /** Call after the store took in rows. */
  update(change: RowChange): void {
    if (this.isAll || this.searching) return;
    if (change.rebuilt) this.truncate(0);
    else if (change.refilterFrom < this.scanned) this.truncate(change.refilterFrom);
    this.step();
  }

  private restart(): void {
    this.replaceFrom = -1;
    this.truncate(0);
    this.step();
  }

  private truncate(row: number): void {
    this.scanned = row;
    if (row === 0) {
      this.size = 0;
      this.heads.length = 0;
      return;
    }
    this.size = lowerBound(this.matches, row, this.size);
    this.heads.length = lowerBound(this.heads, row);
    // A head whose matches are all gone would stand alone.
    if (this.size > 0 && this.heads.at(-1) === this.matches[this.size - 1]) {
      this.size--;
      this.heads.pop();
    }
  }

  private step(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.searching || this.isAll) return;
    const { store, filter } = this;
    const startedMs = performance.now();
    let row = this.scanned;
    while (row < store.total) {
      const end = Math.min(row + STRIDE, store.total);
      for (; row < end; row++) if (store.passes(row, filter)) this.add(row);
      if (performance.now() - startedMs > STEP_MS) break;
    }
    this.scanned = row;
    this.longestStepMs = Math.max(this.longestStepMs, performance.now() - startedMs);
    if (row < store.total) {
      this.timer = setTimeout(() => {
        this.step();
        this.changed();
      });
    }
  }

  private add(row: number): void {
    const last = this.size > 0 ? this.matches[this.size - 1]! : -1;
    if (row <= last) return;
    const prompt = this.store.prompts[this.store.promptIndex(row)] ?? -1;
    if (prompt > last && prompt !== row) {
      this.push(prompt);
      this.heads.push(prompt);
    }
    this.push(row);
  }

  private push(row: number): void {
    if (this.size === this.matches.length) {
      const larger = new Uint32Array(this.size * 2);
      larger.set(this.matches);
      this.matches = larger;
    }
    this.matches[this.size++] = row;
  }
}
