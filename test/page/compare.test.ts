import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FromComparePage } from '../../src/protocol/compare.ts';
import { CLAUDE, claudeRun, codexRun, RunScript } from '../comparePair.ts';
import { type Theme, themes } from '../vscode/codeServer.ts';
import { CompareLab } from './compareHost.ts';
import { type OpenOptions, PageHarness, type WebviewPage } from './pageHarness.ts';

let harness: PageHarness;
let lab: CompareLab;
beforeAll(async () => {
  harness = await PageHarness.start();
});
afterAll(async () => await harness?.close());
beforeEach(() => {
  lab = new CompareLab();
});
afterEach(async () => await lab.close());

const ALL_THEMES = Object.keys(themes) as Theme[];

/** Opens the page on two sessions that are written already. */
async function open(
  a: string,
  b: string | undefined,
  options: OpenOptions = {},
): Promise<WebviewPage> {
  const keys = [await lab.key(a), b === undefined ? undefined : await lab.key(b)] as const;
  return await harness.openFed('compare', (post) => lab.begin(keys[0], keys[1], post), {
    viewport: { width: 1200, height: 800 },
    onMessage: (message) => {
      lab.received.push(message as FromComparePage);
      lab.feed?.receive(message);
    },
    ...options,
  });
}

async function openPair(options: OpenOptions = {}): Promise<WebviewPage> {
  claudeRun(lab.writer('claude-run'));
  codexRun(lab.writer('codex-run', Date.parse('2026-11-23T09:12:00Z')));
  const page = await open('claude-run', 'codex-run', options);
  await settled(page);
  return page;
}

/** Waits until the words of what is seen are there. */
async function settled({ page }: WebviewPage): Promise<void> {
  await page.locator('.step-row').first().waitFor();
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.step-row .side')].every((side) =>
      side.querySelector('.target, .verb, .muted, .detail, .summary:not(:empty)'),
    ),
  );
  await page.waitForTimeout(200);
}

const healthy = async (compare: WebviewPage): Promise<void> => {
  expect(compare.errors).toEqual([]);
  expect(await compare.axe()).toEqual([]);
};

const sideways = ({ page }: WebviewPage): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

describe.each(ALL_THEMES)('looks in %s', (theme) => {
  test.each([1200, 640, 400])('%d wide', async (width) => {
    const compare = await openPair({ theme, viewport: { width, height: 800 } });
    await compare.screenshot(`compare-${theme}-${width}`);
    expect(await sideways(compare)).toBe(0);
    await healthy(compare);
    await compare.close();
  });
});

test('names the winner, by what, and where they part', async () => {
  const compare = await openPair();
  const { page } = compare;
  expect(await page.locator('.fact').textContent()).toMatch(
    /^B did the same job for \d+% less, \d+ (minutes|seconds) sooner\.$/,
  );
  const measures = page.locator('.measures li');
  expect(await measures.count()).toBe(8);
  expect(await measures.nth(3).textContent()).toMatch(/Errors−7 betterA7B0/);
  const part = page.locator('.step-row.divergence').first();
  expect(await part.textContent()).toContain('token_bucket.py');
  expect(await part.locator('.nothing-here').count()).toBe(1);
  await page.getByText('only in A').first().waitFor();
  await healthy(compare);
});

test('a long run on one side is one row until it is opened', async () => {
  const compare = await openPair();
  const { page } = compare;
  const fold = page.getByRole('button', { name: /steps only in A/ }).first();
  const before = Number(await page.locator('.step-row').first().getAttribute('aria-setsize'));
  const hidden = Number(/(\d+) steps only/.exec((await fold.textContent()) ?? '')?.[1]);
  await fold.click();
  await page.waitForFunction(
    (count) => Number(document.querySelector('.step-row')?.getAttribute('aria-setsize')) === count,
    before + hidden - 1,
  );
});

