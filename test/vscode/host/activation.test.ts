import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { test, until } from '../hostSuite.ts';

test('the extension activates in a folder with traces', async () => {
  const extension = vscode.extensions.getExtension('agent-strace.agent-strace');
  assert.ok(extension);
  await until(() => extension.isActive || undefined);
});
