import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Engine } from './engine.ts';
import type { LiveSession } from './liveSession.ts';
import type { LiveChange } from './liveSessions.ts';
import { Pace } from './pace.ts';
import { affectsStatusBar, readSettings } from './settings.ts';
import { type StatusLine, statusLine, TOOLTIP_COMMANDS } from './statusText.ts';

/** The status bar item: what the agent does now, and what it costs. */
export class StatusBar implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private readonly pace: Pace;
  private readonly engine: Engine;
  private readonly subscriptions: vscode.Disposable[];
  private stopListening: () => void;
  private clock: ReturnType<typeof setInterval> | undefined;
  private periodMs = 0;
  private enabled: boolean;
  private line: StatusLine | undefined;
  private readonly changed = new vscode.EventEmitter<StatusLine | undefined>();
  readonly onDidChange = this.changed.event;
  /** Words of the running call, by session and row: read from the file once. */
  private target = { of: '', text: '' };

  constructor(engine: Engine) {
    this.engine = engine;
    this.item = vscode.window.createStatusBarItem(
      'agentStrace.status',
      vscode.StatusBarAlignment.Right,
      0,
    );
    this.item.name = vscode.l10n.t('Agent Strace');
    this.item.command = 'agentStrace.openStream';
    this.enabled = readSettings().showStatusBar;
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
        this.enabled = readSettings().showStatusBar;
        this.render();
      }),
    ];
    this.render();
  }

  /** What it says now; undefined while it is hidden. */
  get current(): StatusLine | undefined {
    return this.line;
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
            return {
              key: session.key,
              workspace: several ? session.workspace : '',
              summary,
              ...(row === undefined ? {} : { target: this.targetOf(session, row) }),
            };
          }),
          {
            nowMs,
            hasTraceFolder: live.folders.some(({ traceDir }) => existsSync(traceDir)),
            trusted: vscode.workspace.isTrusted,
          },
        )
      : undefined;
    this.show(line);
    this.setClock(line?.refreshMs ?? 0);
  }

  private show(line: StatusLine | undefined): void {
    const { item, line: before } = this;
    this.line = line;
    if (!line) {
      if (before) item.hide();
    } else {
      if (line.text !== before?.text) item.text = line.text;
      if (line.tooltip !== before?.tooltip) {
        const tooltip = new vscode.MarkdownString(line.tooltip, true);
        tooltip.isTrusted = { enabledCommands: TOOLTIP_COMMANDS };
        item.tooltip = tooltip;
      }
      if (line.label !== before?.label) {
        item.accessibilityInformation = { label: line.label, role: 'button' };
      }
      if (line.warning !== before?.warning) {
        item.backgroundColor = line.warning
          ? new vscode.ThemeColor('statusBarItem.warningBackground')
          : undefined;
      }
      if (!before) item.show();
    }
    if (line?.text !== before?.text) this.changed.fire(line);
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
