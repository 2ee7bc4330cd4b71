import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FromReplayPage, Outline, ToReplayPage } from '../../src/protocol/replay.ts';
import { type Theme, themes } from '../vscode/codeServer.ts';
import { type OpenOptions, PageHarness, type WebviewPage } from './pageHarness.ts';
import {
  answerOf,
  columnsOfSteps,
  designTimeline,
  type MadeSession,
  type MadeStep,
  openingOf,
} from './timelineHost.ts';

let harness: PageHarness;
beforeAll(async () => {
  harness = await PageHarness.start();
});
afterAll(async () => await harness?.close());

const EDITOR = { width: 1400, height: 900 };
const ALL_THEMES = Object.keys(themes) as Theme[];

async function open(
  session: MadeSession,
  options: OpenOptions & { step?: number } = {},
): Promise<WebviewPage> {
  const replay = await harness.open('replay', {
    viewport: EDITOR,
    onMessage: (message) => answerOf(session, message as FromReplayPage),
    ...options,
  });
  for (const message of openingOf(session, options.step)) await replay.post(message);
  await replay.page.locator('.step-button').first().waitFor();
  await settled(replay);
  return replay;
}

const settled = async ({ page }: WebviewPage): Promise<void> => await page.waitForTimeout(400);

const healthy = async (replay: WebviewPage): Promise<void> => {
  expect(replay.errors).toEqual([]);
  expect(await replay.axe()).toEqual([]);
};

const sideways = ({ page }: WebviewPage): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** A step in the midst of the fourth phase. */
const at = (session: MadeSession, minute: number): number =>
  session.steps.findLastIndex((one) => one.at <= minute * 60_000);

describe.each(ALL_THEMES)('looks in %s', (theme) => {
  test.each([1400, 900, 400])('%d wide', async (width) => {
    const session = designTimeline();
    const replay = await open(session, {
      theme,
      viewport: { width, height: 900 },
      step: at(session, 14.33),
    });
    await replay.screenshot(`timeline-${theme}-${width}`);
    expect(await sideways(replay)).toBe(0);
    await healthy(replay);
    await replay.close();
  });
});

const stepNow = async ({ page }: WebviewPage): Promise<number> =>
  Number(await page.getByRole('slider').getAttribute('aria-valuenow'));

/** Where a moment lies on the whole timeline, px of the page. */
async function place(
  { page }: WebviewPage,
  share: number,
): Promise<{ x: number; left: number; right: number; top: number }> {
  const box = (await page.getByRole('application', { name: 'Timeline' }).boundingBox())!;
  const left = box.x + 150;
  const right = box.x + box.width - 64;
  return { x: left + share * (right - left), left, right, top: box.y };
}

/** Rows of the timeline, px from its top. */
const Y = { overview: 18, ruler: 43, phases: 64, marks: 87, main: 120, cost: 270 };

/** What the tooltip says at a place. */
async function tooltipAt(replay: WebviewPage, x: number, y: number): Promise<string> {
  const { page } = replay;
  await page.mouse.move(x, y - 1);
  await page.mouse.move(x, y);
  await page.waitForTimeout(120);
  const tooltip = page.locator('.timeline-tooltip');
  return (await tooltip.count()) > 0 ? ((await tooltip.textContent()) ?? '') : '';
}

/** The clocks that the canvas shows are told by what the pointer finds at its edges. */
async function seen(replay: WebviewPage): Promise<[from: number, to: number]> {
  const { left, right, top } = await place(replay, 0);
  const clockOf = (text: string): number => {
    const [m = 0, s = 0] = (/at (\d+):(\d\d)/.exec(text) ?? []).slice(1).map(Number);
    return m * 60 + s;
  };
  const from = clockOf(await tooltipAt(replay, left + 1, top + Y.cost));
  const to = clockOf(await tooltipAt(replay, right - 1, top + Y.cost));
  return [from, to];
}

/** Colours of pixels of the timeline, whatever layer they are of. */
const colours = ({ page }: WebviewPage, layer: 0 | 1): Promise<number> =>
  page.evaluate((at) => {
    const canvas = document.querySelectorAll<HTMLCanvasElement>('.timeline-stage canvas')[at]!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i + 3]! > 0) sum = (sum * 31 + data[i]!) | 0;
    return sum;
  }, layer);

