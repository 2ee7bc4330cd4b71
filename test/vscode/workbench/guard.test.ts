// Rules that trip, and calls that wait, with real parts: a real VS Code, a real (frozen) tree of processes, and
// the real recorder that waits for an answer.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Frame, Page } from 'playwright-core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hookCommand } from '../../../src/agents/launcher.ts';
import { act } from '../../../src/guard/brake.ts';
import { writeChoices } from '../../../src/guard/guardHome.ts';
import { openTrip, readTrip, type Trip } from '../../../src/guard/trips.ts';
import { eventually } from '../../eventually.ts';
import { FakeAgent } from '../../fakeAgent.ts';
import { TraceWriter } from '../../traceWriter.ts';
import { Workbench, type WorkbenchOptions } from '../workbench.ts';

const root = join(import.meta.dirname, '../../..');
let workbench: Workbench | undefined;
let agent: FakeAgent | undefined;
const waiting: ChildProcess[] = [];
let scratch: string;
let project: string;
let traceDir: string;
let state: string;
beforeEach(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'agent-strace-guard-')));
  project = join(scratch, 'payments-api');
  traceDir = join(project, '.agent-traces');
  state = join(scratch, 'state');
  mkdirSync(traceDir, { recursive: true, mode: 0o700 });
});
afterEach(async () => {
  for (const child of waiting.splice(0)) child.kill('SIGKILL');
  await agent?.close();
  agent = undefined;
  await workbench?.close();
  workbench = undefined;
  rmSync(scratch, { recursive: true, force: true });
});

const env = () => ({ AGENT_STRACE_HOME: state });

const open = async (options: WorkbenchOptions = {}): Promise<Workbench> => {
  workbench = await Workbench.open(project, {
    viewport: { width: 1180, height: 720 },
    ...options,
    env: env(),
  });
  return workbench;
};

/** A session that costs money, whose agent is a harmless tree of processes. */
async function session(id = 'main'): Promise<{ agent: FakeAgent; writer: TraceWriter }> {
  const made = new FakeAgent({ folder: join(scratch, 'agent'), sessionId: id });
  agent = made;
  await vi.waitFor(() => expect(made.work('stray')).toBeGreaterThan(0), 10_000);
  made.saveRecord(traceDir, state, { project });
  const writer = new TraceWriter(traceDir, id, {
    startMs: Date.now() - 24 * 60_000,
    cwd: project,
  }).start();
  writer.prompt('Make webhook retries idempotent');
  const edit = writer.call('Edit', {
    file_path: join(project, 'webhook.py'),
    old_string: 'a',
    new_string: 'b',
  });
  writer.result(edit).usage([edit], 'claude-sonnet-4-5', { output_tokens: 332_400 });
  writer.nowMs = Date.now() - 41_000;
  writer.call('Bash', { command: 'pytest -q --count 20' });
  return { agent: made, writer };
}

/** Freezes the agent as a rule does, and writes that down as a hook does. */
async function freeze(change: Partial<Trip> = {}): Promise<Trip> {
  const done = await act('pause', traceDir, 'main', { env: env(), graceMs: 1000 });
  if (!done.ok) throw new Error(done.message);
  const trip: Trip = {
    version: 1,
    id: '0123456789ab',
    session: 'main',
    agent: 'claude',
    traceDir,
    project,
    rule: { name: 'budget', text: 'cost_usd > 5', scope: 'user' },
    action: 'pause',
    detail: 'cost $5.02 is over $5.00',
    value: 5.02,
    limit: 5,
    line: 'prevent',
    at: Date.now() / 1000,
    call: { tool: 'Bash', target: 'git push --force origin main', id: 'x' },
    state: 'open',
    processes: done.processes,
    ...change,
  };
  expect(openTrip(trip, env())).toBe('new');
  return trip;
}

const frozen = async (): Promise<boolean> =>
  (await agent!.processes()).every(({ state: now }) => now === 'T');

/** A notification in the list behind the bell: driven like this, the editor shows none by itself. */
async function notification(page: Page, text: string | RegExp) {
  const item = page.locator('.notification-list-item').filter({ hasText: text }).first();
  await vi.waitFor(
    async () => {
      if (await item.isVisible()) return;
      await page.locator('[id="status.notifications"]').click();
      expect(await item.isVisible()).toBe(true);
    },
    { timeout: 20_000, interval: 500 },
  );
  // Its tooltip lies over the buttons.
  await page.mouse.move(500, 300);
  return item;
}

const card = (frame: Frame) => frame.locator('.card').first();

