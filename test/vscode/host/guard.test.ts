import * as assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { readTrips } from '../../../src/guard/trips.ts';
import type { AgentStraceApi } from '../../../src/host/extension.ts';
import { FakeAgent } from '../../fakeAgent.ts';
import { TraceWriter } from '../../traceWriter.ts';
import { test, until } from '../hostSuite.ts';

const root = (): string => realpathSync(vscode.workspace.workspaceFolders![0]!.uri.fsPath);
const traceDir = (): string => join(root(), '.agent-traces');
const state = (): string => join(homedir(), '.agent-strace');

test('a rule that no call trips: the window freezes the agent, says so, and stops when it is let go', async () => {
  const api = await vscode.extensions
    .getExtension<AgentStraceApi>('agent-strace.agent-strace')!
    .activate();
  const id = 'guard-time';
  const folder = mkdtempSync(join(tmpdir(), 'host-guard-'));
  const rules = join(state(), 'rules.yaml');
  mkdirSync(state(), { recursive: true, mode: 0o700 });
  const agent = new FakeAgent({ folder, sessionId: id });
  const states = async () => (await agent.processes()).map((one) => one.state);
  const posted: { text: string; event: string; project: string }[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    posted.push(JSON.parse(text));
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const settings = vscode.workspace.getConfiguration('agentStrace.guard');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  await settings.update('webhook', address, vscode.ConfigurationTarget.Global);
  const trip = () => readTrips().find(({ session }) => session === id);
  try {
    await until(() => agent.work('stray') > 0 || undefined);
    agent.saveRecord(traceDir(), state(), { project: root() });
    const startMs = Date.now() - 24 * 60_000;
    const writer = new TraceWriter(traceDir(), id, { cwd: root(), startMs }).start();
    writer.prompt('Work').call('Bash', { command: 'sleep 1000' });
    await until(() => api.sessions.find((one) => one.id === id));
    assert.ok(!(await states()).includes('T'));
    writeFileSync(
      rules,
      'rules:\n  - name: too-long\n    condition: duration_minutes > 20\n    action: pause\n',
      { mode: 0o600 },
    );
    await until(async () => (await states()).every((one) => one === 'T') || undefined, 15_000);
    await until(() => trip()?.processes);
    assert.equal(trip()?.line, 'interrupt');
    assert.equal(trip()?.state, 'open');
    await until(() => (api.status?.text.startsWith('$(debug-pause) Paused') ? true : undefined));
    assert.equal(api.status?.tone, 'warning');
    // Told beyond the window, once.
    await until(() => (posted.length > 0 ? true : undefined));
    assert.match(posted[0]!.text, /^Claude Code is (being )?paused: /);
    assert.equal(posted[0]!.event, 'trip');
    // By the ordinary command, not by the card: the card follows.
    const { key } = api.sessions.find((one) => one.id === id)!;
    await vscode.commands.executeCommand('agentStrace.resume', key);
    await until(() => (trip()?.state === 'resumed' ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.ok(!(await states()).includes('T'));
    assert.equal(posted.length, 1);
  } finally {
    await settings.update('webhook', undefined, vscode.ConfigurationTarget.Global);
    server.closeAllConnections();
    server.close();
    rmSync(rules, { force: true });
    await agent.close();
    rmSync(join(traceDir(), id), { recursive: true });
    rmSync(folder, { recursive: true });
    await until(() => (api.sessions.some((one) => one.id === id) ? undefined : true));
  }
});
