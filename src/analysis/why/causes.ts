import { FLAG, TYPE } from '../../model/columns.ts';
import type { TraceEvent } from '../../model/event.ts';
import { failureReason } from '../../model/failure.ts';
import { recordedFileOps } from '../../model/fileOps.ts';
import { plural } from '../../model/format.ts';
import { oneLine } from '../../model/text.ts';
import { isCommonName, type Mention, mentionOfPath, mentionOfWord } from './mentions.ts';
import type { Subject } from './subject.ts';
import { saidBy, type Trail, taskOf } from './trail.ts';
import type { WhyReason, WhySure } from './whyChain.ts';

/** What led to a step. */
export interface Cause {
  step: number;
  reason: WhyReason;
  sure: WhySure;
  evidence: string;
}

/** Calls that are looked back on, from one step. */
const MAX_BACK = 80;
/** Calls that are read at once. */
const BATCH = 8;
/** Earlier failures of the same call that are counted. */
const MAX_ATTEMPTS = 1000;

/** What led to a step; undefined: the trace does not tell. */
export function causeOf(trail: Trail, step: number): Cause | undefined {
  switch (trail.kind(step)) {
    case 'prompt':
    case 'session':
      return undefined;
    case 'assistant':
    case 'reasoning':
      return causeOfText(trail, step) ?? rootOf(trail, step);
    default:
      return parentOf(trail, step) ?? causeOfCall(trail, step) ?? rootOf(trail, step);
  }
}

/**
 * What the agent itself said right before a step: where it names what the step is about, it is `asked`; else it is
 * the nearest that there is.
 */
export function saidBefore(trail: Trail, step: number): Cause | undefined {
  if (!trail.isCall(step)) return undefined;
  const texts: number[] = [];
  for (let at = trail.before(step); at >= 0 && texts.length < 4; at = trail.before(at)) {
    const kind = trail.kind(at);
    if (kind === 'assistant' || kind === 'reasoning') texts.push(at);
    else if (!trail.siblings(at, step)) break;
  }
  trail.prepare([...texts, step].map((at) => trail.row(at)));
  const subject = trail.subject(step);
  const words = [...subject.words, ...purposes(trail, step)];
  const said = (at: number, sure: WhySure, evidence: string): Cause => ({
    step: at,
    reason: 'said',
    sure,
    evidence,
  });
  for (const at of texts) {
    const text = saidBy(trail.stepEvent(at));
    const found = mentionIn(text, { paths: subject.paths, words }) ?? looseName(text, subject);
    if (found !== undefined) return said(at, 'asked', `the agent names ${oneLine(found.as, 120)}`);
  }
  const [nearest] = texts;
  return nearest === undefined ? undefined : said(nearest, 'likely', 'said right before');
}

/** Words that tell what a command is for, whatever its own are. */
function purposes(trail: Trail, step: number): string[] {
  const words: string[] = [];
  if (trail.has(step, FLAG.test)) words.push('test', 'tests', 'Test', 'Tests', 'testing');
  if (trail.has(step, FLAG.commit)) words.push('commit', 'Commit', 'committing', 'Committing');
  if (trail.kind(step) !== 'run') return words;
  const { command, input } = argumentsOf(trail.stepEvent(step));
  const text = typeof command === 'string' ? command : typeof input === 'string' ? input : '';
  for (const [word] of text.slice(0, 400).matchAll(/(?<![\w/.-])[a-z]{4,}(?![\w/.-])/g)) {
    if (!DULL.has(word) && words.length < 12) words.push(word);
  }
  return words;
}

const DULL = new Set(
  'head tail grep echo with from then else that this true false sort uniq xargs find cat null dev type file name text output input const await tools'.split(
    ' ',
  ),
);

