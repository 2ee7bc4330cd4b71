import * as vscode from 'vscode';
import { chooseMask, maskChosen } from '../trace/choices.ts';

const KEY = 'agentStrace.maskPersonalData';

/**
 * Keeps the setting where recorders look, who have no editor to ask. One that was never set changes nothing:
 * the command line may have chosen (`agent-strace config mask`).
 */
export function keepMaskSetting(log: vscode.LogOutputChannel): vscode.Disposable {
  const keep = (wanted: boolean): void => {
    try {
      if (wanted !== maskChosen()) chooseMask(wanted);
    } catch (error) {
      log.error(`${KEY} cannot be kept for the recorder`, error as Error);
      void vscode.window.showErrorMessage(
        vscode.l10n.t(
          'Agent Strace cannot tell its recorder whether to mask personal data. The log says why.',
        ),
      );
    }
  };
  const chosen = setting();
  if (chosen !== undefined) keep(chosen);
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(KEY)) keep(setting() === true);
  });
}

/** The person's own; what a workspace brings does not count. */
function setting(): boolean | undefined {
  const value = vscode.workspace.getConfiguration().inspect<boolean>(KEY)?.globalValue;
  return typeof value === 'boolean' ? value : undefined;
}
