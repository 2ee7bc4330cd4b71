import * as vscode from 'vscode';
import type { ReportSubject } from '../protocol/report.ts';
import { pageHtml, pageOptions, pageRoot } from './pageHtml.ts';
import { tabWords } from './plainText.ts';
import type { ReportDocuments } from './reportDocuments.ts';
import { isReport, ReportFeed, type ReportHost } from './reportFeed.ts';
import type { ReportMaker } from './reportMaker.ts';
import { REPORT_VIEW, type UnderstandDeps } from './understandHost.ts';

interface Open {
  panel: vscode.WebviewPanel;
  feed: ReportFeed;
}

/**
 * Reports on sessions, all of one session in an editor tab, those on a pair in one of its own. They outlive a reload of
 * the window.
 */
export class ReportPanels implements vscode.Disposable {
  private readonly deps: UnderstandDeps;
  private readonly maker: ReportMaker;
  private readonly documents: ReportDocuments;
  /** By the sessions that they are about. */
  private readonly open = new Map<string, Open>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(deps: UnderstandDeps, maker: ReportMaker, documents: ReportDocuments) {
    this.deps = deps;
    this.maker = maker;
    this.documents = documents;
    this.subscriptions = [
      deps.engine.onDidReplace(() => {
        for (const one of this.open.values()) {
          one.feed.dispose();
          one.feed = this.newFeed(one.panel, one.feed.current);
          // The page that is there begins anew with it.
          if (one.panel.visible) one.panel.webview.html = this.html(one.panel.webview);
        }
      }),
    ];
  }

  /** Opens a report, or shows it where the page of its sessions is open. */
  show(subject: ReportSubject): void {
    const known = this.open.get(idOf(subject));
    if (known) {
      known.panel.reveal();
      known.feed.show(subject.report, subject.step);
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      REPORT_VIEW,
      vscode.l10n.t('Report'),
      vscode.ViewColumn.Active,
      { enableFindWidget: true },
    );
    this.begin(panel, subject);
  }

  /** After a reload: the page kept what it is about. */
  restore(panel: vscode.WebviewPanel, state: unknown): void {
    const subject = subjectOf((state as { subject?: unknown } | null | undefined)?.subject);
    if (!subject || this.open.has(idOf(subject))) panel.dispose();
    else this.begin(panel, subject);
  }

  private begin(panel: vscode.WebviewPanel, subject: ReportSubject): void {
    const { extensionUri, focus } = this.deps;
    const { webview } = panel;
    webview.options = pageOptions(pageRoot(extensionUri));
    const icon = (theme: 'dark' | 'light') =>
      vscode.Uri.joinPath(extensionUri, 'media', `pulse-${theme}.svg`);
    panel.iconPath = { dark: icon('dark'), light: icon('light') };
    const id = idOf(subject);
    const one: Open = { panel, feed: this.newFeed(panel, subject) };
    this.open.set(id, one);
    webview.onDidReceiveMessage((message: unknown) => one.feed.receive(message));
    panel.onDidChangeViewState(() => {
      // Hidden, the page is gone; shown again it starts anew and says `ready`.
      if (!panel.visible) one.feed.pause();
      if (panel.active && subject.other === undefined) focus.select(subject.session);
    });
    panel.onDidDispose(() => {
      one.feed.dispose();
      this.open.delete(id);
    });
    webview.html = this.html(webview);
  }

  private html(webview: vscode.Webview): string {
    return pageHtml(webview, pageRoot(this.deps.extensionUri), 'report', 'Report');
  }

  private newFeed(panel: vscode.WebviewPanel, subject: ReportSubject): ReportFeed {
    const command = (id: string, ...values: unknown[]): void =>
      this.run(vscode.commands.executeCommand(`agentStrace.${id}`, ...values));
    const host: ReportHost = {
      post: (message) => void panel.webview.postMessage(message),
      openReplay: (key, step) => command('replay', key, ...(step === undefined ? [] : [step])),
      openCompare: (a, b) => command('compare', a, b),
      openMarkdown: (about, label, title) => this.run(this.documents.show(about, label, title)),
      copy: (markdown) => this.run(this.copy(markdown)),
      choose: () => command(subject.other === undefined ? 'explain' : 'diff'),
      named: (label, title) => {
        panel.title = titleOf(label, title);
      },
    };
    return new ReportFeed(this.maker, this.deps.engine.live, subject, host);
  }

  private async copy(markdown: string): Promise<void> {
    await vscode.env.clipboard.writeText(markdown);
    vscode.window.setStatusBarMessage(vscode.l10n.t('Report copied as Markdown'), 3000);
  }

  private run(work: Thenable<unknown>): void {
    work.then(undefined, (error: unknown) => this.deps.log.error(error as Error));
  }

  dispose(): void {
    // The tabs stay: after a reload they are filled again.
    for (const { feed } of this.open.values()) feed.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

const idOf = ({ session, other = '' }: ReportSubject): string => `${session}\n${other}`;

/** What a page kept, where it makes sense. */
function subjectOf(value: unknown): ReportSubject | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { session, other, report, step } = value as Record<string, unknown>;
  if (typeof session !== 'string' || !isReport(report)) return undefined;
  return {
    session,
    report,
    ...(typeof other === 'string' ? { other } : {}),
    ...(typeof step === 'number' && Number.isSafeInteger(step) && step >= 0 ? { step } : {}),
  };
}

function titleOf(label: string, title: string): string {
  const words = tabWords(title);
  return words === '' ? label : `${label}: ${words}`;
}
