import type { ReplayApp } from '../app.ts';
import type { Projection } from './bars.ts';
import { type Colours, readColours } from './colours.ts';
import type { Frame } from './frame.ts';
import { LANES_Y, type Layout, layOut } from './layout.ts';
import type { MarkGroup } from './marks.ts';
import { paintDrops, paintLanes, paintOverview } from './paintLanes.ts';
import { paintOver } from './paintOver.ts';
import { paintGrid, paintLines, paintMarks, paintPhases, setFont } from './paintRows.ts';
import { type Curve, paintTrack } from './paintTrack.ts';
import type { Layer, TimelineStore } from './store.ts';
import { TextSizes } from './textSizes.ts';

/** Between two pictures of a session that is still being taken in, ms. */
const BUILD_MS = 80;

/** A clock that goes on is drawn this often where nothing else changes, ms. */
const LIVE_MS = 1000;

/**
 * The canvases and when they are drawn: at most once a frame, and only the layer that changed. What moves with the playhead and
 * the pointer is a layer of its own, for the rest is much more work.
 */
export class Stage {
  layout: Layout;
  /** Signs of the marks row, as they were drawn last. */
  marks: MarkGroup[] = [];
  /** ms that the last frame took to draw. */
  lastMs = 0;
  private readonly app: ReplayApp;
  private readonly store: TimelineStore;
  private readonly base: HTMLCanvasElement;
  private readonly over: HTMLCanvasElement;
  private readonly overview = document.createElement('canvas');
  private readonly texts = new TextSizes();
  private colours: Colours;
  private curve: Curve | undefined;
  private readonly dirty = { base: true, over: true };
  private frame: number | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private overviewKey = '';
  private themes = 0;
  /** When it was last drawn with only a part of the session, ms. */
  private builtMs = Number.NEGATIVE_INFINITY;
  private width = 0;
  private height = 0;
  private readonly stops: (() => void)[] = [];

  constructor(app: ReplayApp, base: HTMLCanvasElement, over: HTMLCanvasElement) {
    this.app = app;
    this.store = app.timeline;
    this.base = base;
    this.over = over;
    this.colours = readColours(document.body);
    this.layout = layOut(0, 0, [], false, 0);
    this.store.onDraw = (layer) => this.invalidate(layer);
    const resized = new ResizeObserver(() => this.invalidate('base'));
    resized.observe(base);
    const themed = new MutationObserver(() => {
      this.colours = readColours(document.body);
      this.themes++;
      this.invalidate('base');
    });
    themed.observe(document.body, { attributes: true, attributeFilter: ['class'] });
    // A window that moves to another screen, or is zoomed.
    const onResize = () => this.invalidate('base');
    window.addEventListener('resize', onResize);
    this.stops.push(
      () => resized.disconnect(),
      () => themed.disconnect(),
      () => window.removeEventListener('resize', onResize),
      app.painter.subscribe(() => this.store.painted()),
    );
    this.invalidate('base');
  }

  dispose(): void {
    for (const stop of this.stops) stop();
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.store.onDraw = () => {};
  }

