import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FromStreamPage } from '../../src/protocol/stream.ts';
import { type Theme, themes } from '../vscode/codeServer.ts';
import {
  addCodex,
  columnsOf,
  designHost,
  designNews,
  dollars,
  type FakeRow,
  FakeStreamHost,
  hostileHost,
  hostWith,
  ManyRows,
  type RowList,
} from './fakeStreamHost.ts';
import { type OpenOptions, PageHarness, type WebviewPage } from './pageHarness.ts';

let harness: PageHarness;
beforeAll(async () => {
  harness = await PageHarness.start();
});
afterAll(async () => await harness?.close());

const SIDE_BAR = { width: 360, height: 900 };
const ALL_THEMES = Object.keys(themes) as Theme[];

async function open(host: FakeStreamHost, options: OpenOptions = {}): Promise<WebviewPage> {
  const stream = await harness.open('stream', {
    viewport: SIDE_BAR,
    onMessage: (message) => host.receive(message as FromStreamPage),
    ...options,
  });
  host.connect((message) => stream.post(message));
  await stream.page.locator('main').waitFor();
  return stream;
}

/** Waits until the words of what is seen are there, and the page has nothing more to paint. */
async function settled({ page }: WebviewPage): Promise<void> {
  await page.waitForFunction(() => {
    const box = document.querySelector('.vlist')?.getBoundingClientRect();
    const rows = [...document.querySelectorAll('.vlist-rows > li')].filter((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return box && bottom > box.top && top < box.bottom;
    });
    return rows.length > 0 && rows.every((row) => row.querySelector('.target, .verb'));
  });
  await page.waitForTimeout(300);
}

const rowsIn = ({ page }: WebviewPage): Promise<number[]> =>
  page.$$eval('.vlist-rows > li', (rows) =>
    rows.map((row) => Number((row as HTMLElement).dataset.row)),
  );

/** Numbers of the rows that are seen whole. */
const visibleRows = ({ page }: WebviewPage): Promise<number[]> =>
  page.$$eval('.vlist-rows > li', (rows) => {
    const box = document.querySelector('.vlist')!.getBoundingClientRect();
    return rows
      .filter((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return top >= box.top - 1 && bottom <= box.bottom + 1;
      })
      .map((row) => Number((row as HTMLElement).dataset.row));
  });

const scrollBy = ({ page }: WebviewPage, pixels: number) =>
  page.$eval('.vlist', (list, by) => list.scrollBy(0, by), pixels);

const healthy = async (stream: WebviewPage): Promise<void> => {
  expect(stream.errors).toEqual([]);
  expect(await stream.axe()).toEqual([]);
};

describe.each(ALL_THEMES)('looks in %s', (theme) => {
  test('as designed', async () => {
    const host = designHost();
    addCodex(host);
    const stream = await open(host, { theme, state: { pinned: true } });
    await settled(stream);
    await stream.page.locator('[data-row="402"] button').click();
    await scrollBy(stream, -66);
    await stream.page.getByRole('button', { name: 'Jump to live' }).waitFor();
    await host.append('claude-1', designNews());
    await stream.page.getByText('Jump to live · 14 new').waitFor();
    await stream.screenshot(`stream-${theme}-design`);
    await healthy(stream);
    await stream.close();
  });

  test.each([240, 280, 800])('%d wide', async (width) => {
    const host = designHost();
    addCodex(host, 'waiting');
    const stream = await open(host, { theme, viewport: { width, height: 900 } });
    await settled(stream);
    await stream.screenshot(`stream-${theme}-${width}`);
    await healthy(stream);
    const sideways = await stream.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(sideways).toBe(0);
    await stream.close();
  });

  test('with hostile text', async () => {
    const stream = await open(hostileHost(), { theme, state: { pinned: true } });
    await settled(stream);
    await stream.screenshot(`stream-${theme}-hostile`);
    await healthy(stream);
    await stream.close();
  });

  test('empty, with an error', async () => {
    const host = new FakeStreamHost();
    const stream = await open(host, { theme });
    await stream.page.getByRole('button', { name: 'Set up recording' }).waitFor();
    await host.post({
      type: 'error',
      message: 'The trace was moved or deleted. Showing what was read.',
      action: { command: 'showLog', title: 'Show log' },
    });
    await stream.page.getByRole('alert').filter({ hasText: 'moved' }).waitFor();
    await stream.screenshot(`stream-${theme}-empty`);
    await healthy(stream);
    await stream.close();
  });

  test('while reading, three sessions', async () => {
    const host = designHost();
    addCodex(host, 'waiting');
    const tab = host.tabs[1]!;
    host.tabs.push({
      ...tab,
      id: 'gemini-1',
      agent: 'Gemini CLI',
      status: 'ended',
      endedAtMs: Date.now(),
    });
    host.readyRows = 300;
    const stream = await open(host, { theme });
    await host.post({
      type: 'progress',
      sessionId: 'claude-1',
      readEvents: 412_000,
      readBytes: 412,
      totalBytes: 1000,
    });
    await stream.page.getByText('Reading 412k of ~1M events').waitFor();
    await stream.page.getByRole('button', { name: /Claude Code/ }).click();
    await stream.page.getByRole('listbox').waitFor();
    await settled(stream);
    await stream.screenshot(`stream-${theme}-reading`);
    await stream.page.keyboard.press('Escape');
    await healthy(stream);
    await stream.close();
  });
});

