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
  let feed: unknown;
  const begin = (post: (message: unknown) => void): void => {
    feed = lab.begin(key, post, options.step);
  };
  const page = await harness.openFed('replay', begin, {
    viewport: EDITOR,
    onMessage: (message) => {
      lab.received.push(message as FromReplayPage);
      lab.feed?.receive(message);
    },
    ...options,
  });
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
