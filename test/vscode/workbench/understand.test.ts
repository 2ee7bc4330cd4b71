// What happened in a session, asked from the editor: reports with steps to click, files as they were, search, links.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TraceWriter } from '../../traceWriter.ts';
import { Workbench } from '../workbench.ts';

const SESSION = 'b73e0797-9ec6-41d4-847d-886a59c3adda';
let root: string;
let project: string;
let workbench: Workbench | undefined;
let page: Page;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'understand-')));
  project = join(root, 'payments-api');
  mkdirSync(join(root, 'claude/projects/-p'), { recursive: true });
});
afterEach(async () => {
  await workbench?.close();
  workbench = undefined;
  rmSync(root, { recursive: true, force: true });
});

const path = (name: string): string => join(project, name);
const BEFORE =
  'from payments import charge\n\n\nasync def handle(event, db):\n    await charge(event)\n';
const MIDDLE = BEFORE.replace('    await', '    key = event.id\n    await');
const AFTER = MIDDLE.replace('(event)', '(event, key=key)');

/** A change as the hooks and the agent's transcript tell of it. */
function change(
  writer: TraceWriter,
  name: string,
  before: string | null,
  after: string,
  ranges: number[][],
): void {
  const file = path(name);
  const create = before === null;
  const call = writer.call(create ? 'Write' : 'Edit', { file_path: file });
  const told = create
    ? { type: 'create', filePath: file, originalFile: null, content: after }
    : { filePath: file, originalFile: before, oldString: before, newString: after };
  const content = [{ type: 'tool_result', tool_use_id: call, content: 'ok' }];
  appendFileSync(
    join(root, `claude/projects/-p/${SESSION}.jsonl`),
    `${JSON.stringify({ type: 'user', message: { role: 'user', content }, toolUseResult: told })}\n`,
  );
  const kind = create ? 'create' : 'write';
  writer
    .result(call, { files: [{ path: file, kind, ranges, added: 1, removed: create ? 0 : 1 }] })
    .usage([call]);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, after);
}

/** Steps: 1 start, 2 prompt, 3 read, 4 edit, 5 test fails, 6 prompt, 7 edit, 8 write, 9 test passes. */
function record(): void {
  const writer = new TraceWriter(path('.agent-traces'), SESSION, {
    cwd: project,
    startMs: Date.now() - 600_000,
  });
  writer.start().prompt('Make webhook retries idempotent [x](command:evil)');
  const read = writer.call('Read', { file_path: path('src/webhook.py') });
  writer.result(read, {
    result: 'async def handle',
    files: [{ path: path('src/webhook.py'), kind: 'read', ranges: [[1, 5]] }],
  });
  writer.usage([read]);
  change(writer, 'src/webhook.py', BEFORE, MIDDLE, [[5, 5]]);
  const fails = writer.call('Bash', { command: 'pytest -q' });
  writer
    .result(fails, { exit_code: 1, is_error: true, result: 'expected 1 charge, got 2' })
    .usage([fails]);
  writer.prompt('The duplicate charge still happens');
  change(writer, 'src/webhook.py', MIDDLE, AFTER, [[6, 6]]);
  change(writer, 'src/idempotency.py', null, 'def idempotent(key):\n    return key\n', [[1, 2]]);
  const passes = writer.call('Bash', { command: 'pytest -q' });
  writer.result(passes, { exit_code: 0, result: '2 passed' }).usage([passes]);
  writer.end();
}

/** The title is cut. */
const REPLAY = 'Replay: Make webhook retries idempotent [x](com…';
const EXPLAIN = REPLAY.replace('Replay', 'Explain');
const WHY = REPLAY.replace('Replay', 'Why step 7');
const patience = { timeout: 20_000 };
const tab = (title: string | RegExp): Locator => page.locator('.tab').filter({ hasText: title });
const pick = (text: string | RegExp): Locator =>
  page.locator('.quick-input-list .monaco-list-row').filter({ hasText: text }).first();

/** Types into a list, once it is there. */
async function type(title: string, words: string): Promise<void> {
  await page.locator('.quick-input-title').getByText(title).waitFor(patience);
  await page.keyboard.type(words);
}

/** The text of the editor that is seen, as far as it is drawn. */
const shown = async (): Promise<string> =>
  ((await page.locator('.editor-instance .view-lines').first().textContent()) ?? '').replaceAll(
    '\u00a0',
    ' ',
  );

async function open(): Promise<void> {
  record();
  workbench = await Workbench.open(project, {
    env: { CLAUDE_CONFIG_DIR: join(root, 'claude'), AGENT_STRACE_HOME: join(root, 'state') },
    viewport: { width: 1500, height: 900 },
  });
  page = workbench.page;
  await workbench.statusBarText('done');
}

