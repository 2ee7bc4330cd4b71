import { OUTCOME_SIGNS } from '../../../src/model/outcomeWords.ts';
import { visibleText } from '../../../src/model/visibleText.ts';
import { clip, type Frame, sharp, xOf } from './frame.ts';
import { LANES_Y, MARKS_ROW, OVERVIEW, PHASES, RULER } from './layout.ts';
import { type MarkGroup, markGroups } from './marks.ts';
import { type Band, worse } from './phases.ts';
import { rulerTicks } from './ruler.ts';
import type { Mark } from './sessionIndex.ts';

/** Ticks of the ruler are at least this far apart, px. */
const TICK_PX = 84;
const BADGE_HEIGHT = 15;
const SIGN = 13;

/** @param size px */
export function setFont({ context, colours, texts }: Frame, size = 11, weight = 400): void {
  context.font = texts.use(`${weight} ${size}px ${colours.font}`);
}

/** The ruler's lines down the lanes. */
export function paintGrid({ context, colours, layout, projection, ratio, axis }: Frame): void {
  const { left, right } = layout;
  context.globalAlpha = colours.highContrast ? 0.25 : 0.5;
  context.fillStyle = colours.line;
  for (const { at } of rulerTicks(axis.order, projection, right - left, TICK_PX)) {
    const x = sharp(xOf(projection, at), ratio);
    if (x > left + 1) context.fillRect(x, LANES_Y, 1 / ratio, layout.height - LANES_Y - 10);
  }
  context.globalAlpha = 1;
}

/**
 * The ruler's labels.
 *
 * @param badge px from and to, where the playhead's own label stands
 */
export function paintRuler(frame: Frame, badge: readonly [number, number]): void {
  const { context, colours, layout, projection, ratio, axis, live } = frame;
  const { left, right } = layout;
  setFont(frame);
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.fillStyle = colours.muted;
  for (const { at, label } of rulerTicks(axis.order, projection, right - left, TICK_PX)) {
    const x = sharp(xOf(projection, at), ratio);
    const width = frame.texts.width(context, label);
    const start = at === 0 ? x + 1 : x - width / 2;
    const hidden = start + width > badge[0] - 3 && start < badge[1] + 3;
    if (!hidden && start >= left && start + width <= right + 4) {
      context.fillText(label, start, RULER.text);
    }
  }
  if (live && layout.width - right >= 40) {
    context.fillStyle = colours.green;
    setFont(frame, 11, 600);
    context.fillText('now', right + 9, RULER.text);
  }
}

/** Lines between the rows, over the whole width. */
export function paintLines(frame: Frame): void {
  const { context, colours, layout, ratio } = frame;
  const pixel = 1 / ratio;
  context.fillStyle = colours.line;
  context.globalAlpha = colours.highContrast ? 0.35 : 0.8;
  const line = (y: number): void =>
    context.fillRect(0, sharp(y, ratio) - pixel, layout.right, pixel);
  line(LANES_Y);
  for (const { y, height } of layout.rows) {
    const bottom = y + height;
    if (bottom > LANES_Y && bottom <= layout.lanesBottom + 0.5) line(bottom);
  }
  context.globalAlpha = 1;
}

export function paintPhases(frame: Frame): void {
  const { store, layout, projection } = frame;
  const bands = store.bands();
  const { left, right } = layout;
  clip(frame, left, PHASES.y, right - left, layout.height - PHASES.y, () => {
    // Narrow neighbours become one band, with the worst of their outcomes.
    let merged: { x0: number; x1: number; outcome: Band['outcome'] } | undefined;
    const flush = (): void => {
      if (!merged) return;
      const { x0, x1, outcome } = merged;
      merged = undefined;
      frame.context.globalAlpha = 0.6;
      frame.context.fillStyle = frame.colours.phases[outcome];
      frame.context.fillRect(x0, PHASES.y, Math.max(1, x1 - x0), PHASES.height);
      frame.context.globalAlpha = 1;
    };
    const first = Math.max(0, firstBand(frame, bands));
    for (let at = first; at < bands.length; at++) {
      const band = bands[at]!;
      const span = store.bandSpan(bands, at);
      if (span.from > projection.to) break;
      const x0 = xOf(projection, span.from);
      const x1 = xOf(projection, span.to);
      if (x1 - x0 < 5) {
        if (merged && x0 - merged.x1 < 1) {
          merged.x1 = x1;
          merged.outcome = worse(merged.outcome, band.outcome);
        } else {
          flush();
          merged = { x0, x1, outcome: band.outcome };
        }
        continue;
      }
      flush();
      paintBand(frame, band, x0, x1);
    }
    flush();
  });
}

