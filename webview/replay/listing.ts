import type { PhaseView } from '../../src/protocol/replay.ts';
import { lowerBound, type RowStore } from '../shared/rowStore.ts';
import { Filter } from './filter.ts';

/** The steps of one agent, as far as they are known. */
export interface LaneSteps {
  count: number;
  first: number;
  last: number;
}

/**
 * What the list shows, in its order: the steps that pass the filter, and the heads of the phases they belong to. Without
 * a filter nothing is kept for a step, however many there are.
 */
export class Listing {
  readonly filter = new Filter();
  /** Counts the changes of what stands where. */
  version = 0;
  private readonly rows: RowStore;
  private readonly isNoted: (step: number) => boolean;
  private phases: readonly PhaseView[] = [];
  /** Steps that pass, ascending; those from `validTo` on are not looked at yet. */
  private shown = new Uint32Array(0);
  private shownCount = 0;
  private validTo = 0;
  /** Phases with a head, and how many steps are shown before each. */
  private heads: number[] = [];
  private headAt: number[] = [];
  private stale = true;
  private lanes: LaneSteps[] | undefined;

  constructor(rows: RowStore, isNoted: (step: number) => boolean) {
    this.rows = rows;
    this.isNoted = isNoted;
  }

  /** Steps from this one on changed. */
  changed(from: number): void {
    this.validTo = Math.min(this.validTo, from);
    this.lanes = undefined;
    this.stale = true;
  }

  /** The filter, or what it asks for, changed. */
  refilter(): void {
    this.changed(0);
  }

  setPhases(phases: readonly PhaseView[]): void {
    this.phases = phases;
    if (this.filter.phase === undefined) this.stale = true;
    else this.refilter();
  }

  /** Heads and steps. */
  get count(): number {
    return this.stepCount + this.heads.length;
  }

  get stepCount(): number {
    this.settle();
    return this.filter.hides ? this.shownCount : this.rows.total;
  }

  /** The step of an item; -1: it is the head of a phase. */
  stepAt(item: number): number {
    this.settle();
    const before = this.headsUpTo(item);
    if (before > 0 && this.itemOfHead(before - 1) === item) return -1;
    return this.stepOfPlace(item - before);
  }

  /** The phase whose head an item is; -1: it is a step. */
  phaseAt(item: number): number {
    this.settle();
    const before = this.headsUpTo(item);
    return before > 0 && this.itemOfHead(before - 1) === item ? this.heads[before - 1]! : -1;
  }

  /** The item of a step, or of the last one shown before it; -1: there is none. */
  itemOf(step: number): number {
    this.settle();
    const place = this.place(step + 1) - 1;
    return place < 0 ? -1 : place + lowerBound(this.headAt, place + 1);
  }

  isShown(step: number): boolean {
    return this.stepAt(Math.max(0, this.itemOf(step))) === step;
  }

  /** The next or previous step that is shown; -1: there is none. */
  next(step: number, by: 1 | -1): number {
    this.settle();
    return this.stepOfPlace(by > 0 ? this.place(step + 1) : this.place(step) - 1);
  }

  /** The steps of an agent; undefined: none is known. */
  stepsOf(lane: number): LaneSteps | undefined {
    this.lanes ??= this.countLanes();
    return this.lanes[lane];
  }

  /** How many of the shown steps stand before a step. */
  private place(step: number): number {
    return this.filter.hides
      ? lowerBound(this.shown, step, this.shownCount)
      : Math.max(0, Math.min(step, this.rows.total));
  }

  private stepOfPlace(place: number): number {
    if (place < 0 || place >= this.stepCount) return -1;
    return this.filter.hides ? this.shown[place]! : place;
  }

  private itemOfHead(head: number): number {
    return this.headAt[head]! + head;
  }

  /** Heads at or before an item. */
  private headsUpTo(item: number): number {
    let low = 0;
    let high = this.heads.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.itemOfHead(middle) <= item) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private settle(): void {
    if (!this.stale) return;
    this.stale = false;
    this.version++;
    if (this.filter.hides) this.settleSteps();
    this.heads = [];
    this.headAt = [];
    // One phase needs no head: it is the session.
    if (this.phases.length < 2) return;
    this.phases.forEach(({ firstStep, lastStep }, index) => {
      const at = this.place(firstStep);
      if (at >= this.place(lastStep + 1)) return;
      this.heads.push(index);
      this.headAt.push(at);
    });
  }

  private settleSteps(): void {
    const { rows, filter, isNoted, phases } = this;
    const { total } = rows;
    this.shownCount = lowerBound(this.shown, this.validTo, this.shownCount);
    for (let step = this.validTo; step < total; step++) {
      if (!filter.passes(rows, step, isNoted, phases)) continue;
      if (this.shownCount === this.shown.length) {
        const larger = new Uint32Array(Math.max(1024, this.shown.length * 2));
        larger.set(this.shown);
        this.shown = larger;
      }
      this.shown[this.shownCount++] = step;
    }
    this.validTo = total;
  }

  private countLanes(): LaneSteps[] {
    const { rows } = this;
    const lanes: LaneSteps[] = [];
    for (let step = 0; step < rows.total; step++) {
      if (!rows.known(step)) continue;
      const lane = rows.lane(step);
      const known = lanes[lane];
      if (known) {
        known.count++;
        known.last = step;
      } else lanes[lane] = { count: 1, first: step, last: step };
    }
    return lanes;
  }
}
