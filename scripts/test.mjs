// npm test: lint, types, build, then the tiers, each with its own report; the last line sums them up, and before
// it stand the tests that failed and those that passed at the second attempt.
//   npm test                 everything
//   npm test -- unit page    only these tiers (and what they need)
// Outside CI, a tier that lacks something is skipped with a line that says what; with CI=true it fails.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureSetup, root } from './setup.mjs';
import { closingLines, readReport } from './testReport.mjs';

const minute = 60_000;

/**
 * @typedef {object} Tier
 * @property {import('./setup.mjs').Need[]} needs
 * @property {number} timeout ms; it is killed after that
 */

/** @type {Record<string, Tier>} */
const tiers = {
  unit: { needs: [], timeout: 10 * minute },
  cli: { needs: [], timeout: 5 * minute },
  page: { needs: ['chromium'], timeout: 10 * minute },
  vscode: { needs: ['chromium', 'vscode'], timeout: 20 * minute },
  agents: {
    needs: ['claude', 'codex', 'gemini', 'copilot', 'opencode'],
    timeout: 15 * minute,
  },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !tiers[name]);
if (unknown.length) {
  console.error(`no such tier: ${unknown.join(', ')}; there are ${Object.keys(tiers).join(', ')}`);
  process.exit(2);
}
const chosen = Object.entries(tiers).filter(([name]) => !asked.length || asked.includes(name));
const needs = chosen.flatMap(([, tier]) => tier.needs);

const missing = await ensureSetup(needs);
const { killTree } = await import('../test/processes.ts');
const inCi = ['1', 'true'].includes(process.env.CI ?? '');
const results = join(root, 'test-results');
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

let passed = 0;
let failed = 0;
/** @type {string[]} */
const summary = [];
/** @type {Omit<import('./testReport.mjs').TierReport, 'passed' | 'failed'>[]} */
const reports = [];

if (!asked.length) {
  await step('lint', 'npm', ['run', '--silent', 'lint']);
  await step('types', 'node', ['scripts/typecheck.mjs']);
}
// What is tested is what ships: the minified build within its size budgets, and the package.
const script = chosen.some(([name]) => name === 'vscode') ? 'scripts/package.mjs' : 'esbuild.mjs';
const built = await step('build', 'node', [script, '--production']);
for (const [name, tier] of chosen) await runTier(name, tier);

const closing = [...summary, ...closingLines(reports), `${passed} passed, ${failed} failed`];
console.log(`\n${closing.join('\n')}`);
process.exit(failed ? 1 : 0);

/**
 * Runs a command that counts as one test.
 * @param {string} name
 * @param {string} command
 * @param {string[]} args
 */
async function step(name, command, args) {
  const started = Date.now();
  const problem = await run(command, args, 10 * minute);
  report(name, problem ? 0 : 1, problem ? 1 : 0, started, problem);
  return !problem;
}

/**
 * @param {string} name
 * @param {Tier} tier
 */
async function runTier(name, tier) {
  const started = Date.now();
  const reasons = tier.needs.flatMap((need) => missing[need] ?? []);
  if (reasons.length && !inCi) {
    summary.push(`${name.padEnd(8)}skipped: ${reasons.join('; ')}`);
    return;
  }
  if (reasons.length) return report(name, 0, 1, started, reasons.join('; '));
  if (!built && name !== 'unit') return report(name, 0, 1, started, 'there is no build');
  const file = join(results, `${name}.json`);
  // Most tests drive real programs, and CI draws no new cases (test/seed.ts): what a second attempt mends was not
  // the change, and the end names it.
  const args = ['run', `--project=${name}`, '--retry=1', '--reporter=default', '--reporter=json'];
  const problem = await run('vitest', [...args, `--outputFile.json=${file}`], tier.timeout);
  const got = existsSync(file) ? readReport(file, root) : undefined;
  if (got) reports.push(got);
  // Errors outside any test (an unhandled one, a leak, a tier that hung) fail the tier as well.
  const bad = got?.failed || (problem ? 1 : 0);
  report(name, got?.passed ?? 0, bad, started, problem, !got?.failed);
}

/**
 * @param {string} name
 * @param {number} good
 * @param {number} bad
 * @param {number} started ms since the epoch
 * @param {string} [problem]
 * @param {boolean} [unnamed] no failed test says what the problem was
 */
function report(name, good, bad, started, problem, unnamed = true) {
  passed += good;
  failed += bad;
  if (problem && unnamed) {
    const message = [`${problem}; see its output above`];
    reports.push({ failures: [{ name, message }], second: [], timed: [] });
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const why = problem ? ` (${problem})` : '';
  summary.push(`${name.padEnd(8)}${good} passed, ${bad} failed in ${seconds} s${why}`);
  console.log(summary.at(-1));
}

/**
 * Runs a program and returns what went wrong with it, if anything.
 * @param {string} command
 * @param {string[]} args
 * @param {number} timeout ms
 * @returns {Promise<string | undefined>}
 */
async function run(command, args, timeout) {
  console.log(`\n— ${[command, ...args].join(' ')}`);
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killTree(child);
  }, timeout);
  const problem = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(code === 0 ? undefined : `exit ${code ?? signal}`));
  });
  clearTimeout(timer);
  return late ? `hung: killed after ${timeout / minute} minutes` : problem;
}
