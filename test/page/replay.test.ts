import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type FromReplayPage,
  REPLAY_PROTOCOL,
  type ReplayHeader,
} from '../../src/protocol/replay.ts';
import { type Theme, themes } from '../vscode/codeServer.ts';
import { columnsOf, ManyRows, viewOf } from './fakeStreamHost.ts';
import { type OpenOptions, PageHarness, type WebviewPage } from './pageHarness.ts';
import { designSession, ReplayLab } from './replayHost.ts';
import { EDITOR, healthy, openReplay, settled, sideways, stepNow } from './replayPages.ts';

let harness: PageHarness;
let lab: ReplayLab;
beforeAll(async () => {
  harness = await PageHarness.start();
});
afterAll(async () => await harness?.close());
beforeEach(() => {
  lab = new ReplayLab();
});
afterEach(async () => await lab.close());

const ALL_THEMES = Object.keys(themes) as Theme[];

const open = (id: string, options: OpenOptions & { step?: number } = {}): Promise<WebviewPage> =>
  openReplay(harness, lab, id, options);

/** The step that edits the handler. */
const EDIT = 25;

describe.each(ALL_THEMES)('looks in %s', (theme) => {
  test.each([1400, 900, 640, 400])('%d wide', async (width) => {
    designSession(lab);
    const replay = await open('design', { theme, viewport: { width, height: 900 }, step: EDIT });
    await settled(replay);
    await replay.screenshot(`replay-${theme}-${width}`);
    expect(await sideways(replay)).toBe(0);
    await healthy(replay);
    if (width < 1000) {
      await replay.page.getByRole('tab', { name: 'As of this moment' }).click();
      await replay.page.getByText('Files so far').waitFor();
      await replay.screenshot(`replay-${theme}-${width}-inspector`);
      await healthy(replay);
    }
    await replay.close();
  });
});

test('says of a step what the host’s fold says of it', async () => {
  designSession(lab);
  const replay = await open('design', { step: EDIT });
  const { page } = replay;
  await settled(replay);
  const now = page.locator('.part').first();
  expect(await now.textContent()).toMatch(/As of 5:\d\d, step 26/);
  expect(await now.textContent()).toContain('1 error, 1 denied so far');
  const files = page.locator('.files tbody tr');
  expect(await files.first().textContent()).toMatch(/webhook\.py×9×1\+5 −2/);
  expect(await files.first().getAttribute('class')).toContain('current');
  // The change itself, with the numbers of its lines in the file.
  const diff = page.locator('.card .diff');
  expect(await diff.locator('.line.added').count()).toBe(5);
  expect(await diff.locator('.line.removed').count()).toBe(2);
  expect(await diff.locator('.line.added').first().textContent()).toContain('42');
  await page.locator('.card').getByRole('button', { name: 'Open diff' }).click();
  await expect.poll(() => lab.opened).toContain(`diff ${EDIT}`);
  await files.first().getByRole('button').first().click();
  await expect.poll(() => lab.opened.at(-1)).toMatch(/^file .*webhook\.py as of 25$/);
  await page
    .locator('.stats')
    .getByRole('button', { name: /denied/ })
    .click();
  await expect.poll(() => stepNow(replay)).toBe(19);
  await expect.poll(() => now.textContent()).toContain('1 error, 1 denied so far');
  await page.keyboard.press('K');
  await page.keyboard.press('K');
  await expect.poll(() => now.textContent()).toContain('0 errors, 0 denied so far');
  await healthy(replay);
  await replay.close();
});

test('where the person goes is kept at once: a tab that is hidden has no time left', async () => {
  designSession(lab).end();
  const replay = await open('design');
  await settled(replay);
  const kept = await replay.page.evaluate((step) => {
    document.querySelectorAll<HTMLElement>('li .step-button')[step]?.click();
    return (globalThis as { kept?: unknown }).kept;
  }, 4);
  expect(kept).toMatchObject({ step: 4, live: false });
  await replay.close();
  const again = await open('design', { state: kept });
  await expect.poll(() => stepNow(again)).toBe(5);
  await healthy(again);
  await again.close();
});

test.each([
  ['at the live end', { step: 9, live: true }, { live: true }],
  ['at its step', { step: 9, live: false }, { step: 9, live: false }],
  ['where nothing was chosen', {}, { live: false }],
])('hidden before its session is there, it stays %s', async (_where, was, kept) => {
  const sessionKey = 'none/such';
  const replay = await harness.open('replay', { state: { sessionKey, ...was } });
  const how = { speed: 4, skipIdle: true };
  await replay.post({ type: 'start', version: REPLAY_PROTOCOL, sessionId: sessionKey, ...how });
  const now = (await replay.kept()) as { step?: number; live: boolean };
  expect(now).toMatchObject({ sessionKey, ...kept });
  if (!('step' in was)) expect(now.step).toBeUndefined();
  await replay.close();
});

