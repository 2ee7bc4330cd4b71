import * as vscode from 'vscode';
import type { ReplayCommand, ReplaySection } from '../protocol/replay.ts';
import { replayLink } from './deepLink.ts';
import type { Engine } from './engine.ts';
import type { EventDocuments } from './eventDocuments.ts';
import type { Focus } from './focus.ts';
import type { LiveSession } from './liveSession.ts';
import { pageHtml, pageOptions, pageRoot } from './pageHtml.ts';
import { mayWrite } from './patiently.ts';
import { plainLabel, tabWords } from './plainText.ts';
import type { OpenWhat } from './replayActs.ts';
import type { AnswersHost } from './replayAnswers.ts';
import { ReplayFeed } from './replayFeed.ts';
import { sessionFor, sessionKeyOf } from './sessionArgument.ts';
import { affectsStatusBar, readSettings } from './settings.ts';
import type { UnderstandHost } from './understandHost.ts';

const VIEW_TYPE = 'agentStrace.replay';

interface Open {
  panel: vscode.WebviewPanel;
  feed: ReplayFeed;
}

/** The commands of pages, each about the session that the page shows. */
const COMMANDS: Record<ReplayCommand, string> = {
  showLog: 'agentStrace.showLog',
  chooseSession: 'agentStrace.replay',
  compare: 'agentStrace.compare',
  export: 'agentStrace.exportSession',
  explain: 'agentStrace.explain',
};

