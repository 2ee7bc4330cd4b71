/** Replay pages of a lab's sessions, as the tests open and look at them. */
import { expect } from 'vitest';
import type { FromReplayPage } from '../../src/protocol/replay.ts';
import type { OpenOptions, PageHarness, WebviewPage } from './pageHarness.ts';
import type { ReplayLab } from './replayHost.ts';

export const EDITOR = { width: 1400, height: 900 };

/** Opens the replay of a session, and waits until its steps are there. */
export async function openReplay(
  harness: PageHarness,
  lab: ReplayLab,
  id: string,
  options: OpenOptions & { step?: number } = {},
): Promise<WebviewPage> {
  const key = await lab.key(id);
  const waiting: unknown[] = [];
  let page: WebviewPage | undefined;
  let sending = Promise.resolve();
  const post = (message: unknown): void => {
    if (!page) {
      waiting.push(message);
      return;
    }
    const to = page;
    sending = sending
      .then(() => to.post(message))
      .catch((error: unknown) => {
        // A test that ends does not wait for answers that are on their way.
        if (!/closed|navigat/i.test(String(error))) throw error;
      });
  };
  const feed = lab.begin(key, post, options.step);
  page = await harness.open('replay', {
    viewport: EDITOR,
    onMessage: (message) => {
      lab.received.push(message as FromReplayPage);
      lab.feed?.receive(message);
    },
    ...options,
  });
  for (const message of waiting.splice(0)) post(message);
  expect(lab.feed).toBe(feed);
  await page.page.locator('li .step-button').first().waitFor();
  return page;
}

/** Waits until the words, the state and the details of what is seen are there. */
export async function settled({ page }: WebviewPage): Promise<void> {
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.vlist-rows > li .step-button')].every((row) =>
      row.querySelector('.target, .verb'),
    ),
  );
  await page.waitForTimeout(500);
}

export const stepNow = async ({ page }: WebviewPage): Promise<number> =>
  Number(await page.getByRole('slider').getAttribute('aria-valuenow'));

export const healthy = async (replay: WebviewPage): Promise<void> => {
  expect(replay.errors).toEqual([]);
  expect(await replay.axe()).toEqual([]);
};

/** How far the page can be scrolled sideways, px. */
export const sideways = ({ page }: WebviewPage): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
