import {
  type FromReportPage,
  REPORT_PROTOCOL,
  type ReportName,
  type ReportSubject,
  type ToReportPage,
} from '../../src/protocol/report.ts';
import { type Bridge, connect } from '../shared/bridge.ts';
import { Painter } from '../shared/paint.ts';
import { type Blocks, blocksOf } from './blocks.ts';

type Received<T extends ToReportPage['type']> = Extract<ToReportPage, { type: T }>;

/** What outlives the page: what the person chose, no trace data. */
interface KeptState {
  /** For the host, which fills the tab again after a reload. */
  subject: ReportSubject;
  /** Where each report was scrolled to, px. */
  scroll: Record<string, number>;
}

export interface ShownReport {
  /** Which report it is, among those of this page. */
  id: string;
  report: ReportName;
  blocks: Blocks;
}

/** Work that takes longer says so, and then can be cancelled, ms. */
export const PROGRESS_MS = 1000;
export const CANCEL_MS = 3000;

/** What the page knows and what a person can do on it; it draws nothing. */
export class ReportApp {
  readonly painter = new Painter();
  head: Received<'head'> | undefined;
  empty: Received<'empty'>['reason'] | undefined;
  progress: Received<'progress'> | undefined;
  error: Received<'error'> | undefined;
  report: ShownReport | undefined;
  /** Since when a report is being made that is not there yet, ms of `performance.now()`. */
  workingSinceMs: number | undefined;
  private subject: ReportSubject | undefined;
  private scroll: Record<string, number> = {};
  private text = '';
  private saving: ReturnType<typeof setTimeout> | undefined;
  private readonly bridge: Bridge<ToReportPage, FromReportPage, KeptState>;

  constructor() {
    this.bridge = connect<ToReportPage, FromReportPage, KeptState>();
    const { scroll } = this.bridge.load();
    if (typeof scroll === 'object' && scroll !== null) this.scroll = { ...scroll };
    this.bridge.listen((message) => this.receive(message));
    this.post({ type: 'ready', version: REPORT_PROTOCOL });
  }

  post(message: FromReportPage): void {
    this.bridge.post(message);
  }

  get shown(): ReportName | undefined {
    return this.head?.shown;
  }

  get isLive(): boolean {
    return this.head?.sides.some(({ live }) => live) ?? false;
  }

  /** How long the report is being made, ms; undefined: it is there. */
  get workingMs(): number | undefined {
    return this.workingSinceMs === undefined ? undefined : performance.now() - this.workingSinceMs;
  }

  show(report: ReportName): void {
    if (report !== this.shown) this.post({ type: 'show', report });
  }

  refresh(): void {
    this.empty = undefined;
    this.error = undefined;
    // One that is there stays, and nothing comes where it would say the same.
    if (!this.report) this.begin();
    this.post({ type: 'refresh' });
    this.painter.now();
  }

  openStep(step: number, side: 'a' | 'b'): void {
    this.post({ type: 'openStep', step, side });
  }

  dismissError(): void {
    this.error = undefined;
    this.painter.now();
  }

  /** Where the report was scrolled to, px. */
  scrollOf(id: string): number {
    const px = this.scroll[id];
    return typeof px === 'number' && Number.isFinite(px) ? px : 0;
  }

  scrolled(id: string, px: number): void {
    this.scroll[id] = Math.round(px);
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.save(), 200);
  }

  private begin(): void {
    this.workingSinceMs = performance.now();
    // It is said when it takes long, whether or not there is news.
    for (const ms of [PROGRESS_MS, CANCEL_MS]) setTimeout(() => this.painter.soon(), ms + 50);
  }

  private save(): void {
    if (this.subject) this.bridge.save({ subject: this.subject, scroll: this.scroll });
  }

  private receive(message: ToReportPage): void {
    switch (message.type) {
      case 'start':
        this.subject = message.subject;
        this.save();
        if (this.report?.id !== idOf(message.subject)) {
          this.report = undefined;
          this.text = '';
        }
        this.error = undefined;
        this.empty = undefined;
        break;
      case 'head':
        this.head = message;
        break;
      case 'empty':
        this.empty = message.reason;
        this.workingSinceMs = undefined;
        this.progress = undefined;
        break;
      case 'progress':
        this.progress = message.readBytes < message.totalBytes ? message : undefined;
        break;
      case 'working':
        this.empty = undefined;
        this.begin();
        break;
      case 'report':
        this.take(message);
        break;
      case 'error':
        this.error = message;
        this.workingSinceMs = undefined;
        this.progress = undefined;
        break;
    }
    if (message.type === 'progress') this.painter.soon();
    else this.painter.now();
  }

  private take(message: Received<'report'>): void {
    const id = idOf(message);
    this.workingSinceMs = undefined;
    this.progress = undefined;
    this.empty = undefined;
    this.error = undefined;
    const text = `${JSON.stringify(message.steps)}\n${message.text}`;
    if (this.report?.id === id && this.text === text) return;
    this.text = text;
    const { report, steps } = message;
    const title = this.head?.sides[0]?.title ?? '';
    this.report = { id, report, blocks: blocksOf(report, message.text, steps, title) };
  }
}

const idOf = ({ report, step }: { report: ReportName; step?: number }): string =>
  report === 'why' || report === 'inspect' ? `${report} ${step}` : report;
