import type { ReplayApp } from '../app.ts';

/** One press of W or S, of A or D. */
const ZOOM = 1.4;
const PAN = 0.15;

/** The keys of the timeline, as the page's list of keys names them. */
export const TIMELINE_KEYS = [
  ['W S', 'Zoom in, out at the playhead'],
  ['A D ← →', 'Pan; with Shift to the previous, next phase'],
  ['0 Z', 'The whole session'],
  ['1 2 3', 'Order by time, steps, cost'],
  ['R', 'Begin a range at the playhead; again: end it'],
  ['F', 'Select the phase of the playhead'],
  ['C', 'Cost or context below the lanes'],
] as const;

export function timelineKeys({ timeline }: ReplayApp): Record<string, () => void> {
  const left = () => timeline.pan(-PAN);
  const right = () => timeline.pan(PAN);
  const before = () => timeline.goToBand(-1);
  const after = () => timeline.goToBand(1);
  return {
    W: () => timeline.zoom(1 / ZOOM),
    S: () => timeline.zoom(ZOOM),
    A: left,
    D: right,
    ArrowLeft: left,
    ArrowRight: right,
    'Shift+A': before,
    'Shift+D': after,
    'Shift+ArrowLeft': before,
    'Shift+ArrowRight': after,
    '0': () => timeline.whole(),
    Z: () => timeline.whole(),
    '1': () => timeline.setOrder('time'),
    '2': () => timeline.setOrder('steps'),
    '3': () => timeline.setOrder('cost'),
    R: () => timeline.markRange(),
    F: () => timeline.selectBandHere(),
    C: () => timeline.setTrack(timeline.track === 'cost' ? 'context' : 'cost'),
    Escape: () => timeline.clearSelection(),
  };
}
