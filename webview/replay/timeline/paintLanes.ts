import type { LaneView } from '../../../src/protocol/replay.ts';
import { type LaneBars, laneBars, type Projection } from './bars.ts';
import { clip, type Frame, sharp, xOf } from './frame.ts';
import { LaneIndex, LOOKS } from './laneIndex.ts';
import { LANES_Y, type LaneRow, MARKS_ROW, OVERVIEW, rowOf } from './layout.ts';
import type { MarkGroup } from './marks.ts';
import type { SessionIndex } from './sessionIndex.ts';

/** As in the design: bars let a little of the page through. */
const BAR_ALPHA = 0.87;
/** Part of the bar's height, by look, in the overview: what matters more is taller. */
const HEIGHTS = [0, 0.45, 0.6, 0.6, 0.45, 0.75, 1];
/** An agent that waits for its subagent is no work of its own. */
const AGENT = LOOKS.indexOf('agent');
const HATCH = 6;

export function paintLanes(frame: Frame): void {
  const { layout } = frame;
  clip(
    frame,
    layout.left,
    LANES_Y,
    layout.right - layout.left,
    layout.lanesBottom - LANES_Y,
    () => {
      const seen = layout.rows.filter(
        ({ y, height }) => y + height > LANES_Y && y < layout.lanesBottom,
      );
      paintIdle(frame);
      for (const row of seen) {
        if (row.kind !== 'main') for (const lane of row.lanes) paintLife(frame, row, lane);
        for (const lane of row.lanes) paintLane(frame, row, lane);
      }
      for (const row of layout.rows) {
        if (row.kind === 'subagent') for (const lane of row.lanes) paintSpawn(frame, row, lane);
      }
    },
  );
}

/** The index of a lane; that of an MCP server is made of its steps. */
export function indexOf(frame: Pick<Frame, 'store'>, lane: LaneView): LaneIndex | undefined {
  const { index } = frame.store;
  if (lane.kind !== 'mcp') return index.lanes[lane.lane];
  if (!lane.steps) return undefined;
  let known = servers.get(lane.steps);
  if (!known || known.index !== index) {
    known = { index, made: new LaneIndex(index) };
    servers.set(lane.steps, known);
  }
  const { made } = known;
  for (let at = made.length; at < lane.steps.length && lane.steps[at]! < index.built; at++) {
    made.push(lane.steps[at]!);
  }
  return made;
}
const servers = new WeakMap<Uint32Array, { index: SessionIndex; made: LaneIndex }>();

function paintLane(frame: Frame, row: LaneRow, lane: LaneView): void {
  const { axis, projection, layout, ratio } = frame;
  const index = indexOf(frame, lane);
  if (!index || index.length === 0) return;
  const bars = laneBars(index, axis, projection, layout.right, ratio);
  const inset = row.kind === 'main' ? 0 : 4;
  paintBars(frame, bars, row.barY + inset, row.barHeight - 2 * inset);
  paintFeet(frame, bars, row.barY + inset, row.barHeight - 2 * inset);
}

function paintBars({ context, colours }: Frame, bars: LaneBars, y: number, height: number): void {
  context.globalAlpha = BAR_ALPHA;
  for (const layer of [bars.wide, bars.thin]) {
    for (let look = 1; look < LOOKS.length; look++) {
      const spans = layer[look]!;
      if (spans.length === 0) continue;
      context.fillStyle = colours.looks[look]!;
      const tall = look === AGENT ? Math.round(height * 0.35) : height;
      const top = y + (height - tall) / 2;
      for (let i = 0; i < spans.length; i += 2) {
        context.fillRect(spans[i]!, top, spans[i + 1]!, tall);
      }
    }
  }
  context.globalAlpha = 1;
}

/** Errors and denials are on top of all bars, however narrow. */
function paintFeet({ context, colours }: Frame, bars: LaneBars, y: number, height: number): void {
  const foot = Math.min(5, height / 3);
  for (const [marks, colour] of [
    [bars.errors, colours.error],
    [bars.denied, colours.denied],
  ] as const) {
    context.fillStyle = colour;
    let drawn = Number.NEGATIVE_INFINITY;
    for (const at of marks) {
      if (at - drawn < 2) continue;
      drawn = at;
      context.fillRect(at - 3, y + height - foot, 6, foot);
    }
  }
}