test.each(ALL_THEMES)('every state of the card and the meters in %s', async (theme) => {
  const host = designHost();
  const stream = await open(host, { theme, viewport: { width: 360, height: 520 } });
  const { page } = stream;
  const card = page.getByRole('region', { name: 'Now' });
  const header = host.headers.get('claude-1')!;
  const { current: _, ...between } = header;
  const now = Date.now();

  await card.getByText('Bash').waitFor();
  const { height } = (await card.boundingBox())!;

  host.headers.set('claude-1', { ...between, thinkingSinceMs: now - 4500 });
  await host.postHeader('claude-1', {
    budgetNanoUsd: dollars(4),
    cacheColdAtMs: now - 1,
    context: { tokens: 142_000 },
  });
  await card.getByText('Thinking').waitFor();
  expect((await card.boundingBox())!.height).toBe(height);
  await page
    .getByRole('meter', { name: 'Cache' })
    .and(page.locator('[aria-valuetext="cold"]'))
    .waitFor();
  await page.getByText('142k tokens').waitFor();
  await stream.screenshot(`stream-${theme}-thinking`);
  await healthy(stream);

  await host.postHeader('claude-1', { status: 'waiting', waitingSinceMs: now - 61_000 });
  await card.getByText('Waiting for you').waitFor();
  await card.getByText('1m 0').waitFor();
  await stream.screenshot(`stream-${theme}-waiting`);
  await healthy(stream);

  host.tabs[0] = { ...host.tabs[0]!, status: 'failed', endedAtMs: now };
  await host.post({ type: 'sessions', version: 1, sessions: host.tabs, selected: 'claude-1' });
  await host.postHeader('claude-1', {
    status: 'failed',
    endedAtMs: now,
    cost: {
      ...header.cost,
      nanoUsd: 0,
      estimatedNanoUsd: dollars(0.42),
      priced: 0,
      estimated: 9,
      unpriced: 3,
      unpricedModels: ['x-large-2'],
    },
    counts: { ...header.counts, badLines: 3 },
  });
  await card.waitFor({ state: 'detached' });
  await page.getByText('Stopped', { exact: true }).waitFor();
  await page.locator('.big').getByText('~$0.4200').waitFor();
  await page.locator('.cost-line').hover();
  await page.getByText('No price known for x-large-2.').waitFor();
  // The list is taller without the card, and still at its end.
  expect((await visibleRows(stream)).at(-1)).toBe(413);
  expect(await page.getByRole('button', { name: /^Jump/ }).count()).toBe(0);
  await stream.screenshot(`stream-${theme}-ended`);
  await healthy(stream);
  await page.getByRole('button', { name: '3 bad lines' }).click();
  expect(stream.sent.at(-1)).toEqual({ type: 'command', command: 'showLog' });
  await stream.close();
});

