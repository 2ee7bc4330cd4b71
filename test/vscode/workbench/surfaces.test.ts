import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TraceWriter } from '../../traceWriter.ts';
import { Workbench } from '../workbench.ts';

let workbench: Workbench | undefined;
let scratch: string;
let project: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'agent-strace-surfaces-'));
  project = join(scratch, 'payments-api');
  mkdirSync(join(project, '.agent-traces'), { recursive: true });
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.screenshot('surfaces-failure');
  await workbench?.close();
  workbench = undefined;
  rmSync(scratch, { recursive: true, force: true });
});

function work(): TraceWriter {
  const writer = new TraceWriter(join(project, '.agent-traces'), 'live-1', {
    cwd: project,
    startMs: Date.now() - 200_000,
  });
  writer.start().prompt('Make webhook retries idempotent');
  const read = writer.call('Read', { file_path: join(project, 'src', 'a.py') });
  const failed = writer.call('Bash', { command: 'pytest -q' });
  writer.result(read).result(failed, { is_error: true, exit_code: 1 });
  writer.nowMs = Date.now() - 40_000;
  writer.usage([read, failed]);
  writer.call('Bash', { command: 'pytest -q tests/webhooks --count 20' });
  return writer;
}

test('the status bar says all of a session, near its budget, in every theme', async () => {
  work();
  workbench = await Workbench.open(project, { settings: { 'agentStrace.budget': 0.04 } });
  const { page } = workbench;
  const item = workbench.statusBarItem('2 calls').or(workbench.statusBarItem('3 calls')).first();
  await item.waitFor();
  await expect.poll(() => item.getAttribute('class')).toContain('warning-kind');
  await item.hover();
  const hover = page.locator('.monaco-hover', { hasText: 'Make webhook retries' }).first();
  await hover.waitFor();
  for (const words of [
    'Claude Code, live',
    'Model',
    'Budget',
    '87% of $0.04',
    'Context',
    'Errors',
  ]) {
    await hover.getByText(words, { exact: false }).first().waitFor();
  }
  await hover.getByText('Cache goes cold in').waitFor();
  const links = await hover.locator('a').allTextContents();
  expect(links).toEqual(['Stream', 'Replay', 'Changes']);
  // Its clocks run, but not so that what is read changes under the eyes.
  const before = await hover.textContent();
  const said = await page.evaluate(async () => {
    const texts = new Set<string>();
    for (let i = 0; i < 110; i++) {
      const text = document.querySelector('.monaco-hover table')?.textContent;
      if (text) texts.add(text);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return texts.size;
  });
  // In eleven seconds: what it said at first, and at most three times something else.
  expect(said).toBeLessThanOrEqual(4);
  expect(await hover.textContent()).not.toBe(before);
  await workbench.inEachTheme(async (theme) => {
    await item.hover();
    await hover.waitFor();
    await workbench!.settled();
    await workbench!.screenshot(`status-${theme}-budget`);
  });
});

test('over its budget the status bar is an error', async () => {
  work();
  workbench = await Workbench.open(project, { settings: { 'agentStrace.budget': 0.03 } });
  const item = workbench.statusBarItem('over budget');
  await item.waitFor();
  await expect.poll(() => item.getAttribute('class')).toContain('error-kind');
  expect(await item.locator('a').first().getAttribute('aria-label')).toMatch(
    /^Agent Strace: Claude Code is running Bash, \$0\.0350, over the budget of \$0\.0300, 3 calls, 1 error/,
  );
  await workbench.screenshot('status-over-budget');
});

test('empty views say what to do: no session, restricted, no folder', async () => {
  workbench = await Workbench.open(project);
  await workbench.openView('Sessions');
  const { page } = workbench;
  await page.getByText('No session is recorded here yet.').waitFor();
  await page.getByRole('button', { name: 'Set Up Recording' }).first().waitFor();
  // The page may begin anew while the view is laid out: its document is looked up each time.
  const says = (text: string) =>
    expect
      .poll(
        async () => {
          const frame = await workbench!.webviewFrame('Event Stream');
          return await frame.getByText(text).count();
        },
        { timeout: 30_000 },
      )
      .toBeGreaterThan(0);
  await says('No agent is running here.');
  await workbench.screenshot('empty-noSession');
  await workbench.closeFolder();
  await workbench.openView('Sessions');
  await page.getByText('Open the folder that your agent works in.').waitFor();
  await says('No folder is open.');
  await workbench.screenshot('empty-noFolder');
  await workbench.close();
  workbench = await Workbench.open(project, { restricted: true });
  await workbench.openView('Sessions');
  await workbench.page.getByText('In Restricted Mode nothing is set up.').waitFor();
  await says('This folder is in restricted mode.');
  await workbench.screenshot('empty-restricted');
});

test('the walkthrough shows its steps, in every theme', async () => {
  // Narrower, its pictures are left out.
  workbench = await Workbench.open(project, { viewport: { width: 1700, height: 800 } });
  const { page } = workbench;
  await workbench.runCommand('Welcome: Open Walkthrough...');
  await page
    .locator('.quick-input-list .monaco-list-row', { hasText: 'Get Started with Agent Strace' })
    .click();
  const steps = {
    record: 'Set up recording',
    run: 'Run your agent',
    live: 'See it live',
    marks: 'See what it changed',
    replay: 'Replay it, or stop it',
  };
  const step = (title: string) => page.getByText(title, { exact: true }).first();
  await step(steps.record).waitFor();
  await workbench.inEachTheme(async (theme) => {
    for (const [name, title] of Object.entries(steps)) {
      await step(title).click();
      await workbench!.settled();
      await workbench!.screenshot(`walkthrough-${theme}-${name}`);
    }
  });
});
