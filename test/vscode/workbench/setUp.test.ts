import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Workbench } from '../workbench.ts';

let workbench: Workbench | undefined;
let scratch: string;
let project: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'agent-strace-setup-'));
  project = join(scratch, 'project');
  mkdirSync(project);
});
afterEach(async () => {
  await workbench?.close();
  workbench = undefined;
  rmSync(scratch, { recursive: true, force: true });
});

test('set-up shows a diff, asks, writes, and is taken back to the byte', async () => {
  const file = join(project, '.claude', 'settings.local.json');
  mkdirSync(join(project, '.claude'));
  const before = '{\n    // mine\n    "permissions": { "allow": ["Bash(ls:*)"] }\n}\n';
  writeFileSync(file, before);
  workbench = await Workbench.open(project);
  const bin = join(workbench.server.home, '.local', 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'claude'), '#!/bin/sh\necho "2.1.150 (Claude Code)"\n');
  chmodSync(join(bin, 'claude'), 0o755);
  const { page } = workbench;
  const choose = async (command: string): Promise<void> => {
    await workbench!.runCommand(command);
    await page.getByText('Just me, in this folder').click();
    await page.locator('.monaco-dialog-box').waitFor();
  };

  // Cancelled, nothing is changed.
  await choose('Agent Strace: Set Up Recording');
  await page.waitForTimeout(1000);
  await workbench.screenshot('setup-question');
  await page.locator('.monaco-dialog-box').getByText('Cancel').click();
  await page.locator('.monaco-dialog-box').waitFor({ state: 'detached' });
  expect(readFileSync(file, 'utf8')).toBe(before);
  expect(existsSync(join(project, '.agent-traces'))).toBe(false);

  await choose('Agent Strace: Set Up Recording');
  await page
    .locator('.monaco-dialog-box')
    .getByRole('button', { name: 'Set Up Recording' })
    .click();
  await page.getByText('Recording is set up.').first().waitFor();
  // The folder for traces is there now: the status bar says so.
  await workbench.statusBarText('Agent Strace');
  await page.waitForTimeout(800);
  await workbench.screenshot('setup-done');
  const after = readFileSync(file, 'utf8');
  expect(after).toContain('agent-strace-hook');
  expect(after).toContain('PostToolUseFailure');
  expect(after).toContain('// mine');
  expect(readFileSync(join(project, '.agent-traces', '.gitignore'), 'utf8')).toBe('*\n');
  const state = join(workbench.server.home, '.agent-strace');
  expect(existsSync(join(state, 'bin', 'agent-strace-hook'))).toBe(true);
  expect(existsSync(join(state, 'lib', 'hook.js'))).toBe(true);

  await choose('Agent Strace: Remove Recording');
  await page
    .locator('.monaco-dialog-box')
    .getByRole('button', { name: 'Remove Recording' })
    .click();
  await page.getByText('Recording is removed').first().waitFor();
  expect(readFileSync(file, 'utf8')).toBe(before);
});