test('low and narrow, between other views, the list keeps its room', async () => {
  const host = designHost();
  addCodex(host);
  const stream = await open(host, { viewport: { width: 190, height: 370 } });
  await settled(stream);
  await stream.screenshot('stream-low');
  const room = await stream.page.evaluate(() => {
    const { top, bottom } = document.querySelector('.vlist')!.getBoundingClientRect();
    return Math.min(bottom, innerHeight) - top;
  });
  // The prompt and two rows.
  expect(room).toBeGreaterThan(55);
  const tag = (await stream.page.locator('.tags').boundingBox())!;
  expect(tag.x + tag.width).toBeLessThanOrEqual(190);
  await healthy(stream);
  await stream.close();
});

test('what nothing is known to cost is no $0', async () => {
  const host = designHost();
  const stream = await open(host);
  await settled(stream);
  const none = { nanoUsd: 0, estimatedNanoUsd: 0, ownNanoUsd: 0, subagentNanoUsd: 0, priced: 0 };
  await host.postHeader('claude-1', {
    cost: { ...host.headers.get('claude-1')!.cost, ...none, models: [], unknown: true },
  });
  await stream.page.locator('.big').getByText('–', { exact: true }).waitFor();
  const said = await stream.page.locator('.big, .footer').allTextContents();
  expect(said.join()).not.toContain('$0');
  await healthy(stream);
  await stream.close();
});

test('counts by the clock of the host', async () => {
  const host = designHost();
  const header = host.headers.get('claude-1')!;
  const ahead = 3_600_000;
  const stream = await open(host);
  await stream.page.getByText('usually').waitFor();
  await host.post({
    type: 'header',
    header: {
      ...header,
      nowMs: Date.now() + ahead,
      cacheColdAtMs: Date.now() + ahead + 65_500,
      current: { ...header.current!, startedAtMs: Date.now() + ahead - 28_000 },
    },
  });
  const time = stream.page.locator('.current-time b');
  const usual = stream.page.locator('.usual');
  await stream.page.getByText('1:0').waitFor();
  await expect.poll(() => time.textContent()).toBe('28s');
  // Past three times the usual 9 s, by words and by colour.
  await expect.poll(() => usual.getAttribute('class')).toContain('amber');
  await expect.poll(() => time.textContent(), { timeout: 5000 }).toBe('30s');
  await stream.close();
});

describe('sessions', () => {
  test('one is a header, two are tabs', async () => {
    const host = designHost();
    const stream = await open(host);
    await settled(stream);
    expect(await stream.page.getByRole('tab').count()).toBe(0);
    addCodex(host, 'waiting');
    await host.post({ type: 'sessions', version: 1, sessions: host.tabs, selected: 'claude-1' });
    await stream.page.getByRole('tab').first().waitFor();
    // The one that waits comes first.
    expect(await stream.page.getByRole('tab').allInnerTexts()).toEqual([
      expect.stringContaining('Codex'),
      expect.stringContaining('Claude Code'),
    ]);
    const claude = stream.page.getByRole('tab', { name: 'Claude Code' });
    expect(await claude.getAttribute('aria-selected')).toBe('true');
    await claude.focus();
    await stream.page.keyboard.press('ArrowLeft');
    await stream.page.getByText('Rank exact matches first').waitFor();
    expect(stream.sent).toContainEqual({ type: 'select', sessionId: 'codex-1' });
    await stream.close();
  });

  test('many are a list that the keyboard opens, walks and leaves', async () => {
    const host = designHost();
    addCodex(host);
    host.tabs.push({ ...host.tabs[1]!, id: 'gemini-1', agent: 'Gemini CLI', status: 'waiting' });
    const stream = await open(host);
    const { page } = stream;
    const button = page.getByRole('button', { name: /Claude Code/ }).first();
    await button.focus();
    await page.keyboard.press('Enter');
    const list = page.getByRole('listbox');
    await list.waitFor();
    expect(await page.getByRole('option').first().textContent()).toContain('Gemini CLI');
    await page.keyboard.press('Escape');
    await list.waitFor({ state: 'detached' });
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press('ArrowDown');
    await list.waitFor();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.getByText('Rank exact matches first').waitFor();
    expect(stream.sent).toContainEqual({ type: 'select', sessionId: 'codex-1' });
    await stream.close();
  });

  test('come back as they were chosen, and nothing else is kept', async () => {
    const host = designHost();
    addCodex(host);
    const stream = await open(host, {
      state: { selected: 'codex-1', filter: 'tools', pinned: false },
    });
    await stream.page.getByText('cargo test -q').waitFor();
    expect(stream.sent).toContainEqual({ type: 'select', sessionId: 'codex-1' });
    await stream.page.locator('.cost-line').click();
    const state = await stream.page.evaluate('state');
    expect(state).toEqual({ selected: 'codex-1', filter: 'tools', pinned: true });
    await stream.close();
  });
});

