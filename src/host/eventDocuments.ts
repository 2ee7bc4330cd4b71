import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import * as vscode from 'vscode';
import { isBelow } from '../trace/paths.ts';
import type { Engine } from './engine.ts';
import type { LiveSession } from './liveSession.ts';
import { openFolders, realFolder } from './openFolders.ts';
import type { TraceDocuments } from './traceDocuments.ts';

const KIND = 'event';

/** Opens steps: their file where it lies in the workspace, else the event itself, read-only. */
export class EventDocuments {
  private readonly engine: Engine;
  private readonly documents: TraceDocuments;

  constructor(engine: Engine, documents: TraceDocuments) {
    this.engine = engine;
    this.documents = documents;
    documents.provide(KIND, (query) => this.textOf(query));
  }

  async open(session: LiveSession, step: number): Promise<void> {
    const words = session.trace.describe(step, step + 1)[0];
    if (!words) return;
    const { file } = words;
    if (file && (await this.openFile(session, file.path, file.line))) return;
    await this.openEvent(session, step);
  }

  /** @returns false: the file is not there, or not in the workspace */
  async openFile(session: LiveSession, path: string, firstLine = 1): Promise<boolean> {
    const file = fileInWorkspace(path, session);
    if (!file) return false;
    const line = Math.max(0, firstLine - 1);
    await vscode.window.showTextDocument(vscode.Uri.file(file), {
      preview: true,
      preserveFocus: true,
      selection: new vscode.Range(line, 0, line, 0),
    });
    return true;
  }

  /** Opens the event of a step as it stands in the trace, read-only. */
  async openEvent(session: LiveSession, step: number): Promise<void> {
    const row = session.trace.fold.steps.row(step);
    const uri = this.documents.uri(KIND, `/Step ${step + 1}.json`, {
      session: session.key,
      row: `${row}`,
    });
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true, preserveFocus: true });
  }

  private textOf(query: URLSearchParams): string {
    const session = this.engine.live.get(query.get('session') ?? '');
    const row = Number(query.get('row'));
    if (!session || !Number.isSafeInteger(row)) return '// This session is no longer open.\n';
    const pair = session.trace.fold.columns.pair[row] ?? -1;
    const events = session.trace.readEvents([row, pair]).filter((event) => event !== undefined);
    if (events.length === 0) return '// The trace was moved or deleted.\n';
    return `${JSON.stringify(events.length === 1 ? events[0] : events, null, 2)}\n`;
  }
}

/** The file that a trace names, if it is there and in the workspace, wherever links lead. */
function fileInWorkspace(path: string, session: LiveSession): string | undefined {
  const absolute = isAbsolute(path) ? path : resolve(session.trace.fold.session.cwd || '/', path);
  if (!existsSync(absolute)) return undefined;
  const real = realpathSync(absolute);
  return openFolders().some((folder) => isBelow(real, realFolder(folder))) ? absolute : undefined;
}
