import { ReplayIndex } from '../model/replay/replayIndex.ts';
import {
  type FromReplayPage,
  REPLAY_PROTOCOL,
  type ReplayCommand,
  type ReplaySection,
  type ReplaySpeed,
  type ToReplayPage,
} from '../protocol/replay.ts';
import { OTHER_VERSION, Patience, readingOf } from './feeds.ts';
import type { LiveSession, RowCursor } from './liveSession.ts';
import type { LiveChange, LiveSessions } from './liveSessions.ts';
import { Pace } from './pace.ts';
import { type ActsHost, actFor, isCommand, isNumber, wordsFor } from './replayActs.ts';
import type { AnswersHost, ReplayAnswers, ReplayQuestion } from './replayAnswers.ts';
import { replayHeader } from './replayHeader.ts';
import { RowSender } from './rowSender.ts';
import { sessionProblem } from './sessionProblem.ts';
import { StepSearch } from './stepSearch.ts';

/** What a feed asks of whatever shows the page. */
export interface ReplayHost extends AnswersHost, ActsHost {
  /** What takes analyses: loaded when it is first asked for. */
  loadAnswers(session: LiveSession): Promise<ReplayAnswers>;
  command(command: ReplayCommand): void;
  /** How a replay starts. */
  settings(): { speed: ReplaySpeed; skipIdle: boolean };
  /** The page is about this session now, or what it says of itself changed. */
  named(title: string): void;
}

/** Questions that wait until their answers are loaded. */
const MAX_WAITING = 50;
/** Files that a state names. */
const MAX_FILES = 200;
/** Work on the index in one go, ms. */
const SLICE_MS = 4;
/** By the clock alone the numbers change too, ms. */
const REFRESH_MS = 5000;

/**
 * The host's side of one replay page: the session's numbers and rows, and what it was as of a step. Knows
 * nothing of VS Code.
 */
export class ReplayFeed {
  readonly key: string;
  private readonly live: LiveSessions;
  private readonly host: ReplayHost;
  private readonly numbers: Pace;
  private readonly rows: Pace;
  private readonly search = new StepSearch();
  private readonly release: () => void;
  private readonly stopListening: () => void;
  private readonly clock: ReturnType<typeof setInterval>;
  private readonly patience: Patience;
  private ready = false;
  private disposed = false;
  private sender: RowSender | undefined;
  private shown: LiveSession | undefined;
  private index: ReplayIndex | undefined;
  private indexed: RowCursor | undefined;
  private working = false;
  private answers: ReplayAnswers | undefined;
  private unanswered: ReplayQuestion[] = [];
  /** The latest question that waits for the index. */
  private asked: { requestId: number; step: number } | undefined;
  private wanted: { step?: number; section?: ReplaySection };
  private sentHeader = '';
  private sentProblem = '';
  private sentEmpty = '';
  private toldLoading = false;

  /**
   * @param step to open at; undefined: where the page was, or the start
   * @param section what to show of it
   */
  constructor(
    live: LiveSessions,
    key: string,
    host: ReplayHost,
    step?: number,
    section?: ReplaySection,
  ) {
    this.live = live;
    this.key = key;
    this.host = host;
    this.wanted = wanted(step, section);
    this.numbers = new Pace(() => this.sendNumbers(), 4);
    this.rows = new Pace(() => this.sendRows(), 8);
    this.stopListening = live.onChange((change) => this.onChange(change));
    // However old the session is, it stays open with the page.
    this.release = live.hold(key);
    this.clock = setInterval(() => this.refresh(), REFRESH_MS);
    this.clock.unref?.();
    this.patience = new Patience(() => this.sendNumbers());
  }