test('the cost explains itself on hover, stays on click, goes on Esc', async () => {
  const stream = await open(designHost());
  const { page } = stream;
  await settled(stream);
  const details = page.locator('#reconciliation');
  const top = () =>
    page
      .locator('.meters')
      .boundingBox()
      .then((box) => box?.y);
  const before = await top();
  await page.locator('.cost-line').hover();
  await details.getByText('priced 182').waitFor();
  expect(await top()).toBe(before);
  await details.hover();
  await page.mouse.move(180, 800);
  await details.waitFor({ state: 'detached' });
  await page.locator('.cost-line').click();
  await page.mouse.move(180, 800);
  await details.waitFor();
  expect(await top()).toBeGreaterThan(before!);
  await page.keyboard.press('Escape');
  await details.waitFor({ state: 'detached' });
  await stream.close();
});

test('the keyboard reaches everything in the order it is read', async () => {
  const host = designHost();
  addCodex(host);
  const stream = await open(host);
  const { page } = stream;
  await settled(stream);
  const names: string[] = [];
  for (let i = 0; i < 11; i++) {
    await page.keyboard.press('Tab');
    names.push(
      await page.evaluate(() => {
        const { activeElement } = document;
        return activeElement?.getAttribute('aria-label') ?? activeElement?.textContent ?? '';
      }),
    );
  }
  expect(names.map((name) => name.slice(0, 5))).toEqual([
    expect.stringContaining('Worki'),
    expect.stringContaining('$4.37'),
    'Pause',
    'Stop',
    expect.stringContaining('All'),
    expect.stringContaining('Tools'),
    expect.stringContaining('Error'),
    expect.stringContaining('Denie'),
    expect.stringContaining('Edits'),
    expect.stringContaining('Searc'),
    expect.any(String),
  ]);

  const active = () =>
    page.evaluate(() => Number(document.activeElement?.closest('li')?.dataset.row ?? -1));
  const first = await active();
  expect(await visibleRows(stream)).toContain(first);
  await page.keyboard.press('ArrowDown');
  await expect.poll(active).toBe(first + 1);
  await page.keyboard.press('K');
  await expect.poll(active).toBe(first);
  await page.keyboard.press('PageUp');
  await expect.poll(active).toBeLessThan(first - 10);
  await page.keyboard.press('Home');
  await expect.poll(active).toBe(0);
  expect(await visibleRows(stream)).toContain(0);
  await page.keyboard.press('p');
  await expect.poll(active).toBe(132);
  await page.keyboard.press('Shift+P');
  await expect.poll(active).toBe(0);
  await page.keyboard.press('e');
  await expect.poll(active).toBeGreaterThan(0);
  const failed = await active();
  expect(await page.locator(`[data-row="${failed}"] button`).getAttribute('class')).toContain(
    'failed',
  );
  await page.keyboard.press('Enter');
  await expect
    .poll(() => stream.sent.at(-1))
    .toEqual({ type: 'open', sessionId: 'claude-1', row: failed });
  await page.keyboard.press('Control+Enter');
  await expect
    .poll(() => stream.sent.at(-1))
    .toEqual({ type: 'openFile', sessionId: 'claude-1', row: failed });
  const messages = stream.sent.length;
  await page.keyboard.press('Space');
  await page.waitForTimeout(100);
  expect(stream.sent).toHaveLength(messages);
  await page.keyboard.press('End');
  await expect.poll(active).toBe(413);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await stream.screenshot('stream-keys');
  await healthy(stream);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await expect.poll(active).toBe(413);
  await stream.close();
});

