import type { ReplayApp } from '../app.ts';
import { type Projection, walkBars } from './bars.ts';
import { unitOf, xOf } from './frame.ts';
import { type LaneRow, type Layout, zoneAt } from './layout.ts';
import type { MarkGroup } from './marks.ts';
import { indexOf } from './paintLanes.ts';
import { bandAt } from './phases.ts';
import type { Hover } from './store.ts';

/** How near the pointer must be to a bar, px. */
const REACH = 3;
/** Bars looked at under the pointer. */
const MOST = 400;

export interface Picture {
  layout: Layout;
  marks: readonly MarkGroup[];
  projection(): Projection;
}

/** What is at a place of the stage, px; undefined: nothing to speak of. */
export function hitTest(app: ReplayApp, picture: Picture, x: number, y: number): Hover | undefined {
  const { layout } = picture;
  if (x < layout.left - REACH || x > layout.right + REACH) return undefined;
  const zone = zoneAt(layout, y);
  const { timeline } = app;
  const projection = picture.projection();
  switch (zone.zone) {
    case 'phases': {
      const bands = timeline.bands();
      const step = timeline.axis.stepAt(unitOf(projection, x));
      const band = bands[bandAt(bands, step)];
      return band && { x, y, target: { over: 'phase', band } };
    }
    case 'marks': {
      const group = picture.marks.find((one) => x >= one.x - 1 && x <= one.x + one.width + 1);
      if (!group) return undefined;
      const { from, to, count } = group;
      return { x, y, target: { over: 'marks', from, to, count } };
    }
    case 'lane':
      return hitLane(app, projection, zone.row, x, y);
    case 'track': {
      const step = timeline.axis.stepAt(unitOf(projection, x));
      return step < 0 ? undefined : { x, y, target: { over: 'cost', step } };
    }
    default:
      return undefined;
  }
}

function hitLane(
  app: ReplayApp,
  projection: Projection,
  row: LaneRow,
  x: number,
  y: number,
): Hover | undefined {
  const { timeline } = app;
  const { axis, index } = timeline;
  const from = unitOf(projection, x - REACH);
  const to = unitOf(projection, x + REACH);
  let found = -1;
  let best = Number.POSITIVE_INFINITY;
  let near = 0;
  const left = xOf(projection, from);
  for (const lane of row.lanes) {
    const steps = indexOf({ store: timeline }, lane);
    if (!steps) continue;
    let seen = 0;
    walkBars(steps, axis, { ...projection, from, to, left }, 0, {
      bar(x0, x1, _look, bits, step) {
        if (++seen > MOST) return false;
        const away = x < x0 ? x0 - x : x > Math.max(x1, x0 + 1) ? x - Math.max(x1, x0 + 1) : 0;
        if (away > REACH) return true;
        near++;
        // The nearest; of those under the pointer failures first, then the shortest, which lies on top.
        const rank = away * 1e6 + (bits !== 0 ? 0 : 1e5) + Math.min(9e4, x1 - x0);
        if (rank < best) {
          best = rank;
          found = step;
        }
        return true;
      },
    });
  }
  if (found >= 0) return { x, y, target: { over: 'step', step: found, more: near - 1 } };
  if (axis.order !== 'time' || row.kind !== 'main') return undefined;
  const at = unitOf(projection, x);
  const next = axis.stepFrom(at);
  if (!index.idle.has(next)) return undefined;
  const start = axis.ofMs(index.idleFrom(next));
  if (at < start) return undefined;
  return {
    x,
    y,
    target: { over: 'idle', ms: axis.start(next) - start, idle: timeline.isIdle(next) },
  };
}

/** The step that a click at a place means; -1: none. */
export function stepAtPoint(app: ReplayApp, picture: Picture, x: number, y: number): number {
  const hover = hitTest(app, picture, x, y);
  if (hover?.target.over === 'step') return hover.target.step;
  if (hover?.target.over === 'marks') return hover.target.from;
  const { axis, index } = app.timeline;
  const at = unitOf(picture.projection(), x);
  // In the orders by step and cost the playhead stands at a step's end.
  const step = axis.order === 'time' ? axis.stepAt(at) : axis.stepAt(at - 1e-9);
  return index.built === 0 ? -1 : Math.max(0, step);
}
