import { formatDuration, formatMoment } from '../model/format.ts';
import {
  type FromReportPage,
  PAIR_REPORTS,
  REPORT_PROTOCOL,
  REPORTS,
  type ReportName,
  type ReportSide,
  type ReportSubject,
  reportLabel,
  SESSION_REPORTS,
  STEP_REPORTS,
  type ToReportPage,
} from '../protocol/report.ts';
import { OTHER_VERSION, Patience, readingOf } from './feeds.ts';
import type { LiveSession } from './liveSession.ts';
import type { LiveChange, LiveSessions } from './liveSessions.ts';
import { Pace } from './pace.ts';
import { isNumber } from './replayActs.ts';
import type { ShownReport } from './reportClock.ts';
import type { MadeReport, ReportMaker } from './reportMaker.ts';
import { costText } from './statusText.ts';

/** What a feed asks of whatever shows the page. */
export interface ReportHost {
  post(message: ToReportPage): void;
  /** Opens the replay of a session at a step; without one, where it was. */
  openReplay(key: string, step?: number): void;
  openCompare(a: string, b: string): void;
  /** Opens the report as a text document. */
  openMarkdown(subject: ReportSubject, label: string, title: string): void;
  copy(markdown: string): void;
  /** The person is to pick a session, in place of one that is gone. */
  choose(): void;
  /** What the page is about, for the tab. */
  named(label: string, title: string): void;
}

interface Made extends MadeReport {
  /** Of the sessions when it was made: while it is the same, so is the report. */
  stamp: string;
}

/** Tabs whose text is kept, so that going back to one is at once. */
const MOST_KEPT = 12;

/** The host's side of one page that shows reports. Knows nothing of VS Code. */
export class ReportFeed implements ShownReport {
  readonly keys: readonly string[];
  private readonly live: LiveSessions;
  private readonly maker: ReportMaker;
  private readonly host: ReportHost;
  private subject: ReportSubject;
  private readonly releases: (() => void)[];
  private readonly pace: Pace;
  private readonly patience: Patience;
  private readonly made = new Map<string, Made>();
  private work: AbortController | undefined;
  private ready = false;
  private disposed = false;
  /** Nothing is made until it is asked for again. */
  private cancelled = false;
  /** What is being made is not right any more. */
  private again = false;
  /** The page was told that traces are being read. */
  private toldLoading = false;
  private sentHead = '';
  private sentEmpty = '';
  private sentReport = '';

  constructor(maker: ReportMaker, live: LiveSessions, subject: ReportSubject, host: ReportHost) {
    this.maker = maker;
    this.live = live;
    this.subject = subject;
    this.host = host;
    const { session, other } = subject;
    this.keys = other === undefined ? [session] : [session, other];
    this.pace = new Pace(() => this.update(), 2);
    this.releases = this.keys.map((key) => live.hold(key));
    this.releases.push(
      maker.clock.add(this),
      live.onChange((change) => this.onChange(change)),
    );
    this.patience = new Patience(() => this.update());
  }

  /** What the page shows now. */
  get current(): ReportSubject {
    return this.subject;
  }

  isSeen(): boolean {
    return this.ready && !this.cancelled;
  }

  /** Another report of the same page. @param step from 0, of a report about a step */
  show(report: ReportName, step?: number): void {
    this.subject = { ...this.subject, report, ...(step === undefined ? {} : { step }) };
    this.cancelled = false;
    this.sentReport = '';
    if (!this.ready) return;
    this.sendSubject();
    this.update();
    this.make(false);
  }

  /** A message of the page. Pages render hostile text: nothing of it is believed. */
  receive(value: unknown): void {
    if (typeof value !== 'object' || value === null || this.disposed) return;
    const message = value as FromReportPage;
    if (message.type === 'ready') {
      this.start(message.version);
      return;
    }
    if (!this.ready) return;
    const { session, other } = this.subject;
    switch (message.type) {
      case 'show':
        if (this.reports().includes(message.report)) this.show(message.report);
        break;
      case 'openStep': {
        const key = message.side === 'b' ? other : session;
        if (key !== undefined && isNumber(message.step)) this.host.openReplay(key, message.step);
        break;
      }
      case 'openSession':
        if (other === undefined) this.host.openReplay(session);
        else this.host.openCompare(session, other);
        break;
      case 'refresh':
        this.cancelled = false;
        this.make(true);
        break;
      case 'cancel':
        this.cancel();
        break;
      case 'copy': {
        const made = this.made.get(this.id());
        if (made) this.host.copy(made.text);
        break;
      }
      case 'openMarkdown':
        this.host.openMarkdown(this.subject, this.label(), this.title());
        break;
      case 'choose':
        this.host.choose();
        break;
      default:
    }
  }

  /** The page went away, or nobody sees it: nothing is sent until it says `ready` again. */
  pause(): void {
    this.ready = false;
    this.stop();
  }

  /** It is due: see {@link ReportClock}. */
  remake(): void {
    if (this.work) this.again = true;
    else this.make(true);
  }

  private start(version: unknown): void {
    if (version !== REPORT_PROTOCOL) {
      this.host.post(OTHER_VERSION);
      return;
    }
    this.ready = true;
    this.cancelled = false;
    this.sentHead = '';
    this.sentEmpty = '';
    this.sentReport = '';
    this.sendSubject();
    this.update();
    this.make(false);
  }

  private sendSubject(): void {
    this.host.post({ type: 'start', version: REPORT_PROTOCOL, subject: this.subject });
  }

  private onChange(change: LiveChange): void {
    if (!this.ready) return;
    if (change.type === 'session' && !this.keys.includes(change.session.key)) return;
    this.pace.ask();
  }

