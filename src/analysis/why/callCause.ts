import { FLAG } from '../../model/columns.ts';
import { recordedFileOps } from '../../model/fileOps.ts';
import { plural } from '../../model/format.ts';
import {
  argumentsOf,
  type Cause,
  follows,
  howItFailed,
  named,
  pathIn,
  shortPath,
  wordIn,
} from './cause.ts';
import { sentCommit } from './commitCause.ts';
import type { Mention } from './mentions.ts';
import { promptCause } from './roots.ts';
import { commandOf, type Subject, spokenWords } from './subject.ts';
import { touchedBy } from './touched.ts';
import { saidBy, type Trail } from './trail.ts';
import type { WhySure } from './whyChain.ts';

/** Calls that are read at once. */
const BATCH = 8;
/** Earlier failures of the same call that are counted. */
const MAX_ATTEMPTS = 1000;

/** What led to a call, by looking back on the calls before it, the nearest first; undefined: none of them shows it. */
export function causeOfCall(trail: Trail, step: number): Cause | undefined {
  const calls = trail.callsBefore(step);
  return (
    retryOf(trail, step, calls) ??
    sentCommit(trail, step) ??
    new LookBack(trail, step, calls).cause()
  );
}

/** One look back. What would do is kept until something surer is found. */
class LookBack {
  private readonly trail: Trail;
  private readonly step: number;
  private readonly calls: readonly number[];
  private readonly subject: Subject;
  /** The step changes a file. */
  private readonly changes: boolean;
  private readonly isRun: boolean;
  /** Names that the agent spoke of right before. */
  private readonly spoken: readonly string[];
  /** The first line that the step changes. */
  private readonly place: number | undefined;
  /** Files of the step that nothing has changed between the call looked at and the step. */
  private readonly unchanged: Set<string>;
  private edited = false;
  private onlyRuns: boolean;

  private failure: Cause | undefined;
  /** A read that did not show the lines which are changed, and one of before they were changed the last time. */
  private near: Cause | undefined;
  private earlier: Cause | undefined;
  private earlierShows = false;
  private found: Cause | undefined;
  private symbol: Cause | undefined;
  private changed: Cause | undefined;

  constructor(trail: Trail, step: number, calls: readonly number[]) {
    this.trail = trail;
    this.step = step;
    this.calls = calls;
    this.subject = trail.subject(step);
    this.changes = trail.kind(step) === 'modify';
    this.isRun = trail.kind(step) === 'run';
    this.onlyRuns = this.isRun;
    this.unchanged = new Set(this.subject.paths);
    this.spoken = this.changes ? [] : spokenBefore(trail, step);
    this.place = this.changes ? placeOf(trail, step) : undefined;
  }

  cause(): Cause | undefined {
    const { trail, calls, changes } = this;
    const prompt = promptCause(trail, this.step, this.subject);
    const asked = prompt?.sure === 'asked' ? prompt : undefined;
    // Who names a symbol in a prompt asks for it; a path may be named again, nearer.
    if (asked !== undefined && !changes && this.subject.paths.length === 0) return asked;
    for (const [nth, at] of calls.entries()) {
      if (nth % BATCH === 0) trail.readAhead(calls.slice(nth, nth + BATCH));
      const cause = trail.failed(at) ? this.failed(nth, at) : this.done(nth, at);
      if (cause !== undefined) return cause;
      if (trail.spent) break;
    }
    if (this.near !== undefined) return this.near;
    if (this.failure !== undefined) return this.failure;
    if (changes) return this.found ?? this.earlier ?? this.symbol ?? this.changed ?? asked;
    return asked ?? (this.isRun ? (this.changed ?? this.symbol) : (this.symbol ?? this.changed));
  }

