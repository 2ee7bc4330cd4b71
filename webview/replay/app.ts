import {
  type AnnotationView,
  type CopyWhat,
  type FromReplayPage,
  type Outline,
  REPLAY_PROTOCOL,
  REPLAY_SPEEDS,
  type ReplayCommand,
  type ReplayHeader,
  type ReplaySpeed,
  type ToReplayPage,
} from '../../src/protocol/replay.ts';
import { type Bridge, connect } from '../shared/bridge.ts';
import { inFreeFrame } from '../shared/freeFrame.ts';
import { Painter } from '../shared/paint.ts';
import { RowStore } from '../shared/rowStore.ts';
import { Words } from '../shared/words.ts';
import { AsOf } from './asOf.ts';
import type { Filter } from './filter.ts';
import { HeldPaint } from './heldPaint.ts';
import { Listing } from './listing.ts';
import { Look, type Section } from './look.ts';
import { Notes } from './notes.ts';
import { Player } from './player.ts';
import { Search } from './search.ts';
import { Timebase } from './timebase.ts';
import { type KeptTimeline, TimelineStore } from './timeline/store.ts';
import { Why } from './why.ts';
import type { Received, Wire } from './wire.ts';

type OpenWhat = Extract<FromReplayPage, { type: 'open' }>['what'];

/** What outlives the page: what the person chose, no trace data. */
interface KeptState {
  /** For the host, which fills the tab again after a reload. */
  sessionKey: string;
  /** Absent: nothing is chosen yet. */
  step?: number;
  live: boolean;
  speed: ReplaySpeed;
  skipIdle: boolean;
  closed: Section[];
  inspectorPx?: number;
  timeline: KeptTimeline;
}

/** Where the playhead has come to by itself is kept at most this often, ms. */
const SAVE_MS = 500;

/** What the page knows and what a person can do on it; it draws nothing. */
export class ReplayApp implements Wire {
  readonly painter = new Painter();
  readonly rows = new RowStore();
  readonly time = new Timebase(this.rows, true);
  readonly player = new Player(this.time, () => this.rows.total);
  readonly words = new Words((request) => this.ask({ ...request, sessionId: this.sessionId }));
  readonly asOf = new AsOf(this);
  readonly why = new Why(this);
  readonly search = new Search(this);
  readonly notes = new Notes(this);
  readonly look = new Look(this, () => this.save());
  /** What the list shows. */
  readonly listing = new Listing(this.rows, (step) => this.notes.has(step));
  readonly timeline = new TimelineStore(this, (message) => this.ask(message));

  sessionId = '';
  header: ReplayHeader | undefined;
  empty: Received<'empty'>['reason'] | undefined;
  progress: Received<'progress'> | undefined;
  /** When the current reading began, ms of `performance.now()`. */
  progressSinceMs = 0;
  error: Received<'error'> | undefined;
  /** Scrolled by hand: the list does not follow the playhead. */
  away = false;
  /** How often the list came back to the playhead. */
  returns = 0;
  private wanted: number | 'live' | 'decide' | undefined = 'decide';
  private requests = 0;
  private saving: ReturnType<typeof setTimeout> | undefined;
  private frame: number | undefined;
  private readonly bridge: Bridge<ToReplayPage, FromReplayPage, KeptState>;
  private readonly kept: Partial<KeptState>;

  constructor() {
    this.bridge = connect<ToReplayPage, FromReplayPage, KeptState>();
    this.kept = this.bridge.load();
    for (const section of this.kept.closed ?? []) this.look.closed.add(section);
    if (typeof this.kept.inspectorPx === 'number') this.look.inspectorPx = this.kept.inspectorPx;
    this.timeline.restore(this.kept.timeline);
    this.bridge.listen((message) => this.receive(message));
    this.ask({ type: 'ready', version: REPLAY_PROTOCOL });
  }

  /** Phases and lanes, once the host has told them. */
  get outline(): Outline | undefined {
    return this.timeline.outline;
  }

  get step(): number {
    return this.player.step;
  }

  get total(): number {
    return this.rows.total;
  }

