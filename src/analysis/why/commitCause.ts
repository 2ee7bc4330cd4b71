/** What a commit was made of: the changes in it, the tests before it; and what a push or a pull request sends. */
import { FLAG } from '../../model/columns.ts';
import { plural } from '../../model/format.ts';
import { testRun } from '../../model/testCommand.ts';
import { testCounts } from '../phases/checks.ts';
import { argumentsOf, type Cause, howItFailed, shortPath } from './cause.ts';
import { mentionOfPath } from './mentions.ts';
import { commandOf } from './subject.ts';
import { touchedBy } from './touched.ts';
import { saidBy, type Trail } from './trail.ts';

/** Steps that are passed by on the way back to the commit before. */
const MAX_PASSED = 200_000;
/** Changes, and commands that may stage them, whose bodies are read. */
const MAX_CHANGES = 24;
const MAX_COMMANDS = 12;

const ADDS = /\bgit\s(?:[^;&|\n]*\s)?(?:add|stage)\s([^;&|\n]*)/g;
const ALL = /(?:^|\s)(?:-A|--all|-u|--update|\.|:\/)(?=\s|$)/;
const COMMITS_ALL = /\bcommit\s(?:[^;&|\n]*\s)?(?:-[b-zB-Z]*a[a-zA-Z]*|--all)(?=\s|$)/;

/** A change that a commit may hold. */
interface Change {
  step: number;
  /** Whole paths. */
  paths: string[];
}

/**
 * What led to a commit, the nearest first: the last change in it, the tests before it, and the last change that these
 * tried. Empty: the trace shows none. Changes are those since the last commit, whoever asked for them.
 */
export function causesOfCommit(trail: Trail, step: number): Cause[] {
  const since = sinceLastCommit(trail, step);
  trail.readAhead([...since.commands, ...since.edits]);
  const staged = stagedBy(trail, step, since.commands);
  const all: Change[] = since.edits
    .map((at) => ({ step: at, paths: touchedBy(trail, at).changed }))
    .filter(({ paths }) => paths.length > 0);
  const named = staged.all
    ? all
    : all
        .map((each) => ({ ...each, paths: each.paths.filter((path) => names(staged.text, path)) }))
        .filter(({ paths }) => paths.length > 0);
  const sure = named.length > 0;
  const changes = sure ? named : all;
  const [last] = changes;
  if (last === undefined) return [];
  const later = changes.filter((each) => each.step > since.test);
  const causes: Cause[] = [];
  if (since.test < 0 || later.length > 0) {
    causes.push({
      step: last.step,
      reason: 'change',
      sure: sure ? 'evidence' : 'likely',
      evidence: `the last change ${sure ? 'in it' : 'before it'}: ${filesOf(trail, changes)}`,
    });
  }
  const tried = changes.find((each) => each.step < since.test);
  if (since.test >= 0 && tried !== undefined) {
    causes.push(testCause(trail, since.test, later));
    causes.push({
      step: tried.step,
      reason: 'change',
      sure: sure ? 'evidence' : 'likely',
      evidence:
        later.length > 0
          ? `the last change that these tests tried: ${filesOf(trail, [tried])}`
          : `the last change ${sure ? 'in it' : 'before it'}: ${filesOf(trail, changes)}`,
    });
  }
  return causes;
}

/** Edits and commands that stage, since the commit before, the nearest first; the last tests after an edit. */
function sinceLastCommit(
  trail: Trail,
  step: number,
): { edits: number[]; commands: number[]; test: number } {
  const edits: number[] = [];
  const commands: number[] = [];
  let test = -1;
  let passed = 0;
  for (let at = step - 1; at >= 0 && passed < MAX_PASSED; at--, passed++) {
    const run = trail.kind(at) === 'run';
    if (!trail.isCall(at) || trail.failed(at)) {
      // That tests failed before a commit is worth a word, too.
      if (run && trail.has(at, FLAG.test) && !trail.has(at, FLAG.denied) && test < 0) test = at;
      continue;
    }
    if (trail.has(at, FLAG.commit) && trail.over(at, step)) break;
    if (!trail.over(at, step) || trail.siblings(at, step)) continue;
    if (trail.has(at, FLAG.test) && test < 0) test = at;
    const result = trail.resultRow(at);
    const changes =
      trail.has(at, FLAG.edit) ||
      (run && result >= 0 && (trail.fold.columns.flags[result]! & FLAG.hasFiles) !== 0);
    if (changes && edits.length < MAX_CHANGES) edits.push(at);
    else if (run && commands.length < MAX_COMMANDS && !trail.has(at, FLAG.look)) commands.push(at);
    if (edits.length >= MAX_CHANGES && test >= 0) break;
  }
  return { edits, commands, test };
}

