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

function install(name: string, says: string): void {
  const bin = join(workbench!.server.home, '.local', 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, name), `#!/bin/sh\necho "${says}"\n`);
  chmodSync(join(bin, name), 0o755);
}

const picks = () => workbench!.page.locator('.quick-input-list');

test('set-up shows a diff, asks, writes, and is taken back to the byte', async () => {
  const file = join(project, '.claude', 'settings.local.json');
  mkdirSync(join(project, '.claude'));
  const before = '{\n    // mine\n    "permissions": { "allow": ["Bash(ls:*)"] }\n}\n';
  writeFileSync(file, before);
  workbench = await Workbench.open(project);
  install('claude', '2.1.150 (Claude Code)');
  const { page } = workbench;
  const choose = async (command: string): Promise<void> => {
    await workbench!.runCommand(command);
    // Who is here is ticked.
    await picks().getByText('installed 2.1.150').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Just me, in this folder').click();
    // Asked until it is set up.
    await page.getByText('Stop the worst, too').click();
    await page.locator('.monaco-dialog-box').waitFor();
  };

  // Cancelled, nothing is changed.
  await choose('Agent Strace: Set Up Recording');
  await workbench.settled();
  await workbench.screenshot('setup-question');
  await page.locator('.monaco-dialog-box').getByText('Cancel').click();
  await page.locator('.monaco-dialog-box').waitFor({ state: 'detached' });
  expect(readFileSync(file, 'utf8')).toBe(before);
  expect(existsSync(join(project, '.agent-traces'))).toBe(false);
  expect(existsSync(join(workbench.server.home, '.agent-strace', 'config.json'))).toBe(false);

  await choose('Agent Strace: Set Up Recording');
  await page
    .locator('.monaco-dialog-box')
    .getByRole('button', { name: 'Set Up Recording' })
    .click();
  await page.getByText('Recording is set up.').first().waitFor();
  // The folder for traces is there now: the status bar says so.
  await workbench.statusBarText('Agent Strace');
  await workbench.screenshot('setup-done');
  const after = readFileSync(file, 'utf8');
  expect(after).toContain('agent-strace-hook');
  expect(after).toContain('PostToolUseFailure');
  expect(after).toContain('// mine');
  expect(readFileSync(join(project, '.agent-traces', '.gitignore'), 'utf8')).toBe('*\n');
  const state = join(workbench.server.home, '.agent-strace');
  expect(JSON.parse(readFileSync(join(state, 'config.json'), 'utf8'))).toMatchObject({
    guard: { safe: true },
  });
  expect(existsSync(join(state, 'bin', 'agent-strace-hook'))).toBe(true);
  expect(existsSync(join(state, 'lib', 'hook.js'))).toBe(true);

  await workbench.runCommand('Agent Strace: Remove Recording');
  await page
    .locator('.monaco-dialog-box')
    .getByRole('button', { name: 'Remove Recording' })
    .click();
  await page.getByText('Recording is removed').first().waitFor();
  expect(readFileSync(file, 'utf8')).toBe(before);
});

test('where no agent is found, the list says so', async () => {
  workbench = await Workbench.open(project);
  await workbench.runCommand('Agent Strace: Set Up Recording');
  await picks().getByText('Gemini CLI').waitFor();
  await picks().getByText('not found on this machine').waitFor();
  await workbench.screenshot('setup-none-found');
});

test('several agents are set up with one question, and taken out again', async () => {
  workbench = await Workbench.open(project);
  const { page } = workbench;
  const { home } = workbench.server;
  const gemini = join(home, '.gemini', 'settings.json');
  const before = '{\n  // mine\n  "ui": { "theme": "Default" }\n}\n';
  mkdirSync(join(home, '.gemini'));
  writeFileSync(gemini, before);
  install('claude', '2.1.330 (Claude Code)');
  install('codex', 'codex-cli 0.169.0');
  install('gemini', '0.61.0');
  const dialog = page.locator('.monaco-dialog-box');

  await workbench.runCommand('Agent Strace: Set Up Recording');
  await picks().getByText('installed 0.169.0').waitFor();
  await workbench.settled();
  await workbench.screenshot('setup-agents');
  const ticked = picks().locator('input[type=checkbox]:checked, .monaco-checkbox.checked');
  expect(await ticked.count()).toBe(3);
  await page.keyboard.press('Enter');
  await page.getByText('Everybody who works on this folder').waitFor();
  await workbench.settled();
  await workbench.screenshot('setup-scope');
  await page.getByText('Just me, in this folder').click();
  await page.getByText('Only record').waitFor();
  await workbench.settled();
  await workbench.screenshot('setup-guard');
  await page.getByText('Only record').click();
  await dialog.waitFor();
  expect(await dialog.textContent()).toContain('Record Claude Code, Codex, and Gemini CLI?');
  await workbench.settled();
  await workbench.screenshot('setup-agents-question');
  await dialog.getByRole('button', { name: 'Set Up Recording' }).click();
  await page.getByText('Recording is set up.').first().waitFor();
  expect(await page.getByText('Settings of 3 agents').count()).toBe(0);
  await page.locator('[id="status.notifications"]').click();
  await workbench.settled();
  await workbench.screenshot('setup-agents-done');
  await page.getByRole('button', { name: 'Copy /hooks' }).first().waitFor();
  const claude = join(project, '.claude', 'settings.local.json');
  const codex = join(home, '.codex', 'hooks.json');
  for (const file of [claude, codex, gemini]) {
    expect(readFileSync(file, 'utf8')).toContain('agent-strace-hook');
  }

  await workbench.runCommand('Agent Strace: Remove Recording');
  await picks().getByText('~/.gemini/settings.json · all folders').waitFor();
  await workbench.settled();
  await workbench.screenshot('setup-remove-list');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Remove Recording' }).click();
  await page.getByText('Recording is removed').first().waitFor();
  expect(existsSync(codex)).toBe(false);
  expect(existsSync(claude)).toBe(false);
  expect(readFileSync(gemini, 'utf8')).toBe(before);
});
