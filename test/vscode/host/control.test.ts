import * as assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { AgentStraceApi } from '../../../src/host/extension.ts';
import { FakeAgent } from '../../fakeAgent.ts';
import { TraceWriter } from '../../traceWriter.ts';
import { test, until } from '../hostSuite.ts';

const root = (): string => realpathSync(vscode.workspace.workspaceFolders![0]!.uri.fsPath);
const traceDir = (): string => join(root(), '.agent-traces');
const stateHome = (): string => join(homedir(), '.agent-strace');

async function api(): Promise<AgentStraceApi> {
  return await vscode.extensions
    .getExtension<AgentStraceApi>('agent-strace.agent-strace')!
    .activate();
}

/** A session whose agent is a harmless tree of processes. */
async function session(id: string, recorded = true) {
  const folder = mkdtempSync(join(tmpdir(), 'host-brake-'));
  const agent = new FakeAgent({ folder, sessionId: id });
  await until(() => agent.work('stray') > 0 || undefined);
  if (recorded) agent.saveRecord(traceDir(), stateHome());
  const writer = new TraceWriter(traceDir(), id, { cwd: root() }).start().prompt('Work');
  const strace = await api();
  const find = () => strace.sessions.find((one) => one.id === id);
  const { key } = await until(find);
  /** Leaves the folder as it was found. */
  const close = async (): Promise<void> => {
    await agent.close();
    rmSync(join(traceDir(), id), { recursive: true });
    rmSync(folder, { recursive: true });
    await until(() => find() === undefined || undefined);
  };
  return { agent, writer, strace, key, close, status: () => find()?.summary.status };
}

const states = async (agent: FakeAgent) => (await agent.processes()).map(({ state }) => state);

test('a click on Pause freezes the whole tree, and the status bar says so within 100 ms', async () => {
  const { agent, writer, strace, key, status, close } = await session('brake-pause');
  // A busy session: the status bar has its hands full.
  const flood = setInterval(() => writer.result(writer.call('Bash', { command: 'ls' })), 40);
  const frozen: number[] = [];
  const told: number[] = [];
  try {
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      let toldMs = Number.NaN;
      const clicked = performance.now();
      const listening = strace.onDidChangeStatus((line) => {
        if (line?.text.endsWith('paused')) toldMs = performance.now() - clicked;
      });
      await vscode.commands.executeCommand('agentStrace.pause', key);
      frozen.push(performance.now() - clicked);
      assert.deepEqual([...new Set(await states(agent))], ['T']);
      assert.equal(status(), 'paused');
      await until(() => Number.isFinite(toldMs) || undefined);
      told.push(toldMs);
      listening.dispose();
      await vscode.commands.executeCommand('agentStrace.togglePause', key);
      assert.ok(!(await states(agent)).includes('T'));
    }
    const shown = (list: number[]) => list.map((ms) => ms.toFixed(0)).join(', ');
    console.log(`measured: Pause: frozen after ${shown(frozen)} ms, told after ${shown(told)} ms`);
    assert.ok(Math.min(...frozen) < 100, `frozen after ${shown(frozen)} ms`);
    assert.ok(Math.min(...told) < 100, `told after ${shown(told)} ms`);
  } finally {
    clearInterval(flood);
    await close();
  }
});

test('Stop leaves nothing of the tree', async () => {
  const { agent, key, status, close } = await session('brake-stop');
  const settings = vscode.workspace.getConfiguration('agentStrace');
  await settings.update('confirmStop', false, vscode.ConfigurationTarget.Global);
  try {
    await vscode.commands.executeCommand('agentStrace.pause', key);
    await vscode.commands.executeCommand('agentStrace.stop', { sessionKey: key });
    assert.deepEqual(await agent.processes(), []);
    await until(() => status() === 'failed' || undefined);
  } finally {
    await settings.update('confirmStop', undefined, vscode.ConfigurationTarget.Global);
    await close();
  }
});

test('a trace that no recorder of ours wrote is paused by nobody', async () => {
  const { agent, key, status, close } = await session('brake-forged', false);
  try {
    for (const action of ['pause', 'resume', 'togglePause']) {
      await vscode.commands.executeCommand(`agentStrace.${action}`, key);
      assert.ok(!(await states(agent)).includes('T'));
    }
    assert.equal(status(), 'live');
  } finally {
    await close();
  }
});

test('a shell whose agent was killed while paused is continued', async () => {
  const { agent, key, close } = await session('brake-killed');
  try {
    await vscode.commands.executeCommand('agentStrace.pause', key);
    process.kill(agent.pid, 'SIGKILL');
    // Here its other processes stand for the shell.
    await until(async () => !(await states(agent)).includes('T') || undefined, 15_000);
  } finally {
    await close();
  }
});
