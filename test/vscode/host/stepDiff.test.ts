import * as assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { AgentStraceApi } from '../../../src/host/extension.ts';
import { TraceWriter } from '../../traceWriter.ts';
import { test, until } from '../hostSuite.ts';

const root = (): string => vscode.workspace.workspaceFolders![0]!.uri.fsPath;

/** A session with one edit, as its trace and transcript tell. */
async function edited(id: string, name: string, texts: [before: string, after: string]) {
  const strace = await vscode.extensions
    .getExtension<AgentStraceApi>('agent-strace.agent-strace')!
    .activate();
  const path = join(root(), name);
  writeFileSync(path, texts[1]);
  const writer = new TraceWriter(join(root(), '.agent-traces'), id, { cwd: root() })
    .start()
    .prompt('Edit');
  const call = writer.call('Write', { file_path: path });
  const files = [
    { path, kind: 'write', added: 1, removed: 1, ranges: [[1, 1]], hunks: [[1, 1, 1, 1]] },
  ];
  writer.result(call, { files }).end();
  const folder = join(homedir(), '.claude', 'projects', '-host');
  mkdirSync(folder, { recursive: true });
  const row = {
    type: 'user',
    message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: call, content: 'ok' }] },
    toolUseResult: { type: 'update', filePath: path, originalFile: texts[0], content: texts[1] },
  };
  appendFileSync(join(folder, `${id}.jsonl`), `${JSON.stringify(row)}\n`);
  const session = await until(() => {
    const found = strace.sessions.find((live) => live.id === id);
    return found?.summary.status === 'ended' ? found : undefined;
  });
  return { key: session.key, path };
}

/** The diff that is open, once it is. */
const openDiff = (label: string) =>
  until(() => {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    return tab?.label === label && tab.input instanceof vscode.TabInputTextDiff
      ? tab.input
      : undefined;
  });

const textOf = async (uri: vscode.Uri): Promise<string> =>
  (await vscode.workspace.openTextDocument(uri)).getText();

test('the diff of a step has the whole texts of before and after', async () => {
  const { key } = await edited('diff-step', 'step.ts', ['let a = 1;\n', 'let a = 2;\n']);
  await vscode.commands.executeCommand('agentStrace.showStepDiff', key, 2);
  const { original, modified } = await openDiff('step.ts (step 3)');
  assert.equal(await textOf(original), 'let a = 1;\n');
  assert.equal(await textOf(modified), 'let a = 2;\n');
  const document = await vscode.workspace.openTextDocument(original);
  assert.equal(document.languageId, 'typescript');
  assert.equal(vscode.workspace.fs.isWritableFileSystem(original.scheme) ?? false, false);
});

test('the diff of a session ends with the file itself, while it is as the session left it', async () => {
  const { key, path } = await edited('diff-file', 'whole.ts', ['one\n', 'two\n']);
  const item = { sessionKey: key, file: { path, absolute: path, name: 'whole.ts' } };
  await vscode.commands.executeCommand('agentStrace.openChange', item);
  const now = await openDiff('whole.ts (before session ↔ now)');
  assert.equal(now.modified.fsPath, path);
  assert.equal(await textOf(now.original), 'one\n');
  writeFileSync(path, 'mine\n');
  await vscode.commands.executeCommand('agentStrace.openChange', item);
  const later = await openDiff('whole.ts (before session ↔ after session)');
  assert.equal(await textOf(later.modified), 'two\n');
});

test('commands take anything, and do nothing with it', async () => {
  for (const value of [undefined, null, 1, 'x', {}, { sessionKey: 'x' }, { file: {} }]) {
    await vscode.commands.executeCommand('agentStrace.openChange', value);
    await vscode.commands.executeCommand('agentStrace.openChangedFile', value);
    await vscode.commands.executeCommand('agentStrace.restoreFile', value);
    await vscode.commands.executeCommand('agentStrace.showStepDiff', value, value);
  }
});
