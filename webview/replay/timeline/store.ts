import type {
  FromReplayPage,
  LaneView,
  Outline,
  ToReplayPage,
} from '../../../src/protocol/replay.ts';
import type { RowChange } from '../../shared/rowStore.ts';
import type { ReplayApp } from '../app.ts';
import { Axis, ORDERS, type Order } from './axis.ts';
import { MARKS_ROW } from './layout.ts';
import { type Band, bandAt, bandsOf, bandsOfPrompts } from './phases.ts';
import { SessionIndex } from './sessionIndex.ts';
import { panned, showing, type View, within, zoomed } from './view.ts';

type Received<T extends ToReplayPage['type']> = Extract<ToReplayPage, { type: T }>;
export type RangeSums = NonNullable<Received<'range'>['sums']>;

/** Steps, both inclusive. */
export interface Selection {
  from: number;
  to: number;
  /** The phase that was chosen, not a range by hand. */
  phase?: Band;
}

export interface KeptTimeline {
  height: number;
  order: Order;
  track: 'cost' | 'context';
}

/** What the pointer is over, px of the stage. */
export interface Hover {
  x: number;
  y: number;
  target:
    | { over: 'step'; step: number; more: number; wait?: number }
    | { over: 'phase'; band: Band }
    | { over: 'marks'; from: number; to: number; count: number }
    | { over: 'idle'; ms: number; idle: boolean }
    | { over: 'cost'; step: number };
}

export const LEAST_HEIGHT = 160;
export const HEIGHT = 300;
/** Most of the page that the timeline takes. */
export const MOST_SHARE = 0.6;
/** Work on the index in one frame, ms. */
const SLICE_MS = 5;
/** A pause within a turn that is longer than any answer takes, ms. */
const MODEL_MS = 10 * 60_000;

/** Who wants no motion gets a playhead that goes from step to step. */
const motion = {
  media: globalThis.matchMedia?.('(prefers-reduced-motion: reduce)'),
  get matches(): boolean {
    return this.media?.matches === true || document.body.classList.contains('vscode-reduce-motion');
  },
};

export type Layer = 'base' | 'over';

/** What the timeline shows and what a person does on it; it draws nothing. */
export class TimelineStore {
  readonly index: SessionIndex;
  readonly axis: Axis;
  outline: Outline | undefined;
  view: View = { from: 0, to: 1 };
  /** The view goes on with the session: all of it, its end, or not at all. */
  pinned: 'whole' | 'end' | 'none' = 'whole';
  selection: Selection | undefined;
  sums: RangeSums | undefined;
  /** Where a range that is chosen by keys begins; -1: none is. */
  rangeStart = -1;
  hover: Hover | undefined;
  lanesOpen = false;
  lanesScroll = 0;
  track: KeptTimeline['track'] = 'cost';
  height = HEIGHT;
  /** Counts what changes the drawing beside the view. */
  version = 0;
  /** Called when something has to be drawn. */
  onDraw: (layer: Layer) => void = () => {};
  /** Called when what stands beside the canvas changed. */
  onChange: () => void = () => {};
  /** Called when only what the pointer is over changed. */
  onHover: () => void = () => {};
  private readonly app: ReplayApp;
  private readonly post: (message: FromReplayPage) => void;
  private asked = { id: 0, from: -1, to: -1 };
  private bandCache: { at: string; bands: Band[] } | undefined;
  private laneCache: { at: string; lanes: LaneView[] } | undefined;
  private shownStep = -1;
  private receivedMs = 0;

  constructor(app: ReplayApp, post: (message: FromReplayPage) => void) {
    this.app = app;
    this.post = post;
    this.index = new SessionIndex(app.rows);
    this.axis = new Axis(app.rows, this.index);
  }

  get order(): Order {
    return this.axis.order;
  }

