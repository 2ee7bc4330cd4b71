import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { allThemes, type Theme } from '../vscode/codeServer.ts';
import { PageHarness, type WebviewPage } from './pageHarness.ts';
import { designSession } from './replayHost.ts';
import { healthy, sideways } from './replayPages.ts';
import { ReportLab } from './reportHost.ts';

let harness: PageHarness;
let lab: ReportLab;
beforeAll(async () => {
  harness = await PageHarness.start();
});
afterAll(async () => await harness?.close());
beforeEach(() => {
  lab = new ReportLab();
});
afterEach(async () => await lab.close());

/** Goes to a tab, and waits until its report is there. */
async function show(report: WebviewPage, name: string): Promise<void> {
  await tab(report, name).click();
  await report.page.locator('[role=tab][aria-selected=true]', { hasText: name }).waitFor();
  await report.page.locator('article > *').first().waitFor();
}

const tab = ({ page }: WebviewPage, name: string) => page.getByRole('tab', { name, exact: true });

test.each(Object.keys(allThemes) as Theme[])('looks in %s, wide and narrow', async (theme) => {
  designSession(lab);
  const report = await lab.open(
    harness,
    { session: 'design', report: 'explain', step: 7 },
    { theme, viewport: { width: 1280, height: 800 } },
  );
  await report.screenshot(`report-${theme}-explain`);
  await healthy(report);
  await report.page.setViewportSize({ width: 400, height: 800 });
  await show(report, 'Timeline');
  await report.screenshot(`report-${theme}-timeline-400`);
  expect(await sideways(report)).toBe(0);
  await healthy(report);
});

test('nothing that a trace says becomes HTML, a link or a picture', async () => {
  const evil =
    '<img src=x onerror=alert(1)> [a](command:evil) ![b](https://evil.example/x) https://evil.example <b>x</b> \uE0007\uE002';
  const writer = lab.writer('evil').start().prompt(evil);
  const call = writer.call('Bash', { command: evil });
  writer.result(call, { error: evil, exit_code: 1 }).usage([call], evil);
  const report = await lab.open(harness, { session: 'evil', report: 'explain', step: 2 });
  const { page } = report;
  for (const name of await page.getByRole('tab').allTextContents()) {
    await show(report, name);
    expect(await page.locator('article :is(a, img, b, script, iframe)').count(), name).toBe(0);
    expect(await sideways(report), name).toBe(0);
    const steps = await page.locator('.step').allTextContents();
    for (const step of steps) expect(step, name).toMatch(/^([Ss]teps? )?[1-9]$/);
  }
  await tab(report, 'Step 3').click();
  await page.locator('article', { hasText: '<img src=x onerror=alert(1)>' }).waitFor();
  expect(report.errors).toEqual([]);
});

test('keys: tabs, steps, copy, Markdown, replay; the place is kept', async () => {
  designSession(lab);
  const report = await lab.open(
    harness,
    { session: 'design', report: 'explain' },
    { viewport: { width: 900, height: 320 } },
  );
  const { page } = report;
  const shown = () => page.locator('[role=tab][aria-selected=true]').textContent();
  await tab(report, 'Explain').focus();
  await page.keyboard.press('ArrowRight');
  await expect.poll(shown).toBe('Timeline');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Timeline');
  await page.keyboard.press('End');
  await expect.poll(shown).toBe('Stats');
  await page.keyboard.press('1');
  await expect.poll(shown).toBe('Explain');

  const step = page.locator('.step').first();
  const number = Number(/\d+/.exec((await step.textContent()) ?? '')?.[0]);
  await step.focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => lab.done).toContain(`replay design ${number - 1}`);
  await page.keyboard.press('o');
  await page.keyboard.press('m');
  await expect.poll(() => lab.done.slice(-2)).toEqual(['replay design', 'markdown explain']);
  await page.keyboard.press('c');
  await expect.poll(() => lab.copied).toContain('## Phases');
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');

  await page.locator('.content').evaluate((box) => box.scrollTo(0, 150));
  await page.keyboard.press('3');
  await expect.poll(shown).toBe('Cost');
  await page.keyboard.press('1');
  await expect.poll(() => page.locator('.content').evaluate((box) => box.scrollTop)).toBe(150);
  await expect
    .poll(() => report.kept())
    .toMatchObject({
      subject: { report: 'explain' },
      scroll: { explain: 150 },
    });
});
