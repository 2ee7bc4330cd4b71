import * as vscode from 'vscode';
import type { CompareFeed } from './compareFeed.ts';
import type { Engine } from './engine.ts';
import type { Focus } from './focus.ts';
import type { LiveSession } from './liveSession.ts';
import { pageHtml, pageOptions, pageRoot } from './pageHtml.ts';
import { pairFor, pickSession } from './pairArgument.ts';
import { tabWords } from './plainText.ts';
import type { UnderstandHost } from './understandHost.ts';

const VIEW_TYPE = 'agentStrace.compare';

interface Open {
  panel: vscode.WebviewPanel;
  a: string;
  /** Not picked yet. */
  b: string | undefined;
  feed: CompareFeed | undefined;
  /** Counts the feeds: one that comes late is not taken. */
  turn: number;
}

/**
 * Comparisons of two sessions, each in an editor tab of its own that outlives a reload of the window. What compares is
 * loaded with the first of them.
 */
export class ComparePanels implements vscode.WebviewPanelSerializer, vscode.Disposable {
  private readonly extensionUri: vscode.Uri;
  private readonly engine: Engine;
  private readonly focus: Focus;
  private readonly understand: UnderstandHost;
  private readonly log: vscode.LogOutputChannel;
  private readonly open = new Set<Open>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    extensionUri: vscode.Uri,
    engine: Engine,
    focus: Focus,
    understand: UnderstandHost,
    log: vscode.LogOutputChannel,
  ) {
    this.extensionUri = extensionUri;
    this.engine = engine;
    this.focus = focus;
    this.understand = understand;
    this.log = log;
    this.subscriptions = [
      vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, this),
      vscode.commands.registerCommand('agentStrace.compare', (first: unknown, second: unknown) =>
        this.compare(first, second),
      ),
      engine.onDidReplace(() => {
        for (const one of this.open) {
          one.feed?.dispose();
          this.fill(one);
        }
      }),
    ];
  }

  /**
   * Compares two sessions. For commands: arguments may be anything.
   *
   * @param first key or tree item; the person picks what is not named
   * @param second key, tree item, or all that are selected in the tree
   */
  private async compare(first: unknown, second: unknown): Promise<void> {
    const pair = await pairFor(this.engine, this.focus, first, second, {
      first: vscode.l10n.t('Compare which session?'),
      second: vscode.l10n.t('Compare it with which session?'),
    });
    if (!pair) return;
    const [keyA, keyB] = pair;
    const known = [...this.open].find(({ a: one, b: other }) => one === keyA && other === keyB);
    if (known) {
      known.panel.reveal();
      return;
    }
    const title = this.engine.live.get(keyA)?.trace.fold.session.title ?? '';
    const panel = vscode.window.createWebviewPanel(
      VIEW_TYPE,
      titleOf(title),
      vscode.ViewColumn.Active,
    );
    this.begin(panel, keyA, keyB);
  }

  private async pick(title: string, without?: string): Promise<string | undefined> {
    return await pickSession(this.engine, this.focus, title, without);
  }

  /** After a reload: the page kept which sessions it is about. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const { a, b } = (state ?? {}) as { a?: unknown; b?: unknown };
    if (typeof a !== 'string') panel.dispose();
    else this.begin(panel, a, typeof b === 'string' ? b : undefined);
  }

  private begin(panel: vscode.WebviewPanel, a: string, b: string | undefined): void {
    const { webview } = panel;
    webview.options = pageOptions(pageRoot(this.extensionUri));
    const icon = (theme: 'dark' | 'light') =>
      vscode.Uri.joinPath(this.extensionUri, 'media', `pulse-${theme}.svg`);
    panel.iconPath = { dark: icon('dark'), light: icon('light') };
    const one: Open = { panel, a, b, feed: undefined, turn: 0 };
    this.open.add(one);
    webview.onDidReceiveMessage((message: unknown) => one.feed?.receive(message));
    panel.onDidChangeViewState(() => {
      // Hidden, the page is gone; shown again it starts anew and says `ready`.
      if (!panel.visible) one.feed?.pause();
    });
    panel.onDidDispose(() => {
      one.feed?.dispose();
      one.turn = -1;
      this.open.delete(one);
    });
    this.fill(one);
  }

  /** The page is shown once there is somebody to answer it. */
  private fill(one: Open): void {
    const turn = ++one.turn;
    this.run(
      this.understand.load().then(({ CompareFeed: Feed, compareEnds }) => {
        if (one.turn !== turn) return;
        const { panel } = one;
        one.feed = new Feed(
          this.engine.live,
          { a: one.a, b: one.b },
          {
            post: (message) => void panel.webview.postMessage(message),
            open: (session, step, what) => this.show(session, step, what),
            choose: () => this.run(this.choose(one)),
            compareEnds,
            copy: (markdown) => this.run(this.copy(markdown)),
            swapped: (a, b) => {
              one.a = a;
              one.b = b;
            },
            named: (title) => {
              panel.title = titleOf(title);
            },
          },
        );
        panel.webview.html = pageHtml(
          panel.webview,
          pageRoot(this.extensionUri),
          'compare',
          'Compare',
        );
      }),
    );
  }

  private async choose(one: Open): Promise<void> {
    const { live } = this.engine;
    const isThere = (key: string | undefined): boolean =>
      key !== undefined && live.all.some((session) => session.key === key);
    if (!isThere(one.a)) {
      const a = await this.pick(vscode.l10n.t('Compare which session?'), one.b);
      if (a === undefined) return;
      one.a = a;
    }
    if (!isThere(one.b)) {
      const b = await this.pick(vscode.l10n.t('Compare it with which session?'), one.a);
      if (b === undefined) return;
      one.b = b;
    }
    one.feed?.dispose();
    this.fill(one);
  }

  private async copy(markdown: string): Promise<void> {
    await vscode.env.clipboard.writeText(markdown);
    vscode.window.setStatusBarMessage(vscode.l10n.t('Comparison copied as Markdown'), 3000);
  }

  private show({ key }: LiveSession, step: number, what: 'replay' | 'diff'): void {
    if (what === 'diff') {
      this.run(vscode.commands.executeCommand('agentStrace.showStepDiff', key, step));
      return;
    }
    this.run(vscode.commands.executeCommand('agentStrace.replay', key, step));
  }

  private run(work: Thenable<unknown>): void {
    work.then(undefined, (error: unknown) => this.log.error(error as Error));
  }

  dispose(): void {
    // The tabs stay: after a reload they are filled again.
    for (const { feed } of this.open) feed?.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function titleOf(prompt: string): string {
  const title = tabWords(prompt);
  return title === '' ? vscode.l10n.t('Compare') : vscode.l10n.t('Compare: {0}', title);
}