describe('with the pointer', () => {
  test('says what is under it, and a click goes there', async () => {
    const session = designTimeline();
    const replay = await open(session, { step: 0 });
    const { page } = replay;
    const { x, top, left } = await place(replay, 620 / 1458);
    const phase = await tooltipAt(replay, x, top + Y.phases);
    expect(phase).toContain('Fix: backoff in retry loop');
    expect(phase).toContain('failed');
    expect(phase).toContain('$0.4000 wasted');
    const error = session.steps.findIndex(({ flags }) => flags?.includes('error'));
    const errorX =
      left + (session.steps[error]!.at / (24 * 60_000 + 12_000)) * (x - left) * (1458 / 620);
    const text = await tooltipAt(replay, errorX, top + Y.marks);
    expect(text).toContain(`${error + 1} Failed Command pytest -q tests`);
    await page.mouse.click(errorX, top + Y.marks);
    await expect.poll(() => stepNow(replay)).toBe(error + 1);
    // The same step by its bar.
    expect(await tooltipAt(replay, errorX + 2, top + Y.main)).toContain(`${error + 1} Failed`);
    expect(await tooltipAt(replay, x, top + Y.cost)).toMatch(/^\$\d.*at 10:/);
    const idle = left + ((7 * 60 - 3) / 1452) * (x - left) * (1458 / 620);
    expect(await tooltipAt(replay, idle, top + Y.main)).toMatch(/^Idle for \d+s/);
    await replay.screenshot('timeline-tooltip');
    await healthy(replay);
    await replay.close();
  });

  test('the wheel zooms where the pointer is, a drag pans, the overview follows', async () => {
    const session = designTimeline();
    const replay = await open(session, { step: 0 });
    const { page } = replay;
    const middle = await place(replay, 0.5);
    const [, whole] = await seen(replay);
    expect(whole).toBeGreaterThan(23 * 60);
    const there = await tooltipAt(replay, middle.x, middle.top + Y.cost);
    for (let i = 0; i < 6; i++) await page.mouse.wheel(0, -240);
    await settled(replay);
    // What was under the pointer stays under it.
    expect(await tooltipAt(replay, middle.x, middle.top + Y.cost)).toBe(there);
    const [from, to] = await seen(replay);
    expect(to - from).toBeLessThan(whole / 4);
    await replay.screenshot('timeline-zoomed');
    await page.mouse.move(middle.x, middle.top + Y.main);
    await page.mouse.down();
    await page.mouse.move(middle.x + 200, middle.top + Y.main, { steps: 4 });
    await page.mouse.up();
    await settled(replay);
    const [panned, end] = await seen(replay);
    expect(panned).toBeLessThan(from);
    expect(Math.abs(end - panned - (to - from))).toBeLessThan(30);
    // A drag is no click.
    expect(await stepNow(replay)).toBe(1);
    // The overview's window: its middle pans, an edge resizes.
    const share = (panned + end) / 2 / whole;
    const window = await place(replay, share);
    await page.mouse.move(window.x, window.top + Y.overview);
    await page.mouse.down();
    await page.mouse.move(window.x + 300, window.top + Y.overview, { steps: 4 });
    await page.mouse.up();
    await settled(replay);
    const [moved, movedEnd] = await seen(replay);
    expect(moved).toBeGreaterThan(panned + 200);
    const edge = await place(replay, movedEnd / whole);
    await page.mouse.move(edge.x, edge.top + Y.overview);
    await page.mouse.down();
    await page.mouse.move(edge.x + 150, edge.top + Y.overview, { steps: 4 });
    await page.mouse.up();
    await settled(replay);
    const [same, later] = await seen(replay);
    expect(Math.abs(same - moved)).toBeLessThan(20);
    expect(later).toBeGreaterThan(movedEnd + 60);
    await page.mouse.dblclick(edge.x, edge.top + Y.overview);
    await settled(replay);
    expect((await seen(replay))[1]).toBe(whole);
    await healthy(replay);
    await replay.close();
  });

  test('Shift and drag select a range; the host tells its sums; Esc clears', async () => {
    const session = designTimeline();
    const asked: FromReplayPage[] = [];
    const replay = await open(session, {
      step: 0,
      onMessage: (message) => {
        asked.push(message as FromReplayPage);
        return answerOf(session, message as FromReplayPage);
      },
    });
    const { page } = replay;
    const a = await place(replay, 0.3);
    const b = await place(replay, 0.5);
    await page.keyboard.down('Shift');
    await page.mouse.move(a.x, a.top + Y.main);
    await page.mouse.down();
    await page.mouse.move(b.x, b.top + Y.main, { steps: 5 });
    const card = page.getByRole('region', { name: 'Selected steps' });
    // What the page knows by itself comes first, and nobody is asked while the hand moves.
    await expect.poll(() => card.textContent()).toContain('– files');
    expect(asked.filter(({ type }) => type === 'range')).toEqual([]);
    await page.mouse.up();
    await page.keyboard.up('Shift');
    await expect.poll(() => card.textContent()).toContain('2 files changed');
    const [range] = asked.filter(({ type }) => type === 'range');
    if (range?.type !== 'range') throw new Error('no range was asked');
    const own = session.steps.slice(range.from, range.to + 1);
    const calls = own.filter(({ kind }) => kind !== 'prompt' && kind !== 'model').length;
    expect(await card.textContent()).toContain(`${calls} calls`);
    await replay.screenshot('timeline-range');
    await card.getByRole('button', { name: 'Open changes' }).click();
    await card.getByRole('button', { name: 'Copy as Markdown' }).click();
    const { from, to } = range;
    await expect
      .poll(() => asked.filter(({ type }) => type === 'openChanges' || type === 'copy'))
      .toEqual([
        { type: 'openChanges', sessionId: 'design', from, to },
        { type: 'copy', sessionId: 'design', what: 'markdown', from, to },
      ]);
    await healthy(replay);
    await page.keyboard.press('Escape');
    await card.waitFor({ state: 'detached' });
    // A phase is a range, too; twice goes near.
    const failed = await place(replay, 0.4);
    await page.mouse.click(failed.x, failed.top + Y.phases);
    await expect.poll(() => card.textContent()).toContain('Fix: backoff in retry loop');
    await page.mouse.dblclick(failed.x, failed.top + Y.phases);
    await settled(replay);
    const [start, end] = await seen(replay);
    expect(start).toBeGreaterThan(6 * 60);
    expect(end).toBeLessThan(13 * 60);
    await page.mouse.move(1, 1);
    await replay.screenshot('timeline-phase');
    await replay.close();
  });

  test('its sash resizes it, by hand and by keys, and that is kept', async () => {
    const session = designTimeline();
    const replay = await open(session, { step: 3 });
    const { page } = replay;
    const sash = page.getByRole('separator', { name: 'Height of the timeline' });
    const height = async (): Promise<number> => Number(await sash.getAttribute('aria-valuenow'));
    expect(await height()).toBe(300);
    const box = (await sash.boundingBox())!;
    await page.mouse.move(700, box.y + 3);
    await page.mouse.down();
    await page.mouse.move(700, box.y + 103, { steps: 3 });
    await page.mouse.up();
    expect(await height()).toBe(400);
    await replay.screenshot('timeline-tall');
    await sash.focus();
    for (let i = 0; i < 20; i++) await page.keyboard.press('ArrowUp');
    expect(await height()).toBe(160);
    await settled(replay);
    await replay.screenshot('timeline-short');
    await expect
      .poll(async () => ((await replay.kept()) as { timeline?: object }).timeline)
      .toMatchObject({ height: 160 });
    const again = await open(session, { state: await replay.kept() });
    const box2 = await again.page
      .getByRole('region', { name: 'Timeline of the session' })
      .boundingBox();
    expect(box2?.height).toBe(160);
    await healthy(again);
    await again.close();
    await replay.close();
  });
});

