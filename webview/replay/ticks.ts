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
  const { rows, time } = app;
  const { total } = rows;
  const { totalMs } = time;
  if (total === 0) return;
  const colour = coloursOf(canvas);
  const xOf = (step: number): number => {
    if (totalMs > 0) return (time.at(step) / totalMs) * width;
    return total > 1 ? (step / (total - 1)) * width : 0;
  };
  // One tick a pixel, however many errors there are.
  const errors = new Uint8Array(Math.ceil(width) + 1);
  const prompts = [...rows.prompts];
  let phase = -1;
  let failures = 0;
  let last: 'ok' | 'failed' = 'ok';
  const band = (end: number, running: boolean): void => {
    const from = phase < 0 ? 0 : xOf(prompts[phase]!);
    const to = end >= total ? width : xOf(end);
    context.fillStyle = running
      ? colour.running
      : failures === 0
        ? colour.ok
        : last === 'failed'
          ? colour.failed
          : colour.mixed;
    context.fillRect(from, height - BAND_HEIGHT, Math.max(1, to - from - 1), BAND_HEIGHT);
  };
  for (let step = 0; step < total; step++) {
    if (prompts[phase + 1] === step) {
      if (step > 0) band(step, false);
      phase++;
      failures = 0;
      last = 'ok';
    }
    if (app.isFailed(step)) {
      failures++;
      last = 'failed';
      errors[Math.round(xOf(step))] = 1;
    } else if (!Number.isNaN(rows.durationMs(step))) last = 'ok';
  }
  band(total, app.isLive);
  context.fillStyle = colour.error;
  for (let x = 0; x < errors.length; x++) {
    if (errors[x] === 1) context.fillRect(Math.min(x, width - 2), 0, 2, ERROR_HEIGHT);
  }
}

function coloursOf(element: Element) {
  const style = getComputedStyle(element);
  const of = (name: string, otherwise: string): string =>
    style.getPropertyValue(`--vscode-${name}`).trim() ||
    style.getPropertyValue(`--vscode-${otherwise}`).trim();
  return {
    ok: of('agentStrace-phaseOk', 'charts-green'),
    mixed: of('agentStrace-phaseMixed', 'charts-yellow'),
    failed: of('agentStrace-phaseFailed', 'charts-red'),
    running: of('agentStrace-phaseRunning', 'charts-blue'),
    error: of('agentStrace-denied', 'charts-red'),
  };
}
