/** What test runners say at the end of what they print: many commands hide their exit code (`go test | tail`). Pure. */
import { type Columns, FLAG, TYPE } from './columns.ts';

/** UTF-16 units from the end that are looked at. */
const MOST = 2000;

/** Lines that runners print only where tests failed; a task runner may put its name before them: `[test] FAIL`. */
const FAILED = new RegExp(
  [
    // Go, `--- FAIL: TestA (0.02s)`, `FAIL\tpkg`, `FAIL`.
    String.raw`^(?:\[[^\]\n]{1,60}\] ?)?\s{0,8}(?:--- FAIL: \S|FAIL(?:\t\S.*)?\s*$)`,
    // pytest; unittest.
    String.raw`^=* ?(?:\d+ \w+, )*[1-9]\d* failed\b.{0,120} in [\d.]+s`,
    String.raw`^FAILED (?:\S+::\S|\((?:failures|errors)=)`,
    // Vitest, Jest.
    String.raw`^\s*(?:Tests?|Test Files|Test Suites):?\s+(?:.{0,60}\s)?[1-9]\d* failed\b`,
    // Mocha; Node; TAP; Cargo; RSpec; PHPUnit; .NET; Maven, Gradle.
    String.raw`^\s*[1-9]\d* failing\s*$`,
    String.raw`^(?:#|ℹ) fail [1-9]\d*\s*$`,
    String.raw`^not ok \d`,
    String.raw`^test result: FAILED\.`,
    String.raw`^\d+ examples?, [1-9]\d* failures?\b`,
    String.raw`^FAILURES!\s*$`,
    String.raw`^\s*(?:Failed!|Test Run Failed)`,
    String.raw`Tests run: \d+, Failures: (?:[1-9]|0, Errors: [1-9])`,
    String.raw`\bBUILD FAIL(?:URE|ED)\b`,
  ].join('|'),
  'm',
);

/** Whether what a test run printed says, at its end, that tests failed. O(1): no more than its end is looked at. */
export function saysTestsFailed(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  const end = text.length > MOST ? text.slice(-MOST) : text;
  // Asked of every result of a session: most have no such word.
  const any = ['FAIL', 'fail', 'Fail', 'not ok'].some((word) => end.includes(word));
  return any && FAILED.test(end);
}

/** Whether a call ran tests of which its result says that they failed, whatever its exit code was. */
export function ranFailingTests({ type, flags, pair }: Columns, row: number): boolean {
  if (type[row] !== TYPE.tool_call || (flags[row]! & FLAG.test) === 0) return false;
  const result = pair[row]!;
  return result >= 0 && type[result] === TYPE.tool_result && (flags[result]! & FLAG.test) !== 0;
}

/** Whether a step failed: as its agent says, or, of tests, as their own words say. What was denied may bear the same mark. */
export const hasFailed = (columns: Columns, row: number): boolean =>
  (columns.flags[row]! & FLAG.error) !== 0 || ranFailingTests(columns, row);
