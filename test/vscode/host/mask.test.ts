import * as assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { chooseMask, maskChosen } from '../../../src/trace/choices.ts';
import { test, until } from '../hostSuite.ts';

test('the setting is kept where recorders look; as long as it is not set, the choice is left alone', async () => {
  const env = { AGENT_STRACE_HOME: join(homedir(), '.agent-strace') };
  const set = async (value: boolean | undefined): Promise<void> =>
    await vscode.workspace
      .getConfiguration('agentStrace')
      .update('maskPersonalData', value, vscode.ConfigurationTarget.Global);
  await vscode.extensions.getExtension('agent-strace.agent-strace')!.activate();
  assert.equal(maskChosen(env), false);
  try {
    await set(true);
    await until(() => maskChosen(env) || undefined);
    await set(undefined);
    await until(() => !maskChosen(env) || undefined);
  } finally {
    await set(undefined);
    chooseMask(false, env);
  }
});
