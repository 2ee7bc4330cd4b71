/** What led to a step, and how that is said. */
import { FLAG } from '../../model/columns.ts';
import { isObject, type JsonObject, type TraceEvent } from '../../model/event.ts';
import { failureLine } from '../../model/failure.ts';
import { oneLine } from '../../model/text.ts';
import { type Mention, mentionOfPath, mentionOfWord } from './mentions.ts';
import type { Subject } from './subject.ts';
import type { Trail } from './trail.ts';
import type { WhyReason, WhySure } from './whyChain.ts';

/** What led to a step. */
export interface Cause {
  step: number;
  reason: WhyReason;
  sure: WhySure;
  evidence: string;
}

export const follows = (step: number, evidence: string): Cause => ({
  step,
  reason: 'change',
  sure: 'likely',
  evidence,
});

export function named(trail: Trail, at: number, found: Mention, what: string): Cause {
  return {
    step: at,
    reason: 'named',
    sure: 'evidence',
    evidence: `line ${found.line} of ${what} names ${oneLine(shortPath(trail, found.as), 120)}`,
  };
}

export const mentionIn = (text: string, { paths, words }: Subject): Mention | undefined =>
  pathIn(text, paths) ?? wordIn(text, words);

export function pathIn(text: string, paths: readonly string[]): Mention | undefined {
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

export function wordIn(text: string, words: readonly string[]): Mention | undefined {
  if (text === '') return undefined;
  for (const word of words) {
    const found = mentionOfWord(text, word);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `exit 1`, the first telling line, `denied`. */
export function howItFailed(trail: Trail, step: number): string {
  const result = trail.result(step);
  const reason = oneLine(failureLine(result ?? trail.stepEvent(step)), 120);
  if (trail.has(step, FLAG.denied)) return reason === '' ? 'denied' : `denied, ${reason}`;
  const exit = result?.data.exit_code;
  const code = typeof exit === 'number' && exit !== 0 ? `exit ${exit}` : '';
  return [code, reason].filter(Boolean).join(', ') || 'it said nothing';
}

export const quoted = (text: string): string => `“${oneLine(text, 200)}”`;

/** From the session's folder. */
export function shortPath(trail: Trail, path: string): string {
  const { cwd } = trail.fold.session;
  return cwd !== '' && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}

export function argumentsOf(event: TraceEvent | undefined): JsonObject {
  const args = event?.data.arguments;
  return isObject(args) ? args : {};
}

/** Words for what tests and commits are, whatever the command's own are. */
export function purposesOf(trail: Trail, step: number): string[] {
  const words: string[] = [];
  if (trail.has(step, FLAG.test)) words.push('test', 'tests', 'Test', 'Tests', 'testing');
  if (trail.has(step, FLAG.commit)) {
    words.push('commit', 'Commit', 'committing', 'Committing', 'PR', 'pull request', 'push');
  }
  return words;
}
