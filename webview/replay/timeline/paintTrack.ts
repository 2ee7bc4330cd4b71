import { formatTokens, formatUsd } from '../../../src/model/format.ts';
import type { Outline } from '../../../src/protocol/replay.ts';
import { lowerBound } from '../../shared/rowStore.ts';
import { clip, type Frame, sharp, unitOf, xOf } from './frame.ts';
import { setFont } from './paintRows.ts';
import { scaleStep } from './ruler.ts';

const PAD_TOP = 5;
const PAD_BOTTOM = 11;
/** A limit that is further away than this is only named: else it would press the curve flat. */
const FAR = 4;
/** Most notes on the curve. */
const NOTES = 8;

const CAUSES: Record<Outline['cacheBreaks'][number]['cause'], string> = {
  time: 'cache went cold',
  model: 'model changed',
  compaction: 'compacted',
  restart: 'began anew',
  tools: 'tools changed',
  prefix: 'prefix changed',
};

/** A curve, one value a pixel of the plot. */
export interface Curve {
  /** px from the top. */
  ys: Float32Array;
  /** Values, for labels. */
  values: Float64Array;
  y0: number;
  yOf(value: number): number;
  /** Value as of a step. */
  at(step: number): number;
  label(value: number): string;
  colour: string;
}

/** The curve of the track that is shown, its scale, limit and notes; undefined: there is no room or nothing to show. */
export function paintTrack(frame: Frame): Curve | undefined {
  return frame.store.track === 'context' ? paintContext(frame) : paintCost(frame);
}

function paintCost(frame: Frame): Curve | undefined {
  const { store, axis, colours, projection } = frame;
  const { index, outline } = store;
  if (!frame.layout.track) return undefined;
  if (!index.hasCost) {
    empty(frame, 'No cost is known yet.');
    return undefined;
  }
  const total = index.costBefore(index.built);
  const budget = outline?.budgetNanoUsd ?? 0;
  const far = budget > total * FAR;
  const top = Math.max(total, far ? 0 : budget);
  const most = top * 1.05;
  const estimate = index.estimated;
  const valueAt = (step: number): number => index.costBefore(step + 1);
  const curve = curveOf(frame, most, (x) => {
    const unit = unitOf(projection, x);
    return axis.order === 'cost' ? unit : valueAt(axis.stepAt(unit));
  });
  const label = (value: number) => formatUsd(value, { estimate });
  grid(frame, curve, top, budget > 0 && !far ? budget : undefined, (value) =>
    value === 0 ? '$0' : label(value),
  );
  if (budget > 0) limit(frame, budget, far ? undefined : curve(budget));
  const made = { ...sampled(curve), label, at: valueAt, colour: colours.green };
  notes(frame, made, total);
  return made;
}

function paintContext(frame: Frame): Curve | undefined {
  const { store, axis, colours, projection, layout } = frame;
  const context = store.outline?.context;
  if (!layout.track) return undefined;
  if (!context || context.step.length === 0) {
    empty(frame, 'How full the window was is not known.');
    return undefined;
  }
  const { step, tokens, window } = context;
  let most = window ?? 0;
  for (const value of tokens) if (value > most) most = value;
  if (!(most > 0)) return undefined;
  const valueAt = (at: number): number => {
    const place = lowerBound(step, at + 1) - 1;
    return place < 0 ? 0 : tokens[place]!;
  };
  const curve = curveOf(frame, most * 1.04, (x) => valueAt(axis.stepAt(unitOf(projection, x))));
  grid(frame, curve, most, window, (value) => (value === 0 ? '0' : formatTokens(value)));
  if (window) {
    rule(frame, curve(window), colours.amber);
    scaleText(frame, curve(window), `${formatTokens(window)}`, colours.amber);
  }
  return { ...sampled(curve), label: formatTokens, at: valueAt, colour: colours.looks[4]! };
}

type Scale = ((value: number) => number) & { values: Float64Array; most: number };

