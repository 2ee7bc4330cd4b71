import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cut } from '../../../src/model/text.ts';
import { claudeRun, codexRun, PAIR_PROMPT } from '../../comparePair.ts';
import { TraceWriter } from '../../traceWriter.ts';
import { tree } from '../sessionsView.ts';
import { Workbench } from '../workbench.ts';

let workbench: Workbench | undefined;
let scratch: string;
let project: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'agent-strace-compare-'));
  project = join(scratch, 'api');
  mkdirSync(join(project, '.agent-traces'), { recursive: true });
});
afterEach(async () => {
  await workbench?.close();
  workbench = undefined;
  rmSync(scratch, { recursive: true, force: true });
});

const TAB = `Compare: ${cut(PAIR_PROMPT, 40)}`;

test('two sessions are compared, and the comparison is there again after a reload', async () => {
  const traceDir = join(project, '.agent-traces');
  const nowMs = Date.now();
  claudeRun(new TraceWriter(traceDir, 'claude-run', { startMs: nowMs - 3_600_000 }));
  codexRun(new TraceWriter(traceDir, 'codex-run', { startMs: nowMs - 1_800_000 }));

  workbench = await Workbench.open(project, { viewport: { width: 1500, height: 950 } });
  const { page } = workbench;
  await workbench.statusBarText('done');
  await workbench.runCommand('Agent Strace: Compare Sessions');
  // The first is picked; there is but one other.
  await page
    .locator('.quick-input-list .monaco-list-row')
    .filter({ hasText: 'Claude Code' })
    .click();
  await page.locator('.tab').filter({ hasText: 'Compare:' }).waitFor();
  let frame = await workbench.webviewFrame(TAB);
  await frame.getByText(/^B did the same job/).waitFor();
  await frame.locator('.step-row.divergence').first().waitFor();
  await workbench.screenshot('compare');

  await workbench.reload();
  frame = await workbench.webviewFrame(TAB);
  await frame.getByText(/^B did the same job/).waitFor({ timeout: 60_000 });

  // A step opens in the replay of its session.
  await frame.locator('.step-row.divergence .side').first().click();
  await page.locator('.tab').filter({ hasText: 'Replay:' }).waitFor();
  expect(await page.locator('.tab').filter({ hasText: 'Compare:' }).count()).toBe(1);
  // Until it is there it takes the focus away from whatever has it.
  const replay = await workbench.webviewFrame(`Replay: ${cut(PAIR_PROMPT, 40)}`);
  await replay.locator('li.current').waitFor();

  // Two that are selected in the list are compared, the older one first: the tab that is there is shown.
  await workbench.openView('Sessions');
  const rows = tree(page).getByRole('treeitem').filter({ hasText: 'Rate limit' });
  await rows.nth(1).waitFor();
  await rows.nth(0).click();
  await rows.nth(1).click({ modifiers: ['ControlOrMeta'] });
  await rows.nth(1).click({ button: 'right' });
  const entry = page.getByRole('menuitem', { name: 'Compare Sessions' });
  await entry.waitFor();
  await page.waitForTimeout(300);
  expect(await page.getByRole('menuitem', { name: 'Delete' }).count()).toBe(0);
  await entry.click();
  await page.locator('.tab.active').filter({ hasText: 'Compare:' }).waitFor();
  expect(await page.locator('.tab').filter({ hasText: 'Compare:' }).count()).toBe(1);
});