  /** The session goes on. */
  get isLive(): boolean {
    return this.header !== undefined && this.header.endedAtMs === undefined;
  }

  /** How far the playhead is, ms after the session's start. */
  get clockMs(): number {
    const { player, rows, header } = this;
    if (rows.total === 0) return 0;
    const at = player.playing ? this.time.clockAt(player.positionMs) : rows.timeMs(this.step);
    return Math.max(0, at - (header?.startedAtMs ?? rows.timeMs(0)));
  }

  /** ms after the session's start. */
  offsetOf(step: number): number {
    return this.rows.timeMs(step) - (this.header?.startedAtMs ?? this.rows.timeMs(0));
  }

  /**
   * The person has not gone anywhere yet: the session lies before them as a whole, and nothing of it is later than
   * where they are.
   */
  fresh = false;

  goTo(step: number): void {
    this.player.goTo(step);
    this.arrive();
  }

  goLive(): void {
    this.player.goLive();
    this.arrive();
  }

  /** To the next or previous step that the list shows. */
  walk(by: 1 | -1): void {
    const at = this.listing.next(this.step, by);
    if (at >= 0) this.goTo(at);
  }

  /** As `goTo`, for a hand that moves faster than frames come: one paint a frame. */
  scrubTo(step: number): void {
    if (step === this.step) return;
    this.player.goTo(step);
    if (this.away) this.returns++;
    this.away = false;
    this.fresh = false;
    this.wanted = undefined;
    this.moved();
    this.save();
    this.timeline.painted();
    this.scrubPaint.soon();
  }

  /** The person moved the playhead: that is kept at once, for a tab that is hidden has no time left. */
  private arrive(fresh = false): void {
    if (this.away) this.returns++;
    this.away = false;
    this.fresh = fresh;
    this.wanted = undefined;
    this.moved();
    this.save();
    this.painter.now();
  }

  togglePlay(): void {
    const { player } = this;
    this.fresh = false;
    if (player.playing) player.pause();
    else {
      // From the end it begins anew.
      if (this.step >= this.rows.total - 1 && !this.isLive) player.goTo(0);
      player.play();
      if (this.away) this.returns++;
      this.away = false;
      this.run();
    }
    this.moved();
    this.save();
    this.painter.now();
  }

  setSpeed(speed: ReplaySpeed): void {
    this.player.speed = speed;
    this.save();
    this.painter.now();
  }

  setSkipIdle(skip: boolean): void {
    const { step } = this;
    const { live } = this.player;
    this.time.skipIdle = skip;
    this.player.goTo(step);
    this.player.live = live;
    this.save();
    this.painter.now();
  }

  /**
   * The nearest step before or after the playhead that passes.
   *
   * @returns -1: there is none
   */
  seek(by: 1 | -1, passes: (step: number) => boolean): number {
    for (let at = this.step + by; at >= 0 && at < this.rows.total; at += by) {
      if (passes(at)) return at;
    }
    return -1;
  }

  /** Goes to the next of its kind; round to the first one after the last. */
  seekRound(flag: 'error' | 'denied'): void {
    const { rows } = this;
    const passes = (step: number) => rows.has(step, flag);
    let at = this.seek(1, passes);
    for (let first = 0; at < 0 && first <= this.step; first++) if (passes(first)) at = first;
    if (at >= 0) this.goTo(at);
  }

  isFailed(step: number): boolean {
    return this.rows.has(step, 'error') || this.rows.has(step, 'denied');
  }

  /** Changes what the list shows. */
  refilter(change: (filter: Filter) => void): void {
    change(this.listing.filter);
    this.listing.refilter();
    if (this.away) this.returns++;
    this.away = false;
    this.painter.now();
  }

  toggleFilter(): void {
    const { look } = this;
    look.filterOpen = !(look.filterOpen || this.listing.filter.active);
    if (look.filterOpen) this.painter.now();
    else this.refilter((filter) => filter.clear());
  }