/** From a lone error's triangle down to where it happened. */
export function paintDrops(frame: Frame, groups: readonly MarkGroup[]): void {
  const { context, colours, layout, store } = frame;
  const [main] = layout.rows;
  if (!main) return;
  context.strokeStyle = colours.error;
  context.lineWidth = 1;
  context.globalAlpha = 0.8;
  context.setLineDash([1, 3]);
  context.beginPath();
  for (const { count, mark, at, from } of groups) {
    if (count !== 1 || mark !== 'error') continue;
    const row = rowOf(layout, store.laneOf(from)) ?? main;
    const bottom = Math.min(layout.lanesBottom, row.barY + row.barHeight);
    if (bottom < LANES_Y) continue;
    const x = Math.round(at) + 0.5;
    context.moveTo(x, MARKS_ROW.middle + 8);
    context.lineTo(x, bottom);
  }
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/** The time that a subagent lived, behind its bars. */
function paintLife(frame: Frame, row: LaneRow, lane: LaneView): void {
  const { context, colours, projection, layout } = frame;
  const span = lifeOf(frame, lane);
  if (!span || row.kind === 'mcp') return;
  const x0 = Math.max(layout.left, xOf(projection, span.from));
  const x1 = Math.min(layout.right, xOf(projection, span.to));
  if (x1 <= x0 - 1) return;
  const colour = laneColour(frame, lane);
  const width = Math.max(2, x1 - x0);
  if (colours.highContrast) {
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.strokeRect(x0 + 0.5, row.barY + 0.5, width, row.barHeight - 1);
    return;
  }
  context.globalAlpha = 0.13;
  context.fillStyle = colour;
  context.fillRect(x0, row.barY, width, row.barHeight);
  context.globalAlpha = 1;
}

function lifeOf(frame: Frame, lane: LaneView): { from: number; to: number } | undefined {
  const { axis, store, projection } = frame;
  const steps = store.index.lanes[lane.lane]?.steps;
  if (axis.order === 'time') {
    const end = lane.endMs === undefined ? projection.now : axis.ofMs(lane.endMs);
    return { from: axis.ofMs(lane.startMs), to: end };
  }
  if (!steps || steps.length === 0) return undefined;
  return { from: axis.start(steps.at(0)), to: axis.end(steps.at(steps.length - 1)) };
}

const laneColour = ({ colours }: Pick<Frame, 'colours'>, lane: LaneView): string =>
  lane.kind === 'subagent'
    ? colours.lanes[lane.lane % 2 === 1 ? 1 : 2]
    : lane.kind === 'mcp'
      ? colours.muted
      : colours.lanes[0];

/** A dashed line from the lane that started it. */
function paintSpawn(frame: Frame, row: LaneRow, lane: LaneView): void {
  const { context, projection, layout, ratio } = frame;
  const span = lifeOf(frame, lane);
  if (!span) return;
  const x = sharp(xOf(projection, span.from), ratio) - 1;
  if (x < layout.left - 1 || x > layout.right) return;
  const parent = rowOf(layout, lane.parentLane) ?? layout.rows[0]!;
  const colour = laneColour(frame, lane);
  context.fillStyle = colour;
  context.fillRect(x, row.barY, 2, row.barHeight);
  const top = parent.barY + parent.barHeight;
  if (top >= row.barY) return;
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.setLineDash([2, 2]);
  context.beginPath();
  context.moveTo(x + 0.5, top);
  context.lineTo(x + 0.5, row.barY);
  context.stroke();
  context.setLineDash([]);
}

/** Pauses in which nothing ran: hatched where a person was waited for, a faint bar where the model was at work. */
function paintIdle(frame: Frame): void {
  const { context, colours, store, axis, projection, layout } = frame;
  const [main] = layout.rows;
  if (axis.order !== 'time' || !main) return;
  const { idle } = store.index;
  const y = main.barY;
  const height = main.barHeight;
  const least = 4 / projection.scale;
  const last = axis.stepFrom(projection.to);
  context.strokeStyle = colours.muted;
  context.globalAlpha = colours.highContrast ? 0.7 : 0.3;
  context.lineWidth = 1;
  for (let place = idle.lower(axis.stepFrom(projection.from)); place < idle.length; place++) {
    const step = idle.at(place);
    if (step > last) break;
    if (axis.start(step) - axis.start(step - 1) < least) continue;
    const from = axis.ofMs(store.index.idleFrom(step));
    const x0 = Math.max(layout.left, xOf(projection, from) + 1);
    const x1 = Math.min(layout.right, xOf(projection, axis.start(step)) - 1);
    if (x1 - x0 < 3) continue;
    if (!store.isIdle(step)) {
      const tall = Math.round(height * 0.2);
      context.fillStyle = colours.looks[1]!;
      context.fillRect(x0, y + (height - tall) / 2, x1 - x0, tall);
      continue;
    }
    context.save();
    context.beginPath();
    context.rect(x0, y, x1 - x0, height);
    context.clip();
    context.beginPath();
    // The pattern stands still on the page, not on what is panned.
    for (let x = Math.floor((x0 - height) / HATCH) * HATCH; x < x1; x += HATCH) {
      context.moveTo(x, y + height);
      context.lineTo(x + height, y);
    }
    context.stroke();
    context.restore();
  }
  context.globalAlpha = 1;
}

/** The whole session in the overview: all lanes in one row. */
export function paintOverview(frame: Frame, whole: Projection): void {
  const { context, colours, layout, store, axis, ratio } = frame;
  const { left, right } = layout;
  const { y, height, bars: tall } = OVERVIEW;
  if (!colours.highContrast) {
    context.fillStyle = colours.side;
    context.fillRect(left, y, right - left, height);
  }
  const bottom = y + tall;
  const most = 14;
  const errors: number[] = [];
  context.globalAlpha = 0.75;
  const lanes = store.index.lanes;
  const [main] = lanes;
  for (const index of lanes.length < 64 ? [...lanes].reverse() : [main]) {
    if (!index || index.length === 0) continue;
    const bars = laneBars(index, axis, whole, right, ratio);
    for (const at of bars.errors) errors.push(at);
    for (const at of bars.denied) errors.push(at);
    for (const layer of [bars.wide, bars.thin]) {
      for (let look = 1; look < LOOKS.length; look++) {
        const spans = layer[look]!;
        context.fillStyle = colours.looks[look]!;
        const size = Math.round(most * HEIGHTS[look]!);
        for (let i = 0; i < spans.length; i += 2) {
          context.fillRect(spans[i]!, bottom - size, spans[i + 1]!, size);
        }
      }
    }
  }
  context.globalAlpha = 1;
  context.fillStyle = colours.error;
  let drawn = Number.NEGATIVE_INFINITY;
  // Where there are many, they would hide what they are on: then they stand at the top.
  const long = errors.length < (right - left) / 8 ? height - 2 : 4;
  for (const at of errors.sort((a, b) => a - b)) {
    if (at - drawn < 1.5) continue;
    drawn = at;
    context.fillRect(at - 1, y + 1, 1.5, long);
  }
}