test('a click on a path opens the file, on the rest of a row nothing, twice the replay', async () => {
  const host = designHost();
  const stream = await open(host);
  const { page } = stream;
  await settled(stream);
  const file = { path: '/work/payments/src/a.py', line: 12 };
  const at = { kind: 'read', atMs: 1_500_000, durationMs: 90 } as const;
  await host.append('claude-1', [
    { ...at, view: { verb: 'Read', target: 'src/a.py', style: 'code', file } },
    { ...at, kind: 'run', view: { target: 'make all', style: 'code' } },
  ]);
  const opens = () =>
    stream.sent.flatMap((message) => {
      const { type, row } = message as { type: string; row?: number };
      return type.startsWith('open') ? [`${type} ${row}`] : [];
    });
  await page.getByText('src/a.py', { exact: true }).click();
  await expect.poll(opens).toEqual(['openFile 414']);
  await page.getByText('make all').click();
  await page.locator('[data-row="414"] .duration').click();
  expect(await page.locator('[data-row="414"] button').getAttribute('aria-current')).toBe('true');
  await page.waitForTimeout(100);
  expect(opens()).toEqual(['openFile 414']);
  await page.getByText('make all').dblclick();
  await expect.poll(opens).toEqual(['openFile 414', 'open 415']);
  await stream.close();
});

test.each(ALL_THEMES)(
  'pause, resume and stop mean the session that is shown, in %s',
  async (theme) => {
    const host = designHost();
    addCodex(host);
    const stream = await open(host, { theme, viewport: { width: 360, height: 460 } });
    const { page } = stream;
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    const commands = () =>
      stream.sent.filter((message) => (message as { type: string }).type === 'command');
    await button('Pause').click();
    await button('Stop').click();
    const sessionId = 'claude-1';
    await expect.poll(commands).toEqual([
      { type: 'command', command: 'pause', sessionId },
      { type: 'command', command: 'stop', sessionId },
    ]);

    await host.postHeader(sessionId, {
      status: 'paused',
      control: { kind: 'signals', paused: true },
    });
    await button('Resume').click();
    await expect
      .poll(() => commands().at(-1))
      .toEqual({
        type: 'command',
        command: 'resume',
        sessionId,
      });
    await stream.screenshot(`stream-${theme}-paused`);
    await healthy(stream);

    // One that cannot be frozen says so; one that cannot be told does nothing, and says why.
    await host.postHeader(sessionId, {
      status: 'live',
      control: { kind: 'cooperative', paused: false },
    });
    await expect
      .poll(() => button('Pause').getAttribute('title'))
      .toBe('Pauses before the next tool: this agent cannot be frozen.');
    await page.getByRole('tab', { name: /Codex/ }).click();
    await expect.poll(() => button('Pause').getAttribute('aria-disabled')).toBe('true');
    const before = commands().length;
    await button('Pause').click({ force: true });
    await button('Stop').focus();
    await page.keyboard.press('Enter');
    await page.waitForTimeout(100);
    expect(commands()).toHaveLength(before);
    const why = "Can't tell which process is the agent's.";
    expect(await button('Stop').getAttribute('title')).toBe(why);
    expect(await page.locator('#control-hint').textContent()).toBe(why);
    await stream.screenshot(`stream-${theme}-uncontrolled`);
    await healthy(stream);

    const codex = host.headers.get('codex-1')!;
    await host.postHeader('codex-1', { ...codex, status: 'ended', endedAtMs: Date.now() });
    await button('Stop').waitFor({ state: 'detached' });
    await stream.close();
  },
);

test('what was chosen elsewhere comes before what the page remembers', async () => {
  const host = designHost();
  addCodex(host);
  const stream = await open(host, {
    state: { selected: 'codex-1', filter: 'all', pinned: false },
    onMessage: (message) => {
      const { type } = message as FromStreamPage;
      if (type !== 'ready') return host.receive(message as FromStreamPage);
      void host.post({
        type: 'sessions',
        version: 1,
        sessions: host.tabs,
        selected: 'claude-1',
        chosen: true,
      });
      host.postSession();
    },
  });
  await settled(stream);
  expect(await stream.page.getByRole('tab', { selected: true }).textContent()).toContain('Claude');
  expect(stream.sent).not.toContainEqual({ type: 'select', sessionId: 'codex-1' });
  await stream.close();
});

