import { afterEach, expect, test } from 'vitest';
import { type Theme, themes } from '../codeServer.ts';
import { Workbench } from '../workbench.ts';

let workbench: Workbench | undefined;
afterEach(async () => {
  await workbench?.close();
  workbench = undefined;
});

test.each(Object.keys(themes) as Theme[])('status bar and stream in %s', async (theme) => {
  workbench = await Workbench.open(undefined, { theme });
  expect(await workbench.statusBarText('Agent Strace')).toContain('Agent Strace');
  await workbench.runCommand('Agent Strace: Open Live Stream');
  const frame = await workbench.webviewFrame('Agent Strace');
  await frame.locator('main').waitFor();
  await workbench.screenshot(`workbench-stream-${theme}`);
});