  /** Begins a note on the playhead's step, or goes on with one. */
  editNote(known?: AnnotationView): void {
    if (this.rows.total === 0) return;
    if (known && known.step >= 0) this.goTo(known.step);
    this.look.tab = 'steps';
    this.notes.edit(known);
  }

  setAway(away: boolean): void {
    if (away === this.away) return;
    this.away = away;
    if (!away) this.returns++;
    this.painter.now();
  }

  /** Goes to the next or the previous match, round the ends. */
  goToFound(by: 1 | -1): void {
    const next = this.search.next(by);
    if (next !== undefined) this.goTo(next);
  }

  open(what: OpenWhat, step = this.step): void {
    this.ask({ type: 'open', sessionId: this.sessionId, step, what });
  }

  /** Its diff where it changed a file, else what it is about. */
  openStep(step = this.step): void {
    this.open(this.rows.kind(step) === 'modify' && !this.isFailed(step) ? 'diff' : 'file', step);
  }

  /** @param asOf as it was after this step; absent: as it is now */
  openFile(path: string, asOf?: number): void {
    const { sessionId } = this;
    this.ask({ type: 'openFile', sessionId, path, ...(asOf === undefined ? {} : { asOf }) });
  }

  /** What steps `from … to` changed in all. */
  openChanges(from: number, to: number): void {
    this.ask({ type: 'openChanges', sessionId: this.sessionId, from, to });
  }

  /** Steps `from … to` to the clipboard. */
  copy(what: CopyWhat, from = this.step, to = from): void {
    this.ask({ type: 'copy', sessionId: this.sessionId, what, from, to });
  }

  /** @param title empty: that of the first prompt */
  rename(title: string): void {
    this.ask({ type: 'rename', sessionId: this.sessionId, title });
  }

  command(command: ReplayCommand): void {
    this.ask({ type: 'command', command });
  }

  /** What the person chose is kept, soon. */
  keep(): void {
    this.saving ??= setTimeout(() => this.save(), SAVE_MS);
  }

  dismissError(): void {
    this.error = undefined;
    this.painter.now();
  }

  /** Frames, while it plays. */
  private run(): void {
    this.frame ??= requestAnimationFrame((nowMs) => {
      this.frame = undefined;
      const moved = this.player.tick(nowMs, this.isLive);
      if (moved) {
        this.moved();
        this.painter.now();
      } else if (!this.player.playing) this.painter.now();
      else this.painter.soon();
      if (this.player.playing) this.run();
    });
  }

  /** The playhead is at another step, or knows less of it than before. */
  private moved(): void {
    this.asOf.moved();
    this.why.moved();
    this.saving ??= setTimeout(() => this.save(), SAVE_MS);
  }

  newRequest(): number {
    return ++this.requests;
  }

  paintNow(): void {
    this.painter.now();
  }

  ask(message: FromReplayPage): void {
    this.bridge.post(message);
  }

  private save(): void {
    clearTimeout(this.saving);
    this.saving = undefined;
    if (this.sessionId === '') return;
    // Not there yet: where the person was is still to be kept.
    const { wanted, look } = this;
    const step = typeof wanted === 'number' ? wanted : this.step;
    this.bridge.save({
      sessionKey: this.sessionId,
      ...(wanted === 'decide' ? {} : { step }),
      live: wanted === undefined ? this.player.live : wanted === 'live',
      speed: this.player.speed,
      skipIdle: this.time.skipIdle,
      closed: [...look.closed],
      ...(look.inspectorPx === undefined ? {} : { inspectorPx: look.inspectorPx }),
      timeline: this.timeline.kept(),
    });
  }

