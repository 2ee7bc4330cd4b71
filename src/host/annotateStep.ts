import * as vscode from 'vscode';
import { ANNOTATION_LABELS, MAX_LABEL, MAX_NOTE } from '../model/notes.ts';
import { noteOnStep, userName } from '../trace/stepNote.ts';
import { mayWrite } from './patiently.ts';
import { readyWords } from './readyWords.ts';
import { stepFor } from './stepArgument.ts';
import type { UnderstandDeps } from './understandHost.ts';

/**
 * Lets the person note something on a step: a label, a note, or both.
 *
 * @throws {AnnotationError} when it cannot be kept
 */
export async function annotateStep(
  deps: UnderstandDeps,
  argument: unknown,
  step: unknown,
): Promise<void> {
  if (!mayWrite()) return;
  const chosen = await stepFor(deps, argument, step, vscode.l10n.t('Annotate which step?'));
  if (!chosen) return;
  try {
    const title = vscode.l10n.t('Annotate Step {0}', chosen.step + 1);
    const label = await pickLabel(title);
    if (label === undefined) return;
    const note = await vscode.window.showInputBox({
      title,
      prompt:
        label === '' ? vscode.l10n.t('What to note') : vscode.l10n.t('What to note, if anything'),
      validateInput: (value) =>
        value.length > MAX_NOTE
          ? vscode.l10n.t('{0} characters at most.', MAX_NOTE)
          : label === '' && value.trim() === ''
            ? vscode.l10n.t('A note without a label needs words.')
            : undefined,
    });
    if (note === undefined) return;
    const ready = await readyWords(label, note);
    noteOnStep(chosen.session.trace, chosen.step, {
      label: ready.label,
      note: ready.note,
      author: userName(),
    });
    const show = vscode.l10n.t('Open in Replay');
    const answer = await vscode.window.showInformationMessage(
      [vscode.l10n.t('Noted on step {0}.', chosen.step + 1), ready.told].filter(Boolean).join(' '),
      show,
    );
    if (answer === show) {
      await vscode.commands.executeCommand('agentStrace.replay', chosen.session.key, chosen.step);
    }
  } finally {
    chosen.release();
  }
}

/** Empty: a note without one. Any word that the person types is one, too. */
async function pickLabel(title: string): Promise<string | undefined> {
  const none = vscode.l10n.t('no label');
  const list = vscode.window.createQuickPick();
  list.title = title;
  list.placeholder = vscode.l10n.t('A label, or a word of your own');
  const offered = [...ANNOTATION_LABELS.map((label) => ({ label })), { label: `$(note) ${none}` }];
  list.items = offered;
  const label = await new Promise<string | undefined>((resolve) => {
    list.onDidChangeValue((value) => {
      const own = value.trim().slice(0, MAX_LABEL);
      const isKnown = offered.some((item) => item.label === own);
      list.items = own === '' || isKnown ? offered : [...offered, { label: own, alwaysShow: true }];
    });
    list.onDidAccept(() => resolve(list.activeItems[0]?.label));
    list.onDidHide(() => resolve(undefined));
    list.show();
  });
  list.dispose();
  return label === `$(note) ${none}` ? '' : label;
}
