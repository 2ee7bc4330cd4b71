import { describeStep } from '../../model/describe.ts';
import { commandIn } from '../../model/scriptCommand.ts';
import { STEP_KINDS } from '../../model/step.ts';
import { testRun } from '../../model/testCommand.ts';
import { phaseFiles, type SideFacts } from './compareSessions.ts';
import type { Comparison, Likeness } from './comparison.ts';

const RUN = STEP_KINDS.indexOf('run');
/** Commands named of one side of a pair of phases; how many there are is told in any case. */
const MOST_COMMANDS = 20;

/** What a pair of phases, or a phase that only one side has, differs in. */
export interface PhaseDifference {
  /** Indexes of the phases; -1: that side has none. */
  a: number;
  b: number;
  like: Likeness;
  /** Files read or changed on one side only; paths as seen from the session's folder. */
  filesOnlyA: string[];
  filesOnlyB: string[];
  commandsOnlyA: OnlyCommands;
  commandsOnlyB: OnlyCommands;
}

export interface OnlyCommands {
  count: number;
  /** The first of them, each with its step. Hostile. */
  /** `hidden`: tests whose exit code the command hides, and whose words do not tell that they failed. */
  shown: { step: number; command: string; failed: boolean; hidden: boolean }[];
}

/** Phase by phase, in the order of both. Reads the bodies of the commands that it names. */
export function structuralDiff(
  a: SideFacts,
  b: SideFacts,
  { phases: { pairs } }: Comparison,
): PhaseDifference[] {
  const [filesA, filesB] = [allFiles(a), allFiles(b)];
  const [runsA, runsB] = [commandsByPhase(a), commandsByPhase(b)];
  const empty = new Set<string>();
  const [keysA, keysB] = [callKeys(a), callKeys(b)];
  const nothing: Run[] = [];
  const none = new Set<number>();
  const rows: PhaseDifference[] = [];
  const add = (i: number, j: number, like: Likeness): void => {
    const [inA, inB] = [filesA[i] ?? empty, filesB[j] ?? empty];
    const [x, y] = [runsA[i] ?? nothing, runsB[j] ?? nothing];
    rows.push({
      a: i,
      b: j,
      like,
      filesOnlyA: only(inA, inB),
      filesOnlyB: only(inB, inA),
      commandsOnlyA: onlyRuns(a, x, keysB[j] ?? none),
      commandsOnlyB: onlyRuns(b, y, keysA[i] ?? none),
    });
  };
  let i = 0;
  let j = 0;
  for (const [x, y, like] of [...pairs, [a.phases.length, b.phases.length, 'same'] as const]) {
    while (i < x) add(i++, -1, 'onlyA');
    while (j < y) add(-1, j++, 'onlyB');
    if (x < a.phases.length && y < b.phases.length) add(i++, j++, like);
  }
  return rows;
}

const allFiles = (side: SideFacts): Set<string>[] =>
  phaseFiles(side).map(({ read, changed }) => new Set([...read, ...changed]));

const only = (mine: ReadonlySet<string>, theirs: ReadonlySet<string>): string[] =>
  [...mine].filter((path) => !theirs.has(path)).sort();

interface Run {
  step: number;
  key: number;
}

function commandsByPhase({ session, keys, phases }: SideFacts): Run[][] {
  const { columns, steps } = session.fold;
  return phases.map(({ firstStep, lastStep }) => {
    const runs: Run[] = [];
    for (let step = firstStep; step <= lastStep; step++) {
      if (columns.kind[steps.row(step)] === RUN && keys.exact[step] !== 0) {
        runs.push({ step, key: keys.exact[step]! });
      }
    }
    return runs;
  });
}

/** By phase: keys of all calls, for one agent's command is another's tool. */
const callKeys = ({ keys, phases }: SideFacts): Set<number>[] =>
  phases.map(({ firstStep, lastStep }) => new Set(keys.exact.subarray(firstStep, lastStep + 1)));

function onlyRuns(
  { session, keys }: SideFacts,
  mine: readonly Run[],
  theirs: ReadonlySet<number>,
): OnlyCommands {
  const known = new Set(theirs);
  const own: Run[] = [];
  for (const run of mine) {
    if (known.has(run.key)) continue;
    known.add(run.key);
    own.push(run);
  }
  const { fold } = session;
  const named = own.slice(0, MOST_COMMANDS);
  const rows = named.map(({ step }) => fold.steps.row(step));
  const events = session.readEvents(rows);
  return {
    count: own.length,
    shown: named.flatMap(({ step }, at) => {
      const event = events[at];
      if (event === undefined) return [];
      const command = describeStep(fold, step, rows[at]!, event).target;
      const failed = keys.failed[step] === 1;
      const whole = commandIn(event.data) ?? '';
      return [{ step, command, failed, hidden: !failed && testRun(whole) === 'hidden' }];
    }),
  };
}