  private receive(message: ToReplayPage): void {
    if (message.type === 'start') {
      this.start(message);
      return;
    }
    if ('sessionId' in message && message.sessionId !== this.sessionId) return;
    switch (message.type) {
      case 'empty':
        this.empty = message.reason;
        break;
      case 'header':
        if (message.header.sessionId !== this.sessionId) return;
        this.header = message.header;
        this.timeline.headerCame();
        this.empty = undefined;
        this.arriveWhereWanted();
        break;
      case 'columns':
        this.receiveColumns(message);
        break;
      case 'rows':
        this.words.receive(message.requestId, message.from, message.rows);
        break;
      case 'found':
        if (!this.search.receive(message)) return;
        break;
      case 'state':
        this.asOf.receiveState(message);
        return;
      case 'details':
        this.asOf.receiveDetails(message);
        return;
      case 'why':
        this.why.receive(message);
        return;
      case 'annotations':
        this.notes.receive(message);
        if (this.listing.filter.noted) this.listing.refilter();
        this.paintSoon();
        return;
      case 'copied':
        this.look.say(message.what === 'link' ? 'Link copied' : 'Copied as Markdown');
        return;
      case 'outline':
      case 'range':
        this.timeline.receive(message);
        if (message.type === 'outline') this.listing.setPhases(message.outline.phases);
        break;
      case 'goTo':
        this.wanted = message.step;
        this.arriveWhereWanted();
        if (message.section) this.look.showSection(message.section);
        break;
      case 'progress':
        if (!this.progress) this.progressSinceMs = performance.now();
        this.progress = message.readBytes < message.totalBytes ? message : undefined;
        this.arriveWhereWanted();
        break;
      case 'error':
        this.error = message;
        break;
    }
    if (message.type === 'rows' || message.type === 'found') this.paintSoon();
    else this.painter.soon();
  }

  private start({ sessionId, speed, skipIdle, step, section }: Received<'start'>): void {
    const same = this.kept.sessionKey === sessionId;
    if (this.sessionId !== sessionId) this.timeline.reset();
    this.sessionId = sessionId;
    this.player.speed = same && isSpeed(this.kept.speed) ? this.kept.speed : speed;
    this.time.skipIdle = same ? (this.kept.skipIdle ?? skipIdle) : skipIdle;
    if (step !== undefined) this.wanted = step;
    else if (same && this.kept.live) this.wanted = 'live';
    else if (same && typeof this.kept.step === 'number') this.wanted = this.kept.step;
    else this.wanted = 'decide';
    this.save();
    if (section) this.look.showSection(section);
    this.painter.now();
  }

  private arriveWhereWanted(): void {
    const { wanted, rows, header } = this;
    if (wanted === undefined || rows.total === 0 || !header) return;
    if (wanted === 'live') this.goLive();
    // A session that goes on is looked at where it is; one that is over from its start.
    else if (wanted === 'decide') {
      if (this.isLive) this.goLive();
      else {
        this.player.goTo(0);
        this.arrive(true);
      }
    } else if (wanted < rows.total || !this.progress) this.goTo(wanted);
  }

  private receiveColumns({ columns }: Received<'columns'>): void {
    const { live, step: before } = this.player;
    const change = this.rows.apply(columns);
    this.timeline.rowsChanged(change);
    if (change.rebuilt) {
      // The same session, read anew: the person stays where they are.
      this.wanted ??= live ? 'live' : before;
      this.words.clear();
      this.asOf.clear();
      this.time.changed(0);
      this.listing.changed(0);
    } else {
      this.words.invalidate(change.from, change.to);
      this.asOf.changed(change.from, change.to);
      this.time.changed(change.from);
      this.listing.changed(change.from);
    }
    const { step } = this;
    this.player.changed();
    if (this.rows.total === 0) return;
    // What came may belong to this step, or to one before it.
    if (change.from <= this.step) {
      this.asOf.outdate();
      this.why.outdate();
      this.moved();
    } else if (step !== this.step) this.moved();
    this.arriveWhereWanted();
  }

  private readonly scrubPaint = new HeldPaint(() => this.painter.now());
  private paintsSoon = false;

  /** What the person waits for is painted with the next frame; several answers are one paint. */
  paintSoon(): void {
    if (this.scrubPaint.holds) {
      this.scrubPaint.soon();
      return;
    }
    if (this.paintsSoon) return;
    this.paintsSoon = true;
    inFreeFrame(() => {
      this.paintsSoon = false;
      this.painter.now();
    });
  }
}

const isSpeed = (value: unknown): value is ReplaySpeed =>
  REPLAY_SPEEDS.some((speed) => speed === value);
