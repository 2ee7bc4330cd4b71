import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Theme, themes } from '../vscode/codeServer.ts';
import { type OpenOptions, PageHarness, type WebviewPage } from './pageHarness.ts';
import { designSession, ReplayLab } from './replayHost.ts';
import { healthy, openReplay, settled, sideways, stepNow } from './replayPages.ts';

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
/** The step that edits the handler, and the one that starts the subagent. */
const EDIT = 25;
const AGENT = 22;

const open = (id: string, options: OpenOptions & { step?: number } = {}): Promise<WebviewPage> =>
  openReplay(harness, lab, id, options);

const rowsOf = ({ page }: WebviewPage): Promise<string[]> =>
  page.locator('.vlist-rows > li[data-row]').evaluateAll((rows) =>
    rows
      .map((row) => Number((row as HTMLElement).dataset.row))
      .sort((a, b) => a - b)
      .map(String),
  );

describe.each(ALL_THEMES)('looks in %s', (theme) => {
  test('with filter, notes, a folded subagent and the reasons', async () => {
    designSession(lab);
    const replay = await open('design', {
      theme,
      step: EDIT,
      viewport: { width: 1400, height: 1500 },
    });
    const { page } = replay;
    await settled(replay);
    await page.keyboard.press('Shift+F');
    await page.keyboard.press('b');
    await page.locator('.note').first().waitFor();
    await page.locator('.phase-name').last().click();
    await page.locator('.phase.selected').waitFor();
    await page.getByRole('button', { name: 'Why?' }).click();
    await page.locator('.why li').first().waitFor();
    await page.locator('.why-sure').last().click();
    await page.keyboard.press('n');
    await page.keyboard.type('Moved the check before the charge.');
    await settled(replay);
    await replay.screenshot(`replay-parts-${theme}`);
    expect(await sideways(replay)).toBe(0);
    await healthy(replay);
    await replay.close();
  });
});

test('phases head their steps: selected in the timeline, copied, and their changes opened', async () => {
  designSession(lab);
  const replay = await open('design', { step: EDIT });
  const { page } = replay;
  await settled(replay);
  const head = page.locator('.phase').last();
  await head.waitFor();
  const name = head.locator('.phase-name');
  expect(await name.textContent()).toContain('8 calls · 1 error');
  await name.click();
  expect(await name.getAttribute('aria-pressed')).toBe('true');
  // What the range comes to is the timeline's to say.
  await expect.poll(() => lab.received.filter(({ type }) => type === 'range').length).toBe(1);
  await head.hover();
  await head.getByRole('button', { name: /^Open the changes of/ }).click();
  await expect.poll(() => lab.opened.at(-1)).toBe('changes 19-29');
  await head.getByRole('button', { name: /^Copy .* as Markdown$/ }).click();
  await page.locator('.toast').getByText('Copied as Markdown').waitFor();
  expect(lab.clipboard).toContain('webhook.py');
  await name.click();
  expect(await name.getAttribute('aria-pressed')).toBe('false');
  await healthy(replay);
  await replay.close();
});

test('a filter leaves steps out of the list, and the playhead goes on over all of them', async () => {
  designSession(lab).end();
  const replay = await open('design', { step: EDIT });
  const { page } = replay;
  await settled(replay);
  await page.keyboard.press('Shift+F');
  const chip = (name: string) => page.locator('.chip').filter({ hasText: name });
  await chip('Commands').click();
  await page.getByText('4 of 31 steps').waitFor();
  expect(await rowsOf(replay)).toEqual(['17', '18', '26', '28']);
  // The step of the playhead is not among them, and is still where the playhead is.
  expect(await stepNow(replay)).toBe(EDIT + 1);
  await page.getByText('Step 26 is filtered out. You are here.').waitFor();
  await page.keyboard.press('j');
  await expect.poll(() => stepNow(replay)).toBe(27);
  await page.keyboard.press('k');
  await expect.poll(() => stepNow(replay)).toBe(19);
  await page.getByRole('button', { name: 'Step on' }).click();
  await expect.poll(() => stepNow(replay)).toBe(20);
  await page.getByRole('button', { name: 'Errors 2' }).click();
  await page.getByText('2 of 31 steps').waitFor();
  expect(await rowsOf(replay)).toEqual(['17', '26']);
  await chip('Commands').click();
  await page.getByRole('button', { name: 'Errors 2' }).click();
  await page.getByRole('button', { name: 'Retries', exact: true }).click();
  await page.getByText('1 of 31 steps').waitFor();
  await page.getByRole('button', { name: 'Retries', exact: true }).click();
  await page.getByLabel('Agent').selectOption('1');
  await page.getByText('2 of 31 steps').waitFor();
  await page.getByLabel('Phase').selectOption('0');
  await page.getByText('No step is like that.').waitFor();
  await healthy(replay);
  await page.getByRole('button', { name: 'Clear filter' }).click();
  await page.getByText('31 of 31 steps').waitFor();
  await page.keyboard.press('Shift+F');
  expect(await page.locator('.filter-bar').count()).toBe(0);
  await replay.close();
});