  /** A message of the page. Pages render hostile text: nothing of it is believed. */
  receive(value: unknown): void {
    if (typeof value !== 'object' || value === null || this.disposed) return;
    const message = value as FromReplayPage;
    if (message.type === 'ready') {
      this.start(message.version);
      return;
    }
    if (!this.ready) return;
    if (message.type === 'command') {
      if (isCommand(message.command)) this.host.command(message.command);
      return;
    }
    const { shown } = this;
    if (!shown || message.sessionId !== this.key) return;
    switch (message.type) {
      case 'rows':
      case 'details': {
        const words = wordsFor(shown, message);
        if (words) this.host.post(words);
        break;
      }
      case 'find':
        this.find(shown, message);
        break;
      case 'state':
        if (!isNumber(message.requestId) || !isNumber(message.step)) return;
        this.asked = { requestId: message.requestId, step: message.step };
        this.work();
        break;
      case 'open':
      case 'openFile':
      case 'openChanges':
      case 'rename':
        actFor(this.host, shown, message);
        break;
      case 'why':
      case 'range':
      case 'copy':
      case 'annotate':
      case 'removeAnnotation':
        if (this.answers) this.answers.receive(message, this.index);
        else if (this.unanswered.length < MAX_WAITING) this.unanswered.push(message);
        break;
      default:
    }
  }

  /** Shows a step: at once, or as soon as there is a page. */
  goTo(step: number, section?: ReplaySection): void {
    this.wanted = wanted(step, section);
    if (!this.ready) return;
    this.host.post({ type: 'goTo', sessionId: this.key, step, ...wanted(undefined, section) });
    this.wanted = {};
  }

  /** What the session may cost, or what is said of it elsewhere, changed. */
  refresh(): void {
    this.answers?.ask();
    this.numbers.ask();
  }

  /** The page went away, or nobody sees it: nothing is sent until it says `ready` again. */
  pause(): void {
    this.ready = false;
    this.search.stop();
    this.asked = undefined;
    this.unanswered = [];
    this.answers?.pause();
    this.sender?.dispose();
    this.sender = undefined;
  }

  private start(version: unknown): void {
    if (version !== REPLAY_PROTOCOL) {
      this.host.post(OTHER_VERSION);
      return;
    }
    this.pause();
    this.ready = true;
    this.sentHeader = '';
    this.sentProblem = '';
    this.sentEmpty = '';
    const { wanted: at } = this;
    this.wanted = {};
    this.host.post({
      type: 'start',
      version: REPLAY_PROTOCOL,
      sessionId: this.key,
      ...this.host.settings(),
      ...at,
    });
    this.sendNumbers();
    if (this.shown) this.answers?.start();
  }

  private onChange(change: LiveChange): void {
    if (!this.ready) return;
    if (change.type === 'session' && change.session.key !== this.key) return;
    this.numbers.ask();
    this.rows.ask();
  }

  private sendNumbers(): void {
    if (!this.ready || this.disposed) return;
    const session = this.live.get(this.key);
    if (!session) {
      this.sendEmpty();
      return;
    }
    this.show(session);
    const nowMs = Date.now();
    this.sendProgress(session);
    const header = replayHeader(session, session.summary(nowMs), nowMs);
    const text = JSON.stringify({ ...header, nowMs: 0 });
    if (text !== this.sentHeader) {
      this.sentHeader = text;
      this.host.post({ type: 'header', header });
      this.host.named(header.title);
    }
    this.sendProblem(session);
  }

  private sendProgress(session: LiveSession): void {
    const { loading: reading } = session;
    if (!reading && !this.toldLoading) return;
    // The last rows first: a page that waits for one of them would take those before for all there are.
    if (!reading) this.sender?.send();
    const loading = reading || this.sender?.sending === true;
    if (loading && !reading) setImmediate(() => this.numbers.ask());
    this.toldLoading = loading;
    // Read to the end: the page takes its bar away.
    const read = readingOf([session], !loading);
    this.host.post({ type: 'progress', sessionId: this.key, ...read });
  }

  private sendEmpty(): void {
    const others = this.live.all;
    const isListed = others.some(({ key }) => key === this.key);
    const gone = this.patience.ended || (others.length > 0 && !isListed);
    const reason = gone && !isListed ? 'gone' : 'loading';
    if (reason === this.sentEmpty) return;
    this.sentEmpty = reason;
    this.host.post({ type: 'empty', reason });
  }

