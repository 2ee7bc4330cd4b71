import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FromGuardPage, GUARD_PROTOCOL, type GuardState } from '../../src/protocol/guard.ts';
import { type Theme, themes } from '../vscode/codeServer.ts';
import { approval, designState, stateOf, trip } from './guardStates.ts';
import { type OpenOptions, PageHarness, type WebviewPage } from './pageHarness.ts';

let harness: PageHarness;
beforeAll(async () => {
  harness = await PageHarness.start();
});
afterAll(async () => await harness?.close());

const ALL_THEMES = Object.keys(themes) as Theme[];

async function open(state: GuardState, options: OpenOptions = {}): Promise<WebviewPage> {
  const page = await harness.open('guard', {
    ...options,
    onMessage: (message) =>
      (message as FromGuardPage).type === 'ready'
        ? { type: 'state', version: GUARD_PROTOCOL, state }
        : undefined,
  });
  await page.page.locator('.page > *').first().waitFor();
  return page;
}

const send = (guard: WebviewPage, state: GuardState) =>
  guard.post({ type: 'state', version: GUARD_PROTOCOL, state });

const said = ({ sent }: WebviewPage): FromGuardPage[] =>
  (sent as FromGuardPage[]).filter(({ type }) => type !== 'ready');

const healthy = async (guard: WebviewPage): Promise<void> => {
  expect(guard.errors).toEqual([]);
  expect(await guard.axe()).toEqual([]);
};

const sideways = ({ page }: WebviewPage): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Until answers count again. */
const steady = ({ page }: WebviewPage) => page.waitForTimeout(600);

describe.each(ALL_THEMES)('looks in %s', (theme) => {
  test.each([900, 400])('%d wide', async (width) => {
    const guard = await open(designState(Date.now()), {
      theme,
      viewport: { width, height: width === 900 ? 720 : 1100 },
    });
    await guard.page.locator('.request-open').first().click();
    await guard.screenshot(`guard-${theme}-${width}`);
    expect(await sideways(guard)).toBe(0);
    await healthy(guard);
    await guard.close();
  });

  test('alarm, failure, mistakes in the rules', async () => {
    const nowMs = Date.now();
    const state = stateOf(nowMs, {
      trusted: false,
      trips: [
        trip(nowMs, {
          line: 'verify',
          rule: {
            name: 'no-force-push',
            text: 'command matches "git push --force"',
            scope: 'user',
          },
          detail: 'git push --force was denied at 14:02',
        }),
        trip(nowMs, {
          id: 'dddddddddd04',
          state: 'failed',
          problem: 'Claude Code runs as another user. Do this as that user.',
        }),
        trip(nowMs, { id: 'dddddddddd05', state: 'resumed', settledAt: nowMs / 1000 - 4 }),
        trip(nowMs, {
          id: 'dddddddddd06',
          action: 'kill',
          state: 'killed',
          settledAt: nowMs / 1000 - 4,
          postmortem: '/home/dev/payments-api/.agent-traces/main/postmortem.md',
          processes: [{ pid: 41207, name: 'claude', state: 'gone' }],
        }),
      ],
      problems: [
        {
          file: '/home/dev/payments-api/.watch-rules.yaml',
          line: 12,
          column: 5,
          message: 'there is no metric cost_us',
          fix: 'Did you mean cost_usd?',
        },
      ],
      stale: 1,
    });
    const guard = await open(state, { theme, viewport: { width: 900, height: 1300 } });
    const heads = await guard.page.locator('.card h2').allTextContents();
    expect(heads[0]).toBe('git push --force origin main ran although it was denied.');
    expect(await guard.page.locator('.card').first().getAttribute('class')).toContain('alarm');
    expect(await guard.page.locator('.problems').textContent()).toContain(
      'the last good version is in force',
    );
    // Restricted: nothing can be done to an agent.
    expect(await guard.page.getByRole('button', { name: 'Resume', exact: true }).count()).toBe(0);
    expect(await guard.page.getByRole('button', { name: 'Kill', exact: true }).count()).toBe(0);
    await guard.screenshot(`guard-alarm-${theme}`);
    await healthy(guard);
    await guard.close();
  });
});