test('a subagent is a card: what it did, its own cost, and its steps folded or alone', async () => {
  designSession(lab).end();
  const replay = await open('design', { step: EDIT });
  const { page } = replay;
  await settled(replay);
  const card = page.locator('.subagent');
  expect(await card.textContent()).toMatch(/Explore.*done in 28s · 2 steps · \$0\.0198 of its own/);
  expect(await page.locator('li.depth-1').count()).toBe(2);
  await card.getByRole('button', { name: 'Fold steps of Explore' }).click();
  await expect.poll(() => page.locator('li.depth-1').count()).toBe(0);
  await page.keyboard.press('k');
  await expect.poll(() => stepNow(replay)).toBe(AGENT + 1);
  await page.getByRole('button', { name: 'Step on' }).click();
  await expect.poll(() => stepNow(replay)).toBe(AGENT + 2);
  expect(await card.textContent()).toMatch(/running for 4s/);
  await card.getByRole('button', { name: 'Show steps of Explore' }).click();
  await expect.poll(() => page.locator('li.depth-1').count()).toBe(2);
  await card.getByRole('button', { name: 'Only these of Explore' }).click();
  await page.getByText('2 of 31 steps').waitFor();
  await healthy(replay);
  await replay.close();
});

test('notes: set, written, shown, filtered, changed and taken away, beside the trace', async () => {
  designSession(lab).end();
  const replay = await open('design', { step: EDIT });
  const { page } = replay;
  await settled(replay);
  await page.keyboard.press('b');
  await page.locator('li.current .mark').waitFor();
  const file = join(lab.traceDir, 'design', 'annotations.jsonl');
  await expect.poll(() => existsSync(file)).toBe(true);
  await page.keyboard.press('n');
  const field = page.getByRole('textbox', { name: 'Note', exact: true });
  await expect.poll(() => field.evaluate((one) => one === document.activeElement)).toBe(true);
  await page.keyboard.type('The cause: <b>charge</b> before record, j k');
  await page.getByLabel('Label').selectOption('root-cause');
  await field.press('Control+Enter');
  // Whoever works by keys goes on where they were.
  const focused = () => page.evaluate(() => document.activeElement?.className ?? '');
  await expect.poll(focused).toContain('step-button');
  const notes = page.getByRole('region', { name: 'Notes' });
  await notes.getByText('The cause: <b>charge</b> before record, j k').waitFor();
  expect(await stepNow(replay)).toBe(EDIT + 1);
  expect(await notes.textContent()).toContain('Dana');
  expect(readFileSync(file, 'utf8')).toContain('root-cause');
  await page.keyboard.press('Shift+F');
  await page.getByRole('button', { name: 'With notes 2' }).click();
  await page.getByText('1 of 31 steps').waitFor();
  await healthy(replay);
  // The bookmark goes as it came; the note by its buttons.
  await page.locator('li.current').getByRole('button', { name: 'Remove the bookmark' }).click();
  await page.getByRole('button', { name: 'With notes 1' }).waitFor();
  await notes.getByRole('button', { name: 'Edit root-cause on step 26' }).click();
  await field.fill('Known now');
  await page.getByRole('button', { name: 'Save' }).click();
  await notes.getByText('Known now').waitFor();
  await notes.getByRole('button', { name: 'Delete root-cause on step 26' }).click();
  await notes.getByText('None yet.').waitFor();
  await page.getByText('No step is like that.').waitFor();
  await healthy(replay);
  await replay.close();
});

test('why: cause first, with its evidence, and a way to every step of it', async () => {
  designSession(lab).end();
  const replay = await open('design', { step: 26 });
  const { page } = replay;
  await settled(replay);
  const links = page.locator('.why li');
  await links.first().waitFor();
  expect(await links.last().textContent()).toContain('you are here');
  expect(await links.last().locator('.why-step').textContent()).toContain('27');
  expect(await links.first().locator('.why-step').textContent()).toMatch(/P3/);
  const sure = page.locator('.why-sure').last();
  expect(await page.locator('.why-evidence').count()).toBe(0);
  await sure.click();
  expect(await page.locator('.why-evidence').first().textContent()).not.toBe('');
  // It is asked for once the playhead rests, and what is known stays until then.
  const asked = () => lab.received.filter(({ type }) => type === 'why').length;
  const before = asked();
  for (let i = 0; i < 5; i++) await page.keyboard.press('k');
  expect(await links.count()).toBeGreaterThan(1);
  await expect.poll(asked).toBe(before + 1);
  await expect.poll(() => links.last().locator('.why-step').textContent()).toContain('22');
  await healthy(replay);
  await links.first().locator('.why-step').click();
  await expect.poll(() => stepNow(replay)).toBe(20);
  await replay.close();
});