test('a rule froze an agent: told once, shown with its processes, resumed by a click', async () => {
  const { agent: made } = await session();
  const { page } = await open();
  await workbench!.statusBarItem('Bash').waitFor();
  const trip = await freeze();
  expect(await frozen()).toBe(true);
  const told = await notification(
    page,
    'Claude Code is paused: cost $5.02 passed your limit of $5.00.',
  );
  const bar = workbench!.statusBarItem(/Paused · \$\d\.\d\d · 2 calls/);
  await bar.waitFor();
  await workbench!.settled();
  await workbench!.screenshot('guard-notification');
  await told.getByRole('button', { name: 'Show' }).click();
  const frame = await workbench!.webviewFrame('Guard');
  await card(frame).getByText('Claude Code is paused at $5.02').waitFor();
  // The tree that the system shows now, all of it frozen.
  await eventually(async () => {
    const rows = await card(frame).locator('.process').allTextContents();
    expect(rows.length).toBeGreaterThanOrEqual(3);
    expect(rows.every((row) => row.includes('frozen'))).toBe(true);
    expect(rows[0]).toContain(`${made.pid}`);
  });
  await workbench!.settled();
  await workbench!.screenshot('guard-card');
  await card(frame).getByRole('button', { name: 'Resume', exact: true }).click();
  await card(frame)
    .getByText(/^Resumed \d\d:\d\d:\d\d$/)
    .waitFor();
  const before = made.work('child');
  await eventually(() => expect(made.work('child')).toBeGreaterThan(before));
  expect(readTrip(trip.id, env())?.state).toBe('resumed');
  await workbench!.statusBarItem(/\$\d\.\d\d · 2 calls · .*Bash/).waitFor();
  // … and frozen again by its undo.
  await card(frame).getByRole('button', { name: 'Pause again' }).click();
  await eventually(async () => expect(await frozen()).toBe(true));
  // Killed, after a question, with a post-mortem.
  await card(frame).getByRole('button', { name: 'Kill', exact: true }).click();
  await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Kill' }).click();
  await vi.waitFor(async () => expect(await made.processes()).toEqual([]), 10_000);
  expect(readTrip(trip.id, env())?.state).toBe('killed');
  await page.locator('.tab').filter({ hasText: 'postmortem.md' }).waitFor();
  await workbench!.screenshot('guard-postmortem');
});

/** The recorder, set up for real, and a rule of the person's that asks. */
function setUp(): void {
  const home = join(scratch, 'home');
  mkdirSync(home);
  const done = spawnSync(
    process.execPath,
    [join(root, 'dist', 'cli.js'), 'setup', '--cli', 'claude', '--yes'],
    {
      cwd: project,
      encoding: 'utf8',
      env: { HOME: home, PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, ...env() },
    },
  );
  expect(done.status, done.stderr).toBe(0);
  writeChoices({ ask: 'editor' }, env());
  writeFileSync(
    join(state, 'rules.yaml'),
    'rules:\n  - name: no-force-push\n    condition: command matches "git push --force"\n    action: ask\n    message: Others have pulled it.\n',
    { mode: 0o600 },
  );
}

/** A call as Claude Code makes it: what its hook says once it has been answered. */
function call(command: string): Promise<string> {
  const child = spawn('/bin/sh', ['-c', hookCommand('claude', 'PreToolUse', env())], {
    cwd: project,
    env: {
      HOME: join(scratch, 'home'),
      PATH: '/usr/bin:/bin',
      CLAUDE_PROJECT_DIR: project,
      ...env(),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  waiting.push(child);
  child.stdin.end(
    JSON.stringify({
      ...{ session_id: 'cfead79c-5438-40f8-bd9d-7d9dfefcc4c6', hook_event_name: 'PreToolUse' },
      ...{ cwd: project, tool_name: 'Bash', tool_use_id: `toolu_${waiting.length}` },
      tool_input: { command },
    }),
  );
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return new Promise((resolve) => child.on('close', () => resolve(said)));
}

test('a call that waits is answered from the inbox: what its real hook hears', async () => {
  setUp();
  const { page } = await open();
  await workbench!.runCommand('Agent Strace: Show Guard');
  const frame = await workbench!.webviewFrame('Guard');
  await frame.getByText('Nothing waits for you.').waitFor();
  await eventually(() => expect(existsSync(join(state, 'guard', 'listeners'))).toBe(true));
  await workbench!.screenshot('guard-quiet');
  const denied = call('cd . && git push --force origin main');
  const row = frame.locator('.request').first();
  await row.getByText('git push --force').first().waitFor({ timeout: 15_000 });
  await workbench!.statusBarItem('1 request waits').waitFor();
  await notification(page, 'Claude Code asks for your word');
  await page.waitForTimeout(700);
  await row.locator('.request-open').click();
  await row.getByText('Others have pulled it.').waitFor();
  expect(await row.locator('.details-text').textContent()).toBe(
    'cd . && git push --force origin main',
  );
  await workbench!.screenshot('guard-inbox');
  await row.getByRole('button', { name: 'Deny' }).click();
  expect(await denied).toContain('"permissionDecision":"deny"');
  await row.getByText(/^Denied \d\d:/).waitFor();
  const allowed = call('git push --force-with-lease=x --force origin dev');
  const other = frame.locator('.request').filter({ hasText: 'origin dev' });
  await other.waitFor({ timeout: 15_000 });
  await page.waitForTimeout(1500);
  await workbench!.runCommand('Agent Strace: Allow Next Request Once');
  // Nothing said: the call runs.
  expect(await allowed).not.toContain('deny');
  await other.getByText(/^Allowed once \d\d:/).waitFor();
});

test('in restricted mode trips are shown, and nothing is done', async () => {
  await session();
  await freeze();
  await open({ restricted: true, theme: 'hc' });
  await workbench!.runCommand('Agent Strace: Show Guard');
  const frame = await workbench!.webviewFrame('Guard');
  await card(frame).getByText('Claude Code is paused at $5.02').waitFor();
  expect(await card(frame).getByRole('button', { name: 'Resume', exact: true }).count()).toBe(0);
  await frame.getByText('This folder is in restricted mode').waitFor();
  await workbench!.screenshot('guard-restricted-hc');
  expect(await frozen()).toBe(true);
  // Nobody here may say yes: agents are not kept waiting.
  expect(existsSync(join(state, 'guard', 'listeners'))).toBe(false);
});
