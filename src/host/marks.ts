import { realpath } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { Engine } from './engine.ts';
import type { Focus } from './focus.ts';
import { MarkedDocument } from './markedDocument.ts';
import { MarkLabel } from './markLabel.ts';
import { affectsColours, MarkStyles } from './markStyles.ts';
import { HOVER_COMMANDS, hoverText, stepFacts } from './markText.ts';
import { Pace } from './pace.ts';
import { sessionFor } from './sessionArgument.ts';
import { affectsMarks, readSettings } from './settings.ts';
import { fileKey } from './touchedFiles.ts';
import type { Touches } from './touches.ts';

const HIDDEN = 'marks.hidden';
const PAINTS_PER_SECOND = 4;
/** Documents whose marks are kept while they are not to be seen. */
const MAX_DOCUMENTS = 64;

interface Tracked {
  marks: MarkedDocument;
  /** By which the trace may know it. */
  keys: string[];
  /** A session did something to it that is not taken in yet. */
  stale: boolean;
}

/** What an editor was last given, as text to compare. */
interface Painted {
  read: string;
  modified: string;
}

/** Marks on the lines that agents read and changed: gutter, overview ruler, label and hover. */
export class Marks implements vscode.Disposable, vscode.HoverProvider {
  private readonly focus: Focus;
  private readonly touches: Touches;
  private readonly state: vscode.Memento;
  private settings = readSettings();
  private styles = new MarkStyles(this.settings);
  private readonly label: MarkLabel;
  private readonly tracked = new Map<vscode.TextDocument, Tracked>();
  private readonly painted = new WeakMap<vscode.TextEditor, Painted>();
  private readonly pace = new Pace(() => this.paint(), PAINTS_PER_SECOND);
  private readonly subscriptions: vscode.Disposable[];
  private hasMarks: boolean | undefined;
  private closed = false;
  /** How often an editor was given new marks: what does not change must not be drawn again. */
  paints = 0;

  constructor(engine: Engine, focus: Focus, touches: Touches, state: vscode.Memento) {
    this.focus = focus;
    this.touches = touches;
    this.state = state;
    this.label = new MarkLabel((editor) => this.marksIn(editor.document));
    const { window, workspace, commands } = vscode;
    this.subscriptions = [
      touches.onDidChange((keys) => this.onTouched(keys)),
      window.onDidChangeVisibleTextEditors(() => this.pace.ask()),
      window.onDidChangeActiveTextEditor(() => this.pace.ask()),
      window.onDidChangeTextEditorSelection(({ textEditor }) => this.moveLabel(textEditor)),
      window.onDidChangeActiveColorTheme(() => this.restyle()),
      workspace.onDidChangeTextDocument((event) => this.onEdited(event)),
      workspace.onDidSaveTextDocument((document) =>
        this.tracked.get(document)?.marks.saved(Date.now()),
      ),
      workspace.onDidCloseTextDocument((document) => this.tracked.delete(document)),
      workspace.onDidChangeConfiguration((event) => {
        if (affectsMarks(event) || affectsColours(event)) this.restyle();
      }),
      vscode.languages.registerHoverProvider({ scheme: 'file' }, this),
      commands.registerCommand('agentStrace.toggleMarks', () => this.toggle()),
      commands.registerCommand('agentStrace.showLabel', () => this.showLabel()),
      commands.registerCommand('agentStrace.followLive', () => focus.pin(undefined)),
      commands.registerCommand('agentStrace.showMarks', (argument: unknown) =>
        this.show(engine, argument),
      ),
    ];
    this.pace.ask();
  }

  /** Lines that are marked in an open document, 1-based; undefined: it has never been shown. */
  of(uri: vscode.Uri): ReturnType<MarkedDocument['ranges']> | undefined {
    for (const [document, { marks }] of this.tracked) {
      if (document.uri.toString() === uri.toString()) return marks.ranges();
    }
    return undefined;
  }

  /** The step by which the line of the cursor is marked, with its session's key. */
  stepAtCursor(): { key: string; step: number } | undefined {
    const editor = vscode.window.activeTextEditor;
    const line = (editor?.selection.active.line ?? 0) + 1;
    const [found] = (editor && this.marksIn(editor.document)?.at(line)?.steps) ?? [];
    if (!found) return undefined;
    const step = found.session.trace.fold.steps.stepOf(found.row);
    return step < 0 ? undefined : { key: found.session.key, step };
  }

  private get hidden(): boolean {
    return this.state.get(HIDDEN, false);
  }

  private marksIn(document: vscode.TextDocument): MarkedDocument | undefined {
    return this.hidden ? undefined : this.tracked.get(document)?.marks;
  }

  private onTouched(keys: ReadonlySet<string>): void {
    let any = false;
    for (const tracked of this.tracked.values()) {
      if (!tracked.keys.some((key) => keys.has(key))) continue;
      tracked.stale = true;
      any = true;
    }
    if (any) this.pace.ask();
  }