test('an editor that gets its width just after the page began shows both halves', async () => {
  designSession(lab);
  const replay = await open('design');
  const { page } = replay;
  await page.addInitScript(() => {
    const real = window.matchMedia.bind(window);
    window.matchMedia = (query) => {
      window.matchMedia = real;
      return { ...real(query), matches: true };
    };
  });
  await page.reload();
  await page.getByText('Files so far').waitFor();
  await replay.close();
});

test('a trace that is read anew leaves the person at their step', async () => {
  const total = 50_000;
  const replay = await bigSession(total);
  await replay.page.locator('li .step-button').first().waitFor();
  await replay.page.keyboard.press('End');
  await expect.poll(() => stepNow(replay)).toBe(total);
  const rows = new ManyRows(total);
  for (const to of [0, total]) {
    const columns = columnsOf(rows, 0, to, Date.now());
    await replay.post({ type: 'columns', sessionId: 'big', columns });
  }
  await settled(replay);
  expect(await stepNow(replay)).toBe(total);
  await replay.close();
});

test('can be used by keys alone', async () => {
  designSession(lab).end();
  const replay = await open('design');
  const { page } = replay;
  await settled(replay);
  const at = (step: number) => expect.poll(() => stepNow(replay)).toBe(step);
  await at(1);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await at(3);
  await page.keyboard.press('k');
  await at(2);
  await page.keyboard.press('p');
  await at(15);
  await page.keyboard.press('e');
  await at(18);
  await page.keyboard.press(']');
  await at(19);
  await page.keyboard.press('Shift+E');
  await at(18);
  await page.keyboard.press('[');
  await at(15);
  await page.keyboard.press('End');
  await at(31);
  await page.keyboard.press('Home');
  await at(1);
  await page.keyboard.press('/');
  await page.keyboard.type('PYTEST');
  await page.locator('.matches').getByText('3', { exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await at(18);
  await page.keyboard.press('Enter');
  await at(27);
  await page.getByText('2 of 3').waitFor();
  await healthy(replay);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Enter');
  await expect.poll(() => lab.opened).toEqual(['file 26']);
  // By Tab to every control, in the order of reading.
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  const reached: string[] = [];
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    const name = await page.evaluate(() => {
      const { activeElement: element } = document;
      return element === document.body
        ? 'body'
        : (element?.getAttribute('aria-label') ?? element?.textContent ?? '').slice(0, 30);
    });
    if (name === 'body' && reached.length > 5) break;
    reached.push(name);
  }
  for (const name of ['Play', 'Speed', 'Moment', 'Next prompt', 'Search steps', 'Open event']) {
    expect(reached).toContain(name);
  }
  const slider = page.getByRole('slider');
  await slider.focus();
  expect(await slider.getAttribute('aria-valuetext')).toMatch(/^\d+:\d\d, step 27, .*pytest/);
  await page.keyboard.press('ArrowLeft');
  await at(26);
  await page.keyboard.press('PageDown');
  await at(16);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await replay.screenshot('replay-keys');
  await healthy(replay);
  await page.keyboard.press('Escape');
  await replay.close();
});

test('plays by the clock, stops at the end, and begins anew', async () => {
  const writer = lab.writer('short').start().prompt('Do it');
  for (let i = 0; i < 4; i++) {
    writer.nowMs += 4000;
    writer.result(writer.call('Bash', { command: `make ${i}` }));
  }
  writer.end();
  const replay = await open('short');
  const { page } = replay;
  await settled(replay);
  await page.clock.install();
  await page.getByLabel('Speed').selectOption('4');
  await page.getByRole('button', { name: 'Play' }).click();
  await page.clock.runFor(300);
  const early = await stepNow(replay);
  expect(early).toBe(2);
  await page.clock.runFor(2200);
  const middle = await stepNow(replay);
  expect(middle).toBeGreaterThan(early);
  expect(middle).toBeLessThan(7);
  await page.clock.runFor(8000);
  await expect.poll(() => stepNow(replay)).toBe(7);
  await page.getByRole('button', { name: 'Play' }).waitFor();
  await page.getByLabel('Speed').selectOption('max');
  await page.getByRole('button', { name: 'Play' }).click();
  await page.clock.runFor(1000);
  await expect.poll(() => stepNow(replay)).toBe(7);
  expect(replay.errors).toEqual([]);
  await replay.close();
});

test('follows a live session at its end, and only there', async () => {
  const writer = designSession(lab);
  writer.nowMs = Date.now();
  writer.prompt('And again');
  const replay = await open('design');
  const { page } = replay;
  await settled(replay);
  await expect.poll(() => stepNow(replay)).toBe(31);
  await page.getByRole('button', { name: 'At live' }).waitFor();
  const call = writer.call('Bash', { command: 'make live' });
  await expect.poll(() => stepNow(replay)).toBe(32);
  await page.locator('.step-button').filter({ hasText: 'make live' }).waitFor();
  await page.keyboard.press('K');
  await expect.poll(() => stepNow(replay)).toBe(31);
  writer.result(call, { exit_code: 2, is_error: true });
  writer.call('Bash', { command: 'make more' });
  await page.getByText('of 33').waitFor();
  expect(await stepNow(replay)).toBe(31);
  await page.getByRole('button', { name: 'Go to live' }).click();
  await expect.poll(() => stepNow(replay)).toBe(33);
  // Scrolled by hand, the list stays where it is.
  await page.mouse.move(300, 500);
  await page.mouse.wheel(0, -300);
  const pill = page.getByRole('button', { name: /^Back to/ });
  await pill.waitFor();
  await pill.click();
  await pill.waitFor({ state: 'detached' });
  expect(replay.errors).toEqual([]);
  await replay.close();
});

test('fifty events a second: nothing jumps, no row is made twice', async () => {
  const writer = designSession(lab);
  writer.nowMs = Date.now();
  writer.prompt('And again');
  const replay = await open('design', { step: 3 });
  const { page } = replay;
  await settled(replay);
  await page.evaluate(() => {
    const counts = { added: 0, shifts: 0, paints: 0 };
    Object.assign(window, { counts });
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) {
        for (const node of addedNodes) if (node instanceof HTMLLIElement) counts.added++;
      }
    }).observe(document.querySelector('.vlist-rows')!, { childList: true });
    new MutationObserver(() => counts.paints++).observe(document.querySelector('.count')!, {
      characterData: true,
      subtree: true,
    });
    new PerformanceObserver((list) => {
      counts.shifts += list.getEntries().length;
    }).observe({ type: 'layout-shift' });
  });
  const card = await page.locator('li.current').boundingBox();
  const started = Date.now();
  const seconds = 3;
  for (let i = 0; i < 50 * seconds; i++) {
    writer.call('Read', { file_path: `src/live${i}.ts` });
    const ahead = started + i * 20 - Date.now();
    if (ahead > 0) await page.waitForTimeout(ahead);
  }
  await page.getByText(`of ${31 + 50 * seconds}`).waitFor();
  const elapsed = (Date.now() - started) / 1000;
  const counts = await page.evaluate(
    () => (window as unknown as { counts: Record<string, number> }).counts,
  );
  expect(counts.shifts).toBe(0);
  expect(counts.paints).toBeLessThanOrEqual(4 * elapsed + 2);
  expect(counts.paints).toBeGreaterThan(2);
  // Rows that came are far below what is seen; none that is seen was made anew.
  expect(counts.added).toBeLessThan(20);
  expect(await page.locator('li.current').boundingBox()).toEqual(card);
  expect(await stepNow(replay)).toBe(4);
  expect(replay.errors).toEqual([]);
  await replay.close();
});

