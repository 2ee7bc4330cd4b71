import { TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { hash52 } from '../../model/ids.ts';
import { STEP_KINDS } from '../../model/step.ts';
import type { AnalysedSession } from '../analysed.ts';
import { type Checks, sessionChecks } from '../phases/checks.ts';
import { outcomesInSlices } from '../phases/outcome.ts';
import type { SessionPhase } from '../phases/phase.ts';
import { SLICE, type Sliced } from '../slices.ts';
import type { ChangedFile, Outcome } from './comparison.ts';
import { relative, type StepKeys } from './stepKeys.ts';
import { undoneAfter } from './undone.ts';

const ASSISTANT = STEP_KINDS.indexOf('assistant');
const REASONING = STEP_KINDS.indexOf('reasoning');
const MOST_ERRORS = 20;
const TESTS: Record<Checks['last'], Outcome['tests']> = {
  passed: 'passed',
  failed: 'failed',
  empty: 'unknown',
  hidden: 'unknown',
  running: 'unknown',
  none: 'none',
};

/** How a session came out. Reads three bodies, and the last commands after the tests. */
export function* outcomeInSlices(
  session: AnalysedSession,
  phases: readonly SessionPhase[],
  live: boolean,
): Sliced<Outcome> {
  const { fold } = session;
  const { steps } = fold;
  const checks = sessionChecks(session);
  // What is committed stays.
  const undone =
    checks.lastStep < 0 || checks.commits > 0 ? 0 : undoneAfter(session, checks.lastStep);
  const left = yield* failuresLeft(fold, phases);
  const outcome: Outcome = {
    ending: 'cut',
    tests: TESTS[checks.last],
    ...(checks.passed === undefined ? {} : { passed: checks.passed }),
    ...(checks.failed === undefined ? {} : { failed: checks.failed }),
    testStep: checks.lastStep,
    untested: checks.lastStep < 0 ? 0 : checks.editsAfter,
    undone,
    commits: checks.commits,
    errorsLeft: left.length,
    errorSteps: left.slice(0, MOST_ERRORS),
    filesChanged: fold.files.summaries().filter(({ writes }) => writes > 0).length,
    unknownChanges: fold.files.unknownCommands,
    edits: checks.edits,
    retries: fold.retries.retries,
    denied: fold.counts.denied,
    answerKey: 0,
    answerStep: -1,
  };
  const { workStep, answerStep } = lastSteps(fold);
  outcome.answerStep = answerStep;
  outcome.ending = live ? 'running' : ended(fold, outcome.answerStep, workStep);
  if (outcome.answerStep >= 0) {
    const [event] = session.readEvents([steps.row(outcome.answerStep)]);
    const said = event?.data.text;
    if (typeof said === 'string') outcome.answerKey = hash52(said.replace(/\s+/g, ' ').trim());
  }
  return outcome;
}

/** The last call and the last words of the main agent, 0-based; -1: none. */
function lastSteps({ columns, steps }: SessionFold): { workStep: number; answerStep: number } {
  let workStep = -1;
  let answerStep = -1;
  for (let step = steps.length - 1; step >= 0; step--) {
    const row = steps.row(step);
    if (columns.lane[row] !== 0) continue;
    if (columns.type[row] === TYPE.tool_call && workStep < 0) workStep = step;
    if (columns.kind[row] === ASSISTANT && answerStep < 0) answerStep = step;
    if (workStep >= 0 && answerStep >= 0) break;
  }
  return { workStep, answerStep };
}

/**
 * Whether a session that is over ended without an answer to its last prompt. In a trace without any words of the agent
 * their absence says nothing.
 */
export function brokeOff(fold: SessionFold): boolean {
  const { workStep, answerStep } = lastSteps(fold);
  return answerStep >= 0 && ended(fold, answerStep, workStep) === 'cut';
}

/** Steps whose failure nothing made good, as phases know it; of calls with one input the last. The newest first. */
function* failuresLeft(fold: SessionFold, phases: readonly SessionPhase[]): Sliced<number[]> {
  const { columns, steps } = fold;
  const inputs = new Set<number>();
  const left: number[] = [];
  const found = yield* outcomesInSlices(fold, steps.copy(), phases);
  for (const { failures } of found.toReversed()) {
    for (const { step, mended } of failures.toReversed()) {
      if (mended !== 'no') continue;
      const row = steps.row(step);
      const isCall = columns.type[row] === TYPE.tool_call;
      if (isCall && inputs.has(columns.inputKey[row]!)) continue;
      if (isCall) inputs.add(columns.inputKey[row]!);
      left.push(step);
    }
  }
  return left;
}

function ended(fold: SessionFold, answer: number, work: number): Outcome['ending'] {
  const { session } = fold;
  // Commands such as `/exit` are no prompts, and wait for no answer.
  const promptMs = fold.phases.all().findLast(({ row }) => row >= 0)?.startMs ?? 0;
  if (session.turnEndMs > 0 && session.turnEndMs >= Math.max(promptMs, session.workMs)) {
    return 'answered';
  }
  // Without the end of a turn: it said something after its last work, and was not prompted since.
  const row = answer < 0 ? -1 : fold.steps.row(answer);
  const last = row >= 0 && fold.columns.timeMs[row]! >= promptMs;
  return last && answer > work && fold.columns.kind[row] !== REASONING ? 'answered' : 'cut';
}

interface Side {
  session: AnalysedSession;
  keys: StepKeys;
}

/** The files that either session changed; those that both changed first, then by path. */
export function* changedInSlices(a: Side, b: Side): Sliced<ChangedFile[]> {
  const files = new Map<string, ChangedFile>();
  const madeA = yield* changesOf(a.keys);
  const madeB = yield* changesOf(b.keys);
  for (const name of ['a', 'b'] as const) {
    yield;
    const { fold } = (name === 'a' ? a : b).session;
    for (const { path, writes, added, removed } of fold.files.summaries()) {
      if (writes === 0) continue;
      const shown = relative(path, fold.session.cwd);
      const file = files.get(shown) ?? { path: shown, content: 'oneSide' };
      files.set(shown, file);
      file[name] = { added, removed, edits: writes };
    }
  }
  yield;
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
export function* untoldInSlices(a: Side, b: Side): Sliced<string[]> {
  const files = yield* changedInSlices(a, b);
  return files.filter(({ content }) => content === 'unknown').map(({ path }) => path);
}

/** By file, what its changes were, in order. */
function* changesOf(keys: StepKeys): Sliced<Map<number, { hash: number; count: number }>> {
  const made = new Map<number, { hash: number; count: number }>();
  for (let step = 0; step < keys.length; step++) {
    // Each change is hashed.
    if ((step + 1) % (SLICE / 2) === 0) yield;
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
