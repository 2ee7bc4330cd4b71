import { StepSet } from './stepSet.ts';

/** How bars look, the lowest first: of bars that share a pixel the highest is seen. */
export const LOOKS = ['none', 'model', 'agent', 'other', 'read', 'modify', 'run'] as const;
export type Look = (typeof LOOKS)[number];

/** What a bar says beside its look. */
export const BAR = { error: 1, denied: 2, running: 4 } as const;

/** What the index asks of a step. */
export interface BarSource {
  /** Index into {@link LOOKS}. */
  look(step: number): number;
  /** Bits of {@link BAR}. */
  bits(step: number): number;
  /** ms since the epoch; not below its start. */
  endMs(step: number): number;
}

/** A node of a level stands for 16 of the level below. */
const SHIFT = 4;
const BRANCH = 1 << SHIFT;
/** 16^5: more than a million steps under one node. */
export const TOP_LEVEL = 5;

class Level {
  looks = new Uint8Array(1);
  bits = new Uint8Array(1);
  ends = new Float64Array(1);

  reserve(nodes: number): void {
    if (nodes <= this.looks.length) return;
    const size = Math.max(nodes, this.looks.length * 2);
    const { looks, bits, ends } = this;
    this.looks = new Uint8Array(size);
    this.looks.set(looks);
    this.bits = new Uint8Array(size);
    this.bits.set(bits);
    this.ends = new Float64Array(size);
    this.ends.set(ends);
  }
}

/**
 * The steps of one lane, with a pyramid over them: of every 16, 256, … steps the tallest look, whether one failed, and when the
 * last one ended. By place in the lane, not by time, so that one pyramid serves all orders.
 */
export class LaneIndex {
  readonly steps = new StepSet();
  private readonly levels: Level[] = [];
  private readonly source: BarSource;

  constructor(source: BarSource) {
    this.source = source;
  }

  get length(): number {
    return this.steps.length;
  }

  push(step: number): void {
    const place = this.steps.length;
    this.steps.push(step);
    const look = this.source.look(step);
    const bits = this.source.bits(step);
    const endMs = this.source.endMs(step);
    for (let at = 0, shift = SHIFT; at < TOP_LEVEL; at++, shift += SHIFT) {
      const level = this.level(at);
      const node = place >> shift;
      level.reserve(node + 1);
      if ((place & ((1 << shift) - 1)) === 0) {
        level.looks[node] = look;
        level.bits[node] = bits;
        level.ends[node] = endMs;
      } else {
        if (look > level.looks[node]!) level.looks[node] = look;
        level.bits[node]! |= bits;
        if (endMs > level.ends[node]!) level.ends[node] = endMs;
      }
    }
  }

  /** Forgets `step` and all after it. */
  truncate(step: number): void {
    const before = this.steps.length;
    this.steps.truncate(step);
    if (this.steps.length < before && this.steps.length > 0) this.refresh(this.steps.length - 1);
  }

  /** The step is another than it was. */
  update(step: number): void {
    this.refresh(this.steps.lower(step));
  }

  /** First place under a node. */
  first(level: number, node: number): number {
    return node << (SHIFT * level);
  }

  /** Last place under a node. */
  last(level: number, node: number): number {
    return Math.min(this.steps.length, (node + 1) << (SHIFT * level)) - 1;
  }

  look(level: number, node: number): number {
    return level === 0
      ? this.source.look(this.steps.at(node))
      : (this.levels[level - 1]?.looks[node] ?? 0);
  }

  bits(level: number, node: number): number {
    return level === 0
      ? this.source.bits(this.steps.at(node))
      : (this.levels[level - 1]?.bits[node] ?? 0);
  }

  /** When the last of them ended, ms since the epoch. */
  endMs(level: number, node: number): number {
    return level === 0
      ? this.source.endMs(this.steps.at(node))
      : (this.levels[level - 1]?.ends[node] ?? Number.NaN);
  }

  /** Nodes of a level. */
  nodes(level: number): number {
    return (this.steps.length + (1 << (SHIFT * level)) - 1) >> (SHIFT * level);
  }

  /** When the last of the steps before `step` ended, ms since the epoch; -Infinity: there is none. */
  endBefore(step: number): number {
    const places = this.steps.lower(step);
    let end = Number.NEGATIVE_INFINITY;
    for (let place = 0; place < places; ) {
      let level = TOP_LEVEL;
      while (level > 0) {
        const size = 1 << (SHIFT * level);
        if ((place & (size - 1)) === 0 && place + size <= places) break;
        level--;
      }
      end = Math.max(end, this.endMs(level, place >> (SHIFT * level)));
      place += 1 << (SHIFT * level);
    }
    return end;
  }

  /** Works out anew the nodes above a place. */
  private refresh(place: number): void {
    for (let at = 0; at < TOP_LEVEL; at++) {
      const level = this.level(at);
      const node = place >> (SHIFT * (at + 1));
      level.reserve(node + 1);
      const from = node * BRANCH;
      const to = Math.min(from + BRANCH, this.nodes(at));
      let look = 0;
      let bits = 0;
      let end = Number.NEGATIVE_INFINITY;
      for (let child = from; child < to; child++) {
        look = Math.max(look, this.look(at, child));
        bits |= this.bits(at, child);
        end = Math.max(end, this.endMs(at, child));
      }
      level.looks[node] = look;
      level.bits[node] = bits;
      level.ends[node] = end;
    }
  }

  private level(at: number): Level {
    let level = this.levels[at];
    if (!level) {
      level = new Level();
      this.levels[at] = level;
    }
    return level;
  }
}
