import { join } from 'node:path';
import * as vscode from 'vscode';
import { createPricer } from '../analysis/price.ts';
import { gitRootOf, homeTraceDir, placeTrace, TRACE_FOLDER } from '../trace/paths.ts';
import { LiveSessions, type TraceFolder } from './liveSessions.ts';
import { affectsEngine, readSettings } from './settings.ts';

/** The live sessions of this window; built anew when folders, trust or settings change. */
export class Engine implements vscode.Disposable {
  private sessions: LiveSessions;
  private readonly log: vscode.LogOutputChannel;
  private readonly replaced = new vscode.EventEmitter<LiveSessions>();
  readonly onDidReplace = this.replaced.event;
  private readonly subscriptions: vscode.Disposable[];

  constructor(log: vscode.LogOutputChannel) {
    this.log = log;
    this.sessions = this.start();
    this.subscriptions = [
      this.replaced,
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.restart()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.restart()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (affectsEngine(event)) this.restart();
      }),
    ];
  }

  get live(): LiveSessions {
    return this.sessions;
  }

  private start(): LiveSessions {
    const { isTrusted } = vscode.workspace;
    const settings = readSettings();
    const folders = traceFolders();
    this.log.info(
      `watching ${folders.map(({ traceDir }) => traceDir).join(', ') || 'nothing: no folder is open'}` +
        (isTrusted ? '' : ' (restricted mode: nothing is recorded, transcripts are not read)'),
    );
    return new LiveSessions({
      folders,
      loadPricer: () => createPricer({ overrides: settings.prices }),
      readTranscripts: isTrusted && settings.readTranscripts,
      problem: (message) => this.log.warn(message),
    });
  }

  private restart(): void {
    const before = this.sessions;
    this.sessions = this.start();
    this.replaced.fire(this.sessions);
    void before.dispose();
  }

  dispose(): Promise<void> {
    for (const subscription of this.subscriptions) subscription.dispose();
    return this.sessions.dispose();
  }
}

/** Where sessions of the open folders may be traced to; see `placeTrace`. */
function traceFolders(): TraceFolder[] {
  const found = new Map<string, TraceFolder>();
  for (const { uri, name } of vscode.workspace.workspaceFolders ?? []) {
    if (uri.scheme !== 'file') continue;
    const places = [
      join(uri.fsPath, TRACE_FOLDER),
      placeTrace({ projectDir: uri.fsPath }).traceDir,
      // An agent that was started at the root of the repository.
      placeTrace({ cwd: gitRootOf(uri.fsPath) ?? uri.fsPath }).traceDir,
      homeTraceDir(uri.fsPath),
    ];
    for (const traceDir of places) {
      if (!found.has(traceDir)) found.set(traceDir, { traceDir, workspace: name });
    }
  }
  return [...found.values()];
}
