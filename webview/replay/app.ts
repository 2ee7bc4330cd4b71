import type { ReplayState } from '../../src/model/replay/replayState.ts';
import {
  type FromReplayPage,
  REPLAY_PROTOCOL,
  REPLAY_SPEEDS,
  type ReplayCommand,
  type ReplayHeader,
  type ReplaySpeed,
  type StepDetails,
  type ToReplayPage,
} from '../../src/protocol/replay.ts';
import { type Bridge, connect } from '../shared/bridge.ts';
import { Painter } from '../shared/paint.ts';
import { RowStore } from '../shared/rowStore.ts';
import { Words } from '../shared/words.ts';
import { HeldPaint } from './heldPaint.ts';
import { Player } from './player.ts';
import { Timebase } from './timebase.ts';
import { type KeptTimeline, TimelineStore } from './timeline/store.ts';

type Received<T extends ToReplayPage['type']> = Extract<ToReplayPage, { type: T }>;
type OpenWhat = Extract<FromReplayPage, { type: 'open' }>['what'];
export type Section = 'now' | 'files' | 'step';

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
  timeline: KeptTimeline;
}

/** A step is read in full once the playhead has rested on it this long, ms. */
const REST_MS = 100;
/** A question that was not answered is asked again after this long, ms. */
const PATIENCE_MS = 10_000;
/** Steps in full that are kept. */
const KEEP = 30;
/** Where the playhead has come to by itself is kept at most this often, ms. */
const SAVE_MS = 500;

/** What the page knows and what a person can do on it; it draws nothing. */
export class ReplayApp {
  readonly painter = new Painter();
  readonly rows = new RowStore();
  readonly time = new Timebase(this.rows, true);
  readonly player = new Player(this.time, () => this.rows.total);
  readonly words = new Words((request) => this.ask({ ...request, sessionId: this.sessionId }));
  readonly timeline = new TimelineStore(this, (message) => this.ask(message));

  sessionId = '';
  header: ReplayHeader | undefined;
  empty: Received<'empty'>['reason'] | undefined;
  progress: Received<'progress'> | undefined;
  /** When the current reading began, ms of `performance.now()`. */
  progressSinceMs = 0;
  error: Received<'error'> | undefined;
  /** The latest answer; its step may not be the one that is shown any more. */
  state: ReplayState | undefined;
  /** Scrolled by hand: the list does not follow the playhead. */
  away = false;
  /** How often the list came back to the playhead. */
  returns = 0;
  /** Text searched for; undefined: no search field. */
  search: string | undefined;
  found: number[] = [];
  searchDone = true;
  /** Sections of the inspector that are closed. */
  readonly closed = new Set<Section>();
  /** Steps whose long texts are shown whole. */
  readonly unfolded = new Set<string>();

  private readonly details = new Map<number, StepDetails | null>();
  /** Where to go as soon as it is there. */
  private wanted: number | 'live' | 'decide' | undefined = 'decide';
  private requests = 0;
  private stateAsked: { id: number; atMs: number } | undefined;
  private stateStale = true;
  private detailsAsked: { id: number; step: number; atMs: number } | undefined;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private saving: ReturnType<typeof setTimeout> | undefined;
  private searching: ReturnType<typeof setTimeout> | undefined;
  private searchRequest = 0;
  private frame: number | undefined;
  private readonly bridge: Bridge<ToReplayPage, FromReplayPage, KeptState>;
  private readonly kept: Partial<KeptState>;

  constructor() {
    this.bridge = connect<ToReplayPage, FromReplayPage, KeptState>();
    this.kept = this.bridge.load();
    for (const section of this.kept.closed ?? []) this.closed.add(section);
    this.timeline.restore(this.kept.timeline);
    this.bridge.listen((message) => this.receive(message));
    this.ask({ type: 'ready', version: REPLAY_PROTOCOL });
  }

  get step(): number {
    return this.player.step;
  }

  /** The session goes on. */
  get isLive(): boolean {
    return this.header !== undefined && this.header.endedAtMs === undefined;
  }

