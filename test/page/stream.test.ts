import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Theme, themes } from '../vscode/codeServer.ts';
import { PageHarness } from './pageHarness.ts';

let harness: PageHarness;
beforeAll(async () => {
  harness = await PageHarness.start();
});
afterAll(async () => await harness?.close());

test.each(Object.keys(themes) as Theme[])('the stream renders in %s', async (theme) => {
  const stream = await harness.open('stream', { theme });
  await stream.page.locator('main').waitFor();
  await stream.screenshot(`page-stream-${theme}`);
  expect(stream.errors).toEqual([]);
  expect(await stream.axe()).toEqual([]);
  await stream.close();
});
