import * as vscode from 'vscode';
import { createPricer, PRICE_LIST } from '../analysis/price.ts';
import { textHash } from '../model/ids.ts';
import { SessionNames } from '../trace/names.ts';
import { LiveSessions } from './liveSessions.ts';
import { openFolders } from './openFolders.ts';
import { PastSessions } from './pastSessions.ts';
import { affectsEngine, readSettings } from './settings.ts';
import { traceFolders } from './traceFolders.ts';

/** The live sessions of this window; built anew when folders, trust or settings change. */
export class Engine implements vscode.Disposable {
  /** Given by the person; for sessions of any folder. */
  readonly names = new SessionNames();
  private sessions: LiveSessions;
  private pastSessions: PastSessions;
  private readonly log: vscode.LogOutputChannel;
  private readonly replaced = new vscode.EventEmitter<LiveSessions>();
  readonly onDidReplace = this.replaced.event;
  private readonly pastRead = new vscode.EventEmitter<void>();
  /** One of the sessions that are over was read. */
  readonly onDidReadPast = this.pastRead.event;
  private readonly subscriptions: vscode.Disposable[];

  constructor(log: vscode.LogOutputChannel) {
    this.log = log;
    this.sessions = this.start();
    this.pastSessions = this.startPast();
    this.subscriptions = [
      this.replaced,
      this.pastRead,
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

  /** What is known of sessions that are over; they are read when somebody asks. */
  get past(): PastSessions {
    return this.pastSessions;
  }

  private startPast(): PastSessions {
    const { prices } = readSettings();
    const own = Object.keys(prices).length > 0 ? ` ${textHash(JSON.stringify(prices))}` : '';
    return new PastSessions(
      {
        loadPricer: () => createPricer({ overrides: prices }).catch(() => undefined),
        stamp: `${PRICE_LIST.version} ${PRICE_LIST.date}${own}`,
        save: vscode.workspace.isTrusted,
        problem: (message) => this.log.warn(message),
      },
      () => this.pastRead.fire(),
    );
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
    this.pastSessions.dispose();
    this.pastSessions = this.startPast();
    this.replaced.fire(this.sessions);
    void before.dispose();
  }

  dispose(): Promise<void> {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.pastSessions.dispose();
    return this.sessions.dispose();
  }
}
