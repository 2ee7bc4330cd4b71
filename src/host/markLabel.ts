import * as vscode from 'vscode';
import type { MarkedDocument } from './markedDocument.ts';
import { labelText, stepFacts } from './markText.ts';
import { withoutIcons } from './plainText.ts';
import type { Settings } from './settings.ts';

type When = Settings['inlineLabel'];

/** The words at the end of a line that say which step changed it: at most one an editor. */
export class MarkLabel {
  private readonly marksIn: (editor: vscode.TextEditor) => MarkedDocument | undefined;
  /** Editors in which it was asked for, with the line that it was asked for on. */
  private readonly asked = new WeakMap<vscode.TextEditor, number>();
  private readonly shown = new WeakMap<vscode.TextEditor, string>();

  constructor(marksIn: (editor: vscode.TextEditor) => MarkedDocument | undefined) {
    this.marksIn = marksIn;
  }

  /** Shows or hides it for the line of the cursor; where it is never to be shown, the status bar has it. */
  toggle(editor: vscode.TextEditor, style: vscode.TextEditorDecorationType, when: When): void {
    const line = editor.selection.active.line + 1;
    const found = this.marksIn(editor)?.at(line);
    if (!found) {
      const nothing = vscode.l10n.t('No recorded step has touched this line.');
      vscode.window.setStatusBarMessage(nothing, 4000);
      return;
    }
    if (when === 'never') {
      const text = withoutIcons(labelText(stepFacts(found.steps[0]!), Date.now()));
      vscode.window.setStatusBarMessage(text, 8000);
      return;
    }
    const asked = this.asked.get(editor);
    const isShown = asked !== undefined && asked >= found.range[0] && asked <= found.range[1];
    if (isShown) this.asked.delete(editor);
    else this.asked.set(editor, line);
    this.update(editor, style, when);
  }

  /** The cursor or the marks moved. */
  update(editor: vscode.TextEditor, style: vscode.TextEditorDecorationType, when: When): void {
    if (when !== 'always' && !this.asked.has(editor) && !this.shown.has(editor)) return;
    const line = editor.selection.active.line + 1;
    const found = when === 'never' ? undefined : this.marksIn(editor)?.at(line);
    const asked = this.asked.get(editor);
    const wanted =
      found !== undefined &&
      (when === 'always' && found.kind === 'modified'
        ? true
        : asked !== undefined && asked >= found.range[0] && asked <= found.range[1]);
    if (!wanted) {
      this.asked.delete(editor);
      if (this.shown.delete(editor)) editor.setDecorations(style, []);
      return;
    }
    const [first, last] = found.range;
    // Where the beginning is out of sight, the label stands beside the cursor.
    const seen = editor.visibleRanges.some(
      ({ start, end }) => start.line + 1 <= first && first <= end.line + 1,
    );
    const at = seen ? first : line;
    const step = found.steps[0]!;
    const { session, row } = step;
    const now = [session.key, session.trace.epoch, row, at, first, last].join(' ');
    if (this.shown.get(editor) === now) return;
    this.shown.set(editor, now);
    const { end } = editor.document.lineAt(at - 1).range;
    editor.setDecorations(style, [
      {
        range: new vscode.Range(end, end),
        renderOptions: {
          after: { contentText: labelText(stepFacts(step), Date.now()) },
        },
      },
    ]);
  }

  /** Its style is gone, and with it what it showed. */
  forget(editor: vscode.TextEditor): void {
    this.shown.delete(editor);
  }
}
