import * as vscode from 'vscode';

/** What takes longer says so, and can be cancelled, ms. */
const PATIENCE_MS = 1000;

/** Says how far work has come, in words. */
export type Say = (message: string) => void;

/**
 * Shows how to cancel what takes long.
 *
 * @param work is given how to say how far it has come
 * @returns whether it was done, not cancelled
 */
export async function patiently(
  title: string,
  cancel: AbortController,
  work: Promise<void> | ((say: Say) => Promise<void>),
): Promise<boolean> {
  let last = '';
  let report: Say = (message) => {
    last = message;
  };
  const settled = (typeof work === 'function' ? work((message) => report(message)) : work).then(
    () => true,
    (error: unknown) => {
      if (cancel.signal.aborted) return false;
      throw error;
    },
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), PATIENCE_MS);
  });
  try {
    const first = await Promise.race([settled, late]);
    if (first !== 'late') return first;
  } finally {
    clearTimeout(timer);
  }
  return await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    (progress, token) => {
      report = (message) => progress.report({ message });
      if (last !== '') report(last);
      token.onCancellationRequested(() => cancel.abort());
      return settled;
    },
  );
}

/** In Restricted Mode nothing is changed; says so. */
export function mayWrite(): boolean {
  if (vscode.workspace.isTrusted) return true;
  void vscode.window.showWarningMessage(
    vscode.l10n.t('In Restricted Mode sessions are shown, and nothing is changed.'),
  );
  return false;
}