  private show(session: LiveSession): void {
    if (this.shown !== session) {
      if (this.indexed) this.shown?.closeCursor(this.indexed);
      this.sender?.dispose();
      this.sender = undefined;
      this.shown = session;
      this.index = undefined;
      this.indexed = session.openCursor();
      this.answers?.dispose();
      this.answers = undefined;
      void this.loadAnswers(session);
    }
    if (this.sender) return;
    this.sentEmpty = '';
    this.sender = new RowSender(
      session,
      (columns) => this.host.post({ type: 'columns', sessionId: this.key, columns }),
      () => this.rows.ask(),
    );
    this.sender.send();
    this.work();
  }

  private async loadAnswers(session: LiveSession): Promise<void> {
    try {
      const answers = await this.host.loadAnswers(session);
      if (this.shown !== session || this.disposed) {
        answers.dispose();
        return;
      }
      this.answers = answers;
      if (!this.ready) return;
      answers.start();
      for (const question of this.unanswered.splice(0)) answers.receive(question, this.index);
    } catch (error) {
      const message = `Phases and causes are not shown: ${(error as Error).message}`;
      this.host.post({ type: 'error', message });
    }
  }

  private sendRows(): void {
    if (!this.ready) return;
    this.sender?.send();
    this.work();
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

  /** Brings the index up to date in slices, and answers what was asked as soon as it knows. */
  private work(): void {
    if (this.working) return;
    const turn = (): void => {
      this.working = false;
      const index = this.synced();
      if (!index || !this.ready || this.disposed) return;
      const endMs = performance.now() + SLICE_MS;
      const more = index.work(() => performance.now() < endMs);
      this.answerState(index);
      if (!more) {
        this.answers?.indexed(index);
        return;
      }
      this.working = true;
      setImmediate(turn);
    };
    turn();
  }

  /** The index, told of all that changed. */
  private synced(): ReplayIndex | undefined {
    const { shown, indexed: cursor } = this;
    if (!shown || !cursor) return undefined;
    const { fold } = shown.trace;
    if (!this.index || cursor.rebuilt || this.index.fold !== fold) {
      cursor.rebuilt = false;
      this.index = new ReplayIndex(fold);
    } else {
      this.index.changed(cursor.from);
    }
    cursor.from = fold.steps.length;
    return this.index;
  }

  private answerState(index: ReplayIndex): void {
    const { asked } = this;
    if (!asked) return;
    const state = index.stateAt(asked.step, { files: MAX_FILES });
    if (!state && !index.complete) return;
    this.asked = undefined;
    const { requestId } = asked;
    const message: Extract<ToReplayPage, { type: 'state' }> = {
      type: 'state',
      sessionId: this.key,
      requestId,
      ...(state ? { state } : {}),
    };
    this.host.post(this.answers?.withSources(message) ?? message);
  }

  private find(
    session: LiveSession,
    { requestId, text, from }: Extract<FromReplayPage, { type: 'find' }>,
  ): void {
    if (!isNumber(requestId) || typeof text !== 'string') {
      this.search.stop();
      return;
    }
    this.search.find(session, text, isNumber(from) ? from : 0, (rows, done) => {
      this.host.post({ type: 'found', sessionId: this.key, requestId, rows, done });
    });
  }

  dispose(): void {
    this.pause();
    this.disposed = true;
    this.stopListening();
    clearInterval(this.clock);
    this.answers?.dispose();
    this.patience.dispose();
    this.numbers.dispose();
    this.rows.dispose();
    if (this.indexed) this.shown?.closeCursor(this.indexed);
    this.release();
  }
}

const wanted = (
  step: number | undefined,
  section: ReplaySection | undefined,
): { step?: number; section?: ReplaySection } => ({
  ...(step === undefined ? {} : { step }),
  ...(section === undefined ? {} : { section }),
});