/** Replays of sessions, each in an editor tab of its own that outlives a reload of the window. */
export class ReplayPanels implements vscode.WebviewPanelSerializer, vscode.Disposable {
  private readonly extensionUri: vscode.Uri;
  private readonly engine: Engine;
  private readonly focus: Focus;
  private readonly documents: EventDocuments;
  private readonly understand: UnderstandHost;
  private readonly budgetOf: (session: LiveSession) => number | undefined;
  private readonly log: vscode.LogOutputChannel;
  /** By session. */
  private readonly open = new Map<string, Open>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    extensionUri: vscode.Uri,
    engine: Engine,
    focus: Focus,
    documents: EventDocuments,
    understand: UnderstandHost,
    budgetOf: (session: LiveSession) => number | undefined,
    log: vscode.LogOutputChannel,
  ) {
    this.extensionUri = extensionUri;
    this.engine = engine;
    this.focus = focus;
    this.documents = documents;
    this.understand = understand;
    // The nearest limit counts.
    this.budgetOf = (session) => {
      const limits = [readSettings().budgetNanoUsd, budgetOf(session)];
      const known = limits.filter((limit) => limit !== undefined);
      return known.length === 0 ? undefined : Math.min(...known);
    };
    this.log = log;
    this.subscriptions = [
      vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, this),
      vscode.commands.registerCommand('agentStrace.replay', (session: unknown, step: unknown) =>
        this.replay(session, step),
      ),
      vscode.commands.registerCommand('agentStrace.showWhy', (session: unknown, step: unknown) =>
        this.replay(session, step, 'why'),
      ),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (!affectsStatusBar(event)) return;
        for (const { feed } of this.open.values()) feed.refresh();
      }),
      engine.onDidReplace(() => {
        for (const [key, { panel, feed }] of this.open) {
          feed.dispose();
          const fresh = this.newFeed(panel, key);
          this.open.set(key, { panel, feed: fresh });
          // The page that is there begins anew with it.
          if (panel.visible) panel.webview.html = this.html(panel.webview);
        }
      }),
    ];
  }

  /**
   * Opens the replay of a session, or shows it where it is open. For commands: arguments may be anything.
   *
   * @param session key or tree item; the person picks one where it names none
   * @param step to go to
   * @param section what to show of it
   */
  private async replay(session: unknown, step: unknown, section?: ReplaySection): Promise<void> {
    const at = Number.isSafeInteger(step) && Number(step) >= 0 ? Number(step) : undefined;
    const found = await sessionFor(this.engine, this.focus, sessionKeyOf(session), {
      title: vscode.l10n.t('Replay which session?'),
      past: true,
    });
    if (!found) return;
    const { key, trace } = found.session;
    const known = this.open.get(key);
    if (known) {
      known.panel.reveal();
      if (at !== undefined) known.feed.goTo(at, section);
    } else {
      const panel = vscode.window.createWebviewPanel(
        VIEW_TYPE,
        titleOf(trace.fold.session.title),
        vscode.ViewColumn.Active,
      );
      this.begin(panel, key, at, section);
    }
    found.release();
  }

  /** After a reload: the page kept which session it is about. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const key = (state as { sessionKey?: unknown } | undefined)?.sessionKey;
    if (typeof key !== 'string' || this.open.has(key)) panel.dispose();
    else this.begin(panel, key, undefined);
  }

  private begin(
    panel: vscode.WebviewPanel,
    key: string,
    step: number | undefined,
    section?: ReplaySection,
  ): void {
    const { webview } = panel;
    webview.options = pageOptions(pageRoot(this.extensionUri));
    const icon = (theme: 'dark' | 'light') =>
      vscode.Uri.joinPath(this.extensionUri, 'media', `pulse-${theme}.svg`);
    panel.iconPath = { dark: icon('dark'), light: icon('light') };
    this.open.set(key, { panel, feed: this.newFeed(panel, key, step, section) });
    const feed = (): ReplayFeed | undefined => this.open.get(key)?.feed;
    webview.onDidReceiveMessage((message: unknown) => feed()?.receive(message));
    panel.onDidChangeViewState(() => {
      // Hidden, the page is gone; shown again it starts anew and says `ready`.
      if (!panel.visible) feed()?.pause();
      if (panel.active) this.focus.select(key);
    });
    panel.onDidDispose(() => {
      feed()?.dispose();
      this.open.delete(key);
    });
    webview.html = this.html(webview);
  }

  private html(webview: vscode.Webview): string {
    return pageHtml(webview, pageRoot(this.extensionUri), 'replay', 'Replay');
  }

  private newFeed(
    panel: vscode.WebviewPanel,
    key: string,
    step?: number,
    section?: ReplaySection,
  ): ReplayFeed {
    const { executeCommand } = vscode.commands;
    const answers: AnswersHost = {
      post: (message) => void panel.webview.postMessage(message),
      budgetNanoUsd: this.budgetOf,
      copyText: async (text) => await vscode.env.clipboard.writeText(text),
      linkTo: ({ id }, at) => replayLink(id, at),
      mayWrite,
    };
    return new ReplayFeed(
      this.engine.live,
      key,
      {
        ...answers,
        open: (session, at, what) => this.show(session, at, what),
        openFile: (session, path, asOf) =>
          this.run(
            asOf === undefined
              ? this.documents.openFile(session, path)
              : executeCommand('agentStrace.openFileAsOf', session.key, path, asOf),
          ),
        openChanges: ({ key: of }, from, to) =>
          this.run(executeCommand('agentStrace.showRangeChanges', of, from, to)),
        rename: (session, title) => this.rename(session, title),
        loadAnswers: async (session) => (await this.understand.load()).answers(session, answers),
        command: (command) =>
          this.run(
            command === 'chooseSession' || command === 'showLog'
              ? executeCommand(COMMANDS[command])
              : executeCommand(COMMANDS[command], key),
          ),
        settings: () => {
          const { replaySpeed, replaySkipIdle } = readSettings();
          return { speed: replaySpeed as 4, skipIdle: replaySkipIdle };
        },
        named: (title) => {
          panel.title = titleOf(title);
        },
      },
      step,
      section,
    );
  }

  private rename(session: LiveSession, title: string): void {
    if (!mayWrite()) return;
    try {
      this.engine.rename(session, title);
    } catch (error) {
      this.log.error(error as Error);
      void vscode.window.showErrorMessage(plainLabel((error as Error).message));
    }
  }

  private show(session: LiveSession, step: number, what: OpenWhat): void {
    const { key } = session;
    switch (what) {
      case 'diff':
        this.run(vscode.commands.executeCommand('agentStrace.showStepDiff', key, step));
        break;
      case 'file':
        this.run(this.documents.open(session, step));
        break;
      case 'event':
        this.run(this.documents.openEvent(session, step));
        break;
      case 'stream':
        this.run(vscode.commands.executeCommand('agentStrace.openStream', key, step));
        break;
    }
  }

  private run(work: Thenable<unknown>): void {
    work.then(undefined, (error: unknown) => this.log.error(error as Error));
  }

  dispose(): void {
    // The tabs stay: after a reload they are filled again.
    for (const { feed } of this.open.values()) feed.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function titleOf(prompt: string): string {
  const title = tabWords(prompt);
  return title === '' ? vscode.l10n.t('Replay') : vscode.l10n.t('Replay: {0}', title);
}
