import type { LiveChange, LiveSessions } from './liveSessions.ts';

/** A report that is shown somewhere. */
export interface ShownReport {
  /** Keys of the sessions that it is about. */
  readonly keys: readonly string[];
  /** Nobody waits for what nobody sees. */
  isSeen(): boolean;
  remake(): void;
}

/** A session that goes on: its reports are made anew at most so often, ms. */
const REFRESH_MS = 2000;
/** And take no more than this share of the time. */
const SHARE = 1 / 10;

/** When the reports on a session that goes on are made anew, wherever they are shown. Knows nothing of VS Code. */
export class ReportClock {
  private readonly shown = new Set<ShownReport>();
  private readonly stale = new Set<ShownReport>();
  private stopListening: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private nextMs = 0;

  constructor(live: LiveSessions) {
    this.stopListening = this.listen(live);
  }

  /** @returns how to take it away */
  add(report: ShownReport): () => void {
    this.shown.add(report);
    return () => {
      this.shown.delete(report);
      this.stale.delete(report);
    };
  }

  /** The sessions are read anew. */
  replace(live: LiveSessions): void {
    this.stopListening();
    this.stopListening = this.listen(live);
    for (const report of this.shown) this.stale.add(report);
    this.ask();
  }

  /** It is made from what is there now. */
  begun(report: ShownReport): void {
    this.stale.delete(report);
  }

  /** What it says is not right any more. */
  outdated(report: ShownReport): void {
    if (!this.shown.has(report)) return;
    this.stale.add(report);
    this.ask();
  }

  /** @param workMs how long it took to make one */
  made(workMs: number): void {
    this.nextMs = performance.now() + Math.max(REFRESH_MS, workMs / SHARE);
  }

  /** Those that are seen are made anew when they are due; the others when they are shown. */
  ask(): void {
    if (this.timer !== undefined || !this.due().next().value) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        for (const report of [...this.due()]) {
          this.stale.delete(report);
          report.remake();
        }
      },
      Math.max(0, this.nextMs - performance.now()),
    );
  }

  private *due(): Generator<ShownReport, undefined> {
    for (const report of this.stale) if (report.isSeen()) yield report;
  }

  private listen(live: LiveSessions): () => void {
    return live.onChange((change: LiveChange) => {
      if (change.type !== 'session') return;
      for (const report of this.shown) {
        if (report.keys.includes(change.session.key)) this.stale.add(report);
      }
      this.ask();
    });
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.stopListening();
    this.shown.clear();
    this.stale.clear();
  }
}
