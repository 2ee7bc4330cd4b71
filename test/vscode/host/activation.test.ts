import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { AgentStraceApi } from '../../../src/host/extension.ts';
import { test, until } from '../hostSuite.ts';

// The first file of the suite: no test has written a session yet.
test('the extension activates in a folder with traces, and is quiet while there is no session', async () => {
  const extension = vscode.extensions.getExtension<AgentStraceApi>('agent-strace.agent-strace');
  assert.ok(extension);
  await until(() => extension.isActive || undefined);
  assert.equal(extension.exports.status?.text, '$(pulse) Agent Strace');
});
