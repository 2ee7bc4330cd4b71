// The view "Changes of Session" in a real VS Code, used as a person does.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { appendChanges } from '../../../src/history/changeLog.ts';
import { BlobStore } from '../../../src/trace/blobs.ts';
import { TraceWriter } from '../../traceWriter.ts';
import { Workbench } from '../workbench.ts';

const SESSION = 'b73e0797-9ec6-41d4-847d-886a59c3adda';
let root: string;
let project: string;
let env: Record<string, string>;
let workbench: Workbench | undefined;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'changes-')));
  project = join(root, 'payments-api');
  env = { CLAUDE_CONFIG_DIR: join(root, 'claude'), AGENT_STRACE_HOME: join(root, 'state') };
  mkdirSync(join(root, 'claude/projects/-p'), { recursive: true });
  mkdirSync(join(root, 'state/state', SESSION), { recursive: true });
});
afterEach(async () => {
  await workbench?.close();
  workbench = undefined;
  rmSync(root, { recursive: true, force: true });
});

const path = (name: string) => join(project, name);
const read = (name: string) => readFileSync(path(name), 'utf8');
const write = (name: string, text: string) => {
  mkdirSync(dirname(path(name)), { recursive: true });
  writeFileSync(path(name), text);
};
const lines = (text: string) => text.replace(/\n$/, '').split('\n').length;

const BEFORE =
  'from payments import charge\n\n\nasync def handle(event, db):\n    await charge(event.customer, event.amount)\n    return 200\n';
const MIDDLE = BEFORE.replace('    await', '    key = event.id\n    await');
const AFTER = MIDDLE.replace('event.amount)', 'event.amount, key=key)');

/** A session that changed some files, as hooks and transcript tell of it. */
class Recorded {
  readonly writer: TraceWriter;
  constructor() {
    this.writer = new TraceWriter(path('.agent-traces'), SESSION, { cwd: project })
      .start()
      .prompt('Make webhook retries idempotent');
  }

  edit(
    name: string,
    before: string,
    oldString: string,
    newString: string,
    ranges = [[1, 1]],
  ): this {
    const call = this.writer.call('Edit', { file_path: path(name) });
    const after = before.replace(oldString, newString);
    const [added, removed] = [lines(newString), lines(oldString)];
    this.#row(call, { filePath: path(name), originalFile: before, oldString, newString });
    const hunks = [[1, removed, 1, added]];
    this.writer.result(call, {
      files: [{ path: path(name), kind: 'write', ranges, hunks, added, removed }],
    });
    write(name, after);
    return this;
  }

  create(name: string, content: string): this {
    const call = this.writer.call('Write', { file_path: path(name) });
    this.#row(call, { type: 'create', filePath: path(name), originalFile: null, content });
    const files = [{ path: path(name), kind: 'create', added: lines(content), removed: 0 }];
    this.writer.result(call, { files });
    write(name, content);
    return this;
  }

  /** A command that deletes a file. */
  remove(name: string, before: string): this {
    const call = this.writer.call('Bash', { command: `git rm ${name}` });
    const id = new BlobStore(env).put(Buffer.from(before))!;
    const change = { path: path(name), kind: 'delete' as const };
    appendChanges(
      SESSION,
      {
        call,
        root: project,
        files: [{ ...change, before: { at: 'blob', id }, after: { at: 'none' } }],
      },
      env,
    );
    this.writer.result(call, { files: [{ ...change, source: 'stat', ranges: [] }] });
    rmSync(path(name), { force: true });
    return this;
  }

  #row(call: string, toolUseResult: object): void {
    const content = [{ type: 'tool_result', tool_use_id: call, content: 'ok' }];
    const row = { type: 'user', message: { role: 'user', content }, toolUseResult };
    appendFileSync(join(root, `claude/projects/-p/${SESSION}.jsonl`), `${JSON.stringify(row)}\n`);
  }
}