test('nothing waits: says what is watched, and how to add rules', async () => {
  const guard = await open(stateOf(Date.now(), { rules: 0, watched: 0 }));
  await guard.page.getByText('Nothing waits for you.').waitFor();
  await guard.page.getByRole('button', { name: 'Add rules' }).click();
  expect(said(guard)).toEqual([{ type: 'command', command: 'openRules' }]);
  await guard.screenshot('guard-empty');
  await healthy(guard);
  await guard.close();
});

test('the card: begins at Resume, Esc decides nothing, each button asks for its act', async () => {
  const guard = await open(stateOf(Date.now(), { trips: [trip(Date.now())] }));
  const { page } = guard;
  const dialog = page.getByRole('alertdialog', { name: 'Claude Code is paused at $5.02' });
  await dialog.waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('Resume');
  await page.keyboard.press('Escape');
  await steady(guard);
  expect(said(guard)).toEqual([]);
  // As a tree: what the agent runs, below it.
  expect(await dialog.locator('.process').allTextContents()).toEqual([
    'claude41207 frozen',
    '└─sh41990 frozen',
    '└─pytest41991 frozen',
    '└─hook.js is the recorder41300 left alone',
  ]);
  expect(await dialog.locator('.depth-2').count()).toBe(1);
  expect(await dialog.locator('.fact').allTextContents()).toEqual([
    '1 tool call held before it ran:git push --force origin main',
    'Bash held at 41s of ~1m 20spytest -q --count 20',
    '$0.21/min is not spent: its rate of the last 5 minutes',
    'Held $0.0200 over the limit of $5.00',
  ]);
  for (const name of ['Resume', 'Resume and raise limit to $10', 'Stop', 'Kill']) {
    await dialog.getByRole('button', { name, exact: true }).click();
  }
  await dialog.getByRole('button', { name: /cost_usd > 5\.00/ }).click();
  expect(said(guard).map((one) => (one.type === 'act' ? one.act : one.type))).toEqual([
    ...['resume', 'raise', 'stop', 'kill'],
    'openRule',
  ]);
  // Under way: a second click is none.
  await send(
    guard,
    stateOf(Date.now(), {
      trips: [trip(Date.now())],
      busy: new Map([['aaaaaaaaaaaa', 'resume' as const]]),
    }),
  );
  await dialog.getByText('Resuming…').waitFor();
  await dialog.getByRole('button', { name: 'Stop' }).click({ force: true });
  expect(said(guard)).toHaveLength(5);
  await send(
    guard,
    stateOf(Date.now(), {
      trips: [trip(Date.now(), { state: 'resumed', settledAt: Date.now() / 1000 })],
      sessionOf: () => ({ title: 'x', active: true, paused: false }),
    }),
  );
  await dialog.getByText(/^Resumed \d\d:\d\d:\d\d$/).waitFor();
  await dialog.getByRole('button', { name: 'Pause again' }).click();
  expect(said(guard).at(-1)).toEqual({ type: 'act', id: 'aaaaaaaaaaaa', act: 'pause' });
  await healthy(guard);
  await guard.close();
});

