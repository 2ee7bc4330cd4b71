import * as vscode from 'vscode';
import type { ArchiveResult } from '../agents/archive.ts';
import { formatBytes, plural } from '../model/format.ts';
import type { Engine } from './engine.ts';
import { affectsArchive, readSettings } from './settings.ts';

/** The window has its start long behind it, ms. */
const AFTER_MS = 60_000;

/** Where the person wants it, copies agents' transcripts: once a day, when the window has nothing else to do. */
export class DailyArchive implements vscode.Disposable {
  private readonly engine: Engine;
  private readonly log: vscode.LogOutputChannel;
  private readonly subscriptions: vscode.Disposable[];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(engine: Engine, log: vscode.LogOutputChannel) {
    this.engine = engine;
    this.log = log;
    this.subscriptions = [
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (affectsArchive(event)) this.schedule();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.schedule()),
    ];
    this.schedule();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    if (!vscode.workspace.isTrusted || !readSettings().archiveTranscripts) return;
    this.timer = setTimeout(() => {
      this.engine.transcripts.archive(true).then(
        (result) => {
          if (result) this.log.info(`archive of transcripts: ${archivedText(result)}`);
        },
        (error: unknown) => this.log.warn(`archive of transcripts: ${(error as Error).message}`),
      );
    }, AFTER_MS);
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

/** `3 files copied (1.2 MB) of 40 sessions`. */
export function archivedText({ copied, bytes, sessions, failed }: ArchiveResult): string {
  const left = failed > 0 ? `, ${plural(failed, 'file')} could not be (see the log)` : '';
  const what = copied.length === 0 ? 'nothing new' : `${plural(copied.length, 'file')} copied`;
  const size = copied.length === 0 ? '' : ` (${formatBytes(bytes)})`;
  return `${what}${size} of ${plural(sessions, 'session')}${left}`;
}
