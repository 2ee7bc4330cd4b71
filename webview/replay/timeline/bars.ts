import type { Axis } from './axis.ts';
import { BAR, type LaneIndex, LOOKS, TOP_LEVEL } from './laneIndex.ts';

/** Bars that are wider than this stand alone, narrower ones merge to a strip; px. */
const WIDE = 4;
/** Nodes looked at for one lane in one frame: beyond it, what starts in one pixel is one bar. */
const BUDGET = 24_000;

/** Runs of pixels of one look. */
export interface Runs {
  /** px, and px wide: pairs. */
  spans: number[];
}

/** What a lane looks like in a view, in pixels. */
export interface LaneBars {
  /** By look: bars that stand alone, and strips of merged ones. */
  wide: number[][];
  thin: number[][];
  /** Where something failed or was denied, px; ascending. */
  errors: number[];
  denied: number[];
  /** Where a bar is still going, px from and width. */
  nodes: number;
}

export interface Projection {
  /** Units at `left`. */
  from: number;
  to: number;
  /** px a unit. */
  scale: number;
  /** px. */
  left: number;
  /** End of what runs, units. */
  now: number;
}

export interface BarSink {
  /** @param step the first of those that this stands for */
  bar(x0: number, x1: number, look: number, bits: number, step: number): boolean;
}

const stackLevel = new Uint8Array(256);
const stackNode = new Int32Array(256);

/**
 * Walks what of a lane is in the view, from left to right, as finely as pixels go: a node whose steps all fall into one
 * pixel is one bar.
 *
 * @param finest px below which bars merge
 * @returns nodes looked at
 */
export function walkBars(
  lane: LaneIndex,
  axis: Axis,
  { from, to, scale, left, now }: Projection,
  finest: number,
  sink: BarSink,
): number {
  const byTime = axis.order === 'time';
  let depth = 0;
  for (let node = lane.nodes(TOP_LEVEL) - 1; node >= 0 && depth < 200; node--) {
    stackLevel[depth] = TOP_LEVEL;
    stackNode[depth++] = node;
  }
  let seen = 0;
  while (depth > 0) {
    const level = stackLevel[--depth]!;
    const node = stackNode[depth]!;
    seen++;
    const first = lane.steps.at(lane.first(level, node));
    const last = level === 0 ? first : lane.steps.at(lane.last(level, node));
    const start = axis.start(first);
    if (start > to) continue;
    const bits = lane.bits(level, node);
    let end: number;
    if (!byTime) end = axis.end(last);
    else if ((bits & BAR.running) !== 0) end = Math.max(now, axis.start(last));
    else end = axis.ofMs(lane.endMs(level, node));
    if (end < from) continue;
    const span = (end - start) * scale;
    if (level === 0) {
      const look = lane.look(0, node);
      // What costs nothing has no width in the order of costs.
      if (look === 0 && bits === 0) continue;
      if (axis.order === 'cost' && span <= 0) continue;
      const x0 = left + (start - from) * scale;
      if (!sink.bar(x0, left + (end - from) * scale, look, bits, first)) return seen;
    } else if (
      span <= finest ||
      (seen > BUDGET && (axis.start(last) - start) * scale <= Math.max(1, finest))
    ) {
      const x0 = left + (start - from) * scale;
      const look = lane.look(level, node);
      if (look === 0 && bits === 0) continue;
      if (!sink.bar(x0, left + (end - from) * scale, look, bits, first)) return seen;
    } else {
      const below = level - 1;
      const firstChild = node << 4;
      const children = Math.min(firstChild + 16, lane.nodes(below));
      for (let child = children - 1; child >= firstChild; child--) {
        stackLevel[depth] = below;
        stackNode[depth++] = child;
      }
    }
  }
  return seen;
}

/** The bars of a lane in whole pixels of the device. */
export function laneBars(
  lane: LaneIndex,
  axis: Axis,
  projection: Projection,
  right: number,
  ratio: number,
): LaneBars {
  const wide: number[][] = LOOKS.map(() => []);
  const thin: number[][] = LOOKS.map(() => []);
  const wideEnds = new Float64Array(LOOKS.length).fill(-1e9);
  const thinEnds = new Float64Array(LOOKS.length).fill(-1e9);
  const errors: number[] = [];
  const denied: number[] = [];
  const { left } = projection;
  const pixel = 1 / ratio;
  const snap = (x: number): number => Math.round(x * ratio) / ratio;
  const sink: BarSink = {
    bar(x0, x1, look, bits) {
      const start = snap(Math.max(left, x0));
      let end = snap(Math.min(right, x1));
      if ((bits & (BAR.error | BAR.denied)) !== 0 && x0 >= left - 1 && x0 <= right) {
        const marks = (bits & BAR.error) !== 0 && (bits & BAR.denied) === 0 ? errors : denied;
        if (!(marks.at(-1)! >= start)) marks.push(start);
      }
      if (look === 0) return true;
      if (end - start >= WIDE) {
        // A hair between neighbours.
        end -= pixel;
        extend(wide[look]!, wideEnds, look, start, end, -pixel);
      } else {
        extend(thin[look]!, thinEnds, look, start, Math.max(end, start + pixel), 0);
      }
      return true;
    },
  };
  const nodes = walkBars(lane, axis, projection, pixel, sink);
  return { wide, thin, errors, denied, nodes };
}

/** Adds a span, or makes the last one longer where they meet. */
function extend(
  spans: number[],
  ends: Float64Array,
  look: number,
  start: number,
  end: number,
  slack: number,
): void {
  if (start <= ends[look]! + slack && spans.length > 0) {
    if (end <= ends[look]!) return;
    spans[spans.length - 1] = end - spans[spans.length - 2]!;
  } else spans.push(start, end - start);
  ends[look] = end;
}