test('explains a session in a page whose steps open the replay there', async () => {
  await open();
  await workbench!.runCommand('Agent Strace: Explain Session');
  await tab('Explain: Make webhook retries').waitFor();
  let frame = await workbench!.webviewFrame(EXPLAIN);
  const step = frame.locator('.step').first();
  await step.waitFor(patience);
  expect(await frame.locator('article').textContent()).toContain('Outcome');
  await workbench!.settled();
  await workbench!.screenshot('understand-explain');
  const number = /\d+/.exec((await step.textContent()) ?? '')?.[0];
  await step.click();
  await tab('Replay: Make webhook retries').waitFor();
  frame = await workbench!.webviewFrame(REPLAY);
  await frame.getByText(`step ${number} of`).first().waitFor(patience);

  // Commands go to the tabs of the one page; a reload keeps the last.
  for (const [command, title] of [
    ['Show Cost of Session', 'Cost'],
    ['Show Token Budget of Session', 'Budget'],
    ['Show Statistics of Session', 'Stats'],
  ] as const) {
    await workbench!.runCommand(`Agent Strace: ${command}`);
    await tab(`${title}: Make webhook`).waitFor();
  }
  await workbench!.runCommand('Agent Strace: Inspect Step…');
  await type('Inspect which step?', '7');
  await pick('7 · Edit').click();
  await tab('Step 7: Make webhook').waitFor();
  await workbench!.runCommand('Agent Strace: Why This Step…');
  await type('Why which step?', '7');
  await pick('7 · Edit').click();
  await tab('Why step 7: Make webhook').waitFor();
  await workbench!.reload();
  frame = await workbench!.webviewFrame(WHY);
  await frame.locator('article', { hasText: 'The duplicate charge' }).waitFor(patience);
  await workbench!.screenshot('understand-why');

  // The same as a text, with steps to click.
  await frame.getByRole('button', { name: 'Open as Markdown' }).click();
  await expect.poll(shown, patience).toContain('# Why step 7');
  await page.locator('.detected-link').filter({ hasText: 'step' }).first().waitFor(patience);
  await workbench!.screenshot('understand-why-markdown');
});

test('shows files as they were, and what a phase and the session changed', async () => {
  await open();
  await workbench!.openFile('webhook.py');
  await workbench!.runCommand('Agent Strace: Open File as of Step…');
  await pick('4 · Edit').waitFor();
  await workbench!.screenshot('understand-pick-step');
  await pick('4 · Edit').click();
  await tab('webhook.py (step 4)').waitFor();
  await expect.poll(shown, patience).toContain('key = event.id');
  expect(await shown()).not.toContain('key=key');
  await workbench!.screenshot('understand-file-as-of');

  await workbench!.runCommand('Agent Strace: Show Changes of Phase…');
  await pick('Whole session').waitFor();
  await workbench!.screenshot('understand-phases');
  await pick('Whole session').click();
  await tab('Changes of steps 1–').waitFor();
  const changed = page.locator('.multiDiffEntry');
  await expect.poll(() => changed.count(), patience).toBe(2);
  await workbench!.settled();
  await workbench!.screenshot('understand-changes');
});

test('finds words in all sessions, opens links, and keeps notes', async () => {
  await open();
  await workbench!.runCommand('Agent Strace: Search Sessions…');
  await type('Search Sessions', 'duplicate');
  await pick('The duplicate charge still').waitFor(patience);
  await workbench!.screenshot('understand-search');
  await pick('The duplicate charge still').click();
  await tab('Replay: Make webhook retries').waitFor();
  const frame = await workbench!.webviewFrame(REPLAY);
  await frame.getByText('step 6 of').first().waitFor(patience);

  // Nothing is found: it says so.
  await workbench!.runCommand('Agent Strace: Search Sessions…');
  await type('Search Sessions', 'zebra');
  await pick('Nothing was found in 1 session').waitFor(patience);
  await page.keyboard.press('Escape');

  await workbench!.runCommand('Agent Strace: Annotate Step…');
  await type('Annotate which step?', '5');
  await pick('5 · pytest -q').click();
  await pick('root-cause').click();
  await type('Annotate Step 5', '');
  await page
    .locator('.quick-input-message')
    .getByText('What to note, if anything')
    .waitFor(patience);
  await page.keyboard.type('charges before it records');
  await page.keyboard.press('Enter');
  const notes = join(path('.agent-traces'), SESSION, 'annotations.jsonl');
  await vi.waitFor(() => expect(existsSync(notes)).toBe(true), 10_000);
  expect(JSON.parse(readFileSync(notes, 'utf8'))).toMatchObject({
    label: 'root-cause',
    note: 'charges before it records',
  });

  // The replay that is open has seen it; one made there is there after a reload, too.
  await tab('Replay: Make webhook retries').click();
  let replay = await workbench!.webviewFrame(REPLAY);
  await replay.getByText('charges before it records').first().waitFor(patience);
  await replay.locator('body').press('n');
  await replay.getByLabel('Note', { exact: true }).fill('here the person asked again');
  await replay.getByRole('button', { name: 'Save' }).click();
  await replay.getByText('here the person asked again').first().waitFor(patience);
  expect(readFileSync(notes, 'utf8').trim().split('\n')).toHaveLength(2);
  await workbench!.screenshot('understand-notes');
  await workbench!.reload();
  replay = await workbench!.webviewFrame(REPLAY);
  await replay.getByText('here the person asked again').first().waitFor({ timeout: 40_000 });

  await workbench!.runCommand('Developer: Open URL');
  await page.keyboard.type(`vscode://agent-strace.agent-strace/replay?session=${SESSION}&step=8`);
  await page.keyboard.press('Enter');
  const dialog = page.locator('.monaco-dialog-box');
  await dialog.getByRole('button', { name: 'Open' }).click();
  const again = await workbench!.webviewFrame(REPLAY);
  await again.getByText('step 8 of').first().waitFor(patience);
});
