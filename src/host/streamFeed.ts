import {
  type ControlInfo,
  type FromStreamPage,
  STREAM_PROTOCOL,
  type StreamCommand,
  type ToStreamPage,
} from '../protocol/stream.ts';
import { OTHER_VERSION, readingOf } from './feeds.ts';
import type { LiveSession } from './liveSession.ts';
import type { LiveChange, LiveSessions } from './liveSessions.ts';
import { Pace } from './pace.ts';
import { RowSender } from './rowSender.ts';
import { sessionProblem } from './sessionProblem.ts';
import { urgency } from './statusText.ts';
import { StepSearch } from './stepSearch.ts';
import { sessionTab, streamHeader } from './streamHeader.ts';

/** What a feed asks of whatever shows the page. */
export interface FeedHost {
  post(message: ToStreamPage): void;
  /** @param row step to show in the replay */
  open(session: LiveSession, row: number): void;
  /** @param row step whose file, or else whose event, is opened */
  openFile(session: LiveSession, row: number): void;
  /** @param session whose agent is meant, where the command is about one */
  command(command: StreamCommand, session?: LiveSession): void;
  /** The person chose this session. */
  selected(session: LiveSession): void;
  /** Whether its agent can be paused and stopped. */
  controlOf(session: LiveSession): ControlInfo;
  /** Of one session, nano-dollars; undefined: none is set. */
  budgetNanoUsd(): number | undefined;
  /** Why there is nothing to show. */
  emptyReason(): Extract<ToStreamPage, { type: 'empty' }>['reason'];
}

/** All that a page may ask the host to do. */
const COMMANDS: ReadonlySet<string> = new Set<StreamCommand>([
  'setUp',
  'showLog',
  'openFolder',
  'manageTrust',
  'pause',
  'resume',
  'stop',
]);

/** Those that are about the agent of one session. */
const CONTROLS: ReadonlySet<string> = new Set<StreamCommand>(['pause', 'resume', 'stop']);

/** Rows whose words a page may ask for at once. */
const MAX_WORDS = 2000;
/** By the clock alone (a rate that fades, a silence that ends a session) the numbers change too, ms. */
const REFRESH_MS = 5000;

/**
 * The host's side of one event stream page: sends full snapshots of what is small, columns of what
 * is big, and answers questions by row. Knows nothing of VS Code.
 */
export class StreamFeed {
  private readonly live: LiveSessions;
  private readonly host: FeedHost;
  private readonly numbers: Pace;
  private readonly rows: Pace;
  private readonly stopListening: () => void;
  private readonly refresh: ReturnType<typeof setInterval>;
  private ready = false;
  private disposed = false;
  private shown: LiveSession | undefined;
  /** The person chose it; else the most urgent session is shown. */
  private chosen = false;
  /** What the person chose, while it is not shown: the page is hidden, or sessions are yet to come. */
  private kept: string | undefined;
  private restoring = false;
  private sender: RowSender | undefined;
  private release: (() => void) | undefined;
  private sentSessions = '';
  private sentHeader = '';
  private sentProblem = '';
  private readonly search = new StepSearch();

  constructor(live: LiveSessions, host: FeedHost) {
    this.live = live;
    this.host = host;
    this.numbers = new Pace(() => this.sendNumbers(), 4);
    this.rows = new Pace(() => this.sender?.send(), 8);
    this.stopListening = live.onChange((change) => this.onChange(change));
    this.refresh = setInterval(() => this.numbers.ask(), REFRESH_MS);
    this.refresh.unref?.();
  }

  /** The session that the page shows. */
  get session(): LiveSession | undefined {
    return this.shown;
  }

  /** A message of the page. Pages render hostile text: nothing of it is believed. */
  receive(value: unknown): void {
    if (typeof value !== 'object' || value === null || this.disposed) return;
    const message = value as FromStreamPage;
    if (message.type === 'ready') {
      this.start(message.version);
      return;
    }
    if (!this.ready) return;
    switch (message.type) {
      case 'select':
        this.select(message.sessionId);
        if (this.isShown(message.sessionId)) this.host.selected(this.shown!);
        break;
      case 'rows':
        this.answerRows(message);
        break;
      case 'find':
        this.find(message);
        break;
      case 'open':
        if (this.isShown(message.sessionId) && isRow(message.row)) {
          this.host.open(this.shown!, message.row);
        }
        break;
      case 'openFile':
        if (this.isShown(message.sessionId) && isRow(message.row)) {
          this.host.openFile(this.shown!, message.row);
        }
        break;
      case 'command':
        this.command(message);
        break;
      default:
    }
  }

  private command({ command, sessionId }: Extract<FromStreamPage, { type: 'command' }>): void {
    if (!COMMANDS.has(command)) return;
    if (!CONTROLS.has(command)) this.host.command(command);
    // The page says whose agent it means: the one that is shown may have changed meanwhile.
    else if (this.isShown(sessionId) && this.host.controlOf(this.shown!).kind !== 'none') {
      this.host.command(command, this.shown!);
    }
  }

  /** What is said of sessions beside their events changed: the budget, how agents are controlled. */
  refreshNumbers(): void {
    this.numbers.ask();
  }

  /** Shows a session, as if the person had chosen it. */
  select(key: unknown): void {
    if (typeof key !== 'string') return;
    // Held on the way: an old session is opened so.
    const release = this.live.hold(key);
    const session = this.live.get(key);
    if (session) {
      this.chosen = true;
      this.kept = undefined;
      // The page shows it already; all it knows of it is gone.
      this.show(session);
      this.sendNumbers();
    }
    release();
  }

  /** Key of the session that the person chose, also while the page is hidden. */
  get selected(): string | undefined {
    return this.chosen && this.shown ? this.shown.key : this.kept;
  }

