import { sep } from 'node:path';
import * as vscode from 'vscode';
import { agentName } from '../model/summary.ts';
import { cut } from '../model/text.ts';
import { visibleText } from '../model/visibleText.ts';
import { countWords } from './markText.ts';
import { openFolders, realFolder } from './openFolders.ts';
import { affectsMarks, readSettings } from './settings.ts';
import { fileKey } from './touchedFiles.ts';
import type { Touches } from './touches.ts';

/** So many files are named to VS Code at once; of more it would drop some, so it is told of all. */
const MAX_NAMED = 250;

/** R and M on the files that agents read and changed, in the explorer and on tabs. */
export class Badges implements vscode.FileDecorationProvider, vscode.Disposable {
  private readonly touches: Touches;
  private readonly changed = new vscode.EventEmitter<vscode.Uri[] | undefined>();
  readonly onDidChangeFileDecorations = this.changed.event;
  private readonly subscriptions: vscode.Disposable[];
  private enabled = readSettings().explorerBadges;
  private folders = workspaceFolders();

  constructor(touches: Touches) {
    this.touches = touches;
    this.subscriptions = [
      this.changed,
      vscode.window.registerFileDecorationProvider(this),
      touches.onDidChange((keys) => this.tell(keys)),
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        this.folders = workspaceFolders();
        this.changed.fire(undefined);
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (!affectsMarks(event)) return;
        const { explorerBadges } = readSettings();
        if (explorerBadges === this.enabled) return;
        this.enabled = explorerBadges;
        this.changed.fire(undefined);
      }),
    ];
  }

  /** Files whose badge may be another one now; those outside of the workspace are not to be seen. */
  private tell(keys: ReadonlySet<string>): void {
    if (!this.enabled) return;
    const uris: vscode.Uri[] = [];
    for (const key of keys) {
      for (const { key: folder, path } of this.folders) {
        if (!key.startsWith(folder)) continue;
        uris.push(vscode.Uri.file(path + key.slice(folder.length)));
        break;
      }
      if (uris.length > MAX_NAMED) {
        this.changed.fire(undefined);
        return;
      }
    }
    if (uris.length > 0) this.changed.fire(uris);
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (!this.enabled || uri.scheme !== 'file') return undefined;
    const sources = this.touches.sourcesOf(this.keysOf(uri.fsPath));
    if (sources.length === 0) return undefined;
    let modified = false;
    const words: string[] = [];
    for (const { session, names } of sources) {
      const { fold } = session.trace;
      const sum = { reads: 0, writes: 0 };
      for (const name of names) {
        const { reads, writes } = fold.files.countsOf(name);
        sum.reads += reads;
        sum.writes += writes;
      }
      if (sum.reads + sum.writes === 0) continue;
      modified ||= sum.writes > 0;
      const agent = agentName(fold.session.provider, fold.session.agentName);
      words.push(`${cut(visibleText(agent), 40)}: ${countWords(sum).toLowerCase()}`);
    }
    if (words.length === 0) return undefined;
    const tooltip = words.join('; ');
    const colour = new vscode.ThemeColor(modified ? 'agentStrace.modified' : 'agentStrace.read');
    const badge = new vscode.FileDecoration(modified ? 'M' : 'R', tooltip, colour);
    badge.propagate = true;
    return badge;
  }

  /** A file by its name in the workspace, and by where links to the folder lead. */
  private keysOf(path: string): string[] {
    const key = fileKey(path);
    if (key === undefined) return [];
    const keys = new Set([key]);
    for (const { opened, key: real } of this.folders) {
      if (key.startsWith(opened)) keys.add(real + key.slice(opened.length));
    }
    return [...keys];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

interface Folder {
  /** As it was opened, with a separator at the end. */
  path: string;
  /** The same, as a key. */
  opened: string;
  /** Beginning of the keys of files in it: as opened, or where links lead. */
  key: string;
}

function workspaceFolders(): Folder[] {
  return openFolders().flatMap((folder) => {
    const path = withSeparator(folder.path);
    const opened = fileKey(path) ?? path;
    const real = fileKey(withSeparator(realFolder(folder))) ?? opened;
    return [...new Set([opened, real])].map((key) => ({ path, opened, key }));
  });
}

const withSeparator = (path: string): string => (path.endsWith(sep) ? path : path + sep);
