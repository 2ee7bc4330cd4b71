import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../eventually.ts';
import { TraceWriter } from '../../traceWriter.ts';
import { menu, noonZone, row, tree } from '../sessionsView.ts';
import { Workbench, type WorkbenchOptions } from '../workbench.ts';

let workbench: Workbench | undefined;
let scratch: string;
let project: string;
let traceDir: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'agent-strace-sessions-'));
  project = join(scratch, 'payments-api');
  traceDir = join(project, '.agent-traces');
  mkdirSync(traceDir, { recursive: true });
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.screenshot('sessions-failure');
  await workbench?.close();
  workbench = undefined;
  rmSync(scratch, { recursive: true, force: true });
});

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A session of so many ms ago, whose file is as old as it says. */
function past(id: string, prompt: string, agoMs: number, how: 'done' | 'open' = 'done'): string {
  const writer = new TraceWriter(traceDir, id, { cwd: project, startMs: Date.now() - agoMs });
  writer.start().prompt(prompt);
  const call = writer.call('Bash', { command: 'pytest -q' });
  writer.nowMs += 400_000;
  writer.result(call, how === 'open' ? { is_error: true, exit_code: 1 } : {}).usage([call]);
  if (how === 'done') writer.end();
  utimesSync(writer.file, writer.nowMs / 1000, writer.nowMs / 1000);
  return id;
}

function live(id: string, prompt: string): TraceWriter {
  const writer = new TraceWriter(traceDir, id, { cwd: project, startMs: Date.now() - 90_000 });
  writer.start().prompt(prompt);
  const call = writer.call('Read', { file_path: join(project, 'src', 'a.py') });
  writer.result(call).usage([call]);
  writer.nowMs = Date.now() - 12_000;
  writer.call('Bash', { command: 'pytest -q tests/webhooks' });
  return writer;
}

/** The list of sessions, open and with its rows. */
async function openSessions(options: WorkbenchOptions = {}): Promise<Page> {
  workbench = await Workbench.open(project, {
    viewport: { width: 1280, height: 900 },
    ...options,
    env: { TZ: noonZone(), ...options.env },
  });
  await workbench.openView('Sessions');
  await tree(workbench.page).waitFor();
  return workbench.page;
}

test('lists live and past sessions by day, in every theme', async () => {
  live('live-1', 'Make webhook retries idempotent');
  live('live-2', 'Which tests are slow?').ask('May I run it?');
  past('today-1', 'Rename the handler', HOUR);
  past('today-2', 'Why does the build fail?', 2 * HOUR, 'open');
  past('yesterday-1', 'Add a refund endpoint', DAY);
  past('older-1', 'Upgrade the Stripe client', 9 * DAY);
  const page = await openSessions();
  await row(page, 'Which tests are slow').waitFor();
  await row(page, 'Rename the handler').waitFor();
  const shown = await tree(page).getByRole('treeitem').allTextContents();
  expect(shown.map((text) => text.slice(0, 12))).toMatchObject(
    [/^Live/, /^Which/, /^Make/, /^Today/]
      .map((pattern) => expect.stringMatching(pattern))
      .concat(Array.from({ length: shown.length - 4 }, () => expect.any(String))),
  );
  expect(await row(page, 'Rename the handler').textContent()).toMatch(
    /\$0\.\d{4} · 6m 4\ds · done · Claude Code/,
  );
  // A day that is closed is not read; opened, it is.
  await row(page, 'Yesterday').click();
  await row(page, 'Add a refund endpoint').waitFor();
  await workbench!.inEachTheme(async (theme) => {
    await row(page, 'Make webhook').hover();
    await page.locator('.monaco-hover:visible').filter({ hasText: 'Make webhook' }).waitFor();
    await workbench!.screenshot(`sessions-${theme}`);
  });
});

const names = (): string =>
  readFileSync(join(workbench!.server.home, '.agent-strace/names.json'), 'utf8');

