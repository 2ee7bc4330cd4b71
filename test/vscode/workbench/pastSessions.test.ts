import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TraceWriter } from '../../traceWriter.ts';
import { menu, noonZone, row, tree } from '../sessionsView.ts';
import { Workbench, type WorkbenchOptions } from '../workbench.ts';

let workbench: Workbench | undefined;
let scratch: string;
let project: string;
let claude: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'agent-strace-past-'));
  project = join(scratch, 'payments-api');
  claude = join(scratch, 'claude');
  mkdirSync(join(project, '.git'), { recursive: true });
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.screenshot('past-failure');
  await workbench?.close();
  workbench = undefined;
  rmSync(scratch, { recursive: true, force: true });
});

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A transcript as Claude Code writes it: a prompt, a command, an answer. */
function transcript(id: string, prompt: string, agoMs: number, cwd = project): string {
  const startMs = Date.now() - agoMs;
  const row = (after: number, more: Record<string, unknown>) => ({
    sessionId: id,
    cwd,
    version: '2.1.330',
    isSidechain: false,
    userType: 'external',
    uuid: `${id}-${after}`,
    timestamp: new Date(startMs + after * 1000).toISOString(),
    ...more,
  });
  const usage = { input_tokens: 1200, cache_read_input_tokens: 40_000, output_tokens: 900 };
  const message = (n: number, content: unknown[]) => ({
    id: `msg_${id}_${n}`,
    type: 'message',
    role: 'assistant',
    model: 'claude-opus-4-5',
    content,
    usage,
  });
  const call = { type: 'tool_use', id: `toolu_${id}`, name: 'Bash', input: { command: 'make' } };
  const result = { type: 'tool_result', tool_use_id: `toolu_${id}`, content: 'done' };
  const rows = [
    row(0, { type: 'user', promptId: `p-${id}`, message: { role: 'user', content: prompt } }),
    row(4, { type: 'assistant', requestId: `req_${id}_1`, message: message(1, [call]) }),
    row(64, { type: 'user', message: { role: 'user', content: [result] } }),
    row(70, {
      type: 'assistant',
      requestId: `req_${id}_2`,
      message: message(2, [{ type: 'text', text: 'It builds.' }]),
    }),
  ];
  const folder = join(claude, 'projects', cwd.replace(/[^A-Za-z0-9]/g, '-'));
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${id}.jsonl`);
  writeFileSync(path, rows.map((each) => `${JSON.stringify(each)}\n`).join(''));
  const seconds = (startMs + 70_000) / 1000;
  utimesSync(path, seconds, seconds);
  return path;
}

async function openSessions(options: WorkbenchOptions = {}): Promise<Page> {
  workbench = await Workbench.open(project, {
    viewport: { width: 1280, height: 900 },
    ...options,
    env: { TZ: noonZone(), CLAUDE_CONFIG_DIR: claude, ...options.env },
  });
  await workbench.openView('Sessions');
  return workbench.page;
}

const stateHome = (): string => join(workbench!.server.home, '.agent-strace');
const tracesAside = (): string => {
  const [slug = ''] = readdirSync(join(stateHome(), 'traces'));
  return join(stateHome(), 'traces', slug);
};

test('with nothing set up, past sessions are there, and one that is opened is replayed', async () => {
  const id = '11111111-aaaa-4aaa-8aaa-000000000001';
  const path = transcript(id, 'Why does the build fail?', HOUR);
  transcript('11111111-aaaa-4aaa-8aaa-000000000002', 'Add a refund endpoint', DAY);
  transcript('11111111-aaaa-4aaa-8aaa-000000000003', 'Another project', HOUR, join(scratch, 'x'));
  const page = await openSessions();
  // Two responses of 1,200 + 40,000 + 900 tokens.
  await row(
    page,
    /Why does the build.*\$0\.\d{4} · 1m 10s · Claude Code · from its transcript/,
  ).waitFor();
  expect(await row(page, 'Another project').count()).toBe(0);
  await row(page, 'Yesterday').click();
  await row(page, 'Add a refund endpoint').waitFor();
  // Looking changes nothing.
  expect(existsSync(join(stateHome(), 'traces'))).toBe(false);

  await row(page, 'Why does the build').click();
  const replay = await workbench!.webviewFrame('Replay: Why does the build fail?');
  await replay.getByText('make', { exact: true }).first().waitFor();
  await row(page, /Why does the build.* · done · Claude Code$/).waitFor();
  expect(existsSync(join(project, '.agent-traces'))).toBe(false);
  expect(readdirSync(tracesAside())).toContain(id);
  expect(await tree(page).getByRole('treeitem').count()).toBe(4);

  // It goes on, and nobody records it: opened again, the rest is there.
  const more = { sessionId: id, cwd: project, uuid: 'more' };
  const message = { role: 'user', content: 'And the tests?' };
  const at = { timestamp: new Date(Date.now() - HOUR + 200_000).toISOString() };
  appendFileSync(path, `${JSON.stringify({ ...more, ...at, type: 'user', message })}\n`);
  // The agents' folders are looked through again when the window is.
  await workbench!.reload();
  await row(page, 'Why does the build').waitFor();
  await row(page, 'Why does the build').click();
  const again = await workbench!.webviewFrame('Replay: Why does the build fail?');
  await again.getByText('And the tests?').first().waitFor();
});

test('all are imported by menu, into the trace folder that is there', async () => {
  const traceDir = join(project, '.agent-traces');
  mkdirSync(traceDir);
  for (let i = 1; i <= 3; i++) transcript(`2222-${i}`, `Task ${i}`, i * HOUR);
  const page = await openSessions();
  await row(page, 'Task 1').waitFor();
  await menu(page, 'Task 1', 'Import All Past Sessions…');
  const dialog = page.locator('.monaco-dialog-box');
  await dialog.getByText('Import 3 sessions').waitFor();
  await workbench!.screenshot('past-import-all');
  await dialog.getByRole('button', { name: 'Import' }).click();
  await page.getByText('Imported 3 sessions.').first().waitFor();
  for (const name of ['Task 1', 'Task 2', 'Task 3']) {
    await row(page, new RegExp(`${name}.* · done · `)).waitFor();
  }
  expect(readdirSync(traceDir).filter((name) => name.startsWith('2222'))).toHaveLength(3);
  await row(page, 'Task 1').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Rename Session…' }).waitFor();
  expect(await page.getByRole('menuitem', { name: 'Import Session' }).count()).toBe(0);
});

test('shows what was recorded, what was not, and who started whom, in every theme', async () => {
  const traceDir = join(project, '.agent-traces');
  const record = (id: string, prompt: string, agoMs: number, parent?: string): void => {
    const writer = new TraceWriter(traceDir, id, { cwd: project, startMs: Date.now() - agoMs });
    writer.start().prompt(prompt);
    const call = writer.call('Bash', { command: 'pytest -q' });
    writer.nowMs += 400_000;
    writer.result(call).usage([call]).end();
    utimesSync(writer.file, writer.nowMs / 1000, writer.nowMs / 1000);
    const meta = { session_id: id, parent_session_id: parent };
    writeFileSync(join(traceDir, id, 'meta.json'), JSON.stringify(meta));
  };
  record('parent-1', 'Make webhook retries idempotent', 3 * HOUR);
  record('child-1', 'Review the retry queue', 2.5 * HOUR, 'parent-1');
  record('child-2', 'Write the migration', 26 * HOUR, 'parent-1');
  transcript('3333-1', 'Why does the build fail?', HOUR);
  transcript('3333-2', 'Upgrade the Stripe client', 2 * DAY);
  const page = await openSessions();
  const parent = row(
    page,
    /Make webhook retries.*\$0\.\d{4} \+ \$0\.\d{4} in 2 sessions it started/,
  );
  await parent.waitFor();
  // With the two, of which one is of yesterday.
  await row(page, /Today4 · \$0\.\d{4}/).waitFor();
  expect(await row(page, 'Review the retry').count()).toBe(0);
  await parent.locator('.monaco-tl-twistie').click();
  await row(page, 'Review the retry').waitFor();
  await row(page, 'Write the migration').waitFor();
  await workbench!.inEachTheme(async (theme) => {
    await row(page, 'Why does the build').hover();
    await page.locator('.monaco-hover:visible').filter({ hasText: 'Why does' }).waitFor();
    await workbench!.screenshot(`past-sessions-${theme}`);
  });
  await menu(page, 'Review the retry', 'Go to the Session That Started It');
  await workbench!.webviewFrame('Replay: Make webhook retries idempotent');
});

test('in Restricted Mode no transcript is looked for', async () => {
  transcript('4444-1', 'Why does the build fail?', HOUR);
  const page = await openSessions({ restricted: true });
  await page.getByText('In Restricted Mode nothing is set up').first().waitFor();
  await page.waitForTimeout(2000);
  expect(await page.getByText('Why does the build fail?').count()).toBe(0);
  await workbench!.screenshot('past-restricted');
});

test('transcripts are archived by command, and stay when the agent deletes them', async () => {
  const path = transcript('5555-1', 'Why does the build fail?', HOUR);
  const page = await openSessions();
  await row(page, 'Why does the build').waitFor();
  await workbench!.runCommand('Agent Strace: Archive Transcripts Now');
  await page.getByText('1 file copied').first().waitFor();
  rmSync(path);
  await workbench!.reload();
  await workbench!.openView('Sessions');
  await row(page, 'Why does the build').click();
  const replay = await workbench!.webviewFrame('Replay: Why does the build fail?');
  await replay.getByText('make', { exact: true }).first().waitFor();
  const events = readFileSync(join(tracesAside(), '5555-1', 'events.ndjson'), 'utf8');
  expect(events).toContain('It builds.');
});
