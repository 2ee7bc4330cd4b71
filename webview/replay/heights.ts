import { Extras } from '../shared/extras.ts';
import type { Listing } from './listing.ts';

/** Steps whose heights are kept. */
const KEEP = 2000;

/** How tall the rows are that are taller than the rest: prompts, reasoning, subagents, and the current step. */
export class Heights {
  readonly extras = new Extras();
  private readonly rowHeight: number;
  private readonly resting = new Map<number, number>();
  private current = { step: -1, px: 0 };
  private applied = -1;
  private dirty = true;

  constructor(rowHeight: number) {
    this.rowHeight = rowHeight;
  }

  /** Height of a step that is not the current one, px. */
  of(step: number): number {
    return this.resting.get(step) ?? this.rowHeight;
  }

  knows(step: number): boolean {
    return this.resting.has(step);
  }

  /** @returns whether that is news */
  set(step: number, px: number, isCurrent: boolean): boolean {
    if (isCurrent) {
      if (this.current.step === step && this.current.px === px) return false;
      this.current = { step, px };
    } else {
      if (this.resting.get(step) === px) return false;
      this.resting.delete(step);
      this.resting.set(step, px);
      for (const old of this.resting.keys()) {
        if (this.resting.size <= KEEP) break;
        this.resting.delete(old);
      }
    }
    this.dirty = true;
    return true;
  }

  get currentPx(): number {
    return this.current.px;
  }

  /** Brings the list's heights up to date. @param step the one that is drawn as the current one; -1: none */
  apply(listing: Listing, step: number): Extras {
    if (this.current.step !== step) {
      this.current = { step, px: step < 0 ? 0 : this.of(step) };
      this.dirty = true;
    }
    // Asked for first: it settles what is shown.
    const { count } = listing;
    if (!this.dirty && this.applied === listing.version) return this.extras;
    this.dirty = false;
    this.applied = listing.version;
    const rows: [number, number][] = [];
    const add = (at: number, px: number): void => {
      const item = listing.itemOf(at);
      if (item >= 0 && item < count && listing.stepAt(item) === at) {
        rows.push([item, px - this.rowHeight]);
      }
    };
    for (const [at, px] of this.resting) if (at !== step) add(at, px);
    if (step >= 0) add(step, this.current.px);
    this.extras.setAll(rows.sort(([a], [b]) => a - b));
    return this.extras;
  }
}
