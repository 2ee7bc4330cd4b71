import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TraceWriter } from '../../traceWriter.ts';
import { Workbench } from '../workbench.ts';

let workbench: Workbench | undefined;
let scratch: string;
let project: string;
let traceDir: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'agent-strace-stream-'));
  project = join(scratch, 'payments-api');
  traceDir = join(project, '.agent-traces');
  mkdirSync(join(project, 'src'), { recursive: true });
  writeFileSync(join(project, 'src', 'webhook.py'), 'def handle(event):\n    charge(event)\n');
});
afterEach(async () => {
  await workbench?.close();
  workbench = undefined;
  rmSync(scratch, { recursive: true, force: true });
});

/** A session like those that people have: prompts, reads, edits, commands, an error, a denied call. */
function session(id: string, minutesAgo: number, prompt: string): TraceWriter {
  const startMs = Date.now() - minutesAgo * 60_000;
  const writer = new TraceWriter(traceDir, id, { startMs, cwd: project }).start().prompt(prompt);
  const path = join(project, 'src', 'webhook.py');
  const read = writer.call('Read', { file_path: path });
  writer.result(read, { files: [{ path, kind: 'read', ranges: [[1, 2]] }] }).usage([read]);
  const grep = writer.call('Grep', { pattern: 'charge\\(' });
  writer.result(grep).usage([grep], 'claude-haiku-4-5');
  const edit = writer.call('Edit', { file_path: path, old_string: 'a', new_string: 'b' });
  writer
    .result(edit, { files: [{ path, kind: 'write', ranges: [[2, 2]], added: 9, removed: 3 }] })
    .usage([edit], 'claude-sonnet-4-5', { input_tokens: 90_000, output_tokens: 3000 });
  const run = writer.call('Bash', { command: 'pytest -q tests/webhooks' });
  writer.result(run, { exit_code: 1, is_error: true, result: '1 failed' }).usage([run]);
  const denied = writer.call('Bash', { command: 'rm -rf tests/fixtures' });
  writer.write(
    writer.event(
      'error',
      { event_subtype: 'denied', tool_use_id: denied, error: 'denied', rule: 'no-rm-rf' },
      { parent_id: writer.callId(denied) },
    ),
  );
  writer.nowMs = Date.now() - 14_000;
  writer.usage([denied], 'claude-sonnet-4-5', { input_tokens: 142_000 });
  return writer;
}

test('status bar, tooltip and event stream of two sessions, in every theme', async () => {
  session('other', 6, 'Find out why [the search](command:x) is <b>slow</b>').ask('May I?');
  const writer = session('main', 24, 'Make webhook retries idempotent');
  writer.call('Bash', { command: 'pytest -q tests/webhooks --count 20' });
  workbench = await Workbench.open(project);
  const { page } = workbench;
  const item = workbench.statusBarItem('waiting for you');
  await item.waitFor();
  expect(await item.textContent()).toContain('+1');
  await workbench.runCommand('Agent Strace: Show Event Stream');
  const frame = await workbench.webviewFrame('Event Stream');
  await frame.getByRole('tab').nth(1).click();
  await frame.getByText('pytest -q tests/webhooks --count 20').first().waitFor();
  await frame.getByText('no-rm-rf').waitFor();
  const hover = page.locator('.workbench-hover-container').filter({ hasText: 'Cost' });
  await workbench.inEachTheme(async (theme) => {
    await workbench!.screenshot(`stream-${theme}`);
    await item.hover();
    await hover.waitFor();
    await workbench!.settled();
    await workbench!.screenshot(`status-tooltip-${theme}`);
  });
  // Trace text is text: no link but ours, no markup.
  expect(await hover.locator('b').count()).toBe(0);
  expect(await hover.textContent()).toContain('[the search](command:x) is <b>slow</b>');
  const links = await hover
    .locator('a')
    .evaluateAll((all) => all.map((link) => link.getAttribute('data-href')));
  expect(links.every((link) => /^command:agentStrace\./.test(link ?? ''))).toBe(true);
});

test('a trace folder that comes later: status bar and rows follow what is appended', async () => {
  workbench = await Workbench.open(project);
  // Nothing of ours runs before there is a trace folder or a view of ours is opened.
  await workbench.page.waitForTimeout(1000);
  expect(await workbench.page.locator('.statusbar-item').filter({ hasText: '$' }).count()).toBe(0);
  await workbench.runCommand('Agent Strace: Show Event Stream');
  const frame = await workbench.webviewFrame('Event Stream');
  await frame.getByText('No agent is running here.').waitFor();
  await workbench.screenshot('stream-empty');
  const writer = new TraceWriter(traceDir, 'late', { cwd: project }).start().prompt('Hello there');
  await frame.getByText('Hello there').first().waitFor();
  await workbench.statusBarText('Thinking');
  const call = writer.call('Bash', { command: 'make all' });
  await frame.getByText('make all').first().waitFor();
  expect(await workbench.statusBarText('Bash')).toMatch(/1 call · Bash \d+s/);
  writer.result(call, { exit_code: 2, is_error: true }).usage([call]).turnEnd();
  await frame.getByText('exit 2').waitFor();
  expect(await workbench.statusBarText('idle')).toMatch(/\$0\.\d{4} · 1 call · idle/);
  // Hidden and shown again, the page is whole again.
  await workbench.page.keyboard.press('Control+Shift+E');
  await workbench.page.waitForTimeout(300);
  await workbench.runCommand('Agent Strace: Show Event Stream');
  const again = await workbench.webviewFrame('Event Stream');
  await again.getByText('exit 2').waitFor();
  const path = join(project, 'src', 'webhook.py');
  const read = writer.prompt('Read it').call('Read', { file_path: path });
  writer.result(read, { files: [{ path, kind: 'read', ranges: [[2, 2]] }] });
  const row = again.locator('[data-row]').filter({ hasText: 'webhook.py' });
  await row.waitFor();
  await row.click();
  await workbench.page.keyboard.press('Control+Enter');
  await workbench.page.locator('.tab').filter({ hasText: 'webhook.py' }).waitFor();
  await workbench.screenshot('stream-opened-file');
});

test('in restricted mode sessions are shown and nothing is set up', async () => {
  session('main', 24, 'Make webhook retries idempotent').end();
  workbench = await Workbench.open(project, { restricted: true });
  await workbench.statusBarItem('Restricted Mode').waitFor();
  expect(await workbench.statusBarText('calls')).toContain('done');
  await workbench.runCommand('Agent Strace: Show Event Stream');
  const frame = await workbench.webviewFrame('Event Stream');
  await frame.getByText('no-rm-rf').waitFor();
  await workbench.runCommand('Agent Strace: Set Up Recording');
  await workbench.page.getByText('This folder is in restricted mode').first().waitFor();
  expect(existsSync(join(project, '.claude'))).toBe(false);
  await workbench.screenshot('stream-restricted');
});