  private onEdited({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const tracked = this.tracked.get(document);
    if (!tracked || contentChanges.length === 0) return;
    if (tracked.marks.change(contentChanges)) {
      // VS Code moves what it shows by itself, not always as we would.
      for (const editor of vscode.window.visibleTextEditors) {
        if (editor.document === document) this.painted.delete(editor);
      }
    }
    this.pace.ask();
  }

  /** Brings every visible editor up to date. */
  private paint(): void {
    if (this.closed) return;
    for (const editor of vscode.window.visibleTextEditors) {
      const { document } = editor;
      if (document.uri.scheme !== 'file') continue;
      const tracked = this.track(document);
      if (tracked.stale && tracked.keys.length > 0) void this.refresh(tracked);
      this.draw(editor, tracked.marks);
    }
    this.tellHasMarks();
  }

  /** The marks of a document, the ones used last at the end. */
  private track(document: vscode.TextDocument): Tracked {
    let tracked = this.tracked.get(document);
    if (!tracked) {
      tracked = { marks: new MarkedDocument(document), keys: [], stale: true };
      void this.findKeys(document, tracked);
    }
    this.tracked.delete(document);
    this.tracked.set(document, tracked);
    if (this.tracked.size > MAX_DOCUMENTS) {
      const visible = new Set(vscode.window.visibleTextEditors.map((editor) => editor.document));
      const oldest = [...this.tracked.keys()].find((other) => !visible.has(other));
      if (oldest) this.tracked.delete(oldest);
    }
    return tracked;
  }

  /** An agent may know the file by where links lead. It is open, so it may be looked at. */
  private async findKeys({ uri }: vscode.TextDocument, tracked: Tracked): Promise<void> {
    const real = await realpath(uri.fsPath).catch(() => uri.fsPath);
    const keys = [uri.fsPath, real].map((path) => fileKey(path)).filter((key) => key !== undefined);
    tracked.keys = [...new Set(keys)];
    tracked.stale = true;
    this.pace.ask();
  }

  private async refresh(tracked: Tracked): Promise<void> {
    tracked.stale = false;
    await tracked.marks.refresh(this.touches.sourcesOf(tracked.keys));
    this.pace.ask();
  }

  private draw(editor: vscode.TextEditor, marks: MarkedDocument): void {
    const { read, modified } = this.hidden ? { read: [], modified: [] } : marks.ranges();
    const now = { read: read.join(';'), modified: modified.join(';') };
    const before = this.painted.get(editor) ?? { read: undefined, modified: undefined };
    if (now.read === before.read && now.modified === before.modified) return;
    // A new editor without marks has none to take away.
    const isNew = before.read === undefined && now.read === '' && now.modified === '';
    if (!isNew) this.paints++;
    if (now.modified !== before.modified) {
      editor.setDecorations(this.styles.modified, modified.map(toRange));
    }
    if (now.read !== before.read) editor.setDecorations(this.styles.read, read.map(toRange));
    this.painted.set(editor, now);
    this.moveLabel(editor);
  }

  private moveLabel(editor: vscode.TextEditor): void {
    this.label.update(editor, this.styles.label, this.settings.inlineLabel);
  }

  private restyle(): void {
    const before = this.styles;
    this.settings = readSettings();
    this.styles = new MarkStyles(this.settings);
    for (const editor of vscode.window.visibleTextEditors) {
      this.painted.delete(editor);
      this.label.forget(editor);
      if (editor.document.uri.scheme !== 'file') continue;
      const tracked = this.tracked.get(editor.document);
      if (tracked) this.draw(editor, tracked.marks);
    }
    before.dispose();
  }

  private tellHasMarks(): void {
    const document = vscode.window.activeTextEditor?.document;
    const ranges = document && this.marksIn(document)?.ranges();
    const has = ranges !== undefined && ranges.read.length + ranges.modified.length > 0;
    if (has === this.hasMarks) return;
    this.hasMarks = has;
    void vscode.commands.executeCommand('setContext', 'agentStrace.hasMarks', has);
  }

  private async toggle(): Promise<void> {
    await this.state.update(HIDDEN, !this.hidden);
    vscode.window.setStatusBarMessage(
      this.hidden
        ? vscode.l10n.t('Line marks are hidden.')
        : vscode.l10n.t('Line marks are shown.'),
      3000,
    );
    this.paint();
  }

  private showLabel(): void {
    const editor = vscode.window.activeTextEditor;
    if (!editor) {
      const none = vscode.l10n.t('Open a file first: the label is about the line of the cursor.');
      vscode.window.setStatusBarMessage(none, 4000);
      return;
    }
    this.label.toggle(editor, this.styles.label, this.settings.inlineLabel);
  }

  private async show(engine: Engine, argument: unknown): Promise<void> {
    const title = vscode.l10n.t('Show line marks of');
    const found = await sessionFor(engine, this.focus, argument, { title, past: true });
    if (!found) return;
    this.focus.pin(found.session.key);
    found.release();
    if (this.hidden) await this.toggle();
  }

  provideHover(document: vscode.TextDocument, { line }: vscode.Position): vscode.Hover | undefined {
    if (!this.settings.hover) return undefined;
    const found = this.marksIn(document)?.at(line + 1);
    if (!found) return undefined;
    const [step, ...earlier] = found.steps.map(stepFacts);
    const text = new vscode.MarkdownString(hoverText(step!, earlier.slice(0, 3), Date.now()), true);
    text.isTrusted = { enabledCommands: HOVER_COMMANDS };
    return new vscode.Hover(text, document.lineAt(line).range);
  }

  dispose(): void {
    this.closed = true;
    this.pace.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
    this.styles.dispose();
    this.tracked.clear();
  }
}

const toRange = ([first, last]: readonly [number, number]): vscode.Range =>
  new vscode.Range(first - 1, 0, last - 1, 0);