  private sessions(): (LiveSession | undefined)[] {
    return this.keys.map((key) => this.live.get(key));
  }

  /** Says what is new of the sessions. */
  private update(): void {
    if (!this.ready || this.disposed) return;
    const sessions = this.sessions();
    if (!sessions.every((one) => one !== undefined)) {
      this.sendEmpty(this.patience.ended ? 'gone' : 'loading');
      return;
    }
    // It came after all.
    if (this.sentEmpty !== '' && !this.cancelled) {
      this.sentEmpty = '';
      this.make(false);
    }
    this.sendHead(sessions);
    this.sendProgress(sessions);
  }

  private sendEmpty(reason: 'loading' | 'gone' | 'cancelled'): void {
    if (reason === this.sentEmpty) return;
    this.sentEmpty = reason;
    this.sentReport = '';
    this.host.post({ type: 'empty', reason });
  }

  private sendHead(sessions: readonly LiveSession[]): void {
    const message: ToReportPage = {
      type: 'head',
      sides: sessions.map(sideOf),
      tabs: this.reports().map((report) => ({
        report,
        label: reportLabel(report, this.subject.step),
      })),
      shown: this.subject.report,
    };
    const text = JSON.stringify(message);
    if (text === this.sentHead) return;
    this.sentHead = text;
    this.host.named(this.label(), this.title());
    this.host.post(message);
  }

  private sendProgress(sessions: readonly LiveSession[]): void {
    const loading = sessions.some((session) => session.loading);
    if (!loading && !this.toldLoading) return;
    this.toldLoading = loading;
    this.host.post({ type: 'progress', ...readingOf(sessions) });
  }

  /** What the page has tabs for. */
  private reports(): ReportName[] {
    const { other, step } = this.subject;
    if (other !== undefined) return [...PAIR_REPORTS];
    return [...SESSION_REPORTS, ...(step === undefined ? [] : STEP_REPORTS)];
  }

  private label(): string {
    const { other, report, step } = this.subject;
    return other === undefined ? reportLabel(report, step) : 'Diff';
  }

  private title(): string {
    const session = this.live.get(this.subject.session);
    return session?.name ?? session?.summary(Date.now()).title ?? '';
  }

  /** Of the report that is shown, among those of this page. */
  private id(): string {
    const { report, step } = this.subject;
    return `${report} ${step ?? ''}`;
  }

  private stamp(): string {
    const nowMs = Date.now();
    return this.sessions()
      .map(
        (one) => `${one?.trace.epoch} ${one?.trace.bytesRead} ${one?.isActive(nowMs)} ${one?.name}`,
      )
      .join('\n');
  }

  /** @param anew even where nothing is known to have changed */
  private make(anew: boolean): void {
    if (!this.ready || this.disposed) return;
    this.stop();
    if (!this.sessions().every((one) => one !== undefined)) return;
    const id = this.id();
    const known = this.made.get(id);
    if (known) this.sendReport(known);
    // What others of its family did does not show in the stamp.
    if (known?.stamp === this.stamp() && !anew && this.subject.report !== 'tree') return;
    if (!known) this.host.post({ type: 'working', report: this.subject.report });
    const work = new AbortController();
    this.work = work;
    this.maker.clock.begun(this);
    this.run(id, work.signal).then(
      () => this.done(work),
      (error: unknown) => {
        if (!this.done(work)) return;
        this.host.post({
          type: 'error',
          message: 'The report could not be made.',
          detail: (error as Error).message,
        });
      },
    );
  }

  /** @returns whether it was the work that is waited for */
  private done(work: AbortController): boolean {
    if (this.work !== work || this.disposed) return false;
    this.work = undefined;
    if (this.again) this.maker.clock.outdated(this);
    this.again = false;
    this.update();
    return true;
  }

  private async run(id: string, signal: AbortSignal): Promise<void> {
    const made = await this.maker.make(this.subject, signal);
    if (signal.aborted || !made) return;
    const kept = { ...made, stamp: this.stamp() };
    this.made.delete(id);
    this.made.set(id, kept);
    if (this.made.size > MOST_KEPT) this.made.delete(this.made.keys().next().value ?? '');
    this.sendReport(kept);
  }

  private sendReport({ text, steps }: Made): void {
    const { report, step } = this.subject;
    const sent = `${report} ${step} ${JSON.stringify(steps)}\n${text}`;
    this.sentEmpty = '';
    if (sent === this.sentReport) return;
    this.sentReport = sent;
    this.host.post({
      type: 'report',
      report,
      ...(step === undefined ? {} : { step }),
      text,
      steps,
    });
  }

  private cancel(): void {
    if (!this.work) return;
    this.stop();
    this.cancelled = true;
    this.sendEmpty('cancelled');
  }

  private stop(): void {
    this.work?.abort();
    this.work = undefined;
    this.again = false;
  }

  dispose(): void {
    this.disposed = true;
    this.stop();
    this.pace.dispose();
    this.patience.dispose();
    for (const release of this.releases) release();
  }
}

/** Whether a page, or what it kept, names a report. */
export const isReport = (value: unknown): value is ReportName =>
  (REPORTS as readonly unknown[]).includes(value);

function sideOf(session: LiveSession): ReportSide {
  const nowMs = Date.now();
  const summary = session.summary(nowMs);
  const { agent, model, startedAtMs, durationMs } = summary;
  return {
    title: session.name ?? summary.title,
    facts: [
      agent,
      model,
      ...(startedAtMs > 0 ? [formatMoment(startedAtMs), formatDuration(durationMs)] : []),
      costText(summary),
    ]
      .filter((fact) => fact !== '')
      .join(' · '),
    live: !session.gone && session.isActive(nowMs),
    gone: session.gone,
  };
}
