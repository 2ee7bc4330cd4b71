import { formatClock, formatCount, formatUsd } from '../../../src/model/format.ts';
import { clip, type Frame, sharp, xOf } from './frame.ts';
import { LANES_Y, OVERVIEW, PHASES, RULER, rowOf } from './layout.ts';
import { paintRuler, paintWindow, setFont } from './paintRows.ts';
import { type Curve, paintCurve } from './paintTrack.ts';
import { DIM_FROM } from './store.ts';

/** As in the design: what is yet to come. */
const DIM = 0.38;

/** What moves without the rest: window, selection, playhead, what the pointer is over. */
export function paintOver(frame: Frame, curve: Curve | undefined): void {
  const { context, colours, layout, projection, store, ratio, live } = frame;
  const { left, right } = layout;
  const { playhead, axis } = store;
  const x = sharp(xOf(projection, playhead), ratio);
  paintSelection(frame);
  // What is yet to come.
  const seenTo = frame.fresh ? right : x;
  const dimFrom = Math.max(left, seenTo);
  if (dimFrom < right) {
    context.globalAlpha = DIM;
    context.fillStyle = colours.page;
    context.fillRect(dimFrom, DIM_FROM, right - dimFrom, layout.height - DIM_FROM);
    context.globalAlpha = 1;
  }
  if (curve && layout.track) paintCurve(frame, curve, seenTo);
  paintCurrent(frame);
  const whole = (right - left) / axis.length;
  paintWindow(frame, left + projection.from * whole, left + projection.to * whole);
  paintOverviewHead(frame, left + playhead * whole);
  if (live) {
    const end = xOf(projection, axis.length);
    if (end <= right + 1) {
      context.fillStyle = colours.green;
      context.fillRect(
        sharp(Math.min(end, right), ratio) - 0.5,
        PHASES.y - 4,
        1.5,
        layout.height - PHASES.y - 4,
      );
    }
  }
  paintHover(frame);
  const seen = x >= left - 0.5 && x <= right + 0.5;
  paintRuler(frame, seen ? badgeAt(frame, x) : [-1, -1]);
  if (seen) paintPlayhead(frame, x);
}

function paintOverviewHead({ context, colours }: Frame, x: number): void {
  context.fillStyle = colours.text;
  context.fillRect(x - 0.5, OVERVIEW.y + 2, 1, OVERVIEW.height - 4);
}

function paintPlayhead(frame: Frame, x: number): void {
  const { context, colours, layout, ratio } = frame;
  context.fillStyle = colours.text;
  context.fillRect(
    x - 0.5,
    RULER.text + 8,
    Math.max(1, 1 / ratio),
    layout.height - RULER.text - 16,
  );
  const [start, end] = badgeAt(frame, x);
  context.fillStyle = colours.badge;
  context.beginPath();
  context.roundRect(start, RULER.text - 9, end - start, 18, 3);
  context.fill();
  context.fillStyle = colours.badgeText;
  context.fillText(playheadText(frame), start + 8, RULER.text + 0.5);
}

/** From and to, px. */
function badgeAt(frame: Frame, x: number): readonly [number, number] {
  const { context, layout, texts } = frame;
  setFont(frame, 11, 600);
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  const width = Math.ceil(texts.width(context, playheadText(frame))) + 16;
  const most = Math.max(layout.right, layout.width - 2) - width;
  const start = Math.max(layout.left - 4, Math.min(x - width / 2, most));
  return [start, start + width];
}

function playheadText({ store, axis }: Frame): string {
  const { playhead } = store;
  switch (axis.order) {
    case 'time':
      return formatClock(playhead);
    case 'steps':
      return formatCount(playhead);
    case 'cost':
      return formatUsd(playhead, { estimate: store.index.estimated });
  }
}

/** The bar of the step that the playhead is at. */
function paintCurrent(frame: Frame): void {
  const { store } = frame;
  const step = store.currentStep;
  if (step < 0 || step >= store.index.built || store.index.look(step) === 0) return;
  outline(frame, step, frame.colours.focus, 2);
}

function outline(frame: Frame, step: number, colour: string, width: number): void {
  const { context, layout, store, axis, projection, ratio } = frame;
  const row = rowOf(layout, store.laneOf(step));
  if (!row) return;
  const x0 = sharp(xOf(projection, axis.start(step)), ratio);
  const x1 = sharp(xOf(projection, Math.min(axis.end(step), axis.length)), ratio);
  if (x1 < layout.left - 2 || x0 > layout.right + 2) return;
  clip(
    frame,
    layout.left - 3,
    LANES_Y,
    layout.right - layout.left + 6,
    layout.lanesBottom - LANES_Y,
    () => {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(x0 - 1, row.barY - 0.5, Math.max(3, x1 - x0 + 1), row.barHeight + 1);
    },
  );
}

function paintSelection(frame: Frame): void {
  const { context, colours, layout, store, axis, projection } = frame;
  const { selection } = store;
  if (!selection) return;
  const x0 = Math.max(layout.left, xOf(projection, axis.start(selection.from)));
  const end = axis.order === 'time' ? selectionEnd(frame, selection.to) : axis.end(selection.to);
  const x1 = Math.min(layout.right, Math.max(x0 + 2, xOf(projection, end)));
  if (x1 <= layout.left || x0 >= layout.right) return;
  const y = PHASES.y;
  const height = layout.height - y - 8;
  if (!colours.highContrast) {
    context.globalAlpha = 0.14;
    context.fillStyle = colours.focus;
    context.fillRect(x0, y, x1 - x0, height);
    context.globalAlpha = 1;
  }
  context.fillStyle = colours.focus;
  context.fillRect(x0 - 0.5, y, 1, height);
  context.fillRect(x1 - 0.5, y, 1, height);
}

/** In time a range ends with the last of what it began, or where the next step begins. */
function selectionEnd({ store, axis }: Frame, to: number): number {
  const next = to + 1 < store.index.built ? axis.start(to + 1) : axis.length;
  return Math.max(axis.start(to), Math.min(axis.end(to), next));
}

function paintHover(frame: Frame): void {
  const { store, colours, context, layout } = frame;
  const { hover } = store;
  if (!hover) return;
  if (hover.target.over === 'step') {
    outline(frame, hover.target.step, colours.text, 1);
    return;
  }
  if (hover.target.over === 'cost') {
    context.globalAlpha = 0.5;
    context.fillStyle = colours.text;
    context.fillRect(
      Math.round(hover.x),
      layout.track?.y ?? 0,
      1,
      layout.height - (layout.track?.y ?? 0) - 8,
    );
    context.globalAlpha = 1;
  }
}