test('the inbox by keys alone; what has just moved is not answered', async () => {
  const guard = await open(designState(Date.now()));
  const { page } = guard;
  const first = page.locator('.request-open').first();
  await first.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const details = page.locator('.request.selected .details');
  await details.waitFor();
  expect(await details.textContent()).toContain('.github/workflows/deploy.yml');
  await page.keyboard.press('Control+Enter');
  expect(said(guard)).toEqual([{ type: 'answer', id: 'cccccccccc02', answer: 'allow' }]);
  // Tab reaches Deny first.
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Tab');
  if ((await page.evaluate(() => document.activeElement?.textContent)) !== 'Deny') {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  expect(said(guard).at(-1)).toEqual({ type: 'answer', id: 'cccccccccc01', answer: 'deny' });
  // The first goes, another comes: the click was meant for what stood there.
  const before = said(guard).length;
  const nowMs = Date.now();
  const rows = (id: string, target: string) => ({
    request: approval(nowMs, { id, call: { tool: 'Bash', target, id: 'x' } }),
    here: true,
  });
  await send(guard, stateOf(nowMs, { requests: [rows('eeeeeeeeee01', 'rm -rf build')] }));
  await page.getByRole('button', { name: 'Allow once' }).click();
  expect(said(guard)).toHaveLength(before);
  await steady(guard);
  await page.getByRole('button', { name: 'Allow once' }).click();
  expect(said(guard)).toHaveLength(before + 1);
  await healthy(guard);
  await guard.close();
});

test('time runs out before the eyes; what is not all of a call says so', async () => {
  const nowMs = Date.now();
  const target = `echo ${'a'.repeat(193)}…`;
  const request = approval(nowMs, {
    until: nowMs / 1000 + 2.2,
    call: { tool: 'Bash', target, id: 'x' },
  });
  const guard = await open(stateOf(nowMs, { requests: [{ request, here: true }] }));
  const { page } = guard;
  await page.locator('.request-open').click();
  await page.getByText('This is not all of it').waitFor();
  expect(await page.locator('.request-left').textContent()).toMatch(/0:0[123]/);
  await page.getByText('Denied: time ran out').waitFor();
  expect(await page.getByRole('button', { name: 'Allow once' }).count()).toBe(0);
  await page.locator('.request-open').focus();
  await page.keyboard.press('Control+Enter');
  expect(said(guard)).toEqual([]);
  await guard.close();
});

test('hostile text in every field is text, on one line, and breaks nothing', async () => {
  const nowMs = Date.now();
  const evil = '<img src=x onerror=alert(1)>\u202Egnp.exe\u0007 [x](command:y) $(error)';
  const long = `${evil}${'W'.repeat(400)}`;
  const rule = {
    name: long,
    text: long,
    scope: 'repo',
    file: `/p/${evil}.yaml`,
    line: 3,
    message: long,
  };
  const call = { tool: long, target: long, id: evil };
  const session = { title: long, active: true, paused: true, cannot: undefined as never };
  const state = stateOf(nowMs, {
    trips: [
      trip(nowMs, {
        ...{ agent: long, project: `/x/${long}`, rule, detail: long, call, problem: long },
        processes: [{ pid: 41207, name: long, state: 'frozen' }],
      }),
      trip(nowMs, { id: 'dddddddddd07', line: 'verify', agent: long, rule, detail: long, call }),
      trip(nowMs, { id: 'dddddddddd08', action: 'deny', agent: long, rule, detail: long, call }),
    ],
    requests: [
      {
        request: approval(nowMs, {
          ...{ agent: long, project: `/x/${long}`, rule, detail: long },
          call: { ...call, text: `${long}\n${long}` },
        }),
        here: true,
      },
    ],
    problems: [{ file: `/p/${long}`, line: 1, column: 1, message: long, fix: long }],
    sessionOf: () => ({
      ...session,
      current: { tool: long, target: long, startedAtMs: nowMs - 90_000, usualMs: 1e9 },
    }),
    processNow: () => ({ ppid: 1, state: 'T', name: long }),
  });
  for (const width of [900, 400]) {
    const guard = await open(state, { viewport: { width, height: 1400 } });
    await guard.page.locator('.request-open').first().click();
    expect(await guard.page.locator('img').count()).toBe(0);
    const text = (await guard.page.locator('body').textContent()) ?? '';
    expect(text).toContain('<img src=x onerror=alert(1)>⟨U+202E⟩gnp.exe');
    expect(text).not.toMatch(/[\u202e\u0007]/);
    expect(await sideways(guard)).toBe(0);
    await guard.screenshot(`guard-hostile-${width}`);
    await healthy(guard);
    await guard.close();
  }
});

test('a page of another version says so', async () => {
  const guard = await harness.open('guard', {
    onMessage: () => ({ type: 'state', version: GUARD_PROTOCOL + 1, state: designState(0) }),
  });
  await guard.page.getByText('Agent Strace was updated').waitFor();
  expect(guard.errors).toEqual([]);
  await guard.close();
});
