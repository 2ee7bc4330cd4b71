import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import type { ControlInfo } from '../protocol/stream.ts';
import type { Engine } from './engine.ts';
import type { LiveSession } from './liveSession.ts';
import type { LiveChange } from './liveSessions.ts';
import { Pace } from './pace.ts';
import { affectsStatusBar, readSettings } from './settings.ts';
import { type GuardStatus, type StatusLine, statusLine, TOOLTIP_MS } from './statusText.ts';

/** The status bar item: what the agent does now, and what it costs. */
export class StatusBar implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private readonly pace: Pace;
  private readonly engine: Engine;
  private readonly subscriptions: vscode.Disposable[];
  private stopListening: () => void;
  private clock: ReturnType<typeof setInterval> | undefined;
  private periodMs = 0;
  private readonly controlOf: (session: LiveSession) => ControlInfo;
  /** What the guard says of a session; undefined until it is loaded. */
  guardOf: ((session: LiveSession) => GuardStatus | undefined) | undefined;
  private enabled: boolean;
  private budgetNanoUsd: number | undefined;
  private line: StatusLine | undefined;
  private readonly changed = new vscode.EventEmitter<StatusLine | undefined>();
  readonly onDidChange = this.changed.event;
  private tooltip = { text: '', sinceMs: Number.NEGATIVE_INFINITY };
  /** Words of the running call, by session and row: read from the file once. */
  private target = { of: '', text: '' };

  /** @param controlOf whether a session's agent can be paused and stopped */
  constructor(engine: Engine, controlOf: (session: LiveSession) => ControlInfo) {
    this.engine = engine;
    this.controlOf = controlOf;
    this.item = vscode.window.createStatusBarItem(
      'agentStrace.status',
      vscode.StatusBarAlignment.Right,
      0,
    );
    this.item.name = vscode.l10n.t('Agent Strace');
    this.item.command = 'agentStrace.openStream';
    ({ showStatusBar: this.enabled, budgetNanoUsd: this.budgetNanoUsd } = readSettings());
    this.pace = new Pace(() => this.render(), 4);
    this.stopListening = engine.live.onChange((change) => this.onChange(change));
    this.subscriptions = [
      this.changed,
      this.item,
      engine.onDidReplace((live) => {
        this.stopListening();
        this.stopListening = live.onChange((change) => this.onChange(change));
        this.pace.ask();
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (!affectsStatusBar(event)) return;
        ({ showStatusBar: this.enabled, budgetNanoUsd: this.budgetNanoUsd } = readSettings());
        this.render();
      }),
    ];
    this.render();
  }

  /** What it says now; undefined while it is hidden. */
  get current(): StatusLine | undefined {
    return this.line;
  }

  /** What is said of sessions beside their events changed. */
  refresh(): void {
    this.pace.ask();
  }

  private onChange(change: LiveChange): void {
    if (change.type === 'session' && change.urgent) this.pace.askNow();
    else this.pace.ask();
  }

  private render(): void {
    const nowMs = Date.now();
    const { live } = this.engine;
    const several = new Set(live.folders.map(({ workspace }) => workspace)).size > 1;
    const line = this.enabled
      ? statusLine(
          live.sessions.map((session) => {
            const summary = session.summary(nowMs);
            const row = summary.current?.row;
            const guard = this.guardOf?.(session);
            return {
              key: session.key,
              workspace: several ? session.workspace : '',
              summary,
              control: this.controlOf(session),
              ...(guard && { guard }),
              ...(row === undefined ? {} : { target: this.targetOf(session, row) }),
            };
          }),
          {
            nowMs,
            hasTraceFolder: live.folders.some(({ traceDir }) => existsSync(traceDir)),
            trusted: vscode.workspace.isTrusted,
            budgetNanoUsd: this.budgetNanoUsd,
          },
        )
      : undefined;
    this.show(line);
    const behind = line !== undefined && line.tooltip !== this.tooltip.text;
    const periodMs = line?.refreshMs || Number.POSITIVE_INFINITY;
    const dueMs = behind ? Math.min(periodMs, TOOLTIP_MS) : periodMs;
    this.setClock(Number.isFinite(dueMs) ? dueMs : 0);
  }

  private show(line: StatusLine | undefined): void {
    const { item, line: before } = this;
    this.line = line;
    if (!line) {
      if (before) item.hide();
    } else {
      if (line.text !== before?.text) item.text = line.text;
      this.showTooltip(line, before);
      if (line.label !== before?.label) {
        item.accessibilityInformation = { label: line.label, role: 'button' };
      }
      if (line.tone !== before?.tone) {
        item.backgroundColor =
          line.tone === 'normal'
            ? undefined
            : new vscode.ThemeColor(`statusBarItem.${line.tone}Background`);
      }
      if (line.tripped !== before?.tripped) {
        item.command = line.tripped ? 'agentStrace.showGuard' : 'agentStrace.openStream';
      }
      if (!before) item.show();
    }
    if (line?.text !== before?.text) this.changed.fire(line);
  }

  /** At once where it is about something else or offers something else; else at its pace. */
  private showTooltip(line: StatusLine, before: StatusLine | undefined): void {
    if (line.tooltip === this.tooltip.text) return;
    const urgent =
      line.key !== before?.key ||
      line.tone !== before?.tone ||
      line.commands.join() !== before?.commands.join();
    const nowMs = performance.now();
    if (!urgent && nowMs - this.tooltip.sinceMs < TOOLTIP_MS) return;
    this.tooltip = { text: line.tooltip, sinceMs: nowMs };
    const tooltip = new vscode.MarkdownString(line.tooltip, true);
    tooltip.isTrusted = { enabledCommands: line.commands };
    this.item.tooltip = tooltip;
  }

  private targetOf(session: LiveSession, row: number): string {
    const of = `${session.key} ${session.trace.epoch} ${row}`;
    if (this.target.of !== of) {
      const step = session.trace.fold.steps.stepOf(row);
      const words = step < 0 ? undefined : session.trace.describe(step, step + 1)[0];
      this.target = { of, text: words?.target ?? '' };
    }
    return this.target.text;
  }

  private setClock(periodMs: number): void {
    if (periodMs === this.periodMs) return;
    this.periodMs = periodMs;
    clearInterval(this.clock);
    this.clock = periodMs > 0 ? setInterval(() => this.render(), periodMs) : undefined;
  }

  dispose(): void {
    this.stopListening();
    this.pace.dispose();
    clearInterval(this.clock);
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