test('everything by keys: zoom, pan, phases, orders, ranges', async () => {
  const session = designTimeline();
  const replay = await open(session, { step: 0 });
  const { page } = replay;
  const { outline } = session;
  const stage = page.getByRole('application', { name: 'Timeline' });
  await stage.focus();
  const described = async (): Promise<string> =>
    (await page.locator(`#${await stage.getAttribute('aria-describedby')}`).textContent()) ?? '';
  expect(await described()).toMatch(/^0:00, step 1, /);
  const before = await colours(replay, 0);
  await page.keyboard.press('w');
  await page.keyboard.press('w');
  await settled(replay);
  const [, near] = await seen(replay);
  expect(near).toBeLessThan(13 * 60);
  expect(await colours(replay, 0)).not.toBe(before);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('d');
  await settled(replay);
  expect((await seen(replay))[0]).toBeGreaterThan(2 * 60);
  await page.keyboard.press('0');
  await settled(replay);
  expect((await seen(replay))[1]).toBeGreaterThan(23 * 60);
  await page.keyboard.press('Shift+D');
  await page.keyboard.press('Shift+ArrowRight');
  await expect.poll(() => stepNow(replay)).toBe(outline!.phases[2]!.firstStep + 1);
  await page.keyboard.press('Shift+A');
  await expect.poll(() => stepNow(replay)).toBe(outline!.phases[1]!.firstStep + 1);
  await page.mouse.move(1, 1);
  const pictures = new Set([await colours(replay, 0)]);
  for (const [key, name] of [
    ['2', 'Steps'],
    ['3', 'Cost'],
  ] as const) {
    await page.keyboard.press(key);
    await settled(replay);
    const order = page
      .getByRole('group', { name: 'Order of the timeline' })
      .getByRole('button', { name, pressed: true });
    expect(await order.count()).toBe(1);
    pictures.add(await colours(replay, 0));
    await replay.screenshot(`timeline-order-${name.toLowerCase()}`);
  }
  expect(pictures.size).toBe(3);
  await page.keyboard.press('1');
  await page.keyboard.press('r');
  for (let i = 0; i < 5; i++) await page.keyboard.press('j');
  await page.keyboard.press('r');
  const card = page.getByRole('region', { name: 'Selected steps' });
  const first = outline!.phases[1]!.firstStep + 1;
  await expect.poll(() => card.textContent()).toContain(`Steps ${first}–${first + 5}`);
  await page.keyboard.press('f');
  await expect.poll(() => card.textContent()).toContain('Reproduce');
  await page.keyboard.press('Escape');
  await card.waitFor({ state: 'detached' });
  await page.keyboard.press('c');
  await settled(replay);
  expect(await page.getByRole('button', { name: 'Context', pressed: true }).count()).toBe(1);
  await replay.screenshot('timeline-context');
  await healthy(replay);
  await replay.close();
});

