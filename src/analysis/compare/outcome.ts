import { FLAG, TYPE } from '../../model/columns.ts';
import type { TraceEvent } from '../../model/event.ts';
import type { SessionFold } from '../../model/fold.ts';
import { hash52 } from '../../model/ids.ts';
import { shownCommand } from '../../model/scriptCommand.ts';
import { STEP_KINDS } from '../../model/step.ts';
import { testRun } from '../../model/testCommand.ts';

import type { AnalysedSession } from '../analysed.ts';
import { ACTIVITY, classOf } from '../phases/units.ts';
import type { ChangedFile, Outcome } from './comparison.ts';
import { relative, type StepKeys } from './stepKeys.ts';

const RUN = STEP_KINDS.indexOf('run');
const MODIFY = STEP_KINDS.indexOf('modify');
const ASSISTANT = STEP_KINDS.indexOf('assistant');
const REASONING = STEP_KINDS.indexOf('reasoning');
const MOST_ERRORS = 20;

/** How a session came out. Reads three bodies. */
export function sessionOutcome(session: AnalysedSession, live: boolean): Outcome {
  const { fold } = session;
  const { columns, steps } = fold;
  const outcome: Outcome = {
    ending: 'cut',
    tests: 'none',
    testStep: -1,
    untested: 0,
    commits: 0,
    errorsLeft: 0,
    errorSteps: [],
    filesChanged: fold.files.summaries().filter(({ writes }) => writes > 0).length,
    unknownChanges: fold.files.unknownCommands,
    edits: 0,
    retries: fold.retries.retries,
    denied: fold.counts.denied,
    answerKey: 0,
    answerStep: -1,
  };
  let workStep = -1;
  for (let step = steps.length - 1; step >= 0; step--) {
    const row = steps.row(step);
    const flags = columns.flags[row]!;
    const kind = columns.kind[row]!;
    const isCall = columns.type[row] === TYPE.tool_call;
    const failed = (flags & (FLAG.error | FLAG.denied)) !== 0;
    if (isCall && workStep < 0 && columns.lane[row] === 0) workStep = step;
    if (kind === ASSISTANT && outcome.answerStep < 0 && columns.lane[row] === 0) {
      outcome.answerStep = step;
    }
    if ((flags & FLAG.commit) !== 0 && !failed) outcome.commits++;
    if ((flags & FLAG.test) !== 0 && (flags & FLAG.denied) === 0 && outcome.testStep < 0) {
      outcome.testStep = step;
    }
    if (kind === MODIFY && !failed) {
      outcome.edits++;
      if (outcome.testStep < 0) outcome.untested++;
    }
    // A file that is not there, a search without a match: no failure of the work.
    const worked = kind === RUN && isCall && classOf(fold, row) !== ACTIVITY.explore;
    if (worked && failed && columns.nextSame[row]! < 0) {
      outcome.errorsLeft++;
      if (outcome.errorSteps.length < MOST_ERRORS) outcome.errorSteps.push(step);
    }
  }
  if (outcome.testStep < 0) outcome.untested = 0;
  else readTests(session, outcome);
  outcome.ending = live ? 'running' : ended(fold, outcome.answerStep, workStep);
  if (outcome.answerStep >= 0) {
    const [event] = session.readEvents([steps.row(outcome.answerStep)]);
    const said = event?.data.text;
    if (typeof said === 'string') outcome.answerKey = hash52(said.replace(/\s+/g, ' ').trim());
  }
  return outcome;
}

function ended(fold: SessionFold, answer: number, work: number): Outcome['ending'] {
  const { session } = fold;
  if (session.turnEndMs > 0 && session.turnEndMs >= Math.max(session.promptMs, session.workMs)) {
    return 'answered';
  }
  // Without the end of a turn: it said something after its last work, and was not prompted since.
  const row = answer < 0 ? -1 : fold.steps.row(answer);
  const last = row >= 0 && fold.columns.timeMs[row]! >= session.promptMs;
  return last && answer > work && fold.columns.kind[row] !== REASONING ? 'answered' : 'cut';
}

function readTests(session: AnalysedSession, outcome: Outcome): void {
  const { columns, steps } = session.fold;
  const row = steps.row(outcome.testStep);
  const flags = columns.flags[row]!;
  const [call, result] = session.readEvents([row, columns.pair[row]!]);
  const args = call?.data.arguments;
  const command =
    typeof args === 'object' && args !== null && !Array.isArray(args)
      ? shownCommand(args)
      : undefined;
  const said = result === undefined ? '' : resultText(result);
  const counts = testCounts(said);
  if (counts.passed !== undefined) outcome.passed = counts.passed;
  if (counts.failed !== undefined) outcome.failed = counts.failed;
  if (columns.pair[row]! < 0) outcome.tests = 'unknown';
  else if ((flags & FLAG.error) !== 0 || (counts.failed ?? 0) > 0) outcome.tests = 'failed';
  else if (counts.passed === 0 || (counts.passed === undefined && ranNone(said))) {
    outcome.tests = 'unknown';
  }
  // `pytest | tail` ends with the exit code of `tail`.
  else if (command !== undefined && testRun(command) === 'hidden') {
    outcome.tests = counts.passed === undefined ? 'unknown' : 'passed';
  } else outcome.tests = 'passed';
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

interface Side {
  session: AnalysedSession;
  keys: StepKeys;
}

/** The files that either session changed; those that both changed first, then by path. */
export function changedFiles(a: Side, b: Side): ChangedFile[] {
  const files = new Map<string, ChangedFile>();
  const [madeA, madeB] = [changesOf(a.keys), changesOf(b.keys)];
  for (const name of ['a', 'b'] as const) {
    const { fold } = (name === 'a' ? a : b).session;
    for (const { path, writes, added, removed } of fold.files.summaries()) {
      if (writes === 0) continue;
      const shown = relative(path, fold.session.cwd);
      const file = files.get(shown) ?? { path: shown, content: 'oneSide' };
      files.set(shown, file);
      file[name] = { added, removed, edits: writes };
    }
  }
  for (const file of files.values()) {
    if (!file.a || !file.b) continue;
    const key = hash52('modify', file.path);
    const ours = madeA.get(key);
    // The same changes in the same order, and none by a command: the same text came of it.
    file.content =
      ours !== undefined &&
      ours.hash === madeB.get(key)?.hash &&
      ours.count === file.a.edits &&
      ours.count === file.b.edits
        ? 'same'
        : 'unknown';
  }
  const both = ({ a: one, b: other }: ChangedFile): number => (one && other ? 0 : one ? 1 : 2);
  return [...files.values()].sort((x, y) => both(x) - both(y) || (x.path < y.path ? -1 : 1));
}

/** Paths of the files that both changed, and of which the traces do not tell whether they ended the same. */
export const untoldFiles = (a: Side, b: Side): string[] =>
  changedFiles(a, b)
    .filter(({ content }) => content === 'unknown')
    .map(({ path }) => path);

/** By file, what its changes were, in order. */
function changesOf(keys: StepKeys): Map<number, { hash: number; count: number }> {
  const made = new Map<number, { hash: number; count: number }>();
  for (let step = 0; step < keys.length; step++) {
    if (keys.failed[step] === 1) continue;
    const target = keys.target[step]!;
    // A read and a run have keys of their own, so that only changes meet here.
    if (target === 0 || keys.exact[step] === target) continue;
    const before = made.get(target);
    made.set(target, {
      hash: hash52(String(before?.hash ?? 0), String(keys.exact[step])),
      count: (before?.count ?? 0) + 1,
    });
  }
  return made;
}
