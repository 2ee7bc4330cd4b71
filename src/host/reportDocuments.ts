import * as vscode from 'vscode';
import { descendants } from '../analysis/tree/descendants.ts';
import { cut } from '../model/text.ts';
import { visibleText } from '../model/visibleText.ts';
import { metaParent } from '../trace/meta.ts';
import type { LiveSession } from './liveSession.ts';
import type { LiveSessions } from './liveSessions.ts';
import { type ReportName, reportText } from './reportTexts.ts';
import { stepLinks } from './stepLinks.ts';
import { TRACE_SCHEME } from './traceDocuments.ts';
import type { UnderstandDeps } from './understandHost.ts';
import { whenRead } from './whenRead.ts';

const KIND = 'report';
/** Of a tab, UTF-16 units. */
const TITLE_LENGTH = 40;
/** A session that goes on: its reports are made anew at most so often, ms. */
const REFRESH_MS = 2000;
/** Sessions that one started, which a report tells of. */
const MAX_FAMILY = 100;
/** And take no more than this share of the time. */
const SHARE = 1 / 10;

/**
 * Reports as read-only Markdown documents: the command line's words, with steps that can be clicked. They go on with a session that
 * runs, while they are to be seen.
 */
export class ReportDocuments
  implements vscode.DocumentLinkProvider<vscode.DocumentLink>, vscode.Disposable
{
  private readonly deps: UnderstandDeps;
  private readonly subscriptions: vscode.Disposable[];
  /** Sessions that documents are about: they stay open however old they are. By document. */
  private readonly held = new Map<string, { key: string; release: () => void }>();
  private stopListening: () => void;
  private readonly stale = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private nextMs = 0;
  private readonly closing = new AbortController();

  constructor(deps: UnderstandDeps) {
    this.deps = deps;
    const { engine, documents } = deps;
    documents.provide(KIND, (query, uri) => this.textOf(query, uri));
    const listen = (live: LiveSessions): (() => void) =>
      live.onChange((change) => {
        if (change.type !== 'session') return;
        for (const [uri, { key }] of this.held) if (key === change.session.key) this.stale.add(uri);
        this.ask();
      });
    this.stopListening = listen(engine.live);
    const selector = { scheme: TRACE_SCHEME };
    this.subscriptions = [
      vscode.languages.registerDocumentLinkProvider(selector, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.forget(uri.toString())),
      vscode.window.onDidChangeVisibleTextEditors(() => this.ask()),
      engine.onDidReplace((live) => {
        this.stopListening();
        this.stopListening = listen(live);
        for (const [uri, { key }] of this.held) {
          this.held.set(uri, { key, release: live.hold(key) });
          this.stale.add(uri);
        }
        this.ask();
      }),
    ];
  }

  /** @param step from 0, of reports that are about one */
  async open(session: LiveSession, name: ReportName, words: string, step?: number): Promise<void> {
    const title = fileName(session.summary(Date.now()).title || session.id);
    const uri = this.deps.documents.uri(KIND, `/${words}: ${title}.md`, {
      session: session.key,
      report: name,
      ...(step === undefined ? {} : { step: `${step}` }),
    });
    this.hold(uri, session.key);
    // One that is open says what is so now.
    this.deps.documents.refresh(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true });
  }

  private hold(uri: vscode.Uri, key: string): void {
    const id = uri.toString();
    if (!this.held.has(id)) this.held.set(id, { key, release: this.deps.engine.live.hold(key) });
  }

  private forget(id: string): void {
    this.held.get(id)?.release();
    this.held.delete(id);
    this.stale.delete(id);
  }

  private async textOf(query: URLSearchParams, uri: vscode.Uri): Promise<string> {
    const { live } = this.deps.engine;
    const key = query.get('session') ?? '';
    this.hold(uri, key);
    const session = live.get(key);
    if (!session) {
      this.forget(uri.toString());
      return `${vscode.l10n.t('This session is no longer there.')}\n`;
    }
    await whenRead(live, session, this.closing.signal);
    const name = query.get('report') ?? '';
    const family = name === 'tree' ? await this.startedBy(session) : [];
    this.stale.delete(uri.toString());
    const beganMs = performance.now();
    const step = Number(query.get('step') ?? Number.NaN);
    const text = await reportText(
      session,
      family.map((held) => held.session),
      name,
      Number.isSafeInteger(step) ? step : undefined,
    ).finally(() => {
      for (const { release } of family) release();
    });
    const workMs = performance.now() - beganMs;
    this.nextMs = performance.now() + Math.max(REFRESH_MS, workMs / SHARE);
    return text;
  }

  /** The sessions that one started, at any depth, read. */
  private async startedBy(
    root: LiveSession,
  ): Promise<{ session: LiveSession; release: () => void }[]> {
    const { live } = this.deps.engine;
    const all = live.all.map(({ key, entry }) => ({
      key,
      id: entry.id,
      parent: metaParent(entry),
    }));
    const below = descendants(root.id, all, (one) => one).slice(0, MAX_FAMILY);
    const found: { session: LiveSession; release: () => void }[] = [];
    for (const { session: one } of below) {
      const release = live.hold(one.key);
      const session = live.get(one.key);
      if (session) found.push({ session, release });
      else release();
    }
    for (const { session } of found) await whenRead(live, session, this.closing.signal);
    return found;
  }

  /** Those that are seen are made anew when they are due; the others when they are shown. */
  private ask(): void {
    if (this.timer !== undefined || this.stale.size === 0) return;
    const seen = this.seen();
    if (seen.length === 0) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        for (const uri of this.seen()) {
          this.stale.delete(uri.toString());
          this.deps.documents.refresh(uri);
        }
      },
      Math.max(0, this.nextMs - performance.now()),
    );
  }

  private seen(): vscode.Uri[] {
    return vscode.window.visibleTextEditors
      .map(({ document }) => document.uri)
      .filter((uri) => this.stale.has(uri.toString()));
  }

  /** Links to steps are ours alone: nothing that a trace says becomes one. */
  provideDocumentLinks(document: vscode.TextDocument): vscode.DocumentLink[] {
    const query = new URLSearchParams(document.uri.query);
    if (query.get('kind') !== KIND) return [];
    const key = query.get('session') ?? '';
    const steps = this.deps.engine.live.get(key)?.trace.fold.steps.length ?? 0;
    return stepLinks(document.getText(), steps).map(({ line, start, end, step }) => {
      const link = new vscode.DocumentLink(
        new vscode.Range(line, start, line, end),
        vscode.Uri.from({
          scheme: 'command',
          path: 'agentStrace.replay',
          query: JSON.stringify([key, step]),
        }),
      );
      link.tooltip = vscode.l10n.t('Open step {0} in the replay', step + 1);
      return link;
    });
  }

  dispose(): void {
    this.closing.abort();
    clearTimeout(this.timer);
    this.stopListening();
    for (const { release } of this.held.values()) release();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

/** A title as the name of a file that is none. */
const fileName = (title: string): string =>
  cut(
    visibleText(title)
      .replace(/[/\\?#]+/g, '-')
      .trim(),
    TITLE_LENGTH,
  ) || 'session';