  /** As if the person had chosen it, once the page is ready and the session there. */
  choose(key: string): void {
    this.kept = key;
  }

  /**
   * The page went away, or nobody sees it: nothing is sent until it says `ready` again. Then the
   * session that the person chose is shown again.
   */
  pause(): void {
    this.kept = this.selected;
    this.ready = false;
    this.search.stop();
    this.hide();
    this.chosen = false;
  }

  private start(version: unknown): void {
    if (version !== STREAM_PROTOCOL) {
      this.host.post(OTHER_VERSION);
      return;
    }
    this.ready = true;
    this.sentSessions = '';
    const before = this.shown;
    // Held on the way: an old session that nobody looks at is closed.
    if (before) this.show(before);
    this.sendNumbers();
  }

  private onChange(change: LiveChange): void {
    if (!this.ready) return;
    if (change.type === 'session' && change.urgent) this.numbers.askNow();
    else this.numbers.ask();
    if (change.type === 'session' && change.session === this.shown) this.rows.ask();
  }

  private isShown(sessionId: unknown): boolean {
    return this.shown !== undefined && this.shown.key === sessionId;
  }

  private show(session: LiveSession): void {
    const release = this.live.hold(session.key);
    this.hide();
    this.shown = session;
    this.release = release;
    this.sender = new RowSender(
      session,
      (columns) => this.host.post({ type: 'columns', sessionId: session.key, columns }),
      () => this.rows.ask(),
    );
    this.sentHeader = '';
    this.sentProblem = '';
  }

  private hide(): void {
    this.search.stop();
    this.sender?.dispose();
    this.sender = undefined;
    this.release?.();
    this.release = undefined;
    this.shown = undefined;
  }

  private sendNumbers(): void {
    if (!this.ready || this.restoring) return;
    this.restore();
    const nowMs = Date.now();
    const found = this.live.sessions
      .map((session) => ({ session, summary: session.summary(nowMs) }))
      .filter(({ session, summary }) => summary.events > 0 || session === this.shown);
    found.sort((a, b) => urgency(b.summary.status) - urgency(a.summary.status));
    const first = found[0]?.session;
    if (!first) {
      this.chosen = false;
      this.hide();
      this.sendOnce({ type: 'empty', reason: this.host.emptyReason() });
      return;
    }
    if (!this.shown || (!this.chosen && this.shown !== first && this.isOver(nowMs))) {
      this.show(first);
    }
    const shown = this.shown ?? first;
    this.sendOnce({
      type: 'sessions',
      version: STREAM_PROTOCOL,
      sessions: found.map(({ session, summary }) => sessionTab(session, summary)),
      selected: shown.key,
      ...(this.chosen ? { chosen: true } : {}),
    });
    this.sendHeader(shown, nowMs);
    if (this.sender?.rebuilt) this.sender.send();
  }

  private restore(): void {
    // Before the first session nothing can be told of any.
    if (this.kept === undefined || this.live.sessions.length === 0) return;
    const key = this.kept;
    this.kept = undefined;
    // An old session that nobody looked at was closed meanwhile: holding it opens it.
    this.restoring = true;
    const release = this.live.hold(key);
    const session = this.live.get(key);
    if (session) {
      this.chosen = true;
      this.show(session);
    }
    release();
    this.restoring = false;
  }

  private isOver(nowMs: number): boolean {
    return this.shown?.summary(nowMs).endedAtMs !== undefined;
  }

  private sendOnce(message: ToStreamPage): void {
    const text = JSON.stringify(message);
    if (text === this.sentSessions) return;
    this.sentSessions = text;
    this.host.post(message);
  }

  private sendHeader(session: LiveSession, nowMs: number): void {
    if (session.loading) {
      this.host.post({
        type: 'progress',
        sessionId: session.key,
        ...readingOf([session], false),
      });
    }
    const header = streamHeader(session, session.summary(nowMs), nowMs, {
      control: this.host.controlOf(session),
      budgetNanoUsd: this.host.budgetNanoUsd(),
    });
    const text = JSON.stringify({ ...header, nowMs: 0 });
    if (text !== this.sentHeader) {
      this.sentHeader = text;
      this.host.post({ type: 'header', header });
    }
    this.sendProblem(session);
  }

  private sendProblem(session: LiveSession): void {
    const { message, detail } = sessionProblem(session);
    if (message === this.sentProblem) return;
    this.sentProblem = message;
    if (message === '') return;
    this.host.post({
      type: 'error',
      message,
      ...(detail === undefined
        ? {}
        : { detail, action: { command: 'showLog', title: 'Show log' } }),
    });
  }

  private answerRows(message: Extract<FromStreamPage, { type: 'rows' }>): void {
    const { sessionId, requestId, from, to } = message;
    if (!this.isShown(sessionId) || !isRow(from) || !isRow(to) || !isRow(requestId)) return;
    this.host.post({
      type: 'rows',
      sessionId,
      requestId,
      from,
      rows: this.shown!.trace.describe(from, Math.min(to, from + MAX_WORDS)),
    });
  }

  private find(message: Extract<FromStreamPage, { type: 'find' }>): void {
    const { sessionId, requestId, text, from } = message;
    const session = this.shown;
    if (!session || !this.isShown(sessionId) || !isRow(requestId) || typeof text !== 'string') {
      this.search.stop();
      return;
    }
    this.search.find(session, text, isRow(from) ? from : 0, (rows, done) => {
      this.host.post({ type: 'found', sessionId, requestId, rows, done });
    });
  }

  dispose(): void {
    this.disposed = true;
    this.ready = false;
    this.search.stop();
    this.stopListening();
    clearInterval(this.refresh);
    this.numbers.dispose();
    this.rows.dispose();
    this.hide();
  }
}

const isRow = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
