import { type ContextPoint, contextAt } from '../analysis/context/contextCourse.ts';
import { type WhyChain, whyInSlices } from '../analysis/why/whyChain.ts';
import type { ReplayIndex } from '../model/replay/replayIndex.ts';
import type { FromReplayPage, Outline, ToReplayPage } from '../protocol/replay.ts';
import { stepsMarkdown } from '../report/stepsMarkdown.ts';
import { inSlices } from './inSlices.ts';
import type { LiveSession } from './liveSession.ts';
import { rangeSums } from './rangeSums.ts';
import { isNumber } from './replayActs.ts';
import { OutlineMaker, sameOutline } from './replayOutline.ts';
import { SessionNotes } from './sessionNotes.ts';

/** Questions of a page that are answered here. */
export type ReplayQuestion = Extract<
  FromReplayPage,
  { type: 'why' | 'range' | 'copy' | 'annotate' | 'removeAnnotation' }
>;

/** What they ask of whatever shows the page. */
export interface AnswersHost {
  post(message: ToReplayPage): void;
  /** What the session may cost, nano-dollars; undefined: no limit is set. */
  budgetNanoUsd(session: LiveSession): number | undefined;
  copyText(text: string): Promise<void>;
  /** Opens the replay at this step, wherever it is clicked. */
  linkTo(session: LiveSession, step: number): string;
  /** In Restricted Mode nothing is written; says so. */
  mayWrite(): boolean;
}

/** An outline is made at most once a second, ms. */
const PACE_MS = 1000;
/** And takes no more than this share of the time. */
const SHARE = 1 / 20;
/** Work in one go, ms: then the editor has its turn. */
const SLICE_MS = 8;
/** Annotations may be made elsewhere: looked at this often, ms. */
const NOTES_MS = 2000;
/** Ranges that wait for the index: the last ones. */
const MAX_WAITING = 8;

/**
 * What one replay page is told that takes analyses: the outline, why a step was done, what a range comes to, annotations.
 * Knows nothing of VS Code. Loaded when a page is first shown.
 */
export class ReplayAnswers {
  private readonly session: LiveSession;
  private readonly host: AnswersHost;
  private readonly maker: OutlineMaker;
  private readonly notes: SessionNotes;
  private clock: ReturnType<typeof setInterval> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private job: Iterator<void, Outline> | undefined;
  private madeOf = '';
  private nextMs = 0;
  private sent: Outline | undefined;
  private waiting: { requestId: number; from: number; to: number }[] = [];
  /** The state that was told without its sources. */
  private bare: Extract<ToReplayPage, { type: 'state' }> | undefined;
  private paused = true;

  /** @param author of the annotations that the page makes */
  constructor(session: LiveSession, host: AnswersHost, author: string) {
    this.session = session;
    this.host = host;
    this.maker = new OutlineMaker(session.trace);
    this.notes = new SessionNotes(session, host, author);
  }

  /** A page is there, and knows nothing yet. */
  start(): void {
    this.pause();
    this.paused = false;
    this.clock = setInterval(() => this.notes.look(), NOTES_MS);
    this.clock.unref?.();
    if (this.sent) this.post(this.sent);
    this.notes.start();
    this.ask();
  }

  /** Nobody sees the page. */
  pause(): void {
    this.paused = true;
    this.job = undefined;
    this.waiting = [];
    this.bare = undefined;
    clearTimeout(this.timer);
    this.timer = undefined;
    clearInterval(this.clock);
  }

