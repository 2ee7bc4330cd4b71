import * as vscode from 'vscode';
import { createPricer, PRICE_LIST } from '../analysis/price.ts';
import { textHash } from '../model/ids.ts';
import { visibleText } from '../model/visibleText.ts';
import { SessionNames } from '../trace/names.ts';
import type { LiveSession } from './liveSession.ts';
import { LiveSessions } from './liveSessions.ts';
import { openFolders, realFolder } from './openFolders.ts';
import { PastSessions } from './pastSessions.ts';
import { affectsEngine, readSettings } from './settings.ts';
import { traceFolders } from './traceFolders.ts';
import { TranscriptSessions } from './transcriptSessions.ts';

/** The live sessions of this window; built anew when folders, trust or settings change. */
export class Engine implements vscode.Disposable {
  /** Given by the person; for sessions of any folder. */
  readonly names = new SessionNames();
  private sessions: LiveSessions;
  private pastSessions: PastSessions;
  private transcriptSessions: TranscriptSessions;
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
    this.transcriptSessions = this.startTranscripts();
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

  /** Sessions in agents' own transcripts; they are looked for when somebody asks. */
  get transcripts(): TranscriptSessions {
    return this.transcriptSessions;
  }

  /**
   * Gives a session a name. Its first prompt is none: that stays its title whatever it is.
   *
   * @param name empty takes it away
   * @throws {Error} in words for people, when it cannot be kept
   */
  rename({ traceDir, id, trace }: LiveSession, name: string): void {
    const title = visibleText(trace.fold.session.title);
    this.names.set(traceDir, id, name.trim() === title.trim() ? '' : name);
    this.live.announce();
  }

  /** How sessions that are over are read. */
  private get reading() {
    const { prices } = readSettings();
    const own = Object.keys(prices).length > 0 ? ` ${textHash(JSON.stringify(prices))}` : '';
    return {
      loadPricer: () => createPricer({ overrides: prices }).catch(() => undefined),
      stamp: `${PRICE_LIST.version} ${PRICE_LIST.date}${own}`,
      problem: (message: string) => this.log.warn(message),
    };
  }

  private startPast(): PastSessions {
    const save = vscode.workspace.isTrusted;
    return new PastSessions({ ...this.reading, save }, () => this.pastRead.fire());
  }

  private startTranscripts(): TranscriptSessions {
    const { reading } = this;
    return new TranscriptSessions(
      {
        enabled: vscode.workspace.isTrusted && readSettings().pastSessions,
        folders: () =>
          openFolders().map((folder) => ({
            name: folder.name,
            paths: [...new Set([folder.path, realFolder(folder)])],
          })),
        // Most windows never need it: it is loaded when they do.
        load: () => import('./transcriptPart.ts').then((part) => new part.TranscriptPart(reading)),
        problem: reading.problem,
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
    this.transcriptSessions.dispose();
    this.transcriptSessions = this.startTranscripts();
    this.replaced.fire(this.sessions);
    void before.dispose();
  }

  dispose(): Promise<void> {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.pastSessions.dispose();
    this.transcriptSessions.dispose();
    return this.sessions.dispose();
  }
}
