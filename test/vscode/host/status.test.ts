import * as assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { AgentStraceApi } from '../../../src/host/extension.ts';
import { TraceWriter } from '../../traceWriter.ts';
import { test, until } from '../hostSuite.ts';

const root = (): string => vscode.workspace.workspaceFolders![0]!.uri.fsPath;
const traceDir = (): string => join(root(), '.agent-traces');

async function api(): Promise<AgentStraceApi> {
  const extension = vscode.extensions.getExtension<AgentStraceApi>('agent-strace.agent-strace')!;
  return await extension.activate();
}

test('the status bar follows a session: cost, calls, what goes on, and its end', async () => {
  const strace = await api();
  const writer = new TraceWriter(traceDir(), 'first', { cwd: root() }).start().prompt('Fix it');
  await until(() => strace.status?.text.includes('Thinking') || undefined);
  const call = writer.call('Bash', { command: 'pytest -q' });
  await until(() => / · 1 call · Bash \d+s$/.test(strace.status?.text ?? '') || undefined);
  writer.result(call).usage([call]);
  await until(() => /\$0\.\d{4} · 1 call · Thinking/.test(strace.status?.text ?? '') || undefined);
  assert.match(strace.status!.tooltip, /claude&#45;sonnet/);
  assert.match(strace.status!.tooltip, /priced 1 · dedup 0 · est 0 · unpriced 0/);
  writer.ask('May I?');
  await until(() => strace.status?.text.endsWith('$(bell) waiting for you') || undefined);
  const second = new TraceWriter(traceDir(), 'second', { cwd: root() }).start().prompt('Other');
  await until(() => strace.status?.text.endsWith('+1') || undefined);
  second.end();
  writer.turnEnd();
  await until(() => strace.status?.text.endsWith('· idle') || undefined);
  writer.end();
  await until(() => strace.status?.text.endsWith('· done') || undefined);
});

test('a step opens its file at the line, or the event where the file is elsewhere', async () => {
  const strace = await api();
  mkdirSync(join(root(), 'src'), { recursive: true });
  writeFileSync(join(root(), 'src', 'a.py'), 'one\ntwo\nthree\n');
  const writer = new TraceWriter(traceDir(), 'opens', { cwd: root() }).start().prompt('Read');
  const call = writer.call('Read', { file_path: join(root(), 'src', 'a.py') });
  writer.result(call, {
    files: [{ path: join(root(), 'src', 'a.py'), kind: 'read', ranges: [[2, 3]] }],
  });
  writer.call('Read', { file_path: '/etc/hostname' });
  const session = await until(() => strace.sessions.find(({ id }) => id === 'opens'));
  await until(
    () => strace.sessions.find(({ id }) => id === 'opens')?.summary.calls === 2 || undefined,
  );
  await vscode.commands.executeCommand('agentStrace.openStep', session.key, 2);
  const editor = vscode.window.activeTextEditor!;
  assert.equal(editor.document.uri.fsPath, join(root(), 'src', 'a.py'));
  assert.equal(editor.selection.active.line, 1);
  await vscode.commands.executeCommand('agentStrace.openStep', session.key, 3);
  const { document } = vscode.window.activeTextEditor!;
  assert.equal(document.uri.scheme, 'agent-trace');
  assert.equal(document.languageId, 'json');
  assert.match(document.getText(), /"file_path": "\/etc\/hostname"/);
});

test('bad lines are counted, and do no harm', async () => {
  const strace = await api();
  const writer = new TraceWriter(traceDir(), 'torn', { cwd: root() }).start().prompt('Torn');
  appendFileSync(writer.file, '{"event_type":"tool_ca\nnot json\n');
  writer.call('Bash', { command: 'ls' });
  await until(
    () => strace.sessions.find(({ id }) => id === 'torn')?.summary.calls === 1 || undefined,
  );
});