test('hostile text stays text', async () => {
  const script = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';
  const long = 'x'.repeat(5000);
  const writer = lab.writer('hostile').start().prompt(`${script}\u202e${long}`);
  const call = writer.call(script, { file_path: `${script}/\u202egpj.exe`, [script]: long });
  writer.result(call, {
    result: `${script}\n\x1b[31mred\x1b[0m\n${'line\n'.repeat(500)}`,
    files: [{ path: `/${script}/invoice\u202egpj.exe`, kind: 'write', added: 2e9, removed: 2e9 }],
  });
  const edit = writer.call('Edit', {
    file_path: '__proto__',
    old_string: script,
    new_string: long,
  });
  writer.result(edit, { files: [{ path: '__proto__', kind: 'write' }] }).usage([edit], script);
  for (const width of [1400, 640]) {
    const replay = await open('hostile', { viewport: { width, height: 900 }, step: 2 });
    const { page } = replay;
    await settled(replay);
    for (const step of [1, 3]) {
      await page.keyboard.press(step === 1 ? 'K' : 'J');
      await settled(replay);
      expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
      expect(await page.locator('main :is(img, script)').count()).toBe(0);
      expect(await sideways(replay)).toBe(0);
      const text = await page.locator('main').textContent();
      expect(text).not.toMatch(/[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069]/);
      await healthy(replay);
    }
    await replay.screenshot(`replay-hostile-${width}`);
    await replay.close();
  }
});

