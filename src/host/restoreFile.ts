import * as vscode from 'vscode';
import { type Content, lineEndOf, sameContent } from '../history/content.ts';
import { readDisk } from '../history/fileHistory.ts';
import { restoreTarget } from '../history/restoreTarget.ts';
import { problemText, unknownText } from './changeText.ts';
import { openFolders } from './openFolders.ts';
import { plainLabel } from './plainText.ts';

export interface RestoreRequest {
  /** Absolute. */
  path: string;
  name: string;
  /** Which moment, in words: `before step 118`. */
  moment: string;
  content: Content;
  /** The file as the session left it. */
  after: Content;
}

/** Folders that files may be restored in; none while the workspace is not trusted. */
export function restoreRoots(): string[] {
  if (!vscode.workspace.isTrusted) return [];
  return openFolders().map(({ path }) => path);
}

/**
 * Gives a file the content of an earlier moment, once the person has said yes. The editor's undo takes it
 * back.
 *
 * @returns whether it was done
 */
export async function restoreFile(request: RestoreRequest): Promise<boolean> {
  const name = plainLabel(request.name);
  const refuse = (why: string): false => {
    void vscode.window.showWarningMessage(vscode.l10n.t('{0} cannot be restored. {1}', name, why));
    return false;
  };
  const check = (): string | undefined => {
    if (!vscode.workspace.isTrusted) return vscode.l10n.t('This folder is not trusted.');
    const target = restoreTarget(request.path, restoreRoots());
    return target.ok ? undefined : problemText(target.problem);
  };
  const problem = check();
  if (problem !== undefined) return refuse(problem);
  const { content } = request;
  if (!content.known) return refuse(unknownText(content.why));
  const uri = vscode.Uri.file(request.path);
  const disk = readDisk(request.path);
  const unsaved = vscode.workspace.textDocuments.some(
    (document) => document.isDirty && document.uri.toString() === uri.toString(),
  );
  if (sameContent(content, disk) && !unsaved) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('{0} is as it was {1}.', name, request.moment),
    );
    return false;
  }
  const deletes = !content.exists;
  const detail = [
    deletes ? vscode.l10n.t('The file did not exist then, so it is deleted.') : '',
    unsaved ? vscode.l10n.t('Unsaved edits in the editor are replaced.') : '',
    sameContent(request.after, disk)
      ? ''
      : vscode.l10n.t('The file was changed since the session; these changes are replaced too.'),
    vscode.l10n.t('You can undo it in the editor.'),
  ];
  const yes = deletes ? vscode.l10n.t('Delete') : vscode.l10n.t('Restore');
  const answer = await vscode.window.showWarningMessage(
    deletes
      ? vscode.l10n.t('Delete {0}, as it was {1}?', name, request.moment)
      : vscode.l10n.t('Restore {0} to what it was {1}?', name, request.moment),
    { modal: true, detail: detail.filter(Boolean).join('\n') },
    yes,
  );
  if (answer !== yes) return false;
  // While the question stood, a link may have been put in the way.
  const since = check();
  if (since !== undefined) return refuse(since);
  const done = content.exists ? await write(uri, content.text) : await remove(uri);
  return done || refuse(vscode.l10n.t('The editor did not take the change.'));
}

function remove(uri: vscode.Uri): Thenable<boolean> {
  const edit = new vscode.WorkspaceEdit();
  edit.deleteFile(uri, { ignoreIfNotExists: true });
  return vscode.workspace.applyEdit(edit);
}

async function write(uri: vscode.Uri, text: string): Promise<boolean> {
  const edit = new vscode.WorkspaceEdit();
  if (!restoreTargetExists(uri)) {
    edit.createFile(uri, { contents: Buffer.from(text) });
    return await vscode.workspace.applyEdit(edit);
  }
  const document = await vscode.workspace.openTextDocument(uri);
  // An editor keeps a byte order mark to itself.
  const onDisk = readDisk(uri.fsPath);
  const marked = onDisk.known && onDisk.exists && onDisk.text.startsWith('\ufeff');
  const shown = marked && text.startsWith('\ufeff') ? text.slice(1) : text;
  const end = lineEndOf(text) === '\r\n' ? vscode.EndOfLine.CRLF : vscode.EndOfLine.LF;
  const all = new vscode.Range(0, 0, document.lineCount, 0);
  const edits = [vscode.TextEdit.replace(document.validateRange(all), shown)];
  if (end !== document.eol && text.includes('\n')) edits.push(vscode.TextEdit.setEndOfLine(end));
  edit.set(uri, edits);
  if (!(await vscode.workspace.applyEdit(edit))) return false;
  // To undo it is one key away; and what saves it must not format it.
  await vscode.window.showTextDocument(document, { preview: false });
  await vscode.commands.executeCommand('workbench.action.files.saveWithoutFormatting');
  const saved = readDisk(uri.fsPath);
  if (!(saved.known && saved.exists && saved.text === text)) {
    void vscode.window.showWarningMessage(
      vscode.l10n.t(
        'The editor saved {0} in a form of its own: line ends or encoding differ.',
        plainLabel(uri.path),
      ),
    );
  }
  return true;
}

function restoreTargetExists(uri: vscode.Uri): boolean {
  const target = restoreTarget(uri.fsPath, restoreRoots());
  return target.ok && target.exists;
}