function curveOf(frame: Frame, most: number, valueAt: (x: number) => number): Scale {
  const { left, right, track } = frame.layout;
  const bottom = track!.bottom - PAD_BOTTOM;
  const height = bottom - track!.y - PAD_TOP;
  const values = new Float64Array(Math.max(1, Math.ceil(right - left) + 1));
  for (let i = 0; i < values.length; i++) values[i] = valueAt(left + i);
  const scale = (value: number): number => bottom - (Math.min(value, most) / most) * height;
  return Object.assign(scale, { values, most });
}

function sampled(scale: Scale): Omit<Curve, 'label' | 'at' | 'colour'> {
  const { values } = scale;
  const ys = new Float32Array(values.length);
  for (let i = 0; i < ys.length; i++) ys[i] = scale(values[i]!);
  return { ys, values, y0: scale(0), yOf: scale };
}

/**
 * Lines and their values: nothing, about half, and the top.
 *
 * @param taken a value that has a line of its own
 */
function grid(
  frame: Frame,
  scale: Scale,
  top: number,
  taken: number | undefined,
  label: (value: number) => string,
): void {
  const { context, colours, layout, ratio } = frame;
  const step = scaleStep(top);
  for (const value of [0, step, 2 * step]) {
    if (value > scale.most) break;
    const y = sharp(scale(value), ratio);
    if (taken !== undefined && Math.abs(scale(taken) - y) < 15) continue;
    context.globalAlpha = colours.highContrast ? 0.3 : 0.8;
    context.fillStyle = colours.line;
    context.fillRect(layout.left, y, layout.right - layout.left, 1 / ratio);
    context.globalAlpha = 1;
    scaleText(frame, Math.min(y, scale(0) - 4), label(value), colours.muted);
  }
}

/** Beside the plot, or inside at its right edge where there is no room beside it. */
function scaleText(frame: Frame, y: number, text: string, colour: string): void {
  const { context, layout, texts } = frame;
  setFont(frame);
  context.fillStyle = colour;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  const beside = layout.width - layout.right >= 40;
  const x = beside ? layout.right + 9 : layout.right - texts.width(context, text) - 4;
  context.fillText(text, x, beside ? y : y - 7);
}

function rule({ context, layout }: Frame, y: number, colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.setLineDash([4, 3]);
  context.beginPath();
  context.moveTo(layout.left, Math.round(y) + 0.5);
  context.lineTo(layout.right, Math.round(y) + 0.5);
  context.stroke();
  context.setLineDash([]);
}

function limit(frame: Frame, budget: number, y: number | undefined): void {
  const { colours, layout } = frame;
  const dollars = formatUsd(budget).replace(/\.00$/, '');
  if (y === undefined) {
    scaleText(frame, layout.track!.y + 2, `↑ ${dollars}`, colours.amber);
    return;
  }
  rule(frame, y, colours.amber);
  scaleText(frame, y, `${dollars} limit`, colours.amber);
}

/** What made the curve jump. */
function notes(frame: Frame, curve: Curve, total: number): void {
  const { store, axis, projection, context, layout, colours, texts } = frame;
  const { index, outline } = store;
  const causes = new Map<number, string>();
  for (const { step, cause, nanoUsd } of outline?.cacheBreaks ?? []) {
    if (nanoUsd > total * 0.02) causes.set(step, CAUSES[cause]);
  }
  const steps = new Set([...index.dearSteps(), ...causes.keys()]);
  const costOf = (step: number): number => index.costBefore(step + 1) - index.costBefore(step);
  const dearest = [...steps]
    .filter((step) => step < index.built && costOf(step) > 0)
    .map((step) => ({ step, cost: costOf(step), x: xOf(projection, axis.start(step)) }))
    .filter(({ x }) => x >= layout.left && x <= layout.right)
    .sort((a, b) => b.cost - a.cost)
    .slice(0, 40);
  const taken: { x0: number; x1: number; y: number }[] = [];
  setFont(frame);
  context.textBaseline = 'alphabetic';
  context.fillStyle = colours.muted;
  for (const { step, cost, x } of dearest) {
    if (taken.length >= NOTES) break;
    const cause = causes.get(step);
    const text = `${cause ? `${cause}, ` : ''}+${curve.label(cost)}`;
    const width = texts.width(context, text);
    const y = curve.yOf(index.costBefore(step + 1)) - 5;
    const x1 = Math.max(layout.left + width + 2, x - 4);
    const x0 = x1 - width;
    if (y < layout.track!.y + 10) continue;
    if (taken.some((one) => x0 < one.x1 + 8 && x1 > one.x0 - 8 && Math.abs(y - one.y) < 14))
      continue;
    // At the left edge it stands right of its step: not across the curve.
    if (x1 > x && curve.ys[Math.round(x1 - layout.left)]! < y + 3) continue;
    taken.push({ x0, x1, y });
    context.fillText(text, x0, y);
  }
}