test('keys: divergences, order, rows, swap, copy, the list of keys', async () => {
  const compare = await openPair();
  const { page } = compare;
  const where = page.locator('.where > .muted');
  expect(await where.textContent()).toMatch(/^1 of \d+ divergences$/);
  await page.keyboard.press(']');
  await page.getByText(/^2 of \d+ divergences$/).waitFor();
  await page.keyboard.press('[');
  await page.getByText(/^1 of \d+ divergences$/).waitFor();

  const widths = () =>
    page
      .locator('button.phase')
      .evaluateAll((all) => all.map((one) => (one as HTMLElement).style.width));
  const byTime = await widths();
  await page.keyboard.press('3');
  await page.locator('.orders button[aria-pressed=true]', { hasText: 'Steps' }).waitFor();
  expect(await widths()).not.toEqual(byTime);
  expect(await compare.kept()).toMatchObject({ order: 'steps' });

  await page.locator('.step-row.divergence .side').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.waitForFunction(() =>
    document.activeElement?.closest('.step-row')?.previousElementSibling?.matches('.divergence'),
  );
  await page.keyboard.press('Enter');
  await expect
    .poll(() => lab.opened)
    .toContainEqual(expect.stringMatching(/^replay claude-run \d+$/));

  await page.keyboard.press('c');
  await expect.poll(() => lab.copied).toContain('**B did the same job');
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await healthy(compare);
  await page.keyboard.press('Escape');

  await page.keyboard.press('x');
  await page.getByText(/^A did the same job/).waitFor();
  await settled(compare);
  expect(await compare.kept()).toMatchObject({
    a: await lab.key('codex-run'),
    b: await lab.key('claude-run'),
  });
});

test('opens both where they part', async () => {
  const compare = await openPair();
  await compare.page.getByRole('button', { name: 'Open both in replay' }).click();
  await expect.poll(() => lab.opened.length).toBe(2);
  expect(lab.opened[0]).toMatch(/^replay claude-run 1\d$/);
  expect(lab.opened[1]).toMatch(/^replay codex-run 1\d$/);
});

test('different prompts: no winner, and nothing is called better', async () => {
  claudeRun(lab.writer('one'));
  new RunScript(lab.writer('two'), CLAUDE).prompt('Write a haiku').say('Snow falls.').end();
  const compare = await open('one', 'two');
  await settled(compare);
  const { page } = compare;
  expect(await page.locator('.fact').textContent()).toBe("Can't compare: different prompts.");
  expect(await page.locator('.difference.better, .difference.worse').count()).toBe(0);
  await compare.screenshot('compare-refused');
  await healthy(compare);
});

test('one session: pick a second one', async () => {
  claudeRun(lab.writer('one'));
  const compare = await open('one', undefined);
  await compare.page.getByText('Pick a second session.').waitFor();
  await healthy(compare);
  await compare.page.getByRole('button', { name: 'Choose session' }).click();
  await expect.poll(() => lab.opened).toEqual(['choose']);
});

test('a session that goes on is compared again as it grows', async () => {
  claudeRun(lab.writer('done'));
  const writer = lab.writer('live', Date.now() - 60_000);
  const script = new RunScript(writer, CLAUDE);
  script.prompt().read('api/search.py');
  const compare = await open('done', 'live');
  await settled(compare);
  const { page } = compare;
  await page.locator('.fact', { hasText: "Can't compare yet: B still goes on." }).waitFor();
  expect(await page.locator('.divergence-label').count()).toBe(0);
  expect(await page.locator('.head .tag').textContent()).toContain('live');
  await compare.screenshot('compare-live');
  const calls = page.locator('.measures li').nth(2);
  expect(await calls.textContent()).toContain('B1');
  script.read('api/deps.py');
  await page.waitForFunction(() =>
    document.querySelectorAll('.measures li')[2]?.textContent?.endsWith('B2'),
  );
  await healthy(compare);
});

test('hostile text is text', async () => {
  const bad =
    '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202egnp.exe\u001b[31m';
  const hostile = (id: string) => {
    const writer = lab.writer(id);
    const script = new RunScript(writer, { ...CLAUDE, model: bad, cwd: `/home/${bad}` });
    script
      .prompt(bad)
      .read(bad)
      .grep(bad)
      .run(bad, bad)
      .edit(`${bad.repeat(200)}`, 3);
    script.run(`${bad} ${id}`, bad, 1).say(bad).end();
  };
  hostile('bad-1');
  hostile('bad-2');
  const compare = await open('bad-1', 'bad-2', { viewport: { width: 640, height: 800 } });
  await settled(compare);
  const { page } = compare;
  expect(await page.title()).toBe('compare');
  expect(await page.locator('img, script:not([nonce]):not([src])').count()).toBe(0);
  expect(await page.locator('body').textContent()).not.toMatch(/[\u202e\u001b]/);
  expect(await sideways(compare)).toBe(0);
  await compare.screenshot('compare-hostile');
  await healthy(compare);
});