describe('a million steps', () => {
  const total = 1_000_000;

  test('scrub, jump and play with a bounded document', async () => {
    const replay = await bigSession(total);
    const { page } = replay;
    await page.getByText('of 1M').waitFor();
    await settled(replay);
    const nodes = () => page.evaluate(() => document.querySelectorAll('*').length);
    expect(await nodes()).toBeLessThan(900);
    await page.keyboard.press('End');
    await expect.poll(() => stepNow(replay)).toBe(total);
    await page.keyboard.press('Home');
    await page.keyboard.press('e');
    await expect.poll(() => stepNow(replay)).toBe(56);
    await replay.screenshot('replay-million');
    // Wherever the slider is pressed, it takes no longer than in a session of a few thousand steps.
    const long = await pressSlider(replay);
    await expect.poll(() => stepNow(replay)).toBe(total);
    const few = await pressSlider(await bigSession(5000));
    expect(long).toBeLessThan(2 * few + 4);
    await expect.poll(() => stepNow(replay)).toBe(total);
    expect(await nodes()).toBeLessThan(900);
    await page.keyboard.press('Shift+F');
    await page.getByRole('button', { name: /^Errors/ }).click();
    await page.getByText('1,000 of 1M steps').waitFor();
    expect(await nodes()).toBeLessThan(1100);
    await page.keyboard.press('k');
    await expect.poll(() => stepNow(replay)).toBe(999_056);
    await page.keyboard.press('Shift+F');
    await page.keyboard.press('Home');
    await page.keyboard.press(' ');
    await expect.poll(() => stepNow(replay)).toBeGreaterThan(20);
    await page.keyboard.press(' ');
    await healthy(replay);
    await replay.close();
  });
});

/** A session by rule, of a host that answers with words only. */
async function bigSession(total: number): Promise<WebviewPage> {
  const rows = new ManyRows(total);
  const startedAtMs = Date.now() - total * 40;
  const sessionId = 'big';
  const replay = await harness.open('replay', {
    viewport: EDITOR,
    onMessage: async (value) => {
      const message = value as FromReplayPage;
      if (message.type === 'rows') {
        const { requestId, from, to } = message;
        const views = Array.from({ length: to - from }, (_, i) =>
          viewOf(rows.at(from + i), from + i),
        );
        return { type: 'rows', sessionId, requestId, from, rows: views };
      }
      return undefined;
    },
  });
  await replay.post({
    type: 'start',
    version: REPLAY_PROTOCOL,
    sessionId,
    speed: 'max',
    skipIdle: true,
  });
  await replay.post({ type: 'header', header: bigHeader(sessionId, startedAtMs, total) });
  for (let from = 0; from < total; from += 50_000) {
    const columns = columnsOf(rows, from, from + 50_000, startedAtMs);
    await replay.post({ type: 'columns', sessionId, columns: { ...columns, total } });
  }
  return replay;
}

/** Presses the slider all along. @returns the median time until the page is painted, ms */
async function pressSlider({ page }: WebviewPage): Promise<number> {
  await page.locator('li .step-button').first().waitFor();
  return await page.evaluate(async () => {
    const slider = document.querySelector('.slider')!;
    const box = slider.getBoundingClientRect();
    slider.setPointerCapture = () => {};
    const times: number[] = [];
    for (let i = 0; i <= 60; i++) {
      const startedMs = performance.now();
      slider.dispatchEvent(
        new PointerEvent('pointerdown', {
          bubbles: true,
          pointerId: 1,
          button: 0,
          clientX: box.left + (i / 60) * box.width,
          clientY: box.top + 10,
        }),
      );
      await Promise.resolve();
      times.push(performance.now() - startedMs);
      await new Promise(requestAnimationFrame);
    }
    times.sort((a, b) => a - b);
    return times[times.length >> 1]!;
  });
}

function bigHeader(sessionId: string, startedAtMs: number, events: number): ReplayHeader {
  return {
    sessionId,
    nowMs: Date.now(),
    title: 'A long one',
    agent: 'Claude Code',
    models: ['claude-sonnet-4-5'],
    workspace: 'payments-api',
    status: 'ended',
    startedAtMs,
    endedAtMs: Date.now(),
    durationMs: events * 40,
    cost: { nanoUsd: 0, estimatedNanoUsd: 0, unpriced: 0 },
    counts: { events, calls: events, errors: 1000, denied: 200, files: 1000 },
    badLines: 0,
    lanes: ['main'],
  };
}

test('a session that is gone can be replaced by another', async () => {
  const waiting: unknown[] = [];
  lab.begin('none/such', (message) => waiting.push(message));
  lab.writer('other').start().prompt('Here');
  await lab.key('other');
  const replay = await harness.open('replay', {
    viewport: EDITOR,
    onMessage: (message) => lab.feed?.receive(message),
  });
  await expect.poll(() => waiting.length).toBeGreaterThan(1);
  for (const message of waiting) await replay.post(message);
  await replay.page.getByText('Pick a session to replay.').waitFor();
  await replay.screenshot('replay-empty');
  await healthy(replay);
  await replay.page.getByRole('button', { name: 'Choose session' }).click();
  await expect.poll(() => lab.opened).toEqual(['chooseSession']);
  await replay.close();
});
