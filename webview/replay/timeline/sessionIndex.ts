import { ROW_FLAGS, ROW_KINDS, type RowKind } from '../../../src/protocol/rows.ts';
import type { RowStore } from '../../shared/rowStore.ts';
import { IDLE_MS } from '../timebase.ts';
import { BAR, type BarSource, LaneIndex, LOOKS, type Look } from './laneIndex.ts';
import { StepSet } from './stepSet.ts';

/** Marks above the lanes, those that matter most first. */
export const MARKS = ['denied', 'error', 'compaction', 'prompt', 'commit', 'retry'] as const;
export type Mark = (typeof MARKS)[number];

const LOOK_OF: Partial<Record<RowKind, Look>> = {
  read: 'read',
  search: 'read',
  modify: 'modify',
  run: 'run',
  agent: 'agent',
  web: 'other',
  mcp: 'other',
  tool: 'other',
  assistant: 'model',
  reasoning: 'model',
  model: 'model',
};
const LOOKS_BY_KIND = new Uint8Array(256);
for (const [at, kind] of ROW_KINDS.entries()) {
  LOOKS_BY_KIND[at] = LOOKS.indexOf(LOOK_OF[kind] ?? 'none');
}
const PROMPT = ROW_KINDS.indexOf('prompt');
const CALLS = new Uint8Array(256);
for (const kind of ['read', 'modify', 'search', 'run', 'web', 'mcp', 'agent', 'tool'] as const) {
  CALLS[ROW_KINDS.indexOf(kind)] = 1;
}

const MARKED =
  ROW_FLAGS.error | ROW_FLAGS.denied | ROW_FLAGS.retry | ROW_FLAGS.commit | ROW_FLAGS.compaction;

/** Steps between two looks at the clock. */
const STRIDE = 4096;
/** A step that is a larger part of all cost than this is named on the curve. */
const DEAR_SHARE = 0.05;

/** What the timeline knows of the rows beyond the rows themselves: worked out once, and then as they change. */
export class SessionIndex implements BarSource {
  /** By lane; where a lane has no step, undefined. */
  readonly lanes: (LaneIndex | undefined)[] = [];
  readonly marks: Record<Mark, StepSet> = {
    denied: new StepSet(),
    error: new StepSet(),
    compaction: new StepSet(),
    prompt: new StepSet(),
    commit: new StepSet(),
    retry: new StepSet(),
  };
  /** Steps before which nothing happened for long. */
  readonly idle = new StepSet();
  /** Steps from 0 that are indexed. */
  built = 0;
  /** Counts the changes. */
  version = 0;
  private readonly rows: RowStore;
  /** Cumulative cost before each step, nano-dollars: what was told, and what is estimated. */
  private told = new Float64Array(1024);
  private guessed = new Float64Array(1024);
  private dear: number[] = [];
  private maxEndMs = Number.NEGATIVE_INFINITY;

  constructor(rows: RowStore) {
    this.rows = rows;
  }

  look(step: number): number {
    return LOOKS_BY_KIND[this.rows.kindCode(step)]!;
  }

  bits(step: number): number {
    const flags = this.rows.flagBits(step);
    return (
      ((flags & ROW_FLAGS.error) !== 0 ? BAR.error : 0) |
      ((flags & ROW_FLAGS.denied) !== 0 ? BAR.denied : 0) |
      ((flags & ROW_FLAGS.running) !== 0 ? BAR.running : 0)
    );
  }

  endMs(step: number): number {
    const duration = this.rows.durationMs(step);
    const start = this.rows.timeMs(step);
    return duration > 0 && Number.isFinite(duration) ? start + duration : start;
  }

  isCall(step: number): boolean {
    return CALLS[this.rows.kindCode(step)] === 1;
  }

  /** The end of all that is indexed, ms since the epoch. */
  get lastMs(): number {
    return this.maxEndMs;
  }

  /** Some cost is known, if only as an estimate. */
  get hasCost(): boolean {
    return this.costBefore(this.built) > 0;
  }

  /** No cost was told: the curve is of estimates. */
  get estimated(): boolean {
    return this.built > 0 && !(this.told[this.built]! > 0) && this.guessed[this.built]! > 0;
  }

  /** What the steps before this one cost, nano-dollars. */
  costBefore(step: number): number {
    const at = Math.max(0, Math.min(step, this.built));
    return (this.estimated ? this.guessed : this.told)[at]!;
  }

  /** Estimates in `from … to - 1` that are not in the curve, nano-dollars. */
  estimatesAside(from: number, to: number): number {
    if (this.estimated) return 0;
    const last = Math.min(to, this.built);
    return this.guessed[last]! - this.guessed[Math.min(from, last)]!;
  }

  /** Steps that are more than a twentieth of all cost, ascending. */
  dearSteps(): number[] {
    const least = this.costBefore(this.built) * DEAR_SHARE;
    if (!(least > 0)) return [];
    return this.dear.filter(
      (step) => step < this.built && this.costBefore(step + 1) - this.costBefore(step) > least,
    );
  }

