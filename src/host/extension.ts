import * as vscode from 'vscode';
import type { SessionSummary } from '../model/summary.ts';
import { Engine } from './engine.ts';
import { EventDocuments } from './eventDocuments.ts';
import { Focus } from './focus.ts';
import { ReplayPanels } from './replayPanel.ts';
import { revealStreamAtStart } from './revealStream.ts';
import { SetUp } from './setUp.ts';
import { StatusBar } from './statusBar.ts';
import type { StatusLine } from './statusText.ts';
import { STREAM_VIEW, StreamView } from './streamView.ts';

/** What the extension shows of itself to tests and other extensions. Read-only. */
export interface AgentStraceApi {
  /** What the status bar says; undefined while it is hidden. */
  readonly status: StatusLine | undefined;
  /** The status bar says something else. */
  readonly onDidChangeStatus: vscode.Event<StatusLine | undefined>;
  /** The sessions that are followed, newest first. */
  readonly sessions: readonly { key: string; id: string; summary: SessionSummary }[];
}

/** The window has its start behind it, ms. */
const RENEW_AFTER_MS = 3000;

/** Called by VS Code once: when a trace folder is there, or a view or command of ours is used. */
export function activate(context: vscode.ExtensionContext): AgentStraceApi {
  const log = vscode.window.createOutputChannel('Agent Strace', { log: true });
  const engine = new Engine(log);
  const focus = new Focus(engine);
  const statusBar = new StatusBar(engine);
  const documents = new EventDocuments(engine);
  const stream = new StreamView(context.extensionUri, engine, documents, log);
  const setUp = new SetUp(context, log);
  const command = (id: string, work: (...values: unknown[]) => unknown): vscode.Disposable =>
    vscode.commands.registerCommand(`agentStrace.${id}`, work);
  context.subscriptions.push(
    log,
    engine,
    focus,
    statusBar,
    documents,
    stream,
    setUp,
    new ReplayPanels(context.extensionUri, engine, focus, documents, log),
    revealStreamAtStart(engine, statusBar),
    command('openStream', () => vscode.commands.executeCommand(`${STREAM_VIEW}.focus`)),
    command('showLog', () => log.show()),
    command('setUp', () => setUp.run(false)),
    command('openStep', (key: unknown, step: unknown) => stream.openStep(key, step)),
    command('removeSetUp', () => setUp.run(true)),
  );
  // Nothing of the window waits for it.
  const renewal = setTimeout(() => void setUp.renew(), RENEW_AFTER_MS);
  context.subscriptions.push({ dispose: () => clearTimeout(renewal) });
  return {
    get status() {
      return statusBar.current;
    },
    onDidChangeStatus: statusBar.onDidChange,
    get sessions() {
      const nowMs = Date.now();
      return engine.live.sessions.map((session) => ({
        key: session.key,
        id: session.id,
        summary: session.summary(nowMs),
      }));
    },
  };
}