  restore(kept: Partial<KeptTimeline> | undefined): void {
    if (typeof kept !== 'object' || kept === null) return;
    if (typeof kept.height === 'number' && kept.height >= LEAST_HEIGHT && kept.height < 4000) {
      this.height = kept.height;
    }
    if (ORDERS.some((order) => order === kept.order)) this.axis.order = kept.order!;
    if (kept.track === 'context') this.track = 'context';
  }

  kept(): KeptTimeline {
    return { height: this.height, order: this.order, track: this.track };
  }

  /** Another session. */
  reset(): void {
    this.outline = undefined;
    this.pinned = 'whole';
    this.clearSelection();
    this.changed();
  }

  headerCame(nowMs = performance.now()): void {
    this.receivedMs = nowMs;
    this.changed();
  }

  rowsChanged({ from, to, rebuilt }: RowChange): void {
    this.index.changed(from, to, rebuilt);
    if (rebuilt) this.clearSelection();
    this.changed();
  }

  receive(message: Received<'outline'> | Received<'range'>): void {
    if (message.type === 'outline') this.outline = message.outline;
    else if (message.requestId === this.asked.id) this.sums = message.sums;
    this.changed();
    this.onChange();
  }

  /** Something of what is drawn is another. */
  changed(): void {
    this.version++;
    this.onDraw('base');
  }

  /** Brings the index and the view up to date; once a frame. @returns whether there is more to do */
  prepare(): boolean {
    const before = this.index.version;
    const more = this.index.pump(SLICE_MS);
    if (this.index.version !== before) this.version++;
    this.settleExtent();
    const { axis } = this;
    const { length, least } = axis;
    if (this.pinned === 'whole') this.view = { from: 0, to: length };
    else if (this.pinned === 'end') {
      const span = this.view.to - this.view.from;
      this.view = within({ from: length - span, to: length }, length, least);
    } else this.view = within(this.view, length, least);
    return more;
  }

  private settleExtent(): void {
    const { axis, index, app } = this;
    const { header, rows } = app;
    const { total } = rows;
    const first = rows.known(0) ? rows.timeMs(0) : Number.POSITIVE_INFINITY;
    axis.startMs = Math.min(header?.startedAtMs ?? first, first);
    let end = Math.max(index.lastMs, rows.known(total - 1) ? index.endMs(total - 1) : 0);
    if (app.isLive) end = Math.max(end, this.nowMs);
    else if (index.built < total && header?.endedAtMs) end = Math.max(end, header.endedAtMs);
    axis.endMs = Math.max(axis.startMs + 1, end);
  }

  /** The host's clock, ms since the epoch. */
  get nowMs(): number {
    const { header } = this.app;
    return header ? header.nowMs + (performance.now() - this.receivedMs) : this.axis.endMs;
  }

  /** Where the playhead stands, units. */
  get playhead(): number {
    const { app, axis } = this;
    if (axis.order !== 'time') return axis.end(app.step);
    const { player } = app;
    const glides = player.playing && !motion.matches;
    const at = glides ? app.time.clockAt(player.positionMs) : app.rows.timeMs(app.step);
    return Math.max(0, axis.ofMs(at));
  }

  /** The step that the playhead is at; -1: there is none. */
  get currentStep(): number {
    return this.app.rows.total > 0 ? this.app.step : -1;
  }

  /** The step that the playhead has come to, which moves on by itself while it plays. */
  get stepNow(): number {
    const { app, axis } = this;
    const glides = app.player.playing && !motion.matches;
    return glides && axis.order === 'time' ? axis.stepAt(this.playhead) : app.step;
  }

  /** In the pause before this step nobody worked: a person wrote, or was away. Else the model was at work, as far as one can tell. */
  isIdle(step: number): boolean {
    const { index, app } = this;
    if (index.marks.prompt.has(step)) return true;
    return app.rows.timeMs(step) - index.idleFrom(step) > MODEL_MS;
  }

  laneOf(step: number): number {
    return this.app.rows.lane(step);
  }

