import * as vscode from 'vscode';
import { type ControlInfo, STREAM_PROTOCOL, type StreamCommand } from '../protocol/stream.ts';
import type { Engine } from './engine.ts';
import type { EventDocuments } from './eventDocuments.ts';
import type { Focus } from './focus.ts';
import type { LiveSession } from './liveSession.ts';
import { pageHtml, pageOptions, pageRoot } from './pageHtml.ts';
import { affectsStatusBar, readSettings } from './settings.ts';
import { EXPIRY_MS } from './statusText.ts';
import { StreamFeed } from './streamFeed.ts';

export const STREAM_VIEW = 'agentStrace.stream';

/** What the page's words for commands stand for. */
const COMMANDS: Record<StreamCommand, string> = {
  setUp: 'agentStrace.setUp',
  showLog: 'agentStrace.showLog',
  openFolder: 'workbench.action.files.openFolder',
  manageTrust: 'workbench.trust.manage',
  pause: 'agentStrace.pause',
  resume: 'agentStrace.resume',
  stop: 'agentStrace.stop',
};

/** The event stream in the side bar. */
export class StreamView implements vscode.WebviewViewProvider, vscode.Disposable {
  private readonly extensionUri: vscode.Uri;
  private readonly engine: Engine;
  private readonly focus: Focus;
  private readonly documents: EventDocuments;
  private readonly controlOf: (session: LiveSession) => ControlInfo;
  private readonly log: vscode.LogOutputChannel;
  private view: vscode.WebviewView | undefined;
  private feed: StreamFeed | undefined;
  /** Session to show once there is a page. */
  private wanted: string | undefined;
  private readonly subscriptions: vscode.Disposable[];
  private viewSubscriptions: vscode.Disposable[] = [];
  private stopListening: () => void;
  /** A session stops waiting by the clock alone. */
  private readonly badgeClock: ReturnType<typeof setInterval>;

  constructor(
    extensionUri: vscode.Uri,
    engine: Engine,
    focus: Focus,
    documents: EventDocuments,
    controlOf: (session: LiveSession) => ControlInfo,
    log: vscode.LogOutputChannel,
  ) {
    this.extensionUri = extensionUri;
    this.engine = engine;
    this.focus = focus;
    this.documents = documents;
    this.controlOf = controlOf;
    this.log = log;
    this.stopListening = engine.live.onChange(() => this.setBadge());
    this.badgeClock = setInterval(() => this.setBadge(), EXPIRY_MS);
    this.subscriptions = [
      vscode.window.registerWebviewViewProvider(STREAM_VIEW, this),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (affectsStatusBar(event)) this.refresh();
      }),
      engine.onDidReplace((live) => {
        this.stopListening();
        this.stopListening = live.onChange(() => this.setBadge());
        if (!this.view) return;
        this.newFeed(this.view);
        if (this.view.visible) this.feed?.receive({ type: 'ready', version: STREAM_PROTOCOL });
      }),
    ];
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.release();
    this.view = view;
    const { webview } = view;
    const root = pageRoot(this.extensionUri);
    webview.options = pageOptions(root);
    this.newFeed(view);
    this.viewSubscriptions = [
      webview.onDidReceiveMessage((message: unknown) => this.feed?.receive(message)),
      // Hidden, the page is gone; shown again it starts anew and says `ready`.
      view.onDidChangeVisibility(() => {
        if (!view.visible) this.feed?.pause();
      }),
      view.onDidDispose(() => this.release()),
    ];
    webview.html = pageHtml(webview, root, 'stream', 'Event Stream');
    this.setBadge();
  }

  /**
   * Shows the page, and in it a session, if one is named.
   *
   * @param keepFocus leaves the keyboard where it is
   */
  async show(key?: string, keepFocus = false): Promise<void> {
    if (key !== undefined) {
      this.focus.select(key);
      // A page that is there and seen shows it now, another one when it begins.
      if (this.feed && this.view?.visible) this.feed.select(key);
      else if (this.feed) this.feed.choose(key);
      else this.wanted = key;
    }
    if (keepFocus && this.view) this.view.show(true);
    else await vscode.commands.executeCommand(`${STREAM_VIEW}.focus`);
  }

  /** Key of the session that the page shows. */
  get shown(): string | undefined {
    return this.feed?.session?.key;
  }

  /** What is said of sessions beside their events changed. */
  refresh(): void {
    this.feed?.refreshNumbers();
  }

  /** Opens a step of a session: for commands, whose arguments may be anything. */
  async openStep(key: unknown, step: unknown): Promise<void> {
    const session = typeof key === 'string' ? this.engine.live.get(key) : undefined;
    if (session && Number.isSafeInteger(step)) await this.documents.open(session, Number(step));
  }

  private newFeed(view: vscode.WebviewView): void {
    const selected = this.wanted ?? this.feed?.selected;
    this.wanted = undefined;
    this.feed?.dispose();
    this.feed = new StreamFeed(this.engine.live, {
      post: (message) => void view.webview.postMessage(message),
      open: (session, row) => this.run('agentStrace.replay', session.key, row),
      openFile: (session, row) => {
        this.documents.open(session, row).then(undefined, (error: unknown) => {
          this.log.error(error as Error);
        });
      },
      command: (command, session) => {
        this.run(COMMANDS[command], ...(session ? [session.key] : []));
      },
      selected: (session) => this.focus.select(session.key),
      controlOf: this.controlOf,
      budgetNanoUsd: () => readSettings().budgetNanoUsd,
      emptyReason: () => {
        if (!vscode.workspace.workspaceFolders?.length) return 'noFolder';
        return vscode.workspace.isTrusted ? 'noSession' : 'untrusted';
      },
    });
    if (selected !== undefined) this.feed.choose(selected);
  }

  private run(id: string, ...values: unknown[]): void {
    vscode.commands.executeCommand(id, ...values).then(undefined, (error: unknown) => {
      this.log.error(error as Error);
    });
  }

  /** How many sessions wait for a person, at the icon in the activity bar. */
  private setBadge(): void {
    if (!this.view) return;
    const nowMs = Date.now();
    const waiting = this.engine.live.sessions.filter(
      (session) => session.status(nowMs) === 'waiting',
    ).length;
    if (waiting === (this.view.badge?.value ?? 0)) return;
    this.view.badge =
      waiting === 0
        ? undefined
        : {
            value: waiting,
            tooltip:
              waiting === 1
                ? vscode.l10n.t('An agent waits for you')
                : vscode.l10n.t('{0} agents wait for you', waiting),
          };
  }

  private release(): void {
    for (const subscription of this.viewSubscriptions) subscription.dispose();
    this.viewSubscriptions = [];
    this.feed?.dispose();
    this.feed = undefined;
    this.view = undefined;
  }

  dispose(): void {
    this.stopListening();
    clearInterval(this.badgeClock);
    this.release();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