function record(): Recorded {
  write('src/payments/webhook.py', BEFORE);
  write('src/core/old_retry.py', 'import time\n\ntime.sleep(1)\n');
  write('README.md', '# Payments\n');
  execFileSync('git', ['init', '-q'], { cwd: project });
  return new Recorded()
    .edit('src/payments/webhook.py', BEFORE, '    await', '    key = event.id\n    await', [[5, 5]])
    .create('src/core/idempotency.py', 'def idempotent(db, key):\n    return db.first(key)\n')
    .edit('src/payments/webhook.py', MIDDLE, 'event.amount)', 'event.amount, key=key)', [[6, 6]])
    .remove('src/core/old_retry.py', 'import time\n\ntime.sleep(1)\n');
}

async function open(options: { restricted?: boolean } = {}): Promise<Workbench> {
  // Low, the view of changes has room for four rows; those below are not drawn.
  const viewport = { width: 1280, height: 1100 };
  workbench = await Workbench.open(project, { env, viewport, ...options });
  await workbench.runCommand('Agent Strace: Show Changes of Session');
  await row('webhook.py').waitFor();
  return workbench;
}

const row = (text: string | RegExp): Locator =>
  workbench!.page.locator('.pane-body .monaco-list-row').filter({ hasText: text }).first();

async function act(on: Locator, title: string): Promise<void> {
  await on.hover();
  await on.locator('.action-label').and(workbench!.page.getByLabel(title)).first().click();
}

const patience = { timeout: 15_000 };

const dialog = (): Locator => workbench!.page.locator('.monaco-dialog-box');

/** The texts of both sides of the diff that is open. */
async function sides(): Promise<(string | null)[]> {
  const editors = workbench!.page.locator('.monaco-diff-editor .view-lines');
  await editors.nth(1).waitFor();
  const texts = await editors.allTextContents();
  return texts.map((text) => text.replaceAll('\u00a0', ' '));
}

test('shows each file and step, and their diffs, in every theme', async () => {
  const session = record();
  const { page } = await open();
  await expect
    .poll(() => row('webhook.py').textContent(), patience)
    .toContain('+3 −2  src/payments · 2 steps');
  expect(await row('idempotency.py').textContent()).toContain('+2  src/core');
  expect(await row('old_retry.py').textContent()).toContain('src/core');
  expect(await row('idempotency.py').getByLabel('created by the agent').count()).toBe(1);
  expect(await row('old_retry.py').getByLabel('deleted by the agent').count()).toBe(1);
  await row('webhook.py').click();
  await page.locator('.tab').filter({ hasText: 'webhook.py (before session ↔ now)' }).waitFor();
  await row('webhook.py').locator('.monaco-tl-twistie').click();
  await row(/5 · Edit/).waitFor();
  const [before, after] = await sides();
  expect(before).not.toContain('key');
  expect(after).toContain('event.amount, key=key');
  await workbench!.inEachTheme(async (theme) => {
    await workbench!.screenshot(`changes-${theme}`);
  });
  await row(/5 · Edit/).click();
  await page.locator('.tab').filter({ hasText: 'webhook.py (step 5)' }).waitFor();
  await expect.poll(async () => (await sides())[0], patience).toContain('key = event.id');
  // A further change keeps what is open, and what is selected.
  session.edit('src/payments/webhook.py', AFTER, 'return 200', 'return 204', [[7, 7]]);
  await row(/7 · Edit/).waitFor();
  expect(await row(/5 · Edit/).getAttribute('aria-selected')).toBe('true');
  await row('old_retry.py').click();
  await page.locator('.tab').filter({ hasText: 'old_retry.py (before session' }).waitFor();
  await expect.poll(async () => (await sides())[0], patience).toContain('time.sleep(1)');
});