test('filters and search show their matches under their prompts', async () => {
  const host = designHost();
  const stream = await open(host);
  const { page } = stream;
  await settled(stream);
  await page.getByRole('button', { name: 'Errors 7' }).click();
  await expect.poll(() => page.locator('.vlist-rows .failed').count()).toBe(7);
  expect((await rowsIn(stream)).length).toBeGreaterThan(7);
  expect(await page.locator('.vlist-rows > li').first().getAttribute('aria-setsize')).toBe(
    String((await rowsIn(stream)).length),
  );
  await page.getByRole('button', { name: 'Errors 7' }).click();
  await settled(stream);

  await page.keyboard.press('/');
  await page.keyboard.type('PYTEST -q tests');
  await page.getByText('3 matches').waitFor();
  await settled(stream);
  await stream.screenshot('stream-search');
  await healthy(stream);
  // A match that comes later is found as well.
  await host.append('claude-1', designNews().slice(0, 2));
  await page.getByText('4 matches').waitFor();
  // Even when events never pause for as long as it takes to ask again.
  for (let i = 0; i < 60; i++) {
    await host.append('claude-1', designNews().slice(1, 2));
    await page.waitForTimeout(100);
    if (await page.getByText('4 matches').isHidden()) break;
  }
  expect(await page.getByText('4 matches').isVisible()).toBe(false);
  await page.keyboard.press('Control+A');
  await page.keyboard.type('no such thing');
  await page.getByText('Nothing matches "no such thing".').waitFor();
  await stream.screenshot('stream-nothing');
  await healthy(stream);
  await page.getByRole('button', { name: 'Clear filter' }).click();
  await page.getByRole('button', { name: /^All 4/ }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.press('Escape');
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')))
    .toBe('Search');
  await stream.close();
});

test('follows live until scrolled away, and again at the end', async () => {
  const host = designHost();
  const stream = await open(host);
  const { page } = stream;
  await settled(stream);
  const last = async () => (await visibleRows(stream)).at(-1);
  expect(await last()).toBe(413);
  await host.append('claude-1', designNews().slice(0, 4));
  await expect.poll(last).toBe(417);

  await page.mouse.move(180, 700);
  await page.mouse.wheel(0, -220);
  const pill = page.getByRole('button', { name: /Jump to live/ });
  await pill.waitFor();
  const seen = await visibleRows(stream);
  await host.append('claude-1', designNews());
  await page.getByText('Jump to live · 14 new').waitFor();
  expect(await visibleRows(stream)).toEqual(seen);
  await pill.click();
  await pill.waitFor({ state: 'detached' });
  await expect.poll(last).toBe(431);

  await page.mouse.move(180, 700);
  await page.mouse.wheel(0, -100);
  await pill.waitFor();
  await page.mouse.wheel(0, 300);
  await pill.waitFor({ state: 'detached' });
  await stream.close();
});

test('the prompt of a turn stays at the top', async () => {
  const stream = await open(designHost());
  const { page } = stream;
  await settled(stream);
  const sticky = page.locator('.sticky');
  await page.mouse.move(180, 700);
  await page.mouse.wheel(0, -10);
  await sticky.getByText('Fix it').waitFor();
  const box = (await page.locator('.vlist').boundingBox())!;
  expect(Math.round((await sticky.boundingBox())!.y)).toBe(Math.round(box.y));
  await sticky.click();
  await expect.poll(async () => (await visibleRows(stream))[0]).toBe(264);
  await sticky.waitFor({ state: 'detached' });
  await stream.close();
});

test('a row changes in place when its call ends', async () => {
  const host = designHost();
  const stream = await open(host);
  await settled(stream);
  const rows = host.rows.get('claude-1') as RowList;
  const row = rows.list.findIndex(({ flags }) => flags?.includes('running'));
  const before = rows.list[row]!;
  const { flags: _, ...ended } = before;
  rows.list[row] = { ...ended, durationMs: 62_000, view: { ...before.view, detail: 'all green' } };
  await host.post({
    type: 'columns',
    sessionId: 'claude-1',
    columns: { ...columnsOf(rows, row, row + 1, Date.now()), total: rows.length },
  });
  await stream.page.locator(`[data-row="${row}"]`).getByText('1m 02s').waitFor();
  await stream.page.locator(`[data-row="${row}"]`).getByText('all green').waitFor();
  await stream.close();
});

test('a denied call is read out, and only news', async () => {
  const host = designHost();
  const stream = await open(host);
  await settled(stream);
  const alert = stream.page.locator('.sr-only[role="alert"]');
  expect(await alert.textContent()).toBe('');
  await host.append('claude-1', [
    {
      kind: 'run',
      flags: ['denied'],
      atMs: 1,
      view: { verb: 'Denied', target: 'git push --force', rule: 'no-force-push' },
    },
  ]);
  await expect.poll(() => alert.textContent()).toBe('Denied git push --force, rule no-force-push');
  await stream.close();
});

test('hostile text stays text and keeps to its row', async () => {
  const stream = await open(hostileHost(), { viewport: { width: 300, height: 900 } });
  const { page } = stream;
  await settled(stream);
  expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
  expect(await page.locator('main :is(img, script)').count()).toBe(0);
  const rows = await page.$$eval('.vlist-rows > li > button', (buttons) =>
    buttons.map((button) => {
      const box = button.getBoundingClientRect();
      const inside = [...button.querySelectorAll('.step-icon, .summary, .duration, .price, .rule')]
        .map((cell) => cell.getBoundingClientRect())
        .filter(({ width }) => width > 0);
      const ordered = inside.every(({ left }, i) => i === 0 || left >= inside[i - 1]!.right - 1);
      return box.height === 22 && button.scrollWidth <= box.width && ordered;
    }),
  );
  expect(rows).toEqual(rows.map(() => true));
  const text = await page.locator('main').textContent();
  expect(text).not.toMatch(/[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069]/);
  expect(text).toContain('invoice⟨U+202E⟩gpj.exe');
  await healthy(stream);
  await stream.close();
});

test('messages about another session change nothing', async () => {
  const host = designHost();
  addCodex(host);
  const stream = await open(host);
  await settled(stream);
  await host.postHeader('codex-1');
  await host.postColumns('codex-1', 0, 3);
  await stream.page.waitForTimeout(600);
  await stream.page.getByRole('button', { name: 'All 414' }).waitFor();
  await stream.page.locator('.big').getByText('$4.37').waitFor();
  await stream.close();
});

describe('a million events', () => {
  const total = 1_000_000;

  test('scroll, jump and filter with a bounded document', async () => {
    const host = hostWith(new ManyRows(total));
    const stream = await open(host);
    const { page } = stream;
    await page.getByRole('button', { name: 'All 1M' }).waitFor();
    await settled(stream);
    const nodes = () => page.evaluate(() => document.querySelectorAll('*').length);
    const last = async () => (await visibleRows(stream)).at(-1);
    expect(await last()).toBe(total - 1);
    expect(await nodes()).toBeLessThan(900);
    await stream.screenshot('stream-million');

    // A drag of the scroll bar to the middle.
    await page.$eval('.vlist', (list) => {
      list.scrollTop = list.scrollHeight / 2;
    });
    await settled(stream);
    const [middle] = await visibleRows(stream);
    expect(middle).toBeGreaterThan(0.49 * total);
    expect(middle).toBeLessThan(0.51 * total);
    expect(await page.locator(`[data-row="${middle! + 2}"]`).textContent()).toContain(
      String(middle! + 2),
    );
    const asked = host.received.flatMap((message) => (message.type === 'rows' ? [message] : []));
    const { from, to } = asked.at(-1)!;
    expect(from).toBeGreaterThan(middle! - 40);
    expect(to).toBeLessThan(middle! + 80);

    // The wheel moves by exact pixels, before and after the position has settled.
    await page.mouse.move(180, 700);
    for (let i = 0; i < 3; i++) {
      const [before] = await visibleRows(stream);
      await page.mouse.wheel(0, 220);
      await expect.poll(async () => (await visibleRows(stream))[0]).toBe(before! + 10);
      await page.waitForTimeout(i * 200);
    }

    // A flick: the rows it passes are not asked for.
    const askedBefore = host.received.length;
    const most = await page.$eval('.vlist', async (list) => {
      let peak = 0;
      for (let i = 0; i < 60; i++) {
        list.scrollBy(0, 20_000);
        await new Promise(requestAnimationFrame);
        peak = Math.max(peak, document.querySelectorAll('*').length);
      }
      return peak;
    });
    await settled(stream);
    expect(most).toBeLessThan(900);
    expect(host.received.length - askedBefore).toBeLessThan(30);

    await page.locator('.vlist-rows button').first().focus();
    await page.keyboard.press('Home');
    await expect.poll(async () => (await visibleRows(stream))[0]).toBe(0);
    await page.keyboard.press('End');
    await expect.poll(last).toBe(total - 1);

    await page.getByRole('button', { name: /^Tools/ }).click();
    await page.keyboard.press('Home');
    await settled(stream);
    await page.getByRole('button', { name: 'Errors 1,000' }).click();
    await page.keyboard.press('Home');
    await expect
      .poll(() => visibleRows(stream).then((rows) => rows.slice(0, 4)))
      .toEqual([0, 55, 1000, 1055]);
    await healthy(stream);
    await stream.close();
  });

  test('scrolls without dropping behind', async () => {
    const stream = await open(hostWith(new ManyRows(total)));
    await settled(stream);
    const { worst, blank } = await stream.page.evaluate(async () => {
      const list = document.querySelector('.vlist')!;
      const times: number[] = [];
      let empty = 0;
      for (let i = 0; i < 120; i++) {
        list.scrollBy(0, i % 2 ? -900 : -300);
        await new Promise(requestAnimationFrame);
        const startedMs = performance.now();
        list.dispatchEvent(new Event('scroll'));
        await Promise.resolve();
        times.push(performance.now() - startedMs);
        const box = list.getBoundingClientRect();
        const under = document.elementFromPoint(box.left + 100, box.top + box.height / 2);
        if (!under?.closest('li')) empty++;
      }
      times.sort((a, b) => a - b);
      return { worst: times[Math.floor(times.length * 0.95)]!, blank: empty };
    });
    expect(blank).toBe(0);
    // A frame is 16 ms; the tests' machine may be slow.
    expect(worst).toBeLessThan(16);
    await stream.close();
  });
});

test('fifty events a second: few paints, no needless nodes, nothing jumps', async () => {
  const host = designHost();
  const stream = await open(host);
  const { page } = stream;
  await settled(stream);
  await page.evaluate(() => {
    const counts = { paints: 0, added: 0, text: 0, shifts: 0 };
    Object.assign(window, { counts });
    const inRows = (node: Node) => node instanceof HTMLElement && node.tagName === 'LI';
    new MutationObserver((changes) => {
      for (const { type, addedNodes, target } of changes) {
        if (type === 'characterData') counts.text++;
        else if ([...addedNodes].some(inRows)) counts.added += addedNodes.length;
        if (target instanceof Element && target.matches('.footer *')) counts.paints++;
      }
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
    const footer = document.querySelector('.footer span')!;
    new MutationObserver(() => counts.paints++).observe(footer, {
      characterData: true,
      subtree: true,
    });
    new PerformanceObserver((list) => {
      counts.shifts += list.getEntries().length;
    }).observe({ type: 'layout-shift' });
  });
  const filters = await page.locator('.filters').boundingBox();
  const started = Date.now();
  const seconds = 3;
  for (let i = 0; i < 50 * seconds; i++) {
    const row: FakeRow = {
      kind: i % 5 ? 'read' : 'reasoning',
      atMs: i * 20,
      durationMs: 100,
      usd: 0.01,
      view: { verb: 'Read', target: `src/live${i}.ts` },
    };
    await host.append('claude-1', [row]);
    const ahead = started + i * 20 - Date.now();
    if (ahead > 0) await page.waitForTimeout(ahead);
  }
  await settled(stream);
  const elapsed = (Date.now() - started) / 1000;
  const counts = await page.evaluate(
    () => (window as unknown as { counts: Record<string, number> }).counts,
  );
  // Every row is made once, and the count in the footer is painted at most four times a second.
  expect(counts.added).toBeLessThanOrEqual(50 * seconds + 40);
  expect(counts.paints).toBeLessThanOrEqual(4 * elapsed + 1);
  expect(counts.paints).toBeGreaterThan(4);
  expect(counts.shifts).toBe(0);
  expect(await page.locator('.filters').boundingBox()).toEqual(filters);
  expect((await visibleRows(stream)).at(-1)).toBe(413 + 50 * seconds);
  expect(stream.errors).toEqual([]);
  await stream.close();
});