/** The first band that may be seen. */
function firstBand({ store, projection }: Frame, bands: readonly Band[]): number {
  let low = 0;
  let high = bands.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (store.bandSpan(bands, middle).to < projection.from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function paintBand(frame: Frame, band: Band, start: number, end: number): void {
  const { context, colours, layout, ratio, store, texts } = frame;
  const { y, height } = PHASES;
  const x0 = sharp(start, ratio);
  const x1 = sharp(end, ratio) - 1;
  const colour = colours.phases[band.outcome];
  const chosen = store.selection?.phase?.firstStep === band.firstStep;
  context.fillStyle = colour;
  if (!colours.highContrast) {
    context.globalAlpha = chosen ? 0.3 : 0.16;
    context.fillRect(x0, y, x1 - x0, height);
    if (band.outcome === 'failed' && !chosen) {
      context.globalAlpha = 0.04;
      context.fillRect(x0, LANES_Y - 2, x1 - x0, layout.height - LANES_Y - 6);
    }
    context.globalAlpha = 1;
  } else {
    context.strokeStyle = chosen ? colours.focus : colours.contrastLine;
    context.lineWidth = 1;
    context.strokeRect(x0 + 0.5, y + 0.5, x1 - x0 - 1, height - 1);
  }
  context.fillRect(x0, y, 3, height);
  // What is off to the left keeps its name in sight.
  const textX = Math.max(x0, layout.left) + 11;
  const room = Math.min(x1, layout.right) - textX - 6;
  if (room < 14) return;
  const middle = y + height / 2 + 0.5;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  setFont(frame);
  const sign = OUTCOME_SIGNS[band.outcome];
  context.fillStyle = colour;
  context.fillText(sign, textX, middle);
  const nameX = textX + 15;
  const { cost } = band;
  const costWidth = cost ? texts.width(context, cost) : 0;
  const nameRoom = room - 15;
  const whole = texts.width(context, visibleText(band.name.slice(0, 200)));
  const showCost = cost !== '' && nameRoom - costWidth - 10 >= Math.min(whole, 48);
  context.fillStyle = colours.text;
  const name = texts.cut(
    context,
    visibleText(band.name.slice(0, 200)),
    showCost ? nameRoom - costWidth - 10 : nameRoom,
  );
  context.fillText(name, nameX, middle);
  if (showCost) {
    context.fillStyle = colours.muted;
    context.fillText(cost, textX + room - costWidth, middle);
  }
}

const badgeText = (frame: Frame, step: number): string =>
  `P${frame.store.index.marks.prompt.lower(step) + 1}`;

function mergedText(frame: Frame, mark: Mark, count: number, from: number, to: number): string {
  const { prompt } = frame.store.index.marks;
  const prompts = prompt.count(from, to + 1);
  if (prompts > 0 && (mark === 'prompt' || prompts < 10)) {
    const first = prompt.lower(from) + 1;
    return prompts === 1 ? `P${first}` : `P${first}–${first + prompts - 1}`;
  }
  // A sign of failure with a count says how many failed, whatever else is there.
  const { error, denied } = frame.store.index.marks;
  const failures = error.count(from, to + 1) + denied.count(from, to + 1);
  const shown = failures > 0 ? failures : count;
  return shown > 9999 ? '9999+' : String(shown);
}

/** @returns what was drawn, for the pointer */
export function paintMarks(frame: Frame): MarkGroup[] {
  const { context, store, axis, layout, projection, texts } = frame;
  setFont(frame, 11, 600);
  const groups = markGroups(store.index, axis, projection, layout.width - 2, {
    sign: SIGN,
    badge: (step) => Math.ceil(texts.width(context, badgeText(frame, step))) + 8,
    merged: (mark, count, from, to) =>
      Math.ceil(texts.width(context, mergedText(frame, mark, count, from, to))) +
      (mark === 'prompt' ? 8 : SIGN + 7),
  });
  for (const group of groups) paintGroup(frame, group);
  return groups;
}

function paintGroup(frame: Frame, group: MarkGroup): void {
  const { context, colours } = frame;
  const { x, width, mark, count, from, to } = group;
  const middle = MARKS_ROW.middle;
  setFont(frame, 11, 600);
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  if (count === 1 && mark !== 'prompt') {
    paintSign(frame, mark, x + width / 2, middle);
    return;
  }
  const text = count === 1 ? badgeText(frame, from) : mergedText(frame, mark, count, from, to);
  const top = middle - BADGE_HEIGHT / 2;
  if (colours.highContrast) {
    context.strokeStyle = colours.contrastLine;
    context.lineWidth = 1;
    context.strokeRect(x + 0.5, top + 0.5, width - 1, BADGE_HEIGHT - 1);
  } else {
    context.globalAlpha = 0.22;
    context.fillStyle = colours.text;
    context.beginPath();
    context.roundRect(x, top, width, BADGE_HEIGHT, 2);
    context.fill();
    context.globalAlpha = 1;
  }
  let textX = x + 4;
  if (mark !== 'prompt') {
    paintSign(frame, mark, x + 3 + SIGN / 2, middle, 0.8);
    textX += SIGN;
  }
  context.fillStyle = colours.text;
  context.fillText(text, textX, middle + 0.5);
}

/** A mark's own shape: no two are told apart by colour alone. */
function paintSign(frame: Frame, mark: Mark, x: number, y: number, size = 1): void {
  const { context, colours } = frame;
  const r = 5.5 * size;
  context.lineWidth = 1.4;
  context.beginPath();
  switch (mark) {
    case 'error':
      context.fillStyle = colours.error;
      context.moveTo(x, y - r);
      context.lineTo(x + r, y + r * 0.9);
      context.lineTo(x - r, y + r * 0.9);
      context.closePath();
      context.fill();
      return;
    case 'denied':
      context.strokeStyle = colours.denied;
      context.arc(x, y, r, 0, 2 * Math.PI);
      context.moveTo(x - r * 0.7, y - r * 0.7);
      context.lineTo(x + r * 0.7, y + r * 0.7);
      break;
    case 'retry':
      context.strokeStyle = colours.amber;
      context.arc(x, y, r * 0.85, -0.4 * Math.PI, 1.3 * Math.PI);
      context.moveTo(x - r * 0.1, y - r * 1.25);
      context.lineTo(x + r * 0.35, y - r * 0.8);
      context.lineTo(x - r * 0.2, y - r * 0.4);
      break;
    case 'compaction':
      // Two arrows that press on a line.
      context.strokeStyle = colours.amber;
      context.moveTo(x - r, y);
      context.lineTo(x + r, y);
      context.moveTo(x - r * 0.5, y - r);
      context.lineTo(x, y - r * 0.4);
      context.lineTo(x + r * 0.5, y - r);
      context.moveTo(x - r * 0.5, y + r);
      context.lineTo(x, y + r * 0.4);
      context.lineTo(x + r * 0.5, y + r);
      break;
    case 'commit':
      context.strokeStyle = colours.green;
      context.arc(x, y, r * 0.55, 0, 2 * Math.PI);
      context.moveTo(x - r * 1.2, y);
      context.lineTo(x - r * 0.55, y);
      context.moveTo(x + r * 0.55, y);
      context.lineTo(x + r * 1.2, y);
      break;
    case 'prompt':
      return;
  }
  context.stroke();
}

/** The frame of the overview's window; its bars are drawn once and kept. */
export function paintWindow(frame: Frame, from: number, to: number): void {
  const { context, colours, layout, ratio } = frame;
  const { y, height } = OVERVIEW;
  const x0 = sharp(from, ratio);
  const x1 = sharp(to, ratio);
  context.fillStyle = colours.page;
  context.globalAlpha = 0.62;
  context.fillRect(layout.left, y, x0 - layout.left, height);
  context.fillRect(x1, y, layout.right - x1, height);
  context.globalAlpha = 1;
  context.strokeStyle = colours.focus;
  context.lineWidth = 1;
  context.strokeRect(x0 + 0.5, y + 0.5, Math.max(1, x1 - x0 - 1), height - 1);
  context.fillStyle = colours.focus;
  for (const x of [x0, x1]) {
    context.beginPath();
    context.roundRect(x - 3, y + 5, 6, height - 10, 2);
    context.fill();
  }
}