  /** The session may have changed. */
  ask(): void {
    if (this.paused || this.timer !== undefined || this.job) return;
    // What is half read has other phases a moment later, and reading has the time.
    if (this.session.loading || this.key() === this.madeOf) return;
    const waitMs = Math.max(0, this.nextMs - performance.now());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.make();
    }, waitMs);
  }

  /** Whatever an outline is made of. */
  private key(): string {
    const { trace } = this.session;
    const live = this.session.isActive(Date.now());
    return `${trace.epoch} ${trace.bytesRead} ${live} ${this.host.budgetNanoUsd(this.session)}`;
  }

  private make(): void {
    const key = this.key();
    const { fold } = this.session.trace;
    const { epoch } = this.session.trace;
    let workMs = 0;
    const mine = this.maker.make({
      live: this.session.isActive(Date.now()),
      budgetNanoUsd: this.host.budgetNanoUsd(this.session),
    });
    this.job = mine;
    const turn = (): void => {
      const { job } = this;
      if (this.paused || job !== mine || !job) return;
      if (this.session.trace.epoch !== epoch || this.session.trace.fold !== fold) {
        this.job = undefined;
        this.ask();
        return;
      }
      const beganMs = performance.now();
      const endMs = beganMs + SLICE_MS;
      let step = job.next();
      while (!step.done && performance.now() < endMs) step = job.next();
      workMs += performance.now() - beganMs;
      if (!step.done) {
        setImmediate(turn);
        return;
      }
      this.job = undefined;
      this.madeOf = key;
      this.nextMs = performance.now() + Math.max(PACE_MS, workMs / SHARE);
      this.tell(step.value);
      this.ask();
    };
    turn();
  }

  private tell(outline: Outline): void {
    if (!this.sent || !sameOutline(this.sent, outline)) {
      this.sent = outline;
      this.post(outline);
    }
    const { bare } = this;
    this.bare = undefined;
    if (!bare?.state) return;
    const sources = this.pointAt(bare.state.step)?.sources;
    if (sources) this.host.post({ ...bare, sources });
  }

  private post(outline: Outline): void {
    this.host.post({ type: 'outline', sessionId: this.session.key, outline });
  }

  /** A state goes to the page: with what filled the window then, or again once that is known. */
  withSources(
    message: Extract<ToReplayPage, { type: 'state' }>,
  ): Extract<ToReplayPage, { type: 'state' }> {
    this.bare = undefined;
    if (!message.state) return message;
    const sources = this.pointAt(message.state.step)?.sources;
    if (sources) return { ...message, sources };
    if (!this.maker.course) this.bare = message;
    return message;
  }

  private pointAt(step: number): ContextPoint | undefined {
    const { course } = this.maker;
    return course && contextAt(course, step);
  }

  /** The index knows more, or the session has more steps: what waited for that. */
  indexed(index: ReplayIndex): void {
    this.ask();
    this.notes.moved();
    if (this.waiting.length === 0) return;
    const { waiting } = this;
    this.waiting = [];
    for (const one of waiting) this.range(one, index);
  }

  /** @param question of this page, of whatever content */
  receive(question: ReplayQuestion, index: ReplayIndex | undefined): void {
    switch (question.type) {
      case 'why':
        this.why(question);
        break;
      case 'range':
        this.range(question, index);
        break;
      case 'copy':
        this.copy(question);
        break;
      case 'annotate':
        this.notes.annotate(question);
        break;
      case 'removeAnnotation':
        this.notes.remove(question.id);
        break;
    }
  }

  private why({ requestId, step }: Extract<FromReplayPage, { type: 'why' }>): void {
    if (!isNumber(requestId) || !isNumber(step)) return;
    const { session } = this;
    const tell = (chain: WhyChain | undefined): void =>
      this.host.post({
        type: 'why',
        sessionId: session.key,
        requestId,
        step,
        ...(chain ? { chain } : {}),
      });
    inSlices(session, () => whyInSlices(session.trace, step)).then(tell, (error: unknown) =>
      this.host.post({
        type: 'error',
        message: `Why step ${step + 1} was done cannot be told: ${(error as Error).message}`,
      }),
    );
  }

  private range(
    { requestId, from, to }: { requestId: number; from: number; to: number },
    index: ReplayIndex | undefined,
  ): void {
    if (!isNumber(requestId) || !isNumber(from) || !isNumber(to)) return;
    const sums = index && rangeSums(index, from, to);
    if (!sums && from <= to && !(index?.complete && to >= index.length)) {
      this.waiting = [...this.waiting.slice(1 - MAX_WAITING), { requestId, from, to }];
      return;
    }
    this.host.post({
      type: 'range',
      sessionId: this.session.key,
      requestId,
      from,
      to,
      ...(sums ? { sums } : {}),
    });
  }

  private copy({ what, from, to }: Extract<FromReplayPage, { type: 'copy' }>): void {
    const { trace, key } = this.session;
    if (!isNumber(from) || !isNumber(to) || from > to) return;
    if (from >= trace.fold.steps.length || (what !== 'markdown' && what !== 'link')) return;
    const text =
      what === 'link' ? this.host.linkTo(this.session, from) : stepsMarkdown(trace, from, to);
    this.host.copyText(text).then(
      () => this.host.post({ type: 'copied', sessionId: key, what }),
      (error: unknown) =>
        this.host.post({ type: 'error', message: `Not copied: ${(error as Error).message}` }),
    );
  }

  dispose(): void {
    this.pause();
  }
}
