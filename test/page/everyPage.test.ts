/** What holds for every page: it can be read in high-contrast light, and nothing moves for who asked for less motion. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { GUARD_PROTOCOL } from '../../src/protocol/guard.ts';
import type { FromReplayPage } from '../../src/protocol/replay.ts';
import type { FromStreamPage } from '../../src/protocol/stream.ts';
import { claudeRun, codexRun } from '../comparePair.ts';
import { CompareLab } from './compareHost.ts';
import { designHost } from './fakeStreamHost.ts';
import { designState } from './guardStates.ts';
import { PageHarness, type WebviewPage } from './pageHarness.ts';
import { answerOf, designTimeline, openingOf } from './timelineHost.ts';

let harness: PageHarness;
let lab: CompareLab | undefined;
beforeAll(async () => {
  harness = await PageHarness.start();
});
afterAll(async () => await harness?.close());
afterEach(async () => await lab?.close());

const theme = 'hcLight' as const;
const wide = { theme, viewport: { width: 1400, height: 900 } };

const OPEN: Record<'stream' | 'replay' | 'compare' | 'guard', () => Promise<WebviewPage>> = {
  stream: async () => {
    const host = designHost();
    const stream = await harness.open('stream', {
      theme,
      viewport: { width: 360, height: 900 },
      onMessage: (message) => host.receive(message as FromStreamPage),
    });
    host.connect((message) => stream.post(message));
    await stream.page.locator('.row .target').first().waitFor();
    return stream;
  },
  replay: async () => {
    const session = designTimeline();
    const replay = await harness.open('replay', {
      ...wide,
      onMessage: (message) => answerOf(session, message as FromReplayPage),
    });
    for (const message of openingOf(session, 100)) await replay.post(message);
    await replay.page.locator('.step-button .target').first().waitFor();
    return replay;
  },
  compare: async () => {
    lab = new CompareLab();
    claudeRun(lab.writer('claude-run'));
    codexRun(lab.writer('codex-run'));
    const [a, b] = [await lab.key('claude-run'), await lab.key('codex-run')];
    const compare = await harness.openFed('compare', (post) => lab?.begin(a, b, post), {
      ...wide,
      onMessage: (message) => lab?.feed?.receive(message),
    });
    await compare.page.locator('.step-row .target').first().waitFor();
    return compare;
  },
  guard: () =>
    harness.open('guard', {
      ...wide,
      onMessage: () => ({
        type: 'state',
        version: GUARD_PROTOCOL,
        state: designState(Date.now()),
      }),
    }),
};

test.each(Object.keys(OPEN) as (keyof typeof OPEN)[])('%s in high-contrast light', async (name) => {
  const webview = await OPEN[name]();
  await webview.page.waitForTimeout(300);
  await webview.screenshot(`${name}-${theme}`);
  expect(webview.errors).toEqual([]);
  expect(await webview.axe()).toEqual([]);
  await webview.close();
});

/** Settings that ask for less motion: the system’s, and VS Code’s own. */
const ASK = {
  system: ({ page }: WebviewPage) => page.emulateMedia({ reducedMotion: 'reduce' }),
  editor: ({ page }: WebviewPage) =>
    page.evaluate(() => document.body.classList.add('vscode-reduce-motion')),
};

test('nothing spins and no playhead glides for who asked for less motion', async () => {
  // What waits spins: the stream while a tool runs, the others while they look for a session.
  for (const name of ['stream', 'replay', 'compare'] as const) {
    const webview = name === 'stream' ? await OPEN.stream() : await harness.open(name);
    if (name === 'replay') await webview.post({ type: 'empty', reason: 'loading' });
    const { page } = webview;
    await page.locator('.spin').first().waitFor();
    const moving = () => page.evaluate(() => document.getAnimations().length);
    expect(await moving()).toBeGreaterThan(0);
    await ASK.system(webview);
    expect(await moving()).toBe(0);
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    expect(await moving()).toBeGreaterThan(0);
    await ASK.editor(webview);
    expect(await moving()).toBe(0);
    await webview.close();
  }
  const replay = await OPEN.replay();
  await replay.page.locator('.choice').first().selectOption('1');
  await replay.page.keyboard.press('Space');
  expect(await picturesOfAStep(replay)).toBeGreaterThan(1);
  await ASK.editor(replay);
  expect(await picturesOfAStep(replay)).toBe(1);
  await replay.page.evaluate(() => document.body.classList.remove('vscode-reduce-motion'));
  expect(await picturesOfAStep(replay)).toBeGreaterThan(1);
  await ASK.system(replay);
  expect(await picturesOfAStep(replay)).toBe(1);
  await replay.close();
});

/** Most pictures of the playhead's layer that one step had, in half a second. */
const picturesOfAStep = ({ page }: WebviewPage): Promise<number> =>
  page.evaluate(async () => {
    const canvas = document.querySelectorAll<HTMLCanvasElement>('.timeline-stage canvas')[1]!;
    const seen = new Map<string, Set<number>>();
    // What was asked for before is drawn.
    for (let frame = 0; frame < 30; frame++) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      if (frame < 3) continue;
      const step = document.querySelector('[role=slider]')?.getAttribute('aria-valuenow') ?? '';
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3]! > 0) sum = (sum * 31 + i + data[i]!) | 0;
      }
      const pictures = seen.get(step) ?? new Set();
      seen.set(step, pictures.add(sum));
    }
    return Math.max(...[...seen.values()].map(({ size }) => size));
  });
