// What vitest's JSON reports say, in the lines that stand at the end of `npm test`.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/**
 * @typedef {object} Tried a test that failed at least once
 * @property {string} name `file › name`, the file from the root
 * @property {string[]} message the first lines of what it said
 */

/**
 * @typedef {object} TierReport
 * @property {number} passed
 * @property {number} failed tests, and files that could not be loaded
 * @property {Tried[]} failures one for each that failed
 * @property {Tried[]} second tests that passed at the second attempt, with what the first one said
 * @property {{ name: string, ms: number }[]} timed all tests that ran
 */

/**
 * @typedef {object} Json vitest's report, as far as it is read
 * @property {number} numPassedTests
 * @property {{ name: string, status: string, message: string, assertionResults: {
 *   fullName: string, status: string, duration?: number, failureMessages: string[] }[] }[]} testResults
 */

/** @param {string} file @param {string} root @returns {TierReport} */
export const readReport = (file, root) =>
  reportOf(/** @type {Json} */ (JSON.parse(readFileSync(file, 'utf8'))), root);

/**
 * @param {Json} json
 * @param {string} root
 * @returns {TierReport}
 */
export function reportOf(json, root) {
  /** @type {TierReport} */
  const report = { passed: json.numPassedTests, failed: 0, failures: [], second: [], timed: [] };
  for (const { name: path, status, message, assertionResults } of json.testResults) {
    const file = relative(root, path).replaceAll('\\', '/');
    // A file that does not load, or whose hooks fail, has no failed test of its own.
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (status === 'failed' && failed.length === 0) {
      report.failures.push({ name: file, message: firstLines(message || 'it did not finish') });
    }
    for (const test of assertionResults) {
      const name = `${file} › ${test.fullName.trim()}`;
      if (test.duration !== undefined) report.timed.push({ name, ms: test.duration });
      const messages = test.failureMessages;
      if (test.status === 'failed') {
        report.failures.push({ name, message: firstLines(messages.at(-1) ?? '') });
      } else if (test.status === 'passed' && messages.length > 0) {
        report.second.push({ name, message: firstLines(messages[0] ?? '') });
      }
    }
  }
  report.failed = report.failures.length;
  return report;
}

const most = 6;

/**
 * What a person needs of an error: what it says, and the first place that is ours.
 * @param {string} text a message, or a stack
 */
function firstLines(text) {
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  const stack = lines.findIndex((line) => /^\s+at /.test(line));
  const said = stack < 0 ? lines : lines.slice(0, stack);
  const ours =
    stack < 0 ? undefined : lines.slice(stack).find((line) => !/node_modules|node:/.test(line));
  const kept = said.slice(0, most);
  if (said.length > most) kept.push('…');
  return ours ? [...kept, ours] : kept;
}

/**
 * The lines for the end: the slowest tests, those that needed a second attempt, and last those that failed.
 * @param {readonly Omit<TierReport, 'passed' | 'failed'>[]} reports
 * @param {number} slowest how many of them
 * @returns {string[]}
 */
export function closingLines(reports, slowest = 10) {
  const slow = reports
    .flatMap(({ timed }) => timed)
    .sort((a, b) => b.ms - a.ms)
    .slice(0, slowest)
    .map(({ name, ms }) => `  ${(ms / 1000).toFixed(1).padStart(6)} s  ${name}`);
  return [
    ...section('slowest:', slow),
    ...section(
      'at the second attempt:',
      reports.flatMap(({ second }) => second.flatMap(told)),
    ),
    ...section(
      'failed:',
      reports.flatMap(({ failures }) => failures.flatMap(told)),
    ),
  ];
}

/** @param {string} title @param {string[]} lines */
const section = (title, lines) => (lines.length ? [title, ...lines] : []);

/** @param {Tried} tried */
const told = ({ name, message }) => [`  ${name}`, ...message.map((line) => `      ${line}`)];
