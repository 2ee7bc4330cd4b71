import { realpathSync } from 'node:fs';
import * as vscode from 'vscode';

/** A folder of the workspace that lies on this machine. */
export interface OpenFolder {
  /** Absolute, as it was opened. */
  path: string;
  /** In the workspace. */
  name: string;
}

/** The workspace's folders that lie on this machine. */
export const openFolders = (): OpenFolder[] =>
  (vscode.workspace.workspaceFolders ?? [])
    .filter(({ uri }) => uri.scheme === 'file')
    .map(({ uri, name }) => ({ path: uri.fsPath, name }));

/** Where links to an open folder lead; the folder as it was opened where it is gone. */
export function realFolder({ path }: OpenFolder): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
