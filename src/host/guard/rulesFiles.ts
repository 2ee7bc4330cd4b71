import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import { problemText } from '../../trace/files.ts';
import { ensureStateFolder, stateHome } from '../../trace/paths.ts';
import { openFolders } from '../openFolders.ts';

/** Names that rules are read from, of a project and of the user. The first is made where there is none. */
const PROJECT_FILES = [
  ...['.watch-rules.yaml', '.watch-rules.yml', '.watch-rules.json'],
  ...['.agent-strace.yaml', '.agent-strace.yml', '.agent-strace.json'],
];
const USER_FILES = ['rules.yaml', 'rules.yml', 'rules.json'];

interface Choice extends vscode.QuickPickItem {
  path: string;
  user: boolean;
}

/** Opens a file of rules, or a draft of one: nothing is written before the person saves it. */
export async function openRules(): Promise<void> {
  const { t } = vscode.l10n;
  const choices = [...userChoices(), ...projectChoices()];
  const chosen =
    choices.length === 1
      ? choices[0]
      : await vscode.window.showQuickPick(choices, {
          title: t('Guard Rules'),
          placeHolder: t('Which rules?'),
          matchOnDescription: true,
        });
  if (!chosen) return;
  if (existsSync(chosen.path)) {
    await vscode.window.showTextDocument(vscode.Uri.file(chosen.path), { preview: false });
    return;
  }
  if (chosen.user) {
    // Only we may write there, and the editor would make it for all to read.
    const { problem } = ensureStateFolder('guard');
    if (problem !== undefined) {
      void vscode.window.showErrorMessage(
        t(
          '{0} cannot be used: {1}. Make it a folder of your own.',
          stateHome(),
          problemText(problem),
        ),
      );
      return;
    }
  }
  const uri = vscode.Uri.file(chosen.path).with({ scheme: 'untitled' });
  const document = await vscode.workspace.openTextDocument(uri);
  const editor = await vscode.window.showTextDocument(document, { preview: false });
  if (document.getText() !== '') return;
  await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), TEMPLATE));
  if (document.languageId === 'plaintext') {
    await vscode.languages.setTextDocumentLanguage(document, 'yaml').then(undefined, () => {});
  }
}

function userChoices(): Choice[] {
  const { t } = vscode.l10n;
  const home = stateHome();
  const found = USER_FILES.map((name) => join(home, name)).filter((path) => existsSync(path));
  return (found.length > 0 ? found : [join(home, USER_FILES[0]!)]).map((path) => ({
    path,
    user: true,
    label: `$(account) ${basename(path)}`,
    description: t('for all projects'),
    detail: existsSync(path)
      ? t('Yours: may pause, stop and kill.')
      : t('Yours: may pause, stop and kill. It is not there yet; a draft is opened.'),
  }));
}

function projectChoices(): Choice[] {
  const { t } = vscode.l10n;
  return openFolders().flatMap(({ path: folder, name }) => {
    const found = PROJECT_FILES.map((file) => join(folder, file)).filter((path) =>
      existsSync(path),
    );
    return (found.length > 0 ? found : [join(folder, PROJECT_FILES[0]!)]).map((path) => ({
      path,
      user: false,
      label: `$(folder) ${basename(path)}`,
      description: name,
      detail: existsSync(path)
        ? t("The repository's: alerts and denies.")
        : t("The repository's: alerts and denies. It is not there yet; a draft is opened."),
    }));
  });
}

/** Shows where a rule stands. @param line 1-based */
export async function openRuleAt(file: string, line = 1, column = 1): Promise<void> {
  const at = new vscode.Position(Math.max(0, line - 1), Math.max(0, column - 1));
  await vscode.window.showTextDocument(vscode.Uri.file(file), {
    preview: true,
    selection: new vscode.Range(at, at),
  });
}

const TEMPLATE = `# Rules for coding agents, read before each of their tool calls.
# Actions: alert, ask, deny (this call), pause (freeze the agent), stop, kill.
# A repository's rules may only alert and deny.
# Take the # away from what you want.
rules:
  # - name: budget
  #   condition: cost_usd > 5
  #   action: pause

  # - name: going-in-circles
  #   condition: loop 3/10
  #   action: deny
  #   message: The same call three times. Try something else, or ask.

  # - name: no-force-push
  #   condition: command matches "git push --force"
  #   action: deny

  # - name: production-env
  #   condition: file_path matches "**/production.env"
  #   action: deny

  # - name: outside
  #   condition: file_path deletes outside workspace
  #   action: ask
`;