  /** Rows `from … to - 1` came or changed. */
  changed(from: number, to: number, rebuilt: boolean): void {
    this.version++;
    if (rebuilt) this.truncate(0);
    if (from >= this.built) return;
    if (to >= this.built) this.truncate(from);
    else this.change(from, to);
  }

  /** Indexes what is here and not yet indexed. @returns whether there is more */
  pump(budgetMs: number): boolean {
    const { rows } = this;
    if (this.built >= rows.total || !rows.known(this.built)) return false;
    const untilMs = performance.now() + budgetMs;
    this.reserve(rows.total + 1);
    this.version++;
    while (this.built < rows.total && rows.known(this.built)) {
      const to = Math.min(this.built + STRIDE, rows.total);
      while (this.built < to && rows.known(this.built)) this.add(this.built);
      if (performance.now() > untilMs) break;
    }
    return this.built < rows.total && rows.known(this.built);
  }

  private add(step: number): void {
    const { rows } = this;
    this.mark(step, true);
    this.addCost(step);
    this.addIdle(step);
    const at = rows.lane(step);
    let lane = this.lanes[at];
    if (!lane) {
      lane = new LaneIndex(this);
      this.lanes[at] = lane;
    }
    lane.push(step);
    this.built = step + 1;
  }

  /** One mark a step: the one that matters most. */
  private mark(step: number, last: boolean): void {
    const mark = this.markOf(step);
    if (last) {
      if (mark) this.marks[mark].push(step);
      return;
    }
    for (const one of MARKS) this.marks[one].set(step, one === mark);
  }

  private markOf(step: number): Mark | undefined {
    const flags = this.rows.flagBits(step);
    if (this.rows.isPrompt(step)) return 'prompt';
    if ((flags & MARKED) === 0) return undefined;
    if ((flags & ROW_FLAGS.denied) !== 0) return 'denied';
    if ((flags & ROW_FLAGS.error) !== 0) return 'error';
    if ((flags & ROW_FLAGS.compaction) !== 0) return 'compaction';
    return (flags & ROW_FLAGS.commit) !== 0 ? 'commit' : 'retry';
  }

  private addCost(step: number): void {
    const cost = this.costOf(step);
    const guess = cost > 0 && (this.rows.flagBits(step) & ROW_FLAGS.estimate) !== 0;
    this.told[step + 1] = this.told[step]! + (guess ? 0 : cost);
    this.guessed[step + 1] = this.guessed[step]! + (guess ? cost : 0);
    // Dear now, dear in the end: sums only grow.
    if (cost > 0 && cost > (guess ? this.guessed : this.told)[step + 1]! * DEAR_SHARE) {
      this.dear.push(step);
    }
  }

  private addIdle(step: number): void {
    const start = this.rows.timeMs(step);
    if (start - this.maxEndMs > IDLE_MS && step > 0) this.idle.push(step);
    const end = this.endMs(step);
    if (end > this.maxEndMs) this.maxEndMs = end;
  }

  /** When the pause before a step began, ms since the epoch. */
  idleFrom(step: number): number {
    return this.endBefore(step);
  }

  /** That of the step, not of its turn; 0 where none is known. */
  private costOf(step: number): number {
    if (this.rows.kindCode(step) === PROMPT) return 0;
    const cost = this.rows.nanoUsd(step);
    return cost > 0 && Number.isFinite(cost) ? cost : 0;
  }

  private truncate(step: number): void {
    if (step >= this.built) return;
    for (const lane of this.lanes) lane?.truncate(step);
    for (const mark of MARKS) this.marks[mark].truncate(step);
    this.idle.truncate(step);
    this.dear = this.dear.filter((one) => one < step);
    this.built = step;
    this.maxEndMs = this.endBefore(step);
  }

  /** Rows in the midst changed: a call ended, a total grew. */
  private change(from: number, to: number): void {
    const { built, rows } = this;
    let costs = built;
    for (let step = from; step < to; step++) {
      const lane = this.lanes[rows.lane(step)];
      if (!lane?.steps.has(step)) {
        this.truncate(from);
        return;
      }
      lane.update(step);
      this.mark(step, false);
      const cost = this.costOf(step);
      const was = this.told[step + 1]! + this.guessed[step + 1]!;
      const before = this.told[step]! + this.guessed[step]!;
      if (was - before !== cost) costs = Math.min(costs, step);
    }
    if (costs < built) {
      this.dear = this.dear.filter((one) => one < costs);
      for (let step = costs; step < built; step++) this.addCost(step);
    }
    this.idle.truncate(from);
    this.maxEndMs = this.endBefore(from);
    for (let step = from; step < built; step++) this.addIdle(step);
  }

  private endBefore(step: number): number {
    let end = Number.NEGATIVE_INFINITY;
    for (const lane of this.lanes) if (lane) end = Math.max(end, lane.endBefore(step));
    return end;
  }

  private reserve(size: number): void {
    if (size <= this.told.length) return;
    const larger = Math.max(size, Math.ceil(this.told.length * 1.5));
    const { told, guessed } = this;
    this.told = new Float64Array(larger);
    this.told.set(told);
    this.guessed = new Float64Array(larger);
    this.guessed.set(guessed);
  }
}
