import type { ReplayApp } from '../app.ts';
import { unitOf } from './frame.ts';
import { hitTest, stepAtPoint } from './hit.ts';
import { LANES_Y, OVERVIEW, zoneAt } from './layout.ts';
import type { Stage } from './stage.ts';
import { panned, type View } from './view.ts';

/** A press that moves less is a click, px. */
const CLICK_PX = 4;
/** How near an edge of the overview's window takes hold of it, px. */
const EDGE_PX = 7;
/** Zoom of one notch of a wheel, and of a pinch, which comes in finer steps. */
const WHEEL = 0.0016;
const PINCH = 0.01;

type Drag =
  | { what: 'pan'; view: View; x: number; y: number; moved: boolean }
  | { what: 'scrub' }
  | { what: 'range'; from: number; moved: boolean }
  | { what: 'from' | 'to' | 'window'; view: View; x: number };

/** What the pointer does on the canvas. @returns how to stop */
export function listenToPointer(app: ReplayApp, stage: Stage, element: HTMLElement): () => void {
  const { timeline } = app;
  let drag: Drag | undefined;
  const place = (event: MouseEvent): { x: number; y: number } => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const scrub = (x: number): void => {
    const { axis, index } = timeline;
    const at = unitOf(stage.projection(), x);
    const step = axis.order === 'time' ? axis.stepAt(at) : axis.stepAt(at - 1e-9);
    if (index.built > 0) app.scrubTo(Math.max(0, step));
  };
  const wholeScale = (): number => (stage.layout.right - stage.layout.left) / timeline.axis.length;
  const windowX = (): [number, number] => {
    const { left } = stage.layout;
    const scale = wholeScale();
    return [left + timeline.view.from * scale, left + timeline.view.to * scale];
  };
  /** Which part of the overview is taken hold of. */
  const windowPart = (x: number): 'from' | 'to' | 'window' | 'outside' => {
    const [from, to] = windowX();
    if (Math.abs(x - from) <= EDGE_PX && Math.abs(x - from) <= Math.abs(x - to)) return 'from';
    if (Math.abs(x - to) <= EDGE_PX) return 'to';
    return x > from && x < to ? 'window' : 'outside';
  };

  const onDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const { x, y } = place(event);
    const { zone } = zoneAt(stage.layout, y);
    element.setPointerCapture(event.pointerId);
    timeline.setHover(undefined);
    if (zone === 'overview') {
      let part = windowPart(x);
      if (part === 'outside') {
        const span = timeline.view.to - timeline.view.from;
        const centre = (x - stage.layout.left) / wholeScale();
        timeline.setView({ from: centre - span / 2, to: centre + span / 2 });
        part = 'window';
      }
      drag = { what: part, view: timeline.view, x };
    } else if (event.shiftKey) {
      drag = { what: 'range', from: unitOf(stage.projection(), x), moved: false };
    } else if (zone === 'ruler') {
      drag = { what: 'scrub' };
      scrub(x);
    } else drag = { what: 'pan', view: timeline.view, x, y, moved: false };
  };

  const selectTo = (at: number, from: number, ask: boolean): void => {
    const { axis, index } = timeline;
    const low = axis.stepFrom(Math.min(from, at));
    const high = Math.min(index.built - 1, axis.stepAt(Math.max(from, at)));
    if (high < low) return;
    timeline.rangeStart = -1;
    timeline.select({ from: low, to: high }, ask);
  };

  const onMove = (event: PointerEvent): void => {
    const { x, y } = place(event);
    if (!drag) {
      timeline.setHover(hitTest(app, stage, x, y));
      element.style.cursor = cursorAt(x, y, event.shiftKey);
      return;
    }
    const { axis } = timeline;
    switch (drag.what) {
      case 'scrub':
        scrub(x);
        break;
      case 'range':
        drag.moved = true;
        selectTo(unitOf(stage.projection(), x), drag.from, false);
        break;
      case 'pan': {
        if (!drag.moved && Math.abs(x - drag.x) < CLICK_PX) return;
        drag.moved = true;
        element.style.cursor = 'grabbing';
        const by = (drag.x - x) / stage.projection().scale;
        timeline.setView(panned(drag.view, by, axis.length, axis.least));
        break;
      }
      case 'window': {
        const by = (x - drag.x) / wholeScale();
        timeline.setView(panned(drag.view, by, axis.length, axis.least));
        break;
      }
      default: {
        // An edge that passes the other takes its part.
        const at = (x - stage.layout.left) / wholeScale();
        const fixed = drag.what === 'from' ? drag.view.to : drag.view.from;
        const least = Math.max(axis.least, 4 / wholeScale());
        const from = Math.min(at, fixed);
        const to = Math.max(at, fixed);
        if (to - from >= least) timeline.setView({ from, to });
      }
    }
  };

  const onUp = (event: PointerEvent): void => {
    const done = drag;
    drag = undefined;
    if (!done) return;
    const { x, y } = place(event);
    element.style.cursor = cursorAt(x, y, event.shiftKey);
    if (done.what === 'range') {
      if (done.moved) selectTo(unitOf(stage.projection(), x), done.from, true);
      else timeline.clearSelection();
    }
    if (done.what !== 'pan' || done.moved) return;
    click(x, y);
  };

  const click = (x: number, y: number): void => {
    if (x < stage.layout.left - EDGE_PX || x > stage.layout.right + EDGE_PX) return;
    const hit = hitTest(app, stage, x, y);
    if (hit?.target.over === 'phase') {
      const { band } = hit.target;
      if (timeline.selection?.phase?.firstStep === band.firstStep) timeline.clearSelection();
      else timeline.selectBand(band);
      return;
    }
    if (hit?.target.over === 'marks' && hit.target.count > 1) {
      const { from, to } = hit.target;
      const { axis } = timeline;
      const span = Math.max(axis.start(to) - axis.start(from), axis.least / 2);
      timeline.zoomTo(axis.start(from) - span * 0.3, axis.start(from) + span * 1.3);
      return;
    }
    const step = stepAtPoint(app, stage, x, y);
    if (step >= 0) app.goTo(step);
  };

  const onDouble = (event: MouseEvent): void => {
    const { x, y } = place(event);
    const { zone } = zoneAt(stage.layout, y);
    if (zone === 'overview') {
      timeline.whole();
      return;
    }
    const hit = hitTest(app, stage, x, y);
    if (hit?.target.over === 'phase') {
      timeline.selectBand(hit.target.band);
      timeline.zoomToBand(hit.target.band);
    }
  };

  const onLeave = (): void => timeline.setHover(undefined);

  const onWheel = (event: WheelEvent): void => {
    event.preventDefault();
    const { x, y } = place(event);
    const lines = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 160 : 1;
    const dx = event.deltaX * lines;
    const dy = event.deltaY * lines;
    const { layout } = stage;
    if (x < layout.left && y > LANES_Y) {
      timeline.scrollLanes(dy, LANES_Y + layout.lanesHeight - layout.lanesBottom);
      return;
    }
    timeline.setHover(undefined);
    if (event.shiftKey || Math.abs(dx) > Math.abs(dy)) {
      timeline.pan((dx || dy) / (layout.right - layout.left));
      return;
    }
    const at =
      y < OVERVIEW.y + OVERVIEW.height + 1
        ? (x - layout.left) / wholeScale()
        : unitOf(stage.projection(), Math.max(layout.left, Math.min(layout.right, x)));
    const factor = Math.exp(Math.max(-240, Math.min(240, dy)) * (event.ctrlKey ? PINCH : WHEEL));
    timeline.zoom(factor, at);
  };

  const cursorAt = (x: number, y: number, shift: boolean): string => {
    const { zone } = zoneAt(stage.layout, y);
    if (zone === 'overview') {
      const part = windowPart(x);
      return part === 'window' ? 'grab' : part === 'outside' ? 'pointer' : 'ew-resize';
    }
    if (shift) return 'text';
    if (zone === 'ruler') return 'ew-resize';
    return timeline.hover && timeline.hover.target.over !== 'cost' ? 'pointer' : 'default';
  };

  const listeners: [string, (event: never) => void][] = [
    ['pointerdown', onDown],
    ['pointermove', onMove],
    ['pointerup', onUp],
    ['pointercancel', () => (drag = undefined)],
    ['pointerleave', onLeave],
    ['dblclick', onDouble],
  ];
  for (const [type, listener] of listeners) {
    element.addEventListener(type, listener as EventListener);
  }
  // Over the labels as well: there it scrolls the lanes.
  const whole = element.parentElement ?? element;
  whole.addEventListener('wheel', onWheel, { passive: false });
  return () => {
    whole.removeEventListener('wheel', onWheel);
    for (const [type, listener] of listeners) {
      element.removeEventListener(type, listener as EventListener);
    }
  };
}
