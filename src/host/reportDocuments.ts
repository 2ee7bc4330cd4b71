import * as vscode from 'vscode';
import type { ReportSubject, StepCounts } from '../protocol/report.ts';
import { stepLinks } from '../protocol/stepLinks.ts';
import { tabWords } from './plainText.ts';
import type { ShownReport } from './reportClock.ts';
import type { ReportMaker } from './reportMaker.ts';
import { TRACE_SCHEME } from './traceDocuments.ts';
import type { UnderstandDeps } from './understandHost.ts';

const KIND = 'report';

/** A document that is open, and the sessions that it holds open however old they are. */
interface OpenReport extends ShownReport {
  release(): void;
}

/**
 * Reports as read-only Markdown documents: the command line's words, with steps that can be clicked. They go on with a session that
 * runs, while they are to be seen.
 */
export class ReportDocuments
  implements vscode.DocumentLinkProvider<vscode.DocumentLink>, vscode.Disposable
{
  private readonly deps: UnderstandDeps;
  private readonly maker: ReportMaker;
  private readonly subscriptions: vscode.Disposable[];
  /** By address. */
  private readonly open = new Map<string, OpenReport>();
  private readonly closing = new AbortController();

  constructor(deps: UnderstandDeps, maker: ReportMaker) {
    this.deps = deps;
    this.maker = maker;
    deps.documents.provide(KIND, (query, uri) => this.textOf(query, uri));
    const selector = { scheme: TRACE_SCHEME };
    this.subscriptions = [
      vscode.languages.registerDocumentLinkProvider(selector, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.forget(uri.toString())),
      vscode.window.onDidChangeVisibleTextEditors(() => this.maker.clock.ask()),
      deps.engine.onDidReplace(() => {
        for (const [id, { keys }] of [...this.open]) {
          this.forget(id);
          this.maker.clock.outdated(this.hold(vscode.Uri.parse(id), keys));
        }
      }),
    ];
  }

  /** @param words what the tab says it is */
  async show(
    { session, other, report, step }: ReportSubject,
    words: string,
    title: string,
  ): Promise<void> {
    const uri = this.deps.documents.uri(KIND, `/${words}: ${fileName(title)}.md`, {
      session,
      report,
      ...(other === undefined ? {} : { other }),
      ...(step === undefined ? {} : { step: `${step}` }),
    });
    this.hold(uri, other === undefined ? [session] : [session, other]);
    // One that is open says what is so now.
    this.deps.documents.refresh(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true });
  }

  private hold(uri: vscode.Uri, keys: readonly string[]): OpenReport {
    const id = uri.toString();
    const known = this.open.get(id);
    if (known) return known;
    const releases = keys.map((key) => this.deps.engine.live.hold(key));
    const report: OpenReport = {
      keys,
      isSeen: () =>
        vscode.window.visibleTextEditors.some(({ document }) => document.uri.toString() === id),
      remake: () => this.deps.documents.refresh(uri),
      release: () => {
        remove();
        for (const release of releases) release();
      },
    };
    const remove = this.maker.clock.add(report);
    this.open.set(id, report);
    return report;
  }

  private forget(id: string): void {
    this.open.get(id)?.release();
    this.open.delete(id);
  }

  private async textOf(query: URLSearchParams, uri: vscode.Uri): Promise<string> {
    const ask = askOf(query);
    const keys = ask.other === undefined ? [ask.session] : [ask.session, ask.other];
    this.maker.clock.begun(this.hold(uri, keys));
    const made = await this.maker.make(ask, this.closing.signal);
    if (made) return made.text;
    this.forget(uri.toString());
    return `${vscode.l10n.t('This session is no longer there.')}\n`;
  }

  /** Links to steps are ours alone: nothing that a trace says becomes one. */
  provideDocumentLinks(document: vscode.TextDocument): vscode.DocumentLink[] {
    const query = new URLSearchParams(document.uri.query);
    if (query.get('kind') !== KIND) return [];
    const { session, other } = askOf(query);
    const count = (key: string): number =>
      this.deps.engine.live.get(key)?.trace.fold.steps.length ?? 0;
    const steps: StepCounts =
      other === undefined ? count(session) : { a: count(session), b: count(other) };
    return stepLinks(document.getText(), steps).map(({ line, start, end, step, side }) => {
      const link = new vscode.DocumentLink(
        new vscode.Range(line, start, line, end),
        vscode.Uri.from({
          scheme: 'command',
          path: 'agentStrace.replay',
          query: JSON.stringify([side === 'b' ? other : session, step]),
        }),
      );
      link.tooltip = vscode.l10n.t('Open step {0} in the replay', step + 1);
      return link;
    });
  }

  dispose(): void {
    this.closing.abort();
    for (const { release } of this.open.values()) release();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function askOf(query: URLSearchParams) {
  const step = Number(query.get('step') ?? Number.NaN);
  return {
    session: query.get('session') ?? '',
    other: query.get('other') ?? undefined,
    report: query.get('report') ?? '',
    step: Number.isSafeInteger(step) ? step : undefined,
  };
}

/** A title as the name of a file that is none. */
const fileName = (title: string): string => tabWords(title.replace(/[/\\?#]+/g, '-')) || 'session';