/** What was staged, as the commands say it; `all`: whatever had changed. */
function stagedBy(
  trail: Trail,
  step: number,
  commands: readonly number[],
): { all: boolean; text: string } {
  const own = commandText(trail, step);
  let all = COMMITS_ALL.test(own);
  const said: string[] = [];
  for (const text of [own, ...commands.map((at) => commandText(trail, at))]) {
    for (const [, names = ''] of text.matchAll(ADDS)) {
      if (ALL.test(names)) all = true;
      said.push(names);
    }
  }
  // `git commit -- file`, `git commit file`.
  said.push(/\bcommit\b([^;&|\n]*)/.exec(own)?.[1]?.replace(/(["'])[\s\S]*?\1/g, ' ') ?? '');
  return { all, text: said.join('\n') };
}

const commandText = (trail: Trail, at: number): string =>
  commandOf(argumentsOf(trail.stepEvent(at))).slice(0, 20_000);

/** Whether what was staged names a file, or a folder that it is in. */
function names(text: string, path: string): boolean {
  if (mentionOfPath(text, path) !== undefined) return true;
  return text.split(/\s+/).some((word) => {
    const folder = word.replace(/^['"]|['"]$/g, '').replace(/\/+$/, '');
    return folder.length > 2 && !folder.startsWith('-') && path.includes(`/${folder}/`);
  });
}

function filesOf(trail: Trail, changes: readonly Change[]): string {
  const files = [...new Set(changes.flatMap(({ paths }) => paths))];
  const shown = files.slice(0, 3).map((path) => shortPath(trail, path));
  const more = files.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

function testCause(trail: Trail, at: number, later: readonly Change[]): Cause {
  const cause = (sure: Cause['sure'], said: string): Cause => {
    const after =
      later.length === 0
        ? ''
        : `; ${plural(later.length, 'change')} came after: ${filesOf(trail, later)}`;
    return { step: at, reason: 'test', sure, evidence: `${said}${after}` };
  };
  if (trail.failed(at))
    return cause('evidence', `these tests failed before it: ${howItFailed(trail, at)}`);
  const { passed, failed = 0 } = testCounts(saidBy(trail.result(at)).slice(-20_000));
  if (failed > 0) return cause('evidence', `of these tests before it ${failed} failed`);
  if (passed !== undefined) {
    return cause('evidence', `these tests passed before it: ${plural(passed, 'test')}`);
  }
  if (testRun(commandText(trail, at)) === 'hidden') {
    return cause('likely', 'these tests ran before it; the command hides how they ended');
  }
  return cause('evidence', 'these tests passed before it');
}

const PUSHES = /\bgit\s(?:[^;&|\n]*\s)?push\b/;
const PULLS = /\bgh\s+pr\s+(?:create|ready|merge)\b/;

/** The commit that a push sends, or the push that a pull request is made of. */
export function sentCommit(trail: Trail, step: number): Cause | undefined {
  if (trail.kind(step) !== 'run') return undefined;
  const command = commandText(trail, step);
  const isPull = PULLS.test(command);
  if (!isPull && !PUSHES.test(command)) return undefined;
  let read = 0;
  let passed = 0;
  let prompts = 0;
  for (let at = step - 1; at >= 0 && passed < MAX_PASSED; at--, passed++) {
    if (trail.isPrompt(at)) prompts++;
    if (trail.kind(at) !== 'run' || !trail.isCall(at) || trail.failed(at)) continue;
    if (!trail.over(at, step)) continue;
    const sure = prompts === 0 ? 'evidence' : 'likely';
    if (trail.has(at, FLAG.commit)) {
      return { step: at, reason: 'change', sure, evidence: 'the commit that it sends' };
    }
    if (prompts > 0 || !isPull || read++ >= MAX_COMMANDS) continue;
    if (PUSHES.test(commandText(trail, at))) {
      return {
        step: at,
        reason: 'change',
        sure,
        evidence: 'what it asks to merge was pushed here',
      };
    }
  }
  return undefined;
}
