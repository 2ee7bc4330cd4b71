import type { ReplayApp } from './app.ts';

/** px */
const ERROR_HEIGHT = 6;
const BAND_HEIGHT = 3;

/** Draws the phases (a band below the track) and the errors and denials (ticks above it). */
export function drawTicks(canvas: HTMLCanvasElement, app: ReplayApp): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = canvas.getContext('2d');
  if (!context || width === 0) return;
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  context.scale(scale, scale);
  const { rows, time, timeline } = app;
  const { total } = rows;
  const { totalMs } = time;
  if (total === 0) return;
  const colour = coloursOf(canvas);
  const xOf = (step: number): number => {
    if (totalMs > 0) return (time.at(step) / totalMs) * width;
    return total > 1 ? (step / (total - 1)) * width : 0;
  };
  const bands = timeline.bands();
  for (let at = 0, drawn = -1; at < bands.length; at++) {
    const { firstStep, outcome } = bands[at]!;
    const next = bands[at + 1];
    const from = at === 0 ? 0 : xOf(firstStep);
    const to = next ? xOf(next.firstStep) : width;
    // Of phases that share a pixel the first is seen.
    if (to - from < 1 && Math.round(from) === drawn) continue;
    drawn = Math.round(from);
    context.fillStyle = colour[outcome];
    context.fillRect(from, height - BAND_HEIGHT, Math.max(1, to - from - 1), BAND_HEIGHT);
  }
  context.fillStyle = colour.error;
  // One tick a pixel, however many errors there are.
  const seen = new Uint8Array(Math.ceil(width) + 1);
  for (const set of [timeline.index.marks.error, timeline.index.marks.denied]) {
    for (let place = 0; place < set.length; place++) {
      const x = Math.round(xOf(set.at(place)));
      if (seen[x] === 1) continue;
      seen[x] = 1;
      context.fillRect(Math.min(x, width - 2), 0, 2, ERROR_HEIGHT);
    }
  }
}

function coloursOf(element: Element) {
  const style = getComputedStyle(element);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ok: of('ok'),
    mixed: of('mixed'),
    failed: of('failed'),
    running: of('running'),
    error: of('denied'),
  };
}
