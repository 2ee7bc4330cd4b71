// What marks cost at a keystroke, in a real VS Code (node test/bench/marks.mjs, after npm run package): 200 open
// editors of 2,000 lines, 5,000 files that the session touched; with marks on and off by turns.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/setup.mjs';
import { AgentHand } from '../agentHand.ts';
import { TraceWriter } from '../traceWriter.ts';
import { bundleForHost, runInHost } from '../vscode/runHostTests.ts';
import { quantile } from './stats.mjs';

const OPEN = 200;
const TOUCHED = 5000;
const LINES = 2000;
const EDITS = 20;
/** One frame. */
const budgetMs = 16;

/** @returns {Promise<{ what: string, value: string, aim?: string, ok: boolean }[]>} */
export async function benchMarks() {
  const folder = mkdtempSync(join(tmpdir(), 'agent-strace-bench-'));
  try {
    prepare(folder);
    const bundle = join(root, '.cache', 'host-tests', 'marks-bench.cjs');
    await bundleForHost("export { run } from './test/bench/marksHost.ts';", bundle);
    const { code, log } = await runInHost(folder, bundle, 300_000);
    const line = log.find((text) => text.startsWith('AGENT_STRACE_BENCH '));
    if (!line) throw new Error(`the extension host ended with code ${code}:\n${log.join('\n')}`);
    return rowsOf(JSON.parse(line.slice('AGENT_STRACE_BENCH '.length)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A project, and a session that read every open file whole and changed 20 places in it. @param {string} folder */
function prepare(folder) {
  // Moved there at the end: the extension must not start before its listeners can be timed.
  const writer = new TraceWriter(join(folder, 'traces'), 'bench', { cwd: folder });
  const hand = new AgentHand(writer.start().prompt('Measure'));
  mkdirSync(join(folder, 'src'));
  for (let file = 0; file < OPEN; file++) {
    const path = join(folder, 'src', `open${file}.ts`);
    const lines = Array.from({ length: LINES }, (_, at) => `const value${at} = ${at};`);
    writeFileSync(path, `${lines.join('\n')}\n`);
    hand.read(path);
    for (let n = 0; n < EDITS; n++) {
      const at = n * 90 + 10;
      hand.edit(path, `const value${at} = ${at};`, `const value${at} = f(${at});\n// changed`);
    }
  }
  for (let file = OPEN; file < TOUCHED; file++) {
    const path = join(folder, 'lib', `closed${file}.ts`);
    const call = writer.call('Read', { file_path: path });
    writer.result(call, { files: [{ path, kind: 'read' }] });
  }
  renameSync(join(folder, 'traces'), join(folder, '.agent-traces-later'));
}

/** @param {{ on: { own: number, whole: number }[], off: { own: number, whole: number }[], paints: number }} measured */
function rowsOf({ on, off, paints }) {
  const ms = (/** @type {number} */ value) => `${value.toFixed(2)} ms`;
  return [
    ...rows('marks on', on, true),
    ...rows('marks off', off, false),
    { what: 'editors given new marks', value: `${paints} times`, ok: true },
  ];

  /** @param {string} name @param {{ own: number, whole: number }[]} times @param {boolean} aimed */
  function rows(name, times, aimed) {
    const own = times.map((time) => time.own);
    const whole = times.map((time) => time.whole);
    const p95 = quantile(own, 0.95);
    return [
      { what: `${name}: own work, p50`, value: ms(quantile(own, 0.5)), ok: true },
      {
        what: `${name}: own work, p95`,
        value: ms(p95),
        ...(aimed && { aim: `≤ ${budgetMs} ms` }),
        ok: !aimed || p95 <= budgetMs,
      },
      { what: `${name}: own work, longest`, value: ms(Math.max(...own)), ok: true },
      { what: `${name}: edit taken, p50`, value: ms(quantile(whole, 0.5)), ok: true },
      { what: `${name}: edit taken, p95`, value: ms(quantile(whole, 0.95)), ok: true },
    ];
  }
}

if (process.argv[1] === import.meta.filename) {
  const rows = await benchMarks();
  for (const { what, value, aim = '' } of rows) console.log(`${what.padEnd(32)}${value}  ${aim}`);
  process.exit(rows.every(({ ok }) => ok) ? 0 : 1);
}