test('a step can be linked to and copied; the session renamed; what belongs to it opened', async () => {
  designSession(lab).end();
  const replay = await open('design', { step: EDIT });
  const { page } = replay;
  await settled(replay);
  const current = page.locator('li.current');
  await current.getByRole('button', { name: 'Copy link' }).click();
  await page.locator('.toast').getByText('Link copied').waitFor();
  expect(lab.clipboard).toMatch(/^vscode:\/\/.*step=26$/);
  await current.getByRole('button', { name: 'Copy as Markdown' }).click();
  await page.locator('.toast').getByText('Copied as Markdown').waitFor();
  expect(lab.clipboard).toContain('webhook.py');
  for (const command of ['Explain this session', 'Compare with another session', 'Export']) {
    await page.getByRole('button', { name: command, exact: true }).click();
  }
  await expect.poll(() => lab.opened).toEqual(['explain', 'compare', 'export']);
  await page.getByRole('button', { name: 'Open changes so far' }).click();
  await page.getByRole('button', { name: 'Open changes of the session' }).click();
  await expect.poll(() => lab.opened.slice(3)).toEqual([`changes 0-${EDIT}`, 'changes 0-30']);
  await page.getByRole('button', { name: /webhook\.py as it is now$/ }).click();
  await expect.poll(() => lab.opened.at(-1)).toMatch(/^file .*webhook\.py$/);
  const inspector = page.getByRole('complementary', { name: 'As of this moment' });
  const widthOf = async () => Math.round((await inspector.boundingBox())!.width);
  const width = await widthOf();
  await page.getByRole('separator', { name: 'Width of the inspector' }).focus();
  await page.keyboard.press('ArrowLeft');
  await expect.poll(widthOf).toBe(width + 20);
  await page.keyboard.press('ArrowRight');
  await expect.poll(widthOf).toBe(width);
  expect(await stepNow(replay)).toBe(EDIT + 1);
  await page.getByRole('button', { name: 'Rename this session' }).click();
  await page.getByRole('textbox', { name: 'Name of this session' }).fill('Webhook, third try');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Webhook, third try' }).waitFor();
  await page.getByRole('button', { name: 'Rename this session' }).press('Enter');
  await page.keyboard.type('no');
  await page.keyboard.press('Escape');
  await page.getByRole('heading', { name: 'Webhook, third try' }).waitFor();
  expect(lab.received.filter(({ type }) => type === 'rename')).toHaveLength(1);
  await healthy(replay);
  await replay.close();
});

test('hostile text stays text in notes, phases, subagents, reasons and long changes', async () => {
  const script = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';
  const bidi = '\u202egpj.exe\u2066';
  const flood = '👩‍👩‍👧‍👦🏳️‍🌈'.repeat(800);
  const writer = lab.writer('hostile').start().prompt(`${script}${bidi}${flood}`);
  writer.nowMs += 2000;
  const lane = { agent_id: script, agent_type: `${script}${bidi}` };
  const agent = writer.call('Agent', { subagent_type: script, description: flood, prompt: bidi });
  writer.write(writer.event('tool_call', { event_subtype: 'subagent', ...lane }));
  const inner = writer.call('Read', { file_path: `/${script}` }, lane);
  writer.result(inner, { ...lane, files: [{ path: `/${script}`, kind: 'read' }] });
  writer.result(agent, { result: script, subagent_id: script });
  const lines = (mark: string) =>
    Array.from({ length: 10_000 }, (_, i) => `${mark} ${i} \x1b[31m${i % 50 === 0 ? script : ''}`);
  const edit = writer.call('Edit', {
    file_path: `/${script}`,
    old_string: lines('old').join('\n'),
    new_string: lines('new').join('\n'),
  });
  writer.result(edit, { result: 'ok', files: [{ path: `/${script}`, kind: 'write' }] });
  writer.nowMs += 2000;
  writer.prompt(bidi);
  let deep: unknown = script;
  for (let i = 0; i < 2000; i++) deep = { [script]: deep };
  const nested = writer.call('mcp__evil__x', { deep } as never);
  writer.result(nested, { result: `${'x'.repeat(300_000)}\n${script}` }).end();
  for (const width of [1400, 400]) {
    const replay = await open('hostile', { viewport: { width, height: 1200 }, step: 3 });
    const { page } = replay;
    await settled(replay);
    if (width === 1400) {
      await page.keyboard.press('n');
      await page.keyboard.type(`${script}${bidi}`);
      await page.keyboard.press('Control+Enter');
      await page.locator('.notes li').waitFor();
    }
    for (const key of ['', 'j', 'j', 'j']) {
      if (key) await page.keyboard.press(key);
      await settled(replay);
      expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
      expect(await page.locator('main :is(img, script)').count()).toBe(0);
      expect(await sideways(replay)).toBe(0);
      const text = await page.locator('main').textContent();
      expect(text).not.toMatch(/[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069]/);
      expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(2500);
    }
    await page.keyboard.press('Home');
    await settled(replay);
    await replay.screenshot(`replay-hostile-parts-${width}`);
    await healthy(replay);
    await replay.close();
  }
});
