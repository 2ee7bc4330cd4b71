// Runs in the extension host of a real VS Code: what marks cost at a keystroke. See marks.mjs.
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { until } from '../vscode/hostSuite.ts';

/** Begins the console line that carries the numbers. */
export const benchMarker = 'AGENT_STRACE_BENCH ';

/** What one keystroke took, ms. */
interface Keystroke {
  /** In the extension's own listeners. */
  own: number;
  /** From the edit until the editor had taken it. */
  whole: number;
}

const KEYSTROKES = 300;

export async function run(): Promise<void> {
  const root = vscode.workspace.workspaceFolders![0]!.uri.fsPath;
  // Listeners are called in order: the time between the first and the last is that of the extension's.
  let began = 0;
  let own = 0;
  vscode.workspace.onDidChangeTextDocument(() => {
    began = performance.now();
  });
  const extension = vscode.extensions.getExtension('agent-strace.agent-strace')!;
  if (extension.isActive)
    throw new Error('the extension was there before its listeners could be timed');
  renameSync(join(root, '.agent-traces-later'), join(root, '.agent-traces'));
  const api = await extension.activate();
  vscode.workspace.onDidChangeTextDocument(() => {
    own = performance.now() - began;
  });
  let editor: vscode.TextEditor | undefined;
  for (let n = 0; n < 200; n++) {
    const file = vscode.Uri.file(join(root, 'src', `open${n}.ts`));
    editor = await vscode.window.showTextDocument(file, { preview: false });
  }
  const { uri } = editor!.document;
  await until(() => api.marksOf(uri)?.modified.length === 20 || undefined, 60_000);
  const keystroke = async (n: number): Promise<Keystroke> => {
    const startedMs = performance.now();
    // Every tenth is a line break in the middle of the file: all marks below move.
    const line = 1000 + (n % 7);
    const text = n % 10 === 0 ? '\n' : 'x';
    const done = await editor!.edit((edit) => edit.insert(new vscode.Position(line, 0), text));
    if (!done) throw new Error('the editor did not take the edit');
    const whole = performance.now() - startedMs;
    await new Promise((resolve) => setTimeout(resolve, 30));
    return { own, whole };
  };
  const on: Keystroke[] = [];
  const off: Keystroke[] = [];
  // By turns, so that what else the machine does falls on both.
  for (let round = 0; round < 6; round++) {
    const into = round % 2 === 0 ? on : off;
    if (round > 0) await vscode.commands.executeCommand('agentStrace.toggleMarks');
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (let n = 0; n < KEYSTROKES / 3; n++) into.push(await keystroke(n));
  }
  const paints = api.markPaints;
  console.log(benchMarker + JSON.stringify({ on, off, paints }));
}