  private failed(nth: number, at: number): Cause | undefined {
    if (this.trail.kind(at) !== 'run') this.onlyRuns = false;
    // What went well later is nobody's reason any more.
    if (laterDone(this.trail, at, this.step)) return undefined;
    const answer = answersFailure(this.trail, this.step, at, {
      text: saidBy(this.trail.result(at)),
      edited: this.edited,
      nearest: nth === 0,
    });
    if (answer?.sure === 'evidence') return this.near ?? answer;
    this.failure ??= answer;
    return undefined;
  }

  private done(nth: number, at: number): Cause | undefined {
    const { trail, step, subject, changes, isRun } = this;
    const { read, changed } = touchedBy(trail, at);
    const tests = isRun && trail.has(step, FLAG.test);
    if (tests && changed.length > 0) return checks(trail, at, changed);
    const own = new Set([...read, ...changed]);
    const others = subject.paths.filter((path) => !own.has(path));
    const text = saidBy(trail.result(at));
    // A failure nearer than this says more than what an older result happened to name.
    if (this.failure === undefined) {
      const cause = changes ? this.readOf(at, read) : undefined;
      if (cause !== undefined) return cause;
      const named = pathIn(text, others) ?? wordIn(text, this.spoken);
      if (named !== undefined && !(changes && this.edited) && this.changed === undefined) {
        return this.near ?? cameFrom(trail, at, named);
      }
    }
    const looked = isRun || this.edited ? undefined : lookedInto(trail, at, subject, text);
    if (looked !== undefined && !changes && this.failure === undefined) {
      return this.changed ?? looked;
    }
    if (changes) this.found ??= foundLines(trail, at, this.unchanged, this.place) ?? looked;
    const word = wordIn(text, subject.words);
    // Of a change the nearest, for it was made with what was just learnt; else where it first appeared.
    if (word !== undefined && others.length === subject.paths.length) {
      if (!changes) this.symbol = cameFrom(trail, at, word);
      else if (word.as.length >= 8) this.symbol ??= cameFrom(trail, at, word);
    }
    if (changed.length > 0) this.changeAt(nth, at, changed);
    if (trail.kind(at) !== 'run') this.onlyRuns = false;
    return trail.kind(step) === 'read' && this.failure === undefined ? this.changed : undefined;
  }

  /** A read of the file that the step changes: the one that showed the lines, if there is one. */
  private readOf(at: number, read: readonly string[]): Cause | undefined {
    const { trail, subject, place } = this;
    const path = read.find((each) => subject.paths.includes(each));
    if (path === undefined) return undefined;
    const shows = covers(trail, at, path, place);
    const cause = readCause(trail, at, path, this.unchanged.has(path));
    if (this.unchanged.has(path)) {
      if (shows) return cause;
      this.near ??= cause;
    } else if (this.earlier === undefined || (shows && !this.earlierShows)) {
      this.earlier = cause;
      this.earlierShows = shows;
    }
    return undefined;
  }

  private changeAt(nth: number, at: number, changed: readonly string[]): void {
    const { trail, step } = this;
    const path = changed.find((each) => this.unchanged.has(each));
    const isEdit = trail.kind(at) === 'modify';
    // Who only looks after a change looks at it where the command names it.
    const near = nth < FEW && (!trail.has(step, FLAG.look) || path !== undefined);
    if (this.onlyRuns && isEdit && (near || looksAtChange(trail, step))) {
      this.changed ??= follows(at, 'the command follows this change');
    } else if (path !== undefined && !this.isRun) {
      this.changed ??= follows(at, `${shortPath(trail, path)} was changed here before`);
    }
    for (const each of changed) this.unchanged.delete(each);
    this.edited = true;
  }
}

/** Runs after a change of which nobody asks whether they are about it. */
const FEW = 3;
const CHECKS = /\b(?:tests?|check|lint|build|compile|fmt|format|tsc|vet|make|typecheck|clippy)\b/;

const looksAtChange = (trail: Trail, step: number): boolean =>
  CHECKS.test(commandOf(argumentsOf(trail.stepEvent(step))).slice(0, 2000));