  bands(): Band[] {
    const { index, outline } = this;
    const at = outline ? 'outline' : `${index.version}:${index.built}`;
    if (this.bandCache?.at === at && (!outline || this.bandOutline === outline)) {
      return this.bandCache.bands;
    }
    const bands = outline ? bandsOf(outline.phases) : bandsOfPrompts(index, this.app.isLive);
    this.bandOutline = outline;
    this.bandCache = { at, bands };
    return bands;
  }
  private bandOutline: Outline | undefined;

  /** The lanes; until the host has told them, those of the rows. */
  lanes(): LaneView[] {
    const { outline, index } = this;
    if (outline && outline.lanes.length > 0) return outline.lanes;
    const names = this.app.header?.lanes ?? [];
    const at = `${index.version}:${names.length}`;
    if (this.laneCache?.at === at) return this.laneCache.lanes;
    const lanes: LaneView[] = [];
    for (let lane = 0; lane < Math.max(1, index.lanes.length); lane++) {
      const steps = index.lanes[lane]?.steps;
      if (lane > 0 && !steps?.length) continue;
      lanes.push({
        kind: lane === 0 ? 'main' : 'subagent',
        lane,
        name: lane === 0 ? 'Main' : (names[lane] ?? `Subagent ${lane}`),
        startMs: steps?.length ? this.app.rows.timeMs(steps.at(0)) : 0,
        endMs: index.lanes[lane]?.endBefore(index.built) ?? 0,
        spawnStep: -1,
        parentLane: 0,
      });
    }
    this.laneCache = { at, lanes };
    return lanes;
  }

  setOrder(order: Order): void {
    if (order === this.order || (order === 'cost' && !this.index.hasCost)) return;
    const { axis } = this;
    // What is seen stays seen: by its steps.
    const from = Math.max(0, axis.stepAt(this.view.from));
    const to = Math.max(from, axis.stepAt(this.view.to));
    axis.order = order;
    if (this.pinned === 'none') {
      this.view = within({ from: axis.start(from), to: axis.end(to) }, axis.length, axis.least);
    }
    this.hover = undefined;
    this.onChange();
    this.save();
    this.changed();
  }

  setTrack(track: KeptTimeline['track']): void {
    this.track = track;
    this.save();
    this.changed();
    this.onChange();
  }

  setHeight(height: number, pageHeight: number): void {
    const most = Math.max(LEAST_HEIGHT, Math.round(pageHeight * MOST_SHARE));
    this.height = Math.max(LEAST_HEIGHT, Math.min(most, Math.round(height)));
    this.save();
    this.changed();
    this.onChange();
  }

  toggleLanes(): void {
    this.lanesOpen = !this.lanesOpen;
    this.lanesScroll = 0;
    this.changed();
    this.onChange();
  }

  scrollLanes(by: number, most: number): void {
    this.lanesScroll = Math.max(0, Math.min(most, this.lanesScroll + by));
    this.changed();
    this.onChange();
  }

  setView(view: View): void {
    const { length, least } = this.axis;
    this.view = within(view, length, least);
    const atEnd = this.view.to >= length * (1 - 1e-9);
    this.pinned = !atEnd
      ? 'none'
      : this.view.from <= 0
        ? 'whole'
        : this.app.isLive
          ? 'end'
          : 'none';
    this.onDraw('base');
  }

  zoom(factor: number, at = this.playhead): void {
    const { view, axis } = this;
    const centre = at >= view.from && at <= view.to ? at : (view.from + view.to) / 2;
    this.setView(zoomed(view, centre, factor, axis.length, axis.least));
  }

  /** @param share of the view */
  pan(share: number): void {
    const { view, axis } = this;
    this.setView(panned(view, (view.to - view.from) * share, axis.length, axis.least));
  }

  whole(): void {
    this.setView({ from: 0, to: this.axis.length });
  }

  zoomTo(from: number, to: number): void {
    const room = (to - from) * 0.04;
    this.setView({ from: from - room, to: to + room });
  }

