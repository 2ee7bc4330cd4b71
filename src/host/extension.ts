import * as vscode from 'vscode';
import type { SessionSummary } from '../model/summary.ts';
import { Badges } from './badges.ts';
import { ChangeContents } from './changeContents.ts';
import { Changes } from './changes.ts';
import { ComparePanels } from './comparePanel.ts';
import { Control } from './control.ts';
import { DailyArchive } from './dailyArchive.ts';
import { DeepLinks } from './deepLink.ts';
import { Engine } from './engine.ts';
import { EventDocuments } from './eventDocuments.ts';
import { Focus } from './focus.ts';
import { GuardHost } from './guardHost.ts';
import type { LiveSession } from './liveSession.ts';
import type { LineRange } from './markedDocument.ts';
import { Marks } from './marks.ts';
import { keepMaskSetting } from './mask.ts';
import { ReplayPanels } from './replayPanel.ts';
import { revealStreamAtStart } from './revealStream.ts';
import { sessionKeyOf } from './sessionArgument.ts';
import { SessionCommands } from './sessionCommands.ts';
import { SessionsTree } from './sessionsTree.ts';
import type { SetUp } from './setUp.ts';
import { StatusBar } from './statusBar.ts';
import type { StatusLine } from './statusText.ts';
import { StreamView } from './streamView.ts';
import { Touches } from './touches.ts';
import { TraceDocuments } from './traceDocuments.ts';
import type { TranscriptCommand, TranscriptCommands } from './transcriptCommands.ts';
import { UnderstandHost } from './understandHost.ts';

/** What the extension shows of itself to tests and other extensions. Read-only. */
export interface AgentStraceApi {
  /** What the status bar says; undefined while it is hidden. */
  readonly status: StatusLine | undefined;
  /** The status bar says something else. */
  readonly onDidChangeStatus: vscode.Event<StatusLine | undefined>;
  /** The sessions that are followed, newest first. */
  readonly sessions: readonly { key: string; id: string; summary: SessionSummary }[];
  /** Lines of an open document that are marked, 1-based; undefined: it has not been shown. */
  marksOf(uri: vscode.Uri): Record<'read' | 'modified', LineRange[]> | undefined;
  /** How often an editor was given new marks. */
  readonly markPaints: number;
}

/** The window has its start behind it, ms. */
const RENEW_AFTER_MS = 3000;

/** Of sessions in agents' transcripts: loaded when one is run. */
const TRANSCRIPT_COMMANDS: readonly TranscriptCommand[] = [
  'openTranscript',
  'importSession',
  'importAllSessions',
  'revealTranscript',
  'openStarter',
  'archiveTranscripts',
];

/** Called by VS Code once: when a trace folder is there, or a view or command of ours is used. */
export function activate(context: vscode.ExtensionContext): AgentStraceApi {
  const log = vscode.window.createOutputChannel('Agent Strace', { log: true });
  const engine = new Engine(log);
  const focus = new Focus(engine);
  const control = new Control(engine, focus, log);
  const controlOf = (session: LiveSession) => control.of(session);
  const statusBar = new StatusBar(engine, controlOf);
  const documents = new TraceDocuments();
  const events = new EventDocuments(engine, documents);
  const contents = new ChangeContents(engine, documents);
  const stream = new StreamView(context.extensionUri, engine, focus, events, controlOf, log);
  const sessions = new SessionsTree(engine, controlOf);
  // Most windows never need it: it is loaded when they do.
  let loaded: Promise<SetUp> | undefined;
  const setUp = async (): Promise<SetUp> => {
    loaded ??= import('./setUp.ts').then((part) => new part.SetUp(context, log));
    return await loaded;
  };
  let loadedCommands: Promise<TranscriptCommands> | undefined;
  const transcripts = async (): Promise<TranscriptCommands> => {
    loadedCommands ??= import('./transcriptCommands.ts').then(
      (part) => new part.TranscriptCommands(engine, sessions, log),
    );
    return await loadedCommands;
  };
  const touches = new Touches(engine, focus);
  const marks = new Marks(engine, focus, touches, context.workspaceState);
  const guard = new GuardHost({
    extensionUri: context.extensionUri,
    engine,
    log,
    controlOf,
    changed: () => statusBar.refresh(),
  });
  statusBar.guardOf = (session) => guard.statusOf(session);
  const understand = new UnderstandHost({
    extensionUri: context.extensionUri,
    engine,
    focus,
    documents,
    contents,
    markedStep: () => marks.stepAtCursor(),
    log,
  });
  const command = (id: string, work: (...values: unknown[]) => unknown): vscode.Disposable =>
    vscode.commands.registerCommand(`agentStrace.${id}`, work);
  context.subscriptions.push(
    log,
    engine,
    focus,
    statusBar,
    documents,
    contents,
    stream,
    sessions,
    new SessionCommands(engine, focus, stream, understand, log),
    new DailyArchive(engine, log),
    { dispose: () => void loaded?.then((part) => part.dispose()) },
    touches,
    marks,
    new Badges(touches),
    new Changes(engine, focus, contents),
    guard,
    keepMaskSetting(log),
    control,
    understand,
    new ReplayPanels(
      context.extensionUri,
      engine,
      focus,
      events,
      understand,
      (session) => guard.budgetOf(session),
      log,
    ),
    new DeepLinks(engine),
    new ComparePanels(context.extensionUri, engine, focus, understand, log),
    revealStreamAtStart(engine, statusBar),
    command('openStream', (session) => stream.show(sessionKeyOf(session))),
    command('replayShown', () =>
      vscode.commands.executeCommand('agentStrace.replay', stream.shown),
    ),
    command('showLog', () => log.show()),
    command('setUp', async () => (await setUp()).run(false)),
    command('openStep', (key: unknown, step: unknown) => stream.openStep(key, step)),
    ...TRANSCRIPT_COMMANDS.map((id) =>
      command(id, async (argument) => (await transcripts()).run(id, argument)),
    ),
    command('removeSetUp', async () => (await setUp()).run(true)),
  );
  // Nothing of the window waits for it.
  const renewal = setTimeout(() => void setUp().then((part) => part.renew()), RENEW_AFTER_MS);
  context.subscriptions.push({ dispose: () => clearTimeout(renewal) });
  return {
    get status() {
      return statusBar.current;
    },
    marksOf: (uri) => marks.of(uri),
    get markPaints() {
      return marks.paints;
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