test('restores files as they were, and undo takes it back', async () => {
  record();
  const { page } = await open();
  // The keyboard has a menu with all that the icons do.
  await row('webhook.py').click();
  await page.keyboard.press('Shift+F10');
  await page.getByRole('menuitem', { name: 'Restore File to Before the Session…' }).waitFor();
  for (const name of ['Open Diff', 'Open File']) {
    expect(await page.getByRole('menuitem', { name }).count()).toBe(1);
  }
  await page.keyboard.press('Escape');

  await act(row('webhook.py'), 'Restore File to Before the Session…');
  await dialog().getByText('Restore webhook.py to what it was before the session?').waitFor();
  await workbench!.screenshot('changes-restore');
  await page.keyboard.press('Escape');
  await page.waitForTimeout(300);
  expect(read('src/payments/webhook.py')).toBe(AFTER);

  await act(row('webhook.py'), 'Restore File to Before the Session…');
  await dialog().getByRole('button', { name: 'Restore' }).click();
  await vi.waitFor(() => expect(read('src/payments/webhook.py')).toBe(BEFORE), 10_000);
  await page.locator('.tab.active').filter({ hasText: 'webhook.py' }).waitFor();
  await page.locator('.editor-instance .monaco-editor').first().click();
  await page.keyboard.press('Control+Z');
  await page.keyboard.press('Control+S');
  await vi.waitFor(() => expect(read('src/payments/webhook.py')).toBe(AFTER), 10_000);

  // One step back only.
  await row('webhook.py').locator('.monaco-tl-twistie').click();
  await act(row(/5 · Edit/), 'Restore File to Before This Step…');
  await dialog().getByText('before step 5').waitFor();
  await dialog().getByRole('button', { name: 'Restore' }).click();
  await vi.waitFor(() => expect(read('src/payments/webhook.py')).toBe(MIDDLE), 10_000);

  // What the agent made goes, what it deleted comes back.
  await act(row('idempotency.py'), 'Restore File to Before the Session…');
  await dialog().getByText('so it is deleted').waitFor();
  await dialog().getByRole('button', { name: 'Delete' }).click();
  await vi.waitFor(() => expect(existsSync(path('src/core/idempotency.py'))).toBe(false), 10_000);
  rmSync(path('src/core'), { recursive: true });
  await act(row('old_retry.py'), 'Restore File to Before the Session…');
  await dialog().getByRole('button', { name: 'Restore' }).click();
  await vi.waitFor(
    () => expect(read('src/core/old_retry.py')).toBe('import time\n\ntime.sleep(1)\n'),
    10_000,
  );
});

test('says what it does not know, and writes through no link', async () => {
  const session = record();
  const call = session.writer.call('Bash', { command: 'make format' });
  session.writer.result(call, {
    files: [{ path: path('README.md'), kind: 'write', source: 'stat', ranges: [] }],
    changed_files: 'unknown',
  });
  mkdirSync(join(root, 'outside'));
  writeFileSync(join(root, 'outside/a.txt'), 'outside\n');
  symlinkSync(join(root, 'outside'), path('linked'));
  session.edit('linked/a.txt', 'outside\n', 'outside', 'changed');
  const { page } = await open();
  await page.getByText('1 command may have changed files that are not listed.').waitFor();
  await row('README.md').click();
  await expect
    .poll(async () => (await sides())[0], patience)
    .toContain('does not know what this file held');
  await workbench!.screenshot('changes-unknown');
  await act(row('README.md'), 'Restore File to Before the Session…');
  await page.getByText('README.md cannot be restored.').first().waitFor();
  expect(read('README.md')).toBe('# Payments\n');
  await row('a.txt').hover();
  expect(await row('a.txt').getByLabel('Restore File to Before the Session…').count()).toBe(0);
});

test('in restricted mode nothing is restored', async () => {
  record();
  await open({ restricted: true });
  await row('webhook.py').hover();
  expect(await row('webhook.py').getByLabel('Open Diff').count()).toBe(1);
  expect(await row('webhook.py').getByLabel('Restore File to Before the Session…').count()).toBe(0);
  await row('webhook.py').click();
  await expect
    .poll(async () => (await sides())[0], patience)
    .toContain('In Restricted Mode neither git');
});