/** The first line that a step changes, as the file was before it. */
function placeOf(trail: Trail, step: number): number | undefined {
  const ops = recordedFileOps(trail.result(step)?.data ?? {}) ?? [];
  return ops.find(({ kind, hunks }) => kind !== 'read' && hunks !== undefined)?.hunks?.[0]?.[0];
}

/** Lines that earlier changes may have moved others by. */
const DRIFT = 40;

function covers(trail: Trail, at: number, path: string, place: number | undefined): boolean {
  if (place === undefined) return true;
  const ranges = recordedFileOps(trail.result(at)?.data ?? {})?.find(
    (op) => op.path === path,
  )?.ranges;
  return ranges?.some(([from, to]) => place >= from - DRIFT && place <= to + DRIFT) ?? true;
}

/** Names that the agent spoke of right before. */
function spokenBefore(trail: Trail, step: number): string[] {
  const at = trail.before(step);
  const kind = at < 0 ? 'other' : trail.kind(at);
  if (kind !== 'assistant' && kind !== 'reasoning') return [];
  return spokenWords(lastSentences(saidBy(trail.stepEvent(at))));
}

/** The end of a text, where it says what comes next. */
const lastSentences = (text: string): string => text.slice(-300);

function readCause(trail: Trail, at: number, path: string, unchanged: boolean): Cause {
  const range = recordedFileOps(trail.result(at)?.data ?? {})?.find((op) => op.path === path)
    ?.ranges?.[0];
  const lines = range === undefined ? '' : `lines ${range[0]}–${range[1]} of `;
  const since = unchanged ? ', and not changed since' : '; the agent itself changed it since';
  return {
    step: at,
    reason: 'read',
    sure: unchanged ? 'evidence' : 'likely',
    evidence: `${lines}${shortPath(trail, path)} read${since}`,
  };
}

/** A search that showed lines of a file which is then changed. */
function foundLines(
  trail: Trail,
  at: number,
  open: ReadonlySet<string>,
  place = 0,
): Cause | undefined {
  if (trail.kind(at) !== 'search') return undefined;
  for (const op of recordedFileOps(trail.result(at)?.data ?? {}) ?? []) {
    if (op.kind !== 'read' || !open.has(op.path)) continue;
    const distance = ([line]: [number, number]): number => Math.abs(line - place);
    const nearest = op.ranges?.length
      ? op.ranges.reduce((a, b) => (distance(b) < distance(a) ? b : a))
      : undefined;
    const lines = nearest === undefined ? '' : `line ${nearest[0]} of `;
    const evidence = `the search found ${lines}${shortPath(trail, op.path)}`;
    return { step: at, reason: 'read', sure: 'evidence', evidence };
  }
  return undefined;
}

/** A command that looked into a file of the step: `grep -n … file`, `sed -n 1,20p file`. */
function lookedInto(trail: Trail, at: number, { paths }: Subject, text: string): Cause | undefined {
  if (trail.kind(at) !== 'run' || text.trim() === '') return undefined;
  const into = trail.subject(at).paths;
  const path = paths.find((each) => into.includes(each));
  if (path === undefined) return undefined;
  const evidence = `the command looked into ${shortPath(trail, path)}`;
  return { step: at, reason: 'named', sure: 'likely', evidence };
}

