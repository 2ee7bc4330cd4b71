// The marks as a person sees them, in a real VS Code: gutter, overview ruler, label, hover and badges, in
// every theme. The screenshots are for looking at.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterEach, expect, test } from 'vitest';
import { AgentHand } from '../../agentHand.ts';
import { TraceWriter } from '../../traceWriter.ts';
import { Workbench } from '../workbench.ts';

const root = join(import.meta.dirname, '../../..');
const HANDLER = 'src/payments/webhook.py';
const PROMPT =
  'The duplicate charge still happens when Stripe re-sends the event. Don’t add sleeps; make the handler idempotent.';
let scratch: string | undefined;
let workbench: Workbench | undefined;
afterEach(async () => {
  await workbench?.close();
  if (scratch) rmSync(scratch, { recursive: true, force: true });
  workbench = undefined;
  scratch = undefined;
});

/** An agent that has read and changed some files of the demo project. */
function work(): { folder: string; hand: AgentHand } {
  scratch = mkdtempSync(join(tmpdir(), 'agent-strace-marks-'));
  const folder = join(scratch, 'payments-api');
  cpSync(join(root, 'demo/workspace'), folder, { recursive: true });
  const writer = new TraceWriter(join(folder, '.agent-traces'), 'marks', {
    cwd: folder,
    startMs: Date.now() - 1_200_000,
  });
  const hand = new AgentHand(writer.start().prompt(PROMPT));
  hand.read(join(folder, HANDLER));
  hand.read(join(folder, 'src/core/idempotency.py'), 1, 6);
  hand.edit(
    join(folder, HANDLER),
    '    await charge(event.customer, event.amount)\n',
    `    key = f"{event.id}:{event.type}"
    async with idempotent(db, key) as first:
        if not first:
            return Response(status=200)  # already charged
        await charge(event.customer, event.amount, key=key)
`,
  );
  hand.edit(
    join(folder, 'tests/webhooks/test_resend.py'),
    '\n',
    '\n# A re-sent event charges nothing.\n',
  );
  return { folder, hand };
}

/** The bars in the gutter: how many, and what pictures they are. */
async function bars(page: Page): Promise<{ top: number; image: string }[]> {
  return await page.evaluate(() =>
    [...document.querySelectorAll('.glyph-margin-widgets > *, .margin-view-overlays .cgmr')]
      .map((element) => ({
        top: element.getBoundingClientRect().top,
        image: getComputedStyle(element).backgroundImage,
      }))
      .filter(({ image }) => image.includes('svg'))
      .sort((a, b) => a.top - b.top),
  );
}

const line = (page: Page, words: string): Locator =>
  page.locator('.view-line').filter({ hasText: words }).first();

test('marks, hover, label and badges in every theme', async () => {
  const { folder } = work();
  workbench = await Workbench.open(folder, { viewport: { width: 1200, height: 700 } });
  const { page } = workbench;
  await workbench!.openFile('webhook.py');
  await expect.poll(async () => (await bars(page)).length, { timeout: 30_000 }).toBeGreaterThan(10);
  await page.keyboard.press('Control+g');
  await page.keyboard.type('42');
  await page.keyboard.press('Enter');
  await line(page, 'already charged').waitFor();
  const badge = page.locator('.tab.active .monaco-icon-label');
  await expect
    .poll(async () => await badge.getAttribute('aria-label'))
    .toContain('Claude Code: modified once, read once');

  await line(page, 'already charged').click();
  await workbench.runCommand('Agent Strace: Show Which Step Changed This Line');
  await expect
    .poll(async () => (await labels(page)).join())
    .toMatch(/Claude Code · step 5 · \d\d:\d\d · \$0\.\d{4}/);

  const hover = page.locator('.monaco-hover:visible').filter({ hasText: 'Changed by Claude Code' });
  await workbench.inEachTheme(async (theme) => {
    // One run of five changed lines between lines that were read, each kind with a picture of its own.
    await expect.poll(() => kinds(page)).toMatch(/^R+M{5}R+$/);
    await workbench!.screenshot(`marks-${theme}-label`);
    await line(page, 'already charged').locator('span span').last().hover();
    await hover.waitFor({ timeout: 20_000 });
    await workbench!.screenshot(`marks-${theme}`);
    await page.mouse.move(0, 0);
    await hover.waitFor({ state: 'hidden' });
  });
  await line(page, 'already charged').locator('span span').last().hover();
  await hover.waitFor({ timeout: 20_000 });
  expect(await hover.textContent()).toContain('make the handler idempotent');
  expect(await hover.locator('a').allTextContents()).toEqual(
    expect.arrayContaining([
      expect.stringContaining('Open in replay'),
      expect.stringContaining('Show diff'),
      expect.stringContaining('Why?'),
    ]),
  );
});

/** The bars from top to bottom, a letter each: those that look like the first one are `R`. */
async function kinds(page: Page): Promise<string> {
  const found = await bars(page);
  const images = [...new Set(found.map(({ image }) => image))];
  if (images.length !== 2) return `${images.length} pictures`;
  return found.map(({ image }) => (image === images[0] ? 'R' : 'M')).join('');
}

/** What stands in the editor behind lines: content of pseudo elements. */
async function labels(page: Page): Promise<string[]> {
  return await page.evaluate(() =>
    [...document.querySelectorAll('.view-line span')]
      .map((element) => getComputedStyle(element, '::after').content)
      .filter((content) => content.includes('step')),
  );
}

test('marks follow their switches at once', async () => {
  const { folder } = work();
  workbench = await Workbench.open(folder, {
    settings: {
      'workbench.colorCustomizations': { 'agentStrace.read': '#ff00ff' },
      'agentStrace.explorerBadges.enabled': false,
      'agentStrace.inlineLabel': 'always',
    },
  });
  const { page } = workbench;
  await workbench!.openFile('webhook.py');
  await expect.poll(async () => (await bars(page)).length, { timeout: 30_000 }).toBeGreaterThan(10);
  const [first] = await bars(page);
  expect(Buffer.from(first!.image.split('base64,')[1] ?? '', 'base64').toString()).toContain(
    '#ff00ff',
  );
  await workbench.runCommand('Agent Strace: Toggle Line Marks');
  await expect.poll(async () => (await bars(page)).length).toBe(0);
  await workbench.runCommand('Agent Strace: Toggle Line Marks');
  await expect.poll(async () => (await bars(page)).length).toBeGreaterThan(10);
  await page.keyboard.press('Control+g');
  await page.keyboard.type('36');
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await labels(page)).length).toBe(1);
  const tab = page.locator('.tab.active .monaco-icon-label');
  expect(await tab.getAttribute('aria-label')).not.toContain('Claude Code');
});

test('marks are there in restricted mode, too', async () => {
  const { folder } = work();
  workbench = await Workbench.open(folder, { restricted: true });
  const { page } = workbench;
  await workbench!.openFile('webhook.py');
  await expect.poll(async () => (await bars(page)).length, { timeout: 30_000 }).toBeGreaterThan(10);
});
