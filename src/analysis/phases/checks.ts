import { FLAG, TYPE } from '../../model/columns.ts';
import type { TraceEvent } from '../../model/event.ts';
import { commandIn } from '../../model/scriptCommand.ts';
import { testRun } from '../../model/testCommand.ts';
import { ranFailingTests } from '../../model/testWords.ts';
import type { AnalysedSession } from '../analysed.ts';

/** What the tests said, and what was done after them. Steps are 0-based, -1: none. */
export interface Checks {
  runs: number;
  /** Of the last run. */
  lastStep: number;
  /**
   * `empty`: it ran no test, however well it ended. `hidden`: `pytest | tail` ends with the exit code of `tail`, and
   * what it printed does not tell. `running`: it has no result.
   */
  last: 'passed' | 'failed' | 'empty' | 'hidden' | 'running' | 'none';
  /** As the runner said, of the last run. */
  passed?: number;
  failed?: number;
  /** Files were changed so often, and so often after it: also where the trace does not tell which. */
  edits: number;
  editsAfter: number;
  /** Steps that committed, the last one. */
  commitStep: number;
  commits: number;
}

/** One walk over the steps; reads two bodies. */
export function sessionChecks(session: AnalysedSession): Checks {
  const { columns, steps } = session.fold;
  const checks: Checks = {
    runs: 0,
    lastStep: -1,
    last: 'none',
    edits: 0,
    editsAfter: 0,
    commitStep: -1,
    commits: 0,
  };
  for (let step = 0; step < steps.length; step++) {
    const row = steps.row(step);
    const flags = columns.flags[row]!;
    if ((flags & (FLAG.denied | FLAG.subagent)) !== 0) continue;
    if ((flags & (FLAG.edit | FLAG.error)) === FLAG.edit) {
      checks.edits++;
      checks.editsAfter++;
    }
    if (columns.type[row] !== TYPE.tool_call) continue;
    if ((flags & FLAG.test) !== 0) {
      checks.runs++;
      checks.lastStep = step;
      checks.editsAfter = 0;
    }
    const ended = columns.pair[row]! >= 0 && (flags & FLAG.closed) === 0;
    if (ended && (flags & (FLAG.commit | FLAG.error)) === FLAG.commit) {
      checks.commits++;
      checks.commitStep = step;
    }
  }
  if (checks.lastStep >= 0) readTests(session, checks);
  return checks;
}

function readTests(session: AnalysedSession, checks: Checks): void {
  const { columns, steps } = session.fold;
  const row = steps.row(checks.lastStep);
  const [call, result] = session.readEvents([row, columns.pair[row]!]);
  const said = result === undefined ? '' : resultText(result);
  const { passed, failed } = testCounts(said);
  const flags = columns.flags[row]!;
  // What tests print may speak of failures, too: where their own exit code was told, it says more.
  const told = (flags & FLAG.exit) === 0 && result?.data.exit_code === 0;
  const failing =
    (flags & FLAG.error) !== 0 || ranFailingTests(columns, row) || (!told && (failed ?? 0) > 0);
  if (passed !== undefined) checks.passed = passed;
  if (failed !== undefined && (failing || failed === 0)) checks.failed = failed;
  if (failing) checks.last = 'failed';
  else if (columns.pair[row]! < 0 || (flags & FLAG.closed) !== 0) checks.last = 'running';
  else if (passed === 0 || (passed === undefined && ranNone(said))) checks.last = 'empty';
  else if (passed === undefined && testRun(commandIn(call?.data) ?? '') === 'hidden')
    checks.last = 'hidden';
  else checks.last = 'passed';
}

function resultText({ data }: TraceEvent): string {
  const { result, error } = data;
  const text = typeof result === 'string' ? result : typeof error === 'string' ? error : '';
  // Runners sum up at the end.
  return text.length > MAX_RESULT ? text.slice(-MAX_RESULT) : text;
}

const MAX_RESULT = 20_000;

/** What a test runner says at its end: `31 passed`, `2 failed`. */
export function testCounts(text: string): { passed?: number; failed?: number } {
  const last = (pattern: RegExp): number | undefined => {
    let found: number | undefined;
    for (const [, digits = ''] of text.matchAll(pattern)) found = Number(digits);
    return found !== undefined && found < 10_000_000 ? found : undefined;
  };
  // Vitest and Jest count files first: `Tests  31 passed` is the later line. `ℹ pass 12` is Node's.
  const passed = last(/\b(\d{1,8}) (?:tests? )?pass(?:ed|ing)\b/g) ?? last(/^\W*pass (\d{1,8})$/gm);
  const failed =
    last(/\b(\d{1,8}) (?:tests? )?fail(?:ed|ing|ures?)\b/g) ?? last(/^\W*fail (\d{1,8})$/gm);
  return {
    ...(passed === undefined ? {} : { passed }),
    ...(failed === undefined ? {} : { failed }),
  };
}

/** A runner that found nothing to run, and may end well all the same. */
const ranNone = (text: string): boolean =>
  /\bno tests? (?:files? )?(?:were )?(?:found|ran|to run|collected|executed)\b|\bcollected 0 items\b|\[no test files\]|\bran 0 tests\b/i.test(
    text,
  ) && !/^ok\s+\S+\s+(?:[\d.]+s|\(cached\))/m.test(text);