  invalidate(layer: Layer): void {
    this.dirty.over = true;
    if (layer === 'base') this.dirty.base = true;
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  /** Where units lie in the plot. */
  projection(): Projection {
    const { view, axis } = this.store;
    const { left, right } = this.layout;
    return {
      from: view.from,
      to: view.to,
      scale: (right - left) / (view.to - view.from),
      left,
      now: axis.order === 'time' && this.app.isLive ? axis.ofMs(this.store.nowMs) : 0,
    };
  }

  private draw(): void {
    this.frame = undefined;
    const startedMs = performance.now();
    const { store, dirty } = this;
    const before = store.version;
    const more = store.prepare();
    if (store.version !== before) dirty.base = true;
    this.measure();
    // While a long session comes in, the picture follows in strides: most of each frame is left to the rest of the page.
    const early = startedMs < this.builtMs + BUILD_MS;
    if (more && dirty.base && early) {
      this.invalidate('base');
      return;
    }
    if (more) this.builtMs = startedMs;
    if (this.width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    if (dirty.base) {
      const { layout } = this;
      this.layout = layOut(
        this.width,
        this.height,
        store.lanes(),
        store.lanesOpen,
        store.lanesScroll,
      );
      if (signature(layout) !== signature(this.layout)) queueMicrotask(() => store.onChange());
      // Names and costs stand in the page: it is painted as often as all of its numbers.
      else if (layout.lanes !== this.layout.lanes) this.app.painter.soon();
      this.paintBase(ratio);
    }
    if (dirty.over) this.paintOver(ratio);
    dirty.base = false;
    dirty.over = false;
    this.lastMs = performance.now() - startedMs;
    if (more) this.invalidate('base');
    else if (this.app.player.playing) this.invalidate('over');
    clearTimeout(this.timer);
    if (this.app.isLive && store.pinned !== 'none') {
      // Time goes on by itself; as often as it moves the picture by a pixel, but no oftener than needed.
      const pixelMs = store.order === 'time' ? 1 / this.projection().scale : LIVE_MS;
      this.timer = setTimeout(
        () => this.invalidate('base'),
        Math.max(250, Math.min(LIVE_MS * 5, pixelMs)),
      );
    }
  }

  private measure(): void {
    const width = this.base.clientWidth;
    const height = this.base.clientHeight;
    const ratio = window.devicePixelRatio || 1;
    const w = Math.round(width * ratio);
    const h = Math.round(height * ratio);
    if (this.base.width !== w || this.base.height !== h) {
      for (const canvas of [this.base, this.over]) {
        canvas.width = w;
        canvas.height = h;
      }
      this.dirty.base = true;
      this.dirty.over = true;
    }
    this.width = width;
    this.height = height;
  }

  private frameFor(canvas: HTMLCanvasElement, ratio: number): Frame | undefined {
    const context = canvas.getContext('2d');
    if (!context) return undefined;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    return {
      context,
      store: this.store,
      axis: this.store.axis,
      layout: this.layout,
      colours: this.colours,
      texts: this.texts,
      projection: this.projection(),
      ratio,
      live: this.app.isLive,
      fresh: this.app.fresh,
    };
  }

  private paintBase(ratio: number): void {
    const frame = this.frameFor(this.base, ratio);
    if (!frame) return;
    const { context } = frame;
    this.refreshOverview(frame, ratio);
    context.drawImage(this.overview, 0, 0, this.width, OVERVIEW_HEIGHT);
    paintGrid(frame);
    paintLines(frame);
    paintPhases(frame);
    paintLanes(frame);
    this.curve = paintTrack(frame);
    this.marks = paintMarks(frame);
    paintDrops(frame, this.marks);
    this.legend(frame);
  }

  private paintOver(ratio: number): void {
    const frame = this.frameFor(this.over, ratio);
    if (frame) paintOver(frame, this.curve);
  }

  /** It shows the whole session, whatever is looked at: drawn again only when the session changed. */
  private refreshOverview(frame: Frame, ratio: number): void {
    const { store, layout, app } = this;
    const { axis, index } = store;
    const { left, right } = layout;
    const scale = (right - left) / axis.length;
    // A live session grows by less than a pixel most of the time.
    const grown = app.isLive ? Math.floor(Math.log2(axis.length) * 400) : axis.length;
    const key = [this.themes, ratio, left, right, axis.order, index.version, grown].join();
    if (key === this.overviewKey) return;
    this.overviewKey = key;
    this.overview.width = Math.round(this.width * ratio);
    this.overview.height = Math.round(OVERVIEW_HEIGHT * ratio);
    const context = this.overview.getContext('2d');
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const whole = { ...frame.projection, from: 0, to: axis.length, scale };
    paintOverview({ ...frame, context }, whole);
  }

  private legend(frame: Frame): void {
    const { context, colours, layout } = frame;
    const x = layout.right + 9;
    if (layout.width - layout.right < 50) return;
    setFont(frame);
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    const entries = [
      ['read', 4],
      ['edit', 5],
      ['run', 6],
      ['model', 1],
    ] as const;
    const low = layout.lanesBottom - LANES_Y < 64;
    // Beside the phases there is nothing.
    let y = low ? 70 : 112;
    for (const [text, look] of entries) {
      if (y > layout.lanesBottom) break;
      context.fillStyle = colours.looks[look]!;
      context.beginPath();
      context.roundRect(x, y - 4, 7, 8, 1);
      context.fill();
      context.fillStyle = colours.muted;
      context.fillText(text, x + 12, y + 0.5);
      y += low ? 12 : 15;
    }
  }
}

const OVERVIEW_HEIGHT = 32;

/** What the labels beside the canvas depend on. */
const signature = ({ rows, left, right, lanesBottom, track, folded }: Layout): string =>
  `${left},${right},${lanesBottom},${track?.y ?? 0},${folded},${rows.length},${rows[0]?.y ?? 0},${rows.map((row) => `${row.y}:${row.lanes.length}`).join()}`;
