import type { Axis } from './axis.ts';
import type { Projection } from './bars.ts';
import type { Colours } from './colours.ts';
import type { Layout } from './layout.ts';
import type { TimelineStore } from './store.ts';
import type { TextSizes } from './textSizes.ts';

/** All that one drawing needs. */
export interface Frame {
  context: CanvasRenderingContext2D;
  store: TimelineStore;
  axis: Axis;
  layout: Layout;
  colours: Colours;
  texts: TextSizes;
  projection: Projection;
  /** Device pixels a pixel. */
  ratio: number;
  live: boolean;
  /** Nothing is later than the playhead: the person has not gone anywhere yet. */
  fresh: boolean;
}

export const xOf = ({ from, scale, left }: Projection, unit: number): number =>
  left + (unit - from) * scale;

export const unitOf = ({ from, scale, left }: Projection, x: number): number =>
  from + (x - left) / scale;

/** On the grid of device pixels, so that edges are sharp. */
export const sharp = (x: number, ratio: number): number => Math.round(x * ratio) / ratio;

export function clip(
  { context }: Frame,
  x: number,
  y: number,
  width: number,
  height: number,
  draw: () => void,
): void {
  context.save();
  context.beginPath();
  context.rect(x, y, Math.max(0, width), Math.max(0, height));
  context.clip();
  draw();
  context.restore();
}