test('another theme is drawn at once', async () => {
  const session = designTimeline();
  const replay = await open(session, { step: 30 });
  const before = await colours(replay, 0);
  await replay.page.evaluate(() => {
    document.documentElement.style.setProperty('--vscode-agentStrace-run', '#ff0000');
    document.body.classList.add('vscode-other');
  });
  await settled(replay);
  expect(await colours(replay, 0)).not.toBe(before);
  await replay.close();
});

test('a live session grows at its edge; who looks elsewhere stays there', async () => {
  const session = designTimeline(Date.now() - 24 * 60_000 - 18_000);
  const live: MadeSession = { ...session, header: { ...session.header, status: 'live' } };
  delete live.header.endedAtMs;
  const all = [...session.steps];
  const shown = 200;
  live.steps = all.slice(0, shown);
  const outline: Outline = {
    ...session.outline!,
    phases: session.outline!.phases.filter(({ firstStep }) => firstStep < shown),
    lanes: session.outline!.lanes.slice(0, 4),
  };
  live.outline = outline;
  const replay = await open(live);
  const { page } = replay;
  await expect.poll(() => stepNow(replay)).toBe(shown);
  await replay.screenshot('timeline-live');
  const send = async (to: number): Promise<void> => {
    const from = live.steps.length;
    live.steps = all.slice(0, to);
    const columns = columnsOfSteps(live, from, to);
    await replay.post({ type: 'columns', sessionId: 'design', columns } satisfies ToReplayPage);
  };
  const before = await colours(replay, 0);
  await send(shown + 20);
  await expect.poll(() => stepNow(replay)).toBe(shown + 20);
  await settled(replay);
  expect(await colours(replay, 0)).not.toBe(before);
  // Far away, nothing moves.
  await page.keyboard.press('Home');
  for (let i = 0; i < 8; i++) await page.keyboard.press('w');
  await page.mouse.move(1, 1);
  await settled(replay);
  const [from, to] = await seen(replay);
  await send(all.length);
  await settled(replay);
  expect(await seen(replay)).toEqual([from, to]);
  // A call that ended: its bar gets its length.
  const running: MadeStep = { kind: 'run', at: all.at(-1)!.at + 1000, flags: ['running'] };
  all.push(running);
  await page.keyboard.press('End');
  await page.keyboard.press('0');
  await send(all.length);
  await expect.poll(() => stepNow(replay)).toBe(all.length);
  expect(replay.errors).toEqual([]);
  await replay.close();
});

