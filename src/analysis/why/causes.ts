import { FLAG, TYPE } from '../../model/columns.ts';
import { causeOfCall } from './callCause.ts';
import {
  argumentsOf,
  type Cause,
  howItFailed,
  mentionIn,
  named,
  purposesOf,
  quoted,
} from './cause.ts';
import { isCommonName, lastSentence, type Mention, mentionOfWord, sentenceAt } from './mentions.ts';
import { rootOf } from './roots.ts';
import { commandOf, type Subject } from './subject.ts';
import { saidBy, type Trail } from './trail.ts';
import type { WhySure } from './whyChain.ts';

/** What led to a step; undefined: the trace does not tell. */
export function causeOf(trail: Trail, step: number): Cause | undefined {
  switch (trail.kind(step)) {
    case 'prompt':
    case 'session':
    case 'notice':
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
    if (found !== undefined) return said(at, 'asked', quoted(sentenceAt(text, found.at)));
  }
  const [nearest] = texts;
  if (nearest === undefined) return undefined;
  return said(nearest, 'likely', quoted(lastSentence(saidBy(trail.stepEvent(nearest)))));
}

/** Words that tell what a command is for, whatever its own are. */
function purposes(trail: Trail, step: number): string[] {
  const words = purposesOf(trail, step);
  if (trail.kind(step) !== 'run') return words;
  const text = commandOf(argumentsOf(trail.stepEvent(step)));
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

/** A call that a script made (Codex's `exec`). */
function parentOf(trail: Trail, step: number): Cause | undefined {
  const { columns } = trail.fold;
  const row = trail.row(step);
  if (columns.type[row] !== TYPE.tool_call) return undefined;
  const id = trail.stepEvent(step)?.data.tool_use_id;
  if (typeof id !== 'string' || !id.startsWith('exec-')) return undefined;
  for (let at = trail.before(step), tries = 0; at >= 0 && tries < 20; at = trail.before(at)) {
    tries++;
    if (trail.isPrompt(at)) return undefined;
    const outer = trail.row(at);
    if (columns.type[outer] !== TYPE.tool_call || trail.kind(at) !== 'run') continue;
    const end = columns.pair[outer]!;
    if (end >= 0 && columns.timeMs[end]! < columns.timeMs[row]!) continue;
    return { step: at, reason: 'parent', sure: 'evidence', evidence: 'the script that called it' };
  }
  return undefined;
}

function causeOfText(trail: Trail, step: number): Cause | undefined {
  const subject = trail.subject(step);
  let nearest: Cause | undefined;
  let tested = false;
  for (let at = trail.before(step), tries = 0; at >= 0 && tries < 4; at = trail.before(at)) {
    if (trail.isPrompt(at)) return nearest;
    if (!trail.isCall(at) || !trail.over(at, step)) continue;
    tries++;
    const failed = tries === 1 && trail.failed(at);
    const found = mentionIn(saidBy(trail.result(at)), subject);
    if (failed) {
      return { step: at, reason: 'error', sure: 'likely', evidence: howItFailed(trail, at) };
    }
    if (found !== undefined) return named(trail, at, found, 'the result');
    const changed = trail.kind(at) === 'modify' && !trail.failed(at);
    // What is said after a change is said of it, or of what tried it.
    if (tries > 1 && changed) {
      if (nearest?.reason === 'change' || tested) return nearest;
      return {
        step: at,
        reason: 'change',
        sure: 'likely',
        evidence: 'the last change before it was said',
      };
    }
    if (tries > 1) continue;
    tested = trail.has(at, FLAG.test);
    nearest = {
      step: at,
      reason: changed ? 'change' : 'named',
      sure: 'likely',
      evidence: changed ? 'said right after this change' : 'said right after this result',
    };
  }
  return nearest;
}
