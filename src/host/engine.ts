import * as vscode from 'vscode';
import { createPricer } from '../analysis/price.ts';
import { SessionNames } from '../trace/names.ts';
import { LiveSessions } from './liveSessions.ts';
import { openFolders } from './openFolders.ts';
import { affectsEngine, readSettings } from './settings.ts';
import { traceFolders } from './traceFolders.ts';

/** The live sessions of this window; built anew when folders, trust or settings change. */
export class Engine implements vscode.Disposable {
  /** Given by the person; for sessions of any folder. */
  readonly names = new SessionNames();
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
    const folders = traceFolders(openFolders());
    this.log.info(
      `watching ${folders.map(({ traceDir }) => traceDir).join(', ') || 'nothing: no folder is open'}` +
        (isTrusted ? '' : ' (restricted mode: nothing is recorded, transcripts are not read)'),
    );
    return new LiveSessions({
      folders,
      loadPricer: () => createPricer({ overrides: settings.prices }),
      readTranscripts: isTrusted && settings.readTranscripts,
      nameOf: ({ traceDir, id }) => this.names.get(traceDir, id),
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