function empty(frame: Frame, text: string): void {
  const { context, layout, colours } = frame;
  const { track } = layout;
  setFont(frame, 12);
  context.fillStyle = colours.muted;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.fillText(text, layout.left + 8, (track!.y + track!.bottom) / 2);
}

/** The area up to the playhead, and a thin line of what comes after it. */
export function paintCurve(frame: Frame, curve: Curve, playheadX: number): void {
  const { context, layout } = frame;
  const { left, right } = layout;
  const { ys, y0 } = curve;
  const last = ys.length - 1;
  const until = Math.max(0, Math.min(last, Math.round(playheadX - left)));
  clip(frame, left, layout.track!.y, right - left, layout.track!.bottom - layout.track!.y, () => {
    context.strokeStyle = curve.colour;
    context.fillStyle = curve.colour;
    if (playheadX > left) {
      trace(context, left, ys, 0, until);
      context.lineTo(left + until, y0);
      context.lineTo(left, y0);
      context.closePath();
      context.globalAlpha = frame.colours.highContrast ? 0.1 : 0.16;
      context.fill();
      context.globalAlpha = 1;
      trace(context, left, ys, 0, until);
      context.lineWidth = 2;
      context.stroke();
    }
    if (until < last) {
      trace(context, left, ys, playheadX <= left ? 0 : until, last);
      context.globalAlpha = 0.38;
      context.lineWidth = 1.5;
      context.stroke();
      context.globalAlpha = 1;
    }
  });
  // Nothing has been gone to yet: the curve is seen to its end, and no moment of it is the one.
  if (frame.fresh || playheadX < left || playheadX > right) return;
  const value = curve.at(frame.store.stepNow);
  const y = curve.yOf(value);
  context.fillStyle = curve.colour;
  context.beginPath();
  context.arc(playheadX, y, 3.5, 0, 2 * Math.PI);
  context.fill();
  const text = curve.label(value);
  setFont(frame, 12, 600);
  context.textBaseline = 'middle';
  const width = frame.texts.width(context, text);
  const x = playheadX + 14 + width > right ? playheadX - 14 - width : playheadX + 14;
  const textY = Math.min(y + 12, y0 - 4);
  context.globalAlpha = 0.75;
  context.fillStyle = frame.colours.page;
  context.fillRect(x - 3, textY - 8, width + 6, 16);
  context.globalAlpha = 1;
  context.fillStyle = frame.colours.text;
  context.fillText(text, x, textY);
}

/** Only where it turns: a flat stretch is one line. */
function trace(
  context: CanvasRenderingContext2D,
  left: number,
  ys: Float32Array,
  from: number,
  to: number,
): void {
  context.beginPath();
  context.moveTo(left + from, ys[from]!);
  for (let i = from + 1; i <= to; i++) {
    if (i < to && ys[i] === ys[i - 1] && ys[i] === ys[i + 1]) continue;
    context.lineTo(left + i, ys[i]!);
  }
}
