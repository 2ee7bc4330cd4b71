import * as assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { AgentStraceApi } from '../../../src/host/extension.ts';
import { AgentHand } from '../../agentHand.ts';
import { TraceWriter } from '../../traceWriter.ts';
import { test, until } from '../hostSuite.ts';

const root = (): string => vscode.workspace.workspaceFolders![0]!.uri.fsPath;

async function api(): Promise<AgentStraceApi> {
  const extension = vscode.extensions.getExtension<AgentStraceApi>('agent-strace.agent-strace')!;
  return await extension.activate();
}

const FILE = Array.from({ length: 20 }, (_, at) => `value_${at + 1} = ${at + 1}\n`).join('');
let sessions = 0;

/** A session of its own that the window looks at, and a file. */
async function begin(name: string): Promise<{ hand: AgentHand; path: string; key: string }> {
  const path = join(root(), 'marks', `${name}.py`);
  mkdirSync(join(root(), 'marks'), { recursive: true });
  writeFileSync(path, FILE);
  const id = `marks${++sessions}`;
  const writer = new TraceWriter(join(root(), '.agent-traces'), id, { cwd: root() });
  writer.start().prompt(`Work on ${name}`);
  const strace = await api();
  const { key } = await until(() => strace.sessions.find((session) => session.id === id));
  await vscode.commands.executeCommand('agentStrace.showMarks', key);
  return { hand: new AgentHand(writer), path, key };
}

async function open(path: string): Promise<vscode.TextEditor> {
  return await vscode.window.showTextDocument(vscode.Uri.file(path), { preview: false });
}

async function shown(path: string): Promise<string> {
  const ranges = (await api()).marksOf(vscode.Uri.file(path));
  if (!ranges) return '';
  const words = (all: readonly (readonly [number, number])[]) =>
    all.map(([first, last]) => `${first}-${last}`).join(' ');
  return `R ${words(ranges.read)} M ${words(ranges.modified)}`;
}

/** Waits until the marks are these; says what they are where they never get there. */
async function marks(path: string, wanted: string): Promise<void> {
  let last = '';
  try {
    await until(async () => {
      last = await shown(path);
      return last === wanted || undefined;
    });
  } catch {
    assert.equal(last, wanted);
  }
}

test('reads, searches and changes are marked on exactly their lines', async () => {
  const { hand, path } = await begin('exact');
  await open(path);
  hand.read(path, 3, 4);
  await marks(path, 'R 3-6 M ');
  hand.grep(path, '= 2');
  await marks(path, 'R 2-6 20-20 M ');
  hand.edit(path, 'value_4 = 4\n', 'value_4 = 40\nvalue_4b = 41\n');
  await marks(path, 'R 2-3 6-7 21-21 M 4-5');
  hand.read(path);
  await marks(path, 'R 1-3 6-21 M 4-5');
  const fresh = join(root(), 'marks', 'fresh.py');
  hand.write(fresh, 'a = 1\nb = 2\n');
  await open(fresh);
  await marks(fresh, 'R  M 1-2');
});

test('marks move with lines that are put in above, and go when the change is undone', async () => {
  const { hand, path } = await begin('moves');
  const editor = await open(path);
  hand.read(path, 3, 2);
  hand.edit(path, 'value_8 = 8', 'value_8 = 80');
  await marks(path, 'R 3-4 M 8-8');
  await until(() => editor.document.getText().includes('= 80') || undefined);
  await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# one\n# two\n'));
  await marks(path, 'R 5-6 M 10-10');
  await vscode.commands.executeCommand('undo');
  await marks(path, 'R 3-4 M 8-8');
  // The agent's change came into the editor from disk: undo takes that back, too.
  await vscode.commands.executeCommand('undo');
  await until(() => !editor.document.getText().includes('= 80') || undefined);
  await marks(path, 'R 3-4 M ');
  await vscode.commands.executeCommand('redo');
  await marks(path, 'R 3-4 M 8-8');
  await editor.document.save();
});

