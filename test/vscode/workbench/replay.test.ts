import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { decodeLine } from '../../../src/model/decode.ts';
import { SessionFold } from '../../../src/model/fold.ts';
import type { FileSummary } from '../../../src/model/slices/files.ts';
import { EVENTS_FILE } from '../../../src/trace/session.ts';
import { TraceWriter } from '../../traceWriter.ts';
import { Workbench } from '../workbench.ts';

let workbench: Workbench | undefined;
let scratch: string;
let project: string;
let traceDir: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'agent-strace-replay-'));
  project = join(scratch, 'payments-api');
  traceDir = join(project, '.agent-traces');
  mkdirSync(join(project, 'src'), { recursive: true });
  writeFileSync(join(project, 'src', 'webhook.py'), 'def handle(event):\n    charge(event)\n');
});
afterEach(async () => {
  await workbench?.close();
  workbench = undefined;
  rmSync(scratch, { recursive: true, force: true });
});

function foldOf(lines: readonly string[]): SessionFold {
  const fold = new SessionFold();
  for (const line of lines) {
    const decoded = decodeLine(line);
    if (decoded.ok) fold.add(decoded.event);
  }
  return fold;
}

test('a session is replayed, and the replay is there again after a reload', async () => {
  const path = join(project, 'src', 'webhook.py');
  const writer = new TraceWriter(traceDir, 'main', {
    startMs: Date.now() - 600_000,
    cwd: project,
  });
  writer.start().prompt('Make webhook retries idempotent');
  for (let i = 0; i < 3; i++) {
    const read = writer.call('Read', { file_path: path });
    writer.result(read, { files: [{ path, kind: 'read', ranges: [[1, 2]] }] }).usage([read]);
    const run = writer.call('Bash', { command: `pytest -k ${i}` });
    writer.result(run, { exit_code: 1, is_error: true, result: `${i} failed` }).usage([run]);
  }
  writer.end();
  // A second session: the person picks.
  new TraceWriter(traceDir, 'other').start().prompt('Something else').end();

  workbench = await Workbench.open(project, { viewport: { width: 1700, height: 950 } });
  const { page } = workbench;
  await workbench.statusBarText('done');
  await workbench.runCommand('Agent Strace: Replay Session');
  await page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'webhook' }).click();
  await page.locator('.tab').filter({ hasText: 'Replay: Make webhook retries' }).waitFor();
  let frame = await workbench.webviewFrame('Replay: Make webhook retries idempotent');
  await frame.locator('.count').getByText('step 1 of').waitFor();
  await frame.locator('.step-button').filter({ hasText: 'pytest -k 1' }).click();
  await frame.getByText('2 errors, 0 denied so far').waitFor();
  await frame.getByText('1 failed').first().waitFor();
  await workbench.screenshot('replay');

  // What it says is what a fold over the events to there says, and not what one over all says.
  const lines = readFileSync(join(traceDir, 'main', EVENTS_FILE), 'utf8')
    .trimEnd()
    .split('\n');
  const shown = lines.findIndex((line) => line.includes('pytest -k 1'));
  // The call's own result and response follow it.
  const toThere = foldOf(lines.slice(0, shown + 3));
  expect(toThere.counts.errors).toBe(2);
  const [{ reads }] = toThere.files.summaries() as [FileSummary];
  expect(await frame.locator('.files tbody tr').textContent()).toMatch(
    new RegExp(`webhook\\.py×${reads}–`),
  );
  expect(foldOf(lines).files.summaries()[0]?.reads).toBe(reads + 1);

  // A file of the list opens as it was after this step, and as it is now.
  await frame.locator('.files button.file').click();
  await page.locator('.tab.active').filter({ hasText: 'webhook.py (step ' }).waitFor();
  await page.locator('.tab').filter({ hasText: 'Replay:' }).click();
  frame = await workbench.webviewFrame('Replay: Make webhook retries idempotent');
  await frame.getByRole('button', { name: /webhook\.py as it is now$/ }).click();
  await page
    .locator('.tab.active')
    .filter({ hasText: /^webhook\.py$/ })
    .waitFor();
  await page.locator('.tab').filter({ hasText: 'Replay:' }).click();
  // Hidden and shown again, and after a reload of the window, it is at the same step.
  for (const reload of [false, true]) {
    if (reload) await workbench.reload();
    frame = await workbench.webviewFrame('Replay: Make webhook retries idempotent');
    await frame.getByText('2 errors, 0 denied so far').waitFor({ timeout: 60_000 });
    expect(await frame.locator('li.current').textContent()).toContain('pytest -k 1');
  }
  await workbench.screenshot('replay-reloaded');
  // A second command for the same session shows the tab that is there.
  await workbench.runCommand('Agent Strace: Replay Session');
  await page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'webhook' }).click();
  await page.waitForTimeout(500);
  expect(await page.locator('.tab').filter({ hasText: 'Replay:' }).count()).toBe(1);
});
