// Measures the extension in a real VS Code (node test/bench/host.mjs, after npm run package): its activation,
// and the time from an append to the trace until the status bar on the screen says so.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/setup.mjs';
import { launchChromium } from '../browser.ts';
import { TraceWriter } from '../traceWriter.ts';
import { CodeServer, installExtension } from '../vscode/codeServer.ts';

const budget = { activationMs: 100, p95Ms: 150 };

/**
 * @param {{ appends?: number, vsix?: string }} [options]
 * @returns {Promise<{ what: string, value: string, aim?: string, ok: boolean }[]>}
 */
export async function benchHost(options = {}) {
  const vsix = options.vsix ?? join(root, 'dist', 'agent-strace.vsix');
  if (!existsSync(vsix)) throw new Error('there is no dist/agent-strace.vsix: npm run package');
  const scratch = mkdtempSync(join(tmpdir(), 'agent-strace-bench-'));
  const project = join(scratch, 'project');
  const extensionsDir = join(scratch, 'extensions');
  mkdirSync(project);
  await installExtension(vsix, extensionsDir);
  const writer = new TraceWriter(join(project, '.agent-traces'), 'bench', { cwd: project });
  writer.start().prompt('Measure');
  const server = await CodeServer.start({ extensionsDir });
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(server.url(project));
    await page
      .locator('.statusbar-item')
      .filter({ hasText: 'Thinking' })
      .waitFor({ timeout: 60_000 });
    await page.evaluate(watchStatusBar);
    // What VS Code does right after it started is not measured.
    await wait(5000);
    const times = [];
    for (let n = 0; n < (options.appends ?? 60); n++) {
      const tool = `Tool${n}x`;
      writer.nowMs = Date.now();
      const appended = Date.now();
      writer.call(tool, { text: `${n}` });
      times.push((await page.evaluate(shownAt, tool)) - appended);
      await wait(250 + Math.random() * 500);
    }
    times.sort((a, b) => a - b);
    const at = (/** @type {number} */ share) =>
      times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
    const activationMs = await activation(page);
    const p95Ms = at(0.95);
    return [
      {
        what: 'activation',
        value: `${activationMs} ms`,
        aim: `≤ ${budget.activationMs} ms`,
        ok: activationMs <= budget.activationMs,
      },
      { what: 'append → status bar, p50', value: `${at(0.5)} ms`, ok: true },
      {
        what: 'append → status bar, p95',
        value: `${p95Ms} ms`,
        aim: `≤ ${budget.p95Ms} ms`,
        ok: p95Ms <= budget.p95Ms,
      },
      { what: 'append → status bar, longest', value: `${at(1)} ms`, ok: true },
    ];
  } finally {
    await browser.close();
    await server.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Runs in the page: notes when which text was first seen. */
function watchStatusBar() {
  const seen = [];
  Object.assign(window, { seen });
  const bar = document.querySelector('.part.statusbar');
  if (!bar) throw new Error('there is no status bar');
  new MutationObserver(() => seen.push({ at: Date.now(), text: bar.textContent ?? '' })).observe(
    bar,
    {
      subtree: true,
      childList: true,
      characterData: true,
    },
  );
}

/** Runs in the page. @param {string} tool @returns {Promise<number>} ms since the epoch */
async function shownAt(tool) {
  for (;;) {
    const first = window.seen.find(({ text }) => text.includes(tool));
    if (first) return first.at;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/**
 * What VS Code itself says of our activation, ms.
 * @param {import('playwright-core').Page} page
 */
async function activation(page) {
  await page.keyboard.press('F1');
  const box = page.locator('.quick-input-widget input').first();
  await box.waitFor();
  await box.fill('>Developer: Show Running Extensions');
  await page
    .locator('.quick-input-list .monaco-list-row')
    .filter({ hasText: 'Show Running Extensions' })
    .first()
    .click();
  const row = page
    .locator('.runtime-extensions-editor .extension')
    .filter({ hasText: 'Agent Strace' });
  await row.waitFor({ timeout: 30_000 });
  const text = (await row.textContent()) ?? '';
  const ms = /Activation:\s*(\d+)\s*ms/.exec(text)?.[1];
  if (ms === undefined) throw new Error(`no activation time in: ${text}`);
  return Number(ms);
}

/** @param {number} ms */
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

if (process.argv[1] === import.meta.filename) {
  const rows = await benchHost();
  for (const { what, value, aim = '' } of rows) console.log(`${what.padEnd(32)}${value}  ${aim}`);
  process.exit(rows.every(({ ok }) => ok) ? 0 : 1);
}