  /** The step in full; null: it cannot be read; undefined: not known yet. */
  get stepDetails(): StepDetails | null | undefined {
    return this.details.get(this.step);
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

  goTo(step: number): void {
    this.player.goTo(step);
    this.arrive();
  }

  goLive(): void {
    this.player.goLive();
    this.arrive();
  }

  /** As `goTo`, for a hand that moves faster than frames come: one paint a frame. */
  scrubTo(step: number): void {
    if (step === this.step) return;
    this.player.goTo(step);
    if (this.away) this.returns++;
    this.away = false;
    this.wanted = undefined;
    this.moved();
    this.save();
    this.timeline.painted();
    this.scrubPaint.soon();
  }

  /** The person moved the playhead: that is kept at once, for a tab that is hidden has no time left. */
  private arrive(): void {
    if (this.away) this.returns++;
    this.away = false;
    this.wanted = undefined;
    this.moved();
    this.save();
    this.painter.now();
  }

  togglePlay(): void {
    const { player } = this;
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

  setAway(away: boolean): void {
    if (away === this.away) return;
    this.away = away;
    if (!away) this.returns++;
    this.painter.now();
  }

  toggleSection(section: Section): void {
    if (!this.closed.delete(section)) this.closed.add(section);
    this.save();
    this.painter.now();
  }

  unfold(what: string): void {
    if (!this.unfolded.delete(what)) this.unfolded.add(what);
    this.painter.now();
  }

  /** @param text what to look for; undefined closes the field */
  setSearch(text: string | undefined): void {
    this.search = text;
    this.found = [];
    this.searchRequest++;
    this.searchDone = true;
    clearTimeout(this.searching);
    if (text) {
      this.searchDone = false;
      this.searching = setTimeout(() => {
        this.searchRequest = ++this.requests;
        this.ask({
          type: 'find',
          sessionId: this.sessionId,
          requestId: this.searchRequest,
          text,
          from: 0,
        });
      }, 150);
    }
    this.painter.now();
  }

  /** Goes to the next or the previous match, round the ends. */
  goToFound(by: 1 | -1): void {
    const { found, step } = this;
    if (found.length === 0) return;
    const next =
      by > 0
        ? (found.find((row) => row > step) ?? found[0])
        : (found.findLast((row) => row < step) ?? found.at(-1));
    this.goTo(next!);
  }

  open(what: OpenWhat, step = this.step): void {
    this.ask({ type: 'open', sessionId: this.sessionId, step, what });
  }

  /** Its diff where it changed a file, else what it is about. */
  openStep(step = this.step): void {
    this.open(this.rows.kind(step) === 'modify' && !this.isFailed(step) ? 'diff' : 'file', step);
  }

  openFile(path: string): void {
    this.ask({ type: 'openFile', sessionId: this.sessionId, path });
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
    this.askState();
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.askDetails(), REST_MS);
    this.saving ??= setTimeout(() => this.save(), SAVE_MS);
  }

  /** One question at a time: while it is under way the playhead may move on. */
  private askState(): void {
    if (this.rows.total === 0) return;
    const nowMs = performance.now();
    if (this.stateAsked && nowMs - this.stateAsked.atMs < PATIENCE_MS) return;
    if (!this.stateStale && this.state?.step === this.step) return;
    this.stateStale = false;
    const id = ++this.requests;
    this.stateAsked = { id, atMs: nowMs };
    this.ask({ type: 'state', sessionId: this.sessionId, requestId: id, step: this.step });
  }

  private askDetails(): void {
    const { step } = this;
    if (this.rows.total === 0 || this.details.has(step)) return;
    const nowMs = performance.now();
    const asked = this.detailsAsked;
    if (asked?.step === step && nowMs - asked.atMs < PATIENCE_MS) return;
    const id = ++this.requests;
    this.detailsAsked = { id, step, atMs: nowMs };
    this.ask({ type: 'details', sessionId: this.sessionId, requestId: id, step });
  }

  private ask(message: FromReplayPage): void {
    this.bridge.post(message);
  }

  private save(): void {
    clearTimeout(this.saving);
    this.saving = undefined;
    if (this.sessionId === '') return;
    // Not there yet: where the person was is still to be kept.
    const { wanted } = this;
    const step = typeof wanted === 'number' ? wanted : this.step;
    this.bridge.save({
      sessionKey: this.sessionId,
      ...(wanted === 'decide' ? {} : { step }),
      live: wanted === undefined ? this.player.live : wanted === 'live',
      speed: this.player.speed,
      skipIdle: this.time.skipIdle,
      closed: [...this.closed],
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
        if (message.requestId !== this.searchRequest) return;
        for (const row of message.rows) this.found.push(row);
        this.searchDone = message.done;
        break;
      case 'state':
        this.receiveState(message);
        return;
      case 'details':
        this.receiveDetails(message);
        return;
      case 'outline':
      case 'range':
        this.timeline.receive(message);
        break;
      case 'goTo':
        this.wanted = message.step;
        this.arriveWhereWanted();
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

  private start({ sessionId, speed, skipIdle, step }: Received<'start'>): void {
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
    this.painter.now();
  }

  private arriveWhereWanted(): void {
    const { wanted, rows, header } = this;
    if (wanted === undefined || rows.total === 0 || !header) return;
    if (wanted === 'live') this.goLive();
    // A session that goes on is looked at where it is; one that is over from its start.
    else if (wanted === 'decide') {
      if (this.isLive) this.goLive();
      else this.goTo(0);
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
      this.details.clear();
      this.time.changed(0);
    } else {
      this.words.invalidate(change.from, change.to);
      for (const step of this.details.keys()) {
        if (step >= change.from && step < change.to) this.details.delete(step);
      }
      this.time.changed(change.from);
    }
    const { step } = this;
    this.player.changed();
    if (this.rows.total === 0) return;
    // What came may belong to this step, or to one before it.
    if (change.from <= this.step) {
      this.stateStale = true;
      this.moved();
    } else if (step !== this.step) this.moved();
    this.arriveWhereWanted();
  }

  private receiveState({ requestId, state }: Received<'state'>): void {
    if (requestId !== this.stateAsked?.id) return;
    this.stateAsked = undefined;
    if (state) this.state = state;
    else this.stateStale = true;
    this.paintSoon();
    if (state?.step !== this.step || this.stateStale) {
      if (state) this.askState();
      else setTimeout(() => this.askState(), 250);
    }
  }

  private receiveDetails({ requestId, details }: Received<'details'>): void {
    const asked = this.detailsAsked;
    if (requestId !== asked?.id) return;
    this.detailsAsked = undefined;
    this.details.set(asked.step, details ?? null);
    for (const step of this.details.keys()) {
      if (this.details.size <= KEEP) break;
      this.details.delete(step);
    }
    this.paintSoon();
  }

  private readonly scrubPaint = new HeldPaint(() => this.painter.now());
  private soonPaint: number | undefined;

  /** What the person waits for is painted with the next frame; several answers are one paint. */
  private paintSoon(): void {
    if (this.scrubPaint.holds) {
      this.scrubPaint.soon();
      return;
    }
    this.soonPaint ??= requestAnimationFrame(() => {
      this.soonPaint = undefined;
      this.painter.now();
    });
  }
}

const isSpeed = (value: unknown): value is ReplaySpeed =>
  REPLAY_SPEEDS.some((speed) => speed === value);
