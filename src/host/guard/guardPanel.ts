import * as vscode from 'vscode';
import { type FromGuardPage, GUARD_PROTOCOL, type GuardState } from '../../protocol/guard.ts';
import { pageHtml, pageOptions, pageRoot } from '../pageHtml.ts';

const GUARD_VIEW = 'agentStrace.guard';

export interface GuardPanelHost {
  state(): GuardState;
  receive(message: FromGuardPage): void;
  /** It is seen now, or no more. */
  shown(visible: boolean): void;
}

/** The editor tab with the card and the inbox: one in a window. */
export class GuardPanel implements vscode.Disposable {
  private readonly extensionUri: vscode.Uri;
  private readonly host: GuardPanelHost;
  private panel: vscode.WebviewPanel | undefined;
  private ready = false;
  /** To be shown as soon as the page is there. */
  private wanted: string | undefined;
  private sent = '';

  constructor(extensionUri: vscode.Uri, host: GuardPanelHost) {
    this.extensionUri = extensionUri;
    this.host = host;
  }

  get visible(): boolean {
    return this.panel?.visible === true;
  }

  /**
   * @param id card or request to go to
   * @param quietly beside what the person does, who keeps the focus
   */
  show(id?: string, quietly = false): void {
    this.wanted = id ?? this.wanted;
    if (this.panel) {
      // Beside a person who types nothing moves, where it can be seen already.
      if (!quietly || !this.panel.visible) this.panel.reveal(undefined, quietly);
      this.send();
      return;
    }
    const column = quietly ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active;
    this.begin(
      vscode.window.createWebviewPanel(GUARD_VIEW, vscode.l10n.t('Guard'), {
        viewColumn: column,
        preserveFocus: quietly,
      }),
    );
  }

  /** After a reload of the window. */
  restore(panel: vscode.WebviewPanel): void {
    if (this.panel) panel.dispose();
    else this.begin(panel);
  }

  private begin(panel: vscode.WebviewPanel): void {
    const root = pageRoot(this.extensionUri);
    this.panel = panel;
    this.ready = false;
    panel.webview.options = pageOptions(root);
    const icon = (theme: 'dark' | 'light') =>
      vscode.Uri.joinPath(this.extensionUri, 'media', `pulse-${theme}.svg`);
    panel.iconPath = { dark: icon('dark'), light: icon('light') };
    panel.webview.onDidReceiveMessage((message: unknown) => this.receive(message));
    panel.onDidChangeViewState(() => {
      // Hidden, the page is gone; shown again it starts anew and says `ready`.
      if (!panel.visible) this.ready = false;
      this.host.shown(panel.visible);
    });
    panel.onDidDispose(() => {
      this.panel = undefined;
      this.ready = false;
      this.host.shown(false);
    });
    panel.webview.html = pageHtml(panel.webview, root, 'guard', 'Guard');
    this.host.shown(true);
  }

  private receive(message: unknown): void {
    if (typeof message !== 'object' || message === null) return;
    const { type, id } = message as { type?: unknown; id?: unknown };
    if (type === 'ready') {
      this.ready = true;
      this.sent = '';
      this.send();
      return;
    }
    if (id !== undefined && typeof id !== 'string') return;
    this.host.receive(message as FromGuardPage);
  }

  /** Brings the page up to date, where somebody sees it. */
  send(): void {
    if (!this.panel?.visible || !this.ready) return;
    const state = this.host.state();
    const { nowMs: _, ...rest } = state;
    const text = JSON.stringify(rest);
    if (text !== this.sent) {
      this.sent = text;
      void this.panel.webview.postMessage({ type: 'state', version: GUARD_PROTOCOL, state });
    }
    if (this.wanted !== undefined) {
      void this.panel.webview.postMessage({ type: 'show', id: this.wanted });
      this.wanted = undefined;
    }
  }

  dispose(): void {
    // The tab stays: after a reload it is filled again.
    this.panel = undefined;
  }
}