/** The same call failed before: since when, and what was changed since. */
function retryOf(trail: Trail, step: number, calls: readonly number[]): Cause | undefined {
  const { columns, steps } = trail.fold;
  const row = trail.row(step);
  if (!trail.has(step, FLAG.retry)) return undefined;
  const last = columns.previousSame[row]!;
  const lastStep = last < 0 ? -1 : steps.stepOf(last);
  if (lastStep < 0 || lastStep >= step) return undefined;
  const change = calls.find((at) => at > lastStep && changesFile(trail, at));
  if ((columns.flags[last]! & FAILED) === 0) return undefined;
  const how = howItFailed(trail, lastStep);
  if (change !== undefined) {
    return {
      step: change,
      reason: 'change',
      sure: 'evidence',
      evidence: `changed after step ${lastStep + 1} failed (${how}), which is run again`,
    };
  }
  // Nothing was changed in between: the first of those failures tells as much as the last.
  let first = last;
  let times = 1;
  const since = calls.find((at) => at < lastStep && changesFile(trail, at)) ?? -1;
  while (times < MAX_ATTEMPTS) {
    const before = columns.previousSame[first]!;
    if (before < 0 || (columns.flags[before]! & FAILED) === 0) break;
    const at = steps.stepOf(before);
    if (at < 0 || at < since) break;
    first = before;
    times++;
  }
  const often = times === 1 ? '' : ` ${times >= MAX_ATTEMPTS ? 'at least ' : ''}${times} times`;
  return {
    step: steps.stepOf(first),
    reason: 'retry',
    sure: 'evidence',
    evidence: `the same call failed before${often}: ${how}`,
  };
}

const FAILED = FLAG.error | FLAG.denied;

const changesFile = (trail: Trail, at: number): boolean =>
  trail.kind(at) === 'modify' && !trail.failed(at);

/** Whether the same call went well between that failure and this step. */
function laterDone(trail: Trail, failed: number, step: number): boolean {
  const { columns, steps } = trail.fold;
  const next = columns.nextSame[trail.row(failed)]!;
  if (next < 0 || columns.pair[next]! < 0) return false;
  const at = steps.stepOf(next);
  return at >= 0 && at < step && !trail.failed(at);
}

interface Failure {
  text: string;
  /** Something was changed between the failure and the step. */
  edited: boolean;
  /** It is the call right before. */
  nearest: boolean;
}

function answersFailure(
  trail: Trail,
  step: number,
  failed: number,
  { text, edited, nearest }: Failure,
): Cause | undefined {
  const error = (sure: WhySure, evidence: string): Cause => ({
    step: failed,
    reason: 'error',
    sure,
    evidence,
  });
  const subject = trail.subject(step);
  const how = howItFailed(trail, failed);
  const sameTool =
    trail.fold.columns.tool[trail.row(failed)] === trail.fold.columns.tool[trail.row(step)];
  const before = trail.subject(failed);
  const same = subject.paths.find((path) => before.paths.includes(path));
  const found = pathIn(text, subject.paths) ?? wordIn(text, subject.words);
  if (trail.kind(step) === 'modify') {
    if (same !== undefined && sameTool) {
      return error('evidence', `the same file could not be changed: ${how}`);
    }
    if (found !== undefined && trail.kind(failed) !== 'modify' && !edited) {
      return error('evidence', `line ${found.line} of what failed names ${found.as}`);
    }
    if (trail.has(failed, FLAG.test) && !edited) {
      return error('likely', `the first change after these tests failed: ${how}`);
    }
  } else if (found !== undefined && !edited && !sameTool) {
    return error('evidence', `line ${found.line} of what failed names ${found.as}`);
  } else if (same !== undefined && trail.kind(failed) !== 'run' && !edited) {
    return error('evidence', `what was tried on this file failed: ${how}`);
  }
  return nearest ? error('likely', `the step before failed: ${how}`) : undefined;
}

/** Tests after a change. */
function checks(trail: Trail, at: number, changed: readonly string[]): Cause {
  const files =
    changed.length === 1 ? shortPath(trail, changed[0]!) : plural(changed.length, 'file');
  return follows(at, `the tests follow the change of ${files}`);
}

function cameFrom(trail: Trail, at: number, found: Mention): Cause {
  const agent = trail.kind(at) === 'agent';
  const cause = named(trail, at, found, agent ? 'the subagent’s answer' : 'the result');
  return agent ? { ...cause, reason: 'subagent' } : cause;
}