/** A text says `resume_test` or `resume.go file` where the step is about `cmd/resume_test.go`. */
function looseName(text: string, { paths }: Subject): Mention | undefined {
  for (const path of paths) {
    const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.\w+$/, '');
    if (name.length < 5 || isCommonName(name)) continue;
    const found = mentionOfWord(text, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A call that another one made while it ran (Codex's scripts). */
function parentOf(trail: Trail, step: number): Cause | undefined {
  const { columns } = trail.fold;
  const row = trail.row(step);
  if (columns.type[row] !== TYPE.tool_call || columns.response[row]! >= 0) return undefined;
  for (let at = trail.before(step), tries = 0; at >= 0 && tries < 20; at = trail.before(at)) {
    tries++;
    if (trail.isPrompt(at)) return undefined;
    const outer = trail.row(at);
    const end = columns.pair[outer]!;
    if (columns.type[outer] !== TYPE.tool_call || columns.response[outer]! < 0) continue;
    const open = end < 0 || columns.timeMs[end]! >= columns.timeMs[row]!;
    if (!open || trail.kind(at) !== 'run') continue;
    return { step: at, reason: 'parent', sure: 'evidence', evidence: 'it was called by this one' };
  }
  return undefined;
}

function causeOfText(trail: Trail, step: number): Cause | undefined {
  const subject = trail.subject(step);
  for (let at = trail.before(step), tries = 0; at >= 0 && tries < 4; at = trail.before(at)) {
    if (trail.isPrompt(at)) return undefined;
    if (!trail.isCall(at) || !trail.over(at, step)) continue;
    tries++;
    const failed = trail.failed(at);
    const found = mentionIn(saidBy(trail.result(at)), subject);
    if (failed) {
      return { step: at, reason: 'error', sure: 'likely', evidence: howItFailed(trail, at) };
    }
    if (found !== undefined) return named(trail, at, found, 'the result');
  }
  return undefined;
}

function causeOfCall(trail: Trail, step: number): Cause | undefined {
  const calls = callsBefore(trail, step);
  const repeated = retryOf(trail, step, calls);
  if (repeated !== undefined) return repeated;
  const kind = trail.kind(step);
  const changes = kind === 'modify';
  const keeps = kind === 'run' && trail.has(step, FLAG.test | FLAG.commit);
  const subject = trail.subject(step);
  const prompt = promptCause(trail, step, subject);
  // Who names a symbol in a prompt asks for it; a path may be named again, nearer.
  if (prompt?.sure === 'asked' && !changes && subject.paths.length === 0) return prompt;
  const open = new Set(subject.paths);
  let first: Cause | undefined;
  let likely: Cause | undefined;
  let edited = false;
  for (const [nth, at] of calls.entries()) {
    if (nth % BATCH === 0) readAhead(trail, calls.slice(nth, nth + BATCH));
    const touched = touchedBy(trail, at);
    const own = new Set([...touched.read, ...touched.changed]);
    const text = saidBy(trail.result(at));
    if (trail.failed(at) && !laterDone(trail, at, step)) {
      const answer = answersFailure(trail, step, at, { text, own, edited, nearest: nth === 0 });
      if (answer?.sure === 'evidence') return answer;
      likely ??= answer;
    } else {
      if (keeps && touched.changed.length > 0) return checks(trail, step, at, touched.changed);
      if (changes) {
        const read = touched.read.find((path) => open.has(path));
        if (read !== undefined && likely === undefined) {
          return {
            step: at,
            reason: 'read',
            sure: 'evidence',
            evidence: readWords(trail, at, read),
          };
        }
      }
      const found = pathIn(
        text,
        subject.paths.filter((path) => !own.has(path)),
      );
      // A failure right before says more than what an older result happened to name.
      if (found !== undefined && likely === undefined) return cameFrom(trail, at, found);
      const word = changes ? undefined : wordIn(text, subject.words);
      if (word !== undefined && own.size === 0) first = cameFrom(trail, at, word);
    }
    for (const path of touched.changed) open.delete(path);
    if (touched.changed.length > 0) edited = true;
    if (kind === 'run' && nth === 0 && trail.kind(at) === 'modify' && !trail.failed(at)) {
      likely ??= {
        step: at,
        reason: 'change',
        sure: 'likely',
        evidence: 'the command follows this change',
      };
    }
    if (trail.spent) break;
  }
  if (likely !== undefined && first === undefined) return likely;
  if (likely?.reason === 'error') return likely;
  if (prompt?.sure === 'asked') return prompt;
  return first ?? likely;
}

/** Calls of the lane that were over when this step began, the nearest first, back to the prompt. */
function callsBefore(trail: Trail, step: number): number[] {
  const calls: number[] = [];
  for (let at = trail.before(step); at >= 0 && calls.length < MAX_BACK; at = trail.before(at)) {
    if (trail.isPrompt(at)) break;
    if (trail.isCall(at) && !trail.siblings(at, step) && trail.over(at, step)) calls.push(at);
  }
  return calls;
}

function readAhead(trail: Trail, calls: readonly number[]): void {
  const { pair } = trail.fold.columns;
  trail.prepare(calls.flatMap((at) => [trail.row(at), pair[trail.row(at)]!]));
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
  /** Files that the failed call itself was about. */
  own: ReadonlySet<string>;
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
  } else if (same !== undefined && !edited) {
    return error('evidence', `it failed on the same file: ${how}`);
  }
  return nearest ? error('likely', `the step before failed: ${how}`) : undefined;
}

/** A test, a commit after a change. */
function checks(trail: Trail, step: number, at: number, changed: readonly string[]): Cause {
  const commit = trail.has(step, FLAG.commit);
  const files =
    changed.length === 1 ? shortPath(trail, changed[0]!) : plural(changed.length, 'file');
  return {
    step: at,
    reason: 'change',
    sure: commit ? 'evidence' : 'likely',
    evidence: commit
      ? `the last change before it: ${files}`
      : `the tests follow the change of ${files}`,
  };
}

/** Files that a call read and changed, whole paths. */
function touchedBy(trail: Trail, at: number): { read: string[]; changed: string[] } {
  const kind = trail.kind(at);
  const subject = trail.subject(at);
  const read = new Set<string>();
  const changed = new Set<string>();
  if (kind === 'read') for (const path of subject.paths) read.add(path);
  if (!trail.failed(at)) {
    if (kind === 'modify') for (const path of subject.paths) changed.add(path);
    // What a search found lines in was not read.
    for (const op of recordedFileOps(trail.result(at)?.data ?? {}) ?? []) {
      if (op.kind === 'read') {
        if (kind !== 'search') read.add(op.path.replaceAll('\\', '/'));
      } else changed.add(op.path.replaceAll('\\', '/'));
    }
  }
  return { read: [...read], changed: [...changed] };
}

function readWords(trail: Trail, at: number, path: string): string {
  const range = recordedFileOps(trail.result(at)?.data ?? {})?.find((op) => op.path === path)
    ?.ranges?.[0];
  const lines = range === undefined ? '' : `lines ${range[0]}–${range[1]} of `;
  return `${lines}${shortPath(trail, path)} read, and not changed since`;
}

function cameFrom(trail: Trail, at: number, found: Mention): Cause {
  const agent = trail.kind(at) === 'agent';
  const cause = named(trail, at, found, agent ? 'the subagent’s answer' : 'the result');
  return agent ? { ...cause, reason: 'subagent' } : cause;
}

function named(trail: Trail, at: number, found: Mention, what: string): Cause {
  const name = found.as.slice(found.as.lastIndexOf('/') + 1);
  return {
    step: at,
    reason: 'named',
    sure: found.bare && isCommonName(name) ? 'likely' : 'evidence',
    evidence: `line ${found.line} of ${what} names ${oneLine(shortPath(trail, found.as), 120)}`,
  };
}

const mentionIn = (text: string, { paths, words }: Subject): Mention | undefined =>
  pathIn(text, paths) ?? wordIn(text, words);

function pathIn(text: string, paths: readonly string[]): Mention | undefined {
  if (text === '') return undefined;
  let bare: Mention | undefined;
  for (const path of paths) {
    const found = mentionOfPath(text, path);
    if (found === undefined) continue;
    if (!found.bare) return found;
    bare ??= found;
  }
  return bare;
}

function wordIn(text: string, words: readonly string[]): Mention | undefined {
  if (text === '') return undefined;
  for (const word of words) {
    const found = mentionOfWord(text, word);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The prompt before a step: asked for it by name, or by being the last word of a person. */
function promptCause(trail: Trail, step: number, subject: Subject): Cause | undefined {
  const at = promptBefore(trail, step);
  if (at < 0) return undefined;
  const found = mentionIn(saidBy(trail.stepEvent(at)), subject);
  if (found !== undefined) {
    return {
      step: at,
      reason: 'prompt',
      sure: 'asked',
      evidence: `the prompt names ${oneLine(found.as, 120)}`,
    };
  }
  const direct = callsBefore(trail, step).length === 0;
  return {
    step: at,
    reason: 'prompt',
    sure: direct ? 'asked' : 'likely',
    evidence: direct
      ? 'the first that was done for it'
      : 'done for it; nothing nearer names the cause',
  };
}

function promptBefore(trail: Trail, step: number): number {
  if (trail.lane(step) !== 0) return -1;
  const { columns, steps } = trail.fold;
  // Prompts are few: they are looked up, not walked to.
  const phases = trail.fold.phases.all();
  let low = 0;
  let high = phases.length - 1;
  const { timeMs } = columns;
  const time = timeMs[trail.row(step)]!;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (phases[middle]!.startMs <= time) low = middle;
    else high = middle - 1;
  }
  for (let nth = low; nth >= 0; nth--) {
    const row = phases[nth]!.row;
    const at = row < 0 ? -1 : steps.stepOf(row);
    if (at >= 0 && at < step) return at;
  }
  return -1;
}

/** Where nothing nearer is known: the prompt, or the call that started the subagent. */
function rootOf(trail: Trail, step: number): Cause | undefined {
  if (trail.lane(step) === 0) {
    return promptCause(trail, step, trail.subject(step));
  }
  return spawnOf(trail, step);
}

function spawnOf(trail: Trail, step: number): Cause | undefined {
  const { fold } = trail;
  const lane = trail.lane(step);
  const id = fold.lanes.name(lane);
  const known = fold.subagents.all().find((each) => each.lane === lane);
  const startMs = known?.startMs ?? fold.columns.timeMs[trail.row(step)]!;
  // The call began before its subagent did, and not long before.
  const { steps, columns } = fold;
  const candidates: number[] = [];
  for (let at = step - 1; at >= 0 && candidates.length < 24; at--) {
    const row = steps.row(at);
    if (columns.lane[row] === lane || trail.kind(at) !== 'agent') continue;
    if (columns.timeMs[row]! <= startMs + 1000) candidates.push(at);
  }
  readAhead(trail, candidates);
  const said = (at: number): TraceEvent | undefined => trail.stepEvent(at);
  const found =
    candidates.find((at) => trail.result(at)?.data.subagent_id === id) ??
    candidates.find(
      (at) => known?.toolUseId !== undefined && said(at)?.data.tool_use_id === known.toolUseId,
    );
  const at = found ?? candidates[0];
  if (at === undefined) return undefined;
  const task = taskOf(said(at));
  const mention = mentionIn(task, trail.subject(step));
  return {
    step: at,
    reason: 'subagent',
    sure: mention !== undefined ? 'asked' : found === undefined ? 'likely' : 'evidence',
    evidence:
      mention !== undefined
        ? `its task names ${oneLine(mention.as, 120)}`
        : task === ''
          ? 'it started this subagent'
          : `its task: ${quoted(task, 1)}`,
  };
}

/** `exit 1`, the first telling line, `denied`. */
function howItFailed(trail: Trail, step: number): string {
  const result = trail.result(step);
  const reason = oneLine(failureReason(result ?? trail.stepEvent(step)), 120);
  if (trail.has(step, FLAG.denied)) return reason === '' ? 'denied' : `denied, ${reason}`;
  const exit = result?.data.exit_code;
  const code = typeof exit === 'number' && exit !== 0 ? `exit ${exit}` : '';
  return [code, reason].filter(Boolean).join(', ') || 'it said nothing';
}

/** The line of a text as a quotation. */
function quoted(text: string, line: number): string {
  const lines = text.slice(0, 100_000).split('\n');
  const from = lines[line - 1]?.trim() ?? '';
  return `“${oneLine(from === '' ? text : from, 160)}”`;
}

/** From the session's folder. */
function shortPath(trail: Trail, path: string): string {
  const { cwd } = trail.fold.session;
  return cwd !== '' && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}

function argumentsOf(event: TraceEvent | undefined): Record<string, unknown> {
  const args = event?.data.arguments;
  return typeof args === 'object' && args !== null && !Array.isArray(args) ? args : {};
}
