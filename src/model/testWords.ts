/** What test runners say at the end of what they print: many commands hide their exit code (`go test | tail`). Pure. */
import { type Columns, FLAG, TYPE } from './columns.ts';

/** UTF-16 units from the end that are looked at. */
const MOST = 2000;

/** Sums that runners print only where tests failed. */
const FAILED = new RegExp(
  [
    // pytest; unittest.
    String.raw`^=* ?(?:\d+ \w+, )*[1-9]\d* failed\b.{0,120} in [\d.]+s`,
    String.raw`^FAILED \((?:failures|errors)=`,
    // Vitest, Jest.
    String.raw`^[ \t]*(?:Tests?|Test Files|Test Suites):?\s+(?:.{0,60}\s)?[1-9]\d* failed\b`,
    // Mocha; Node; Bun; Deno; Playwright.
    String.raw`^[ \t]*[1-9]\d* failing\s*$`,
    String.raw`^(?:#|ℹ) fail [1-9]\d*\s*$`,
    String.raw`^[ \t]*\d+ pass\s*\n\s*[1-9]\d* fail\s*$`,
    String.raw`^FAILED \| \d+ passed`,
    String.raw`^  [1-9]\d* failed\s*$`,
    // Cargo, nextest; RSpec, ExUnit; Minitest; PHPUnit; .NET; CTest; Swift; Maven, Gradle.
    String.raw`^test result: FAILED\.`,
    String.raw`^[ \t]*Summary \[.{0,80}, [1-9]\d* failed\b`,
    String.raw`^(?:\d+ doctests?, )?\d+ (?:examples?|tests?), [1-9]\d* failures?\b`,
    String.raw`^\d+ (?:runs|tests), \d+ assertions, (?:[1-9]|0 failures, [1-9])`,
    String.raw`^FAILURES!\s*$`,
    String.raw`^[ \t]*(?:Failed!|Test Run Failed)`,
    String.raw`^\d+% tests passed, [1-9]\d* tests? failed\b`,
    String.raw`^[ \t]*Executed \d+ tests?, with [1-9]\d* failures?\b`,
    String.raw`Tests run: \d+, Failures: (?:[1-9]|0, Errors: [1-9])`,
    String.raw`^(?:\[\w+\] )?BUILD FAIL(?:URE|ED)\b`,
  ].join('|'),
  'm',
);
/** Lines about one test, or one package. Tests may print them, too: a sum after them tells more. A task runner may put its name before them: `[test] FAIL`. */
const ONE_FAILED = new RegExp(
  [
    // Go, `--- FAIL: TestA (0.02s)`, `FAIL\tpkg`, `FAIL`.
    String.raw`^(?:\[[^\]\n]{1,60}\] ?)?\s{0,8}(?:--- FAIL: \S|FAIL(?:\t\S.*)?\s*$)`,
    // pytest; Vitest, Jest; TAP, where it is not one that may fail.
    String.raw`^FAILED \S+::\S`,
    String.raw`^ ?FAIL  ?\S+\.\w+(?:\s|$)`,
    String.raw`^not ok \d(?!.*# ?(?:TODO|SKIP)\b)`,
  ].join('|'),
  'gm',
);
/** Sums where none failed. */
const PASSED = new RegExp(
  [
    String.raw`^=* ?\d+ passed\b(?!.* failed).{0,120} in [\d.]+s`,
    String.raw`^[ \t]*Tests:?\s+(?!.* failed)(?:.{0,60}\s)?\d+ passed\b`,
    String.raw`^[ \t]*\d+ passing\b`,
    String.raw`^(?:#|ℹ) fail 0\s*$`,
  ].join('|'),
  'gm',
);
const COLOURS = /\x1b\[[\d;]*m/g;

/** Whether what a test run printed says, at its end, that tests failed. O(1): no more than its end is looked at. */
export function saysTestsFailed(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  const coloured = text.length > MOST ? text.slice(-MOST) : text;
  // Asked of every result of a session: most have no such word.
  const any = ['FAIL', 'fail', 'Fail', 'not ok'].some((word) => coloured.includes(word));
  if (!any) return false;
  const end = coloured.replace(COLOURS, '');
  if (FAILED.test(end)) return true;
  const at = lastOf(ONE_FAILED, end);
  return at >= 0 && lastOf(PASSED, end) < at;
}

/** @returns where the last match begins; -1: there is none */
function lastOf(pattern: RegExp, text: string): number {
  let at = -1;
  for (const match of text.matchAll(pattern)) at = match.index;
  return at;
}

/**
 * Whether a call ran tests of which its result says that they failed. Words count where the exit code is not known, or not the
 * tests' own: tests of a test runner print such words, and pass.
 */
export function ranFailingTests({ type, flags, pair }: Columns, row: number): boolean {
  if (type[row] !== TYPE.tool_call || (flags[row]! & FLAG.test) === 0) return false;
  const result = pair[row]!;
  if (result < 0 || type[result] !== TYPE.tool_result || (flags[result]! & FLAG.test) === 0) {
    return false;
  }
  return (flags[row]! & FLAG.exit) !== 0 || (flags[result]! & FLAG.exit) === 0;
}

/** Whether a step failed: as its agent says, or, of tests, as their own words say. What was denied may bear the same mark. */
export const hasFailed = (columns: Columns, row: number): boolean =>
  (columns.flags[row]! & FLAG.error) !== 0 || ranFailingTests(columns, row);