test('renames, exports and deletes by menu, and never what still runs', async () => {
  live('live-1', 'Make webhook retries idempotent');
  past('today-1', 'Rename the handler', HOUR);
  past('today-2', 'Why does the build fail?', 2 * HOUR);
  const page = await openSessions();
  const box = page.locator('.quick-input-widget input').first();
  await row(page, 'Rename the handler').waitFor();

  await menu(page, 'Rename the handler', 'Rename Session…');
  await box.fill('The handler | <b>');
  await page.keyboard.press('Enter');
  await row(page, 'The handler | <b>').waitFor();
  expect(names()).toContain('The handler | <b>');

  await menu(page, 'The handler', 'Export Session…');
  await page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'Summary' }).click();
  const file = join(scratch, 'out.md');
  await expect.poll(() => box.inputValue()).toContain('the-handler-b-today-1.md');
  await box.fill(file);
  await page.locator('.quick-input-widget').getByRole('button', { name: 'OK' }).click();
  await page.getByText('The session is exported').first().waitFor();
  expect(readFileSync(file, 'utf8')).toMatch(/^# The handler \\\| \\<b\\>\n/);

  // One that runs has no such entry; named by its key it is refused.
  await row(page, 'Make webhook').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Rename Session…' }).waitFor();
  expect(await page.getByRole('menuitem', { name: 'Delete Session…' }).count()).toBe(0);
  await page.keyboard.press('Escape');

  const dialog = page.locator('.monaco-dialog-box');
  await menu(page, 'The handler', 'Delete Session…');
  await dialog.getByText('Files that the agent changed stay').waitFor();
  await workbench!.screenshot('sessions-delete');
  await dialog.getByText('Cancel').click();
  await dialog.waitFor({ state: 'detached' });
  expect(existsSync(join(traceDir, 'today-1'))).toBe(true);

  await menu(page, 'The handler', 'Delete Session…');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await row(page, 'The handler').waitFor({ state: 'detached' });
  expect(existsSync(join(traceDir, 'today-1'))).toBe(false);
  expect(existsSync(join(traceDir, 'today-2'))).toBe(true);
  expect(names()).not.toContain('The handler');
});

test('the palette offers sessions of past days by what they are about', async () => {
  past('today-1', 'Rename the handler', HOUR);
  past('older-1', 'Upgrade the Stripe client', 9 * DAY);
  const page = await openSessions();
  const offered = page.locator('.quick-input-list .monaco-list-row');
  await workbench!.runCommand('Agent Strace: Rename Session…');
  await offered.filter({ hasText: 'Upgrade the Stripe client' }).waitFor();
  await workbench!.screenshot('sessions-pick');
  expect(await offered.allTextContents()).toEqual([
    expect.stringMatching(/^Rename the handler\$0\.\d{4} · done · Claude Code · payments-api · /),
    expect.stringMatching(/^Upgrade the Stripe client\$0\.\d{4} · done · /),
  ]);
  await offered.filter({ hasText: 'Upgrade the Stripe client' }).click();
  const box = page.locator('.quick-input-widget input').first();
  await expect.poll(() => box.inputValue()).toBe('Upgrade the Stripe client');
  await box.fill('Stripe 12');
  await page.keyboard.press('Enter');
  await expect.poll(() => names()).toContain('Stripe 12');
});

test('two sessions do not mix, and a reload in the middle loses nothing', async () => {
  const one = live('live-1', 'Make webhook retries idempotent');
  live('live-2', 'Which tests are slow?');
  const page = await openSessions();
  await row(page, 'Which tests are slow').click();
  const stream = await workbench!.webviewFrame('Event Stream');
  await stream
    .getByText('1 · Which tests are slow?')
    .or(stream.getByText('Which tests are slow?'))
    .first()
    .waitFor();
  // The keyboard stays in the list.
  expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('tree');

  await row(page, 'Make webhook').click();
  await stream.locator('.prompt', { hasText: 'Make webhook' }).first().waitFor();
  expect(await stream.locator('.prompt', { hasText: 'Which tests' }).count()).toBe(0);
  const call = one.call('Bash', { command: 'echo before the reload' });
  // On top, where the running call stands, and in the list.
  await stream.getByText('echo before the reload').first().waitFor();

  await workbench!.reload(() => {
    one.result(call);
    one.call('Bash', { command: 'echo while it reloads' });
  });
  await row(page, 'Make webhook').waitFor({ timeout: 60_000 });
  one.call('Bash', { command: 'echo after the reload' });
  const again = await workbench!.webviewFrame('Event Stream');
  await again.getByText('echo after the reload').first().waitFor();
  // The session that the person looked at, with all of its steps, once each.
  for (const words of ['before the', 'while it', 'after the']) {
    expect(await again.locator('.vlist-rows > li', { hasText: `echo ${words}` }).count()).toBe(1);
  }
  expect(await tree(page).getByRole('treeitem').count()).toBe(3);
});