  /** Where a phase lies, units. */
  bandSpan(bands: readonly Band[], at: number): View {
    const { axis } = this;
    const band = bands[at]!;
    const next = bands[at + 1];
    if (next) return { from: axis.start(band.firstStep), to: axis.start(next.firstStep) };
    return { from: axis.start(band.firstStep), to: axis.length };
  }

  zoomToBand(band: Band): void {
    const bands = this.bands();
    const at = bands.indexOf(band);
    if (at < 0) return;
    const { from, to } = this.bandSpan(bands, at);
    this.zoomTo(from, to);
  }

  /** The phase before or after that of the playhead; from within one, back goes to its start. */
  goToBand(by: 1 | -1): void {
    const bands = this.bands();
    const now = bandAt(bands, this.app.step);
    const inside = by < 0 && now >= 0 && this.app.step > bands[now]!.firstStep;
    const band = bands[inside ? now : now + by];
    if (band) this.app.goTo(band.firstStep);
  }

  select(selection: Selection | undefined, ask = true): void {
    this.selection = selection;
    const same = selection && this.asked.from === selection.from && this.asked.to === selection.to;
    if (!same) this.sums = undefined;
    if (selection && ask && !same) {
      this.asked = { id: this.asked.id + 1, from: selection.from, to: selection.to };
      this.post({
        type: 'range',
        sessionId: this.app.sessionId,
        requestId: this.asked.id,
        from: selection.from,
        to: selection.to,
      });
    }
    this.onDraw('over');
    this.onChange();
  }

  clearSelection(): void {
    this.rangeStart = -1;
    this.asked = { id: this.asked.id + 1, from: -1, to: -1 };
    if (this.selection) this.select(undefined);
  }

  /** By keys: from the playhead, and then to it. */
  markRange(): void {
    const { step } = this.app;
    if (this.rangeStart < 0) {
      this.rangeStart = step;
      this.select({ from: step, to: step }, false);
      return;
    }
    const from = Math.min(this.rangeStart, step);
    const to = Math.max(this.rangeStart, step);
    this.rangeStart = -1;
    this.select({ from, to });
  }

  selectBandHere(): void {
    const bands = this.bands();
    const band = bands[bandAt(bands, this.app.step)];
    if (band) this.selectBand(band);
  }

  selectBand(band: Band): void {
    this.rangeStart = -1;
    this.select({ from: band.firstStep, to: band.lastStep, phase: band });
  }

  openChanges(): void {
    const { selection, app } = this;
    if (!selection) return;
    const { from, to } = selection;
    this.post({ type: 'openChanges', sessionId: app.sessionId, from, to });
  }

  copyMarkdown(): void {
    const { selection, app } = this;
    if (!selection) return;
    const { from, to } = selection;
    this.post({ type: 'copy', sessionId: app.sessionId, what: 'markdown', from, to });
  }

  setHover(hover: Hover | undefined): void {
    if (!hover && !this.hover) return;
    this.hover = hover;
    this.onDraw('over');
    this.onHover();
  }

  /** The page was painted: the playhead may be elsewhere, and is brought into view when it went there by itself. */
  painted(): void {
    const { step } = this.app;
    if (this.rangeStart >= 0 && step !== this.shownStep) {
      this.select(
        { from: Math.min(this.rangeStart, step), to: Math.max(this.rangeStart, step) },
        false,
      );
    }
    if (step !== this.shownStep) {
      this.shownStep = step;
      if (this.pinned === 'none' && this.index.built > step) {
        const { axis } = this;
        const view = showing(this.view, this.playhead, axis.length, axis.least);
        if (view !== this.view) this.setView(view);
      }
    }
    this.onDraw('over');
  }

  private save(): void {
    this.app.keep();
    this.app.painter.soon();
  }
}

/** Where the dimming of what is yet to come begins, px from the top. */
export const DIM_FROM = MARKS_ROW.y;