test('two sessions at once do not mix', async () => {
  const first = await begin('shared');
  await open(first.path);
  first.hand.edit(first.path, 'value_4 = 4\n', 'value_4 = 40\n');
  await marks(first.path, 'R  M 4-4');
  const second = await begin('other');
  second.hand.edit(first.path, 'value_9 = 9\n', 'value_9 = 90\nvalue_9b = 91\n');
  await marks(first.path, 'R  M 9-10');
  await vscode.commands.executeCommand('agentStrace.showMarks', first.key);
  await marks(first.path, 'R  M 4-4');
  await vscode.commands.executeCommand('agentStrace.followLive');
  await marks(first.path, 'R  M 4-4 9-10');
});

test('fifty events a second draw nothing anew that stays as it is', async () => {
  const { hand, path } = await begin('calm');
  await open(path);
  hand.read(path, 1, 10);
  await marks(path, 'R 1-10 M ');
  const strace = await api();
  // The marks are known a moment before they are drawn.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const before = strace.markPaints;
  for (let n = 0; n < 100; n++) {
    hand.read(path, 1, 10);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const calls = () => strace.sessions.find(({ id }) => id === hand.writer.sessionId)?.summary.calls;
  await until(() => calls() === 101 || undefined);
  assert.equal(strace.markPaints, before);
  // And what changes each time is drawn at most four times a second.
  const startedMs = Date.now();
  for (let n = 0; n < 50; n++) {
    hand.read(path, 1, 1 + (n % 19));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  hand.read(path, 1, 15);
  await marks(path, 'R 1-19 M ');
  const seconds = Math.ceil((Date.now() - startedMs) / 1000) + 1;
  assert.ok(strace.markPaints > before);
  assert.ok(strace.markPaints - before <= 4 * seconds, `${strace.markPaints - before} paints`);
});

test('the hover says who, why, which step and what it cost, and where to go from there', async () => {
  const { hand, path, key } = await begin('hover');
  await open(path);
  hand.edit(path, 'value_4 = 4\n', 'value_4 = 40\nvalue_4b = 41\n');
  hand.read(path, 9, 1);
  await marks(path, 'R 9-9 M 4-5');
  const hover = async (line: number): Promise<vscode.MarkdownString[]> => {
    const found = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      vscode.Uri.file(path),
      new vscode.Position(line - 1, 2),
    );
    return found.flatMap(({ contents }) => contents as vscode.MarkdownString[]);
  };
  const [changed] = await hover(4);
  assert.match(changed!.value, /Changed by Claude Code/);
  assert.match(changed!.value, /> “Work on hover”/);
  assert.match(changed!.value, /\| Step \| 3 of 4, Edit &#43;2 −1 \|/);
  assert.match(changed!.value, /\| Cost of step&nbsp;&nbsp; \| &#36;0&#46;\d{4} \|/);
  assert.ok(
    changed!.value.includes(`agentStrace.replay?${encodeURIComponent(JSON.stringify([key, 2]))}`),
  );
  assert.match(changed!.value, /command:agentStrace\.showStepDiff\?/);
  const [read] = await hover(9);
  assert.match(read!.value, /Read by Claude Code/);
  assert.doesNotMatch(read!.value, /showStepDiff/);
  assert.deepEqual(await hover(12), []);
  const settings = vscode.workspace.getConfiguration('agentStrace');
  await settings.update('hover.enabled', false, vscode.ConfigurationTarget.Workspace);
  assert.deepEqual(await hover(4), []);
  await settings.update('hover.enabled', undefined, vscode.ConfigurationTarget.Workspace);
});

test('marks of a file that the trace names by a link or a relative path are found', async () => {
  const { hand, path } = await begin('named');
  await open(path);
  const call = hand.writer.call('Read', { file_path: 'marks/../marks/named.py' });
  hand.writer.result(call, {
    files: [{ path: 'marks/../marks/named.py', kind: 'read', ranges: [[2, 3]] }],
    result: '2\tvalue_2 = 2\n3\tvalue_3 = 3',
  });
  await marks(path, 'R 2-3 M ');
  symlinkSync(join(root(), 'marks'), join(root(), 'linked'));
  const link = join(root(), 'linked', 'named.py');
  await open(link);
  await marks(link, 'R 2-3 M ');
});