test('a second window on the same folder doubles nothing', async () => {
  const writer = live('live-1', 'Make webhook retries idempotent');
  past('today-1', 'Rename the handler', HOUR);
  const page = await openSessions();
  await row(page, 'Rename the handler').waitFor();
  const other = await workbench!.secondWindow();
  await other.locator('.statusbar-item').filter({ hasText: '2 calls' }).first().waitFor();
  for (let i = 0; i < 20; i++) writer.result(writer.call('Bash', { command: `echo ${i}` }));
  for (const window of [page, other]) {
    await window.locator('.statusbar-item').filter({ hasText: '22 calls' }).first().waitFor();
  }
  expect(await tree(page).getByRole('treeitem').count()).toBe(4);
  // A name that is given in one is seen in the other.
  await menu(page, 'Make webhook', 'Rename Session…');
  const box = page.locator('.quick-input-widget input').first();
  await box.fill('Webhooks');
  await page.keyboard.press('Enter');
  await row(page, 'Webhooks').waitFor();
  await other.locator('.statusbar-item').filter({ hasText: '22 calls' }).first().hover();
  await other.locator('.monaco-hover').getByText('Webhooks').first().waitFor();
  // What the trace holds was written once: a window only reads.
  const lines = readFileSync(writer.file, 'utf8').trim().split('\n');
  expect(new Set(lines).size).toBe(lines.length);
  expect(lines).toHaveLength(46);
});

test('all of the list can be reached and done by keyboard', async () => {
  live('live-1', 'Make webhook retries idempotent');
  past('yesterday-1', 'Add a refund endpoint', DAY);
  const page = await openSessions();
  await row(page, 'Make webhook').waitFor();
  const { keyboard } = page;
  const focused = () =>
    page.evaluate(() => {
      const list = document.activeElement;
      const id = list?.getAttribute('aria-activedescendant');
      return (id ? document.getElementById(id)?.getAttribute('aria-label') : '') ?? '';
    });
  // The command puts the keyboard into the list.
  await workbench!.openView('Sessions');
  await keyboard.press('Home');
  await expect.poll(focused).toMatch(/^Live/);
  await keyboard.press('ArrowDown');
  await expect.poll(focused).toBe('Make webhook retries idempotent, Claude Code, live, $0.0350');
  await keyboard.press('ArrowDown');
  await expect.poll(focused).toMatch(/^Yesterday/);
  await keyboard.press('ArrowRight');
  await row(page, 'Add a refund endpoint').waitFor();
  await keyboard.press('ArrowDown');
  await expect.poll(focused).toMatch(/^Add a refund endpoint, Claude Code, done, \$0\.0350, 6m/);
  // A row that is drawn anew at that moment closes its menu.
  await eventually(async () => {
    await keyboard.press('Shift+F10');
    await page.getByRole('menuitem', { name: 'Rename Session…' }).waitFor({ timeout: 3000 });
  });
  await page.waitForTimeout(300);
  for (let i = 0; i < 20; i++) {
    await keyboard.press('ArrowDown');
    if (await page.locator('.action-item.focused').getByText('Rename Session…').count()) break;
  }
  await keyboard.press('Enter');
  const box = page.locator('.quick-input-widget input').first();
  await box.waitFor();
  await keyboard.press('Control+A');
  await keyboard.type('Refunds');
  await keyboard.press('Enter');
  await row(page, 'Refunds').waitFor();
});

test('at 50 events a second no row is taken away, and none is drawn more than twice a second', async () => {
  const writer = live('live-1', 'Make webhook retries idempotent');
  past('today-1', 'Rename the handler', HOUR);
  const page = await openSessions();
  await row(page, 'Rename the handler').waitFor();
  await page.waitForTimeout(1000);
  await tree(page).evaluate((list) => {
    const seen = { removed: 0, drawn: 0 };
    Object.assign(window, { seen });
    new MutationObserver((changes) => {
      const nodes = changes.flatMap(({ removedNodes }) => [...removedNodes]);
      seen.removed += nodes.filter(
        (node) => node instanceof HTMLElement && node.matches('.monaco-list-row'),
      ).length;
      seen.drawn++;
    }).observe(list, { childList: true, subtree: true, characterData: true });
  });
  const seconds = 4;
  for (let i = 0; i < 50 * seconds; i++) {
    const call = writer.call('Read', { file_path: `/project/${i}` });
    if (i % 2 === 0) writer.result(call).usage([call]);
    await page.waitForTimeout(20);
  }
  const seen = await page.evaluate(
    () => (window as unknown as { seen: Record<string, number> }).seen,
  );
  expect(seen.removed).toBe(0);
  expect(seen.drawn).toBeGreaterThan(0);
  // Of the row and of its group's sum; each drawing is a few changes in one moment.
  expect(seen.drawn).toBeLessThan(seconds * 2 * 2 * 2);
});