test('hostile names stay text and keep their place', async () => {
  const session = designTimeline();
  const script = '<img src=x onerror="window.pwned=1">';
  const long = `${script}\u202e\u0000${'x'.repeat(20_000)}`;
  const outline = session.outline!;
  for (const phase of outline.phases) phase.name = long;
  for (const lane of outline.lanes) lane.name = long;
  outline.cacheBreaks[0]!.detail = long;
  for (const step of session.steps) Object.assign(step, { verb: script, target: long });
  for (const width of [1400, 400]) {
    const replay = await open(session, { step: 150, viewport: { width, height: 900 } });
    const { page } = replay;
    const { x, top } = await place(replay, 0.2);
    for (const y of [Y.phases, Y.main, Y.cost]) {
      await page.mouse.move(x, top + y);
      await page.waitForTimeout(60);
    }
    await page.keyboard.press('f');
    await settled(replay);
    expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
    expect(await page.locator('main :is(img, script)').count()).toBe(0);
    expect(await sideways(replay)).toBe(0);
    const text = await page.locator('.timeline').textContent();
    expect(text).not.toMatch(/[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069]/);
    await replay.screenshot(`timeline-hostile-${width}`);
    await healthy(replay);
    await replay.close();
  }
});

test('many subagents stack; all can be opened', async () => {
  const session = designTimeline();
  const { startedAtMs } = session;
  const lanes = session.outline!.lanes.slice(0, 1);
  for (let lane = 1; lane <= 10; lane++) {
    lanes.push({
      kind: 'subagent',
      lane,
      name: `worker ${lane}`,
      nanoUsd: lane * 1e7,
      startMs: startedAtMs + lane * 60_000,
      endMs: startedAtMs + lane * 60_000 + 400_000,
      spawnStep: lane,
      parentLane: lane === 3 ? 2 : 0,
    });
    for (let i = 0; i < 12; i++) {
      session.steps.push({ kind: 'read', at: lane * 60_000 + i * 33_000, ms: 20_000, lane });
    }
  }
  session.steps = session.steps.filter(({ lane, at: time }) => lane !== 1 || time % 1000 === 0);
  session.steps.sort((a, b) => a.at - b.at);
  lanes.push({
    kind: 'mcp',
    lane: 0,
    name: 'github',
    startMs: startedAtMs,
    spawnStep: -1,
    parentLane: 0,
    steps: Uint32Array.from([20, 40, 60, 80, 100]),
  });
  session.outline = { ...session.outline!, lanes, phases: [] };
  const replay = await open(session, { step: 60 });
  const { page } = replay;
  const fold = page.getByRole('button', { name: /show all 11 lanes/ });
  expect(await fold.textContent()).toBe('+6');
  await replay.screenshot('timeline-stacked');
  await fold.click();
  await settled(replay);
  // As tall as it may be, with the rest to scroll to.
  const before = await page.locator('.timeline-lane').count();
  const { top } = await place(replay, 0);
  await page.mouse.move(60, top + Y.main);
  await page.mouse.wheel(0, 400);
  await page.getByText('worker 10').waitFor();
  await replay.screenshot('timeline-opened');
  expect(before).toBeLessThan(12);
  await healthy(replay);
  await replay.close();
});
