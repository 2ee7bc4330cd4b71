import { FLAG } from '../../model/columns.ts';
import { describeStep } from '../../model/describe.ts';
import { oneLine } from '../../model/text.ts';
import type { AnalysedSession } from '../analysed.ts';
import type { Cause } from './cause.ts';
import { causeOf, saidBefore } from './causes.ts';
import { causesOfCommit } from './commitCause.ts';
import { Trail } from './trail.ts';

/** How one step led to the next. */
export type WhyReason =
  /** The step asked about. */
  | 'here'
  /** A person asked. */
  | 'prompt'
  /** The call that this is the result, or the subagent, of. */
  | 'parent'
  /** The same call failed before. */
  | 'retry'
  /** A failure that this step answers to. */
  | 'error'
  /** A result named the path or the symbol that this step is about. */
  | 'named'
  /** The file was read before it was changed. */
  | 'read'
  /** A file was changed, which this step tests, builds or commits. */
  | 'change'
  /** Tests that ran before what this step commits was committed. */
  | 'test'
  /** What the agent itself said it would do. */
  | 'said'
  /** A subagent was started here, or came back with this. */
  | 'subagent'
  /** The window was compacted: what was known before is a summary now. */
  | 'compaction';

/** `asked`: a person or the agent said so; `evidence`: the trace shows it; `likely`: it fits, and nothing shows it. */
export type WhySure = 'asked' | 'evidence' | 'likely';

export interface WhyLink {
  step: number;
  reason: WhyReason;
  sure: WhySure;
  /** The step in words, one line, hostile. */
  words: string;
  /** What shows it: `line 12 of the result names core/idempotency.py`. One line, hostile; empty for `here`. */
  evidence: string;
}

export interface WhyChain {
  step: number;
  /** Cause first, the step itself last; at most 12 (those between were left out: `cut`). */
  links: WhyLink[];
  cut: number;
  /** It begins with a prompt, or with what the trace does not explain. */
  complete: boolean;
  /** It does not begin with a prompt (or the session's start): the trace does not show why the first of it was done. */
  unexplained?: true;
}

const MAX_LINKS = 12;
/** Links that are followed back; each goes to an earlier step. */
const MAX_FOLLOWED = 200;

/** Why a step was done, back to the prompt. Reads at most a few hundred events. Undefined: there is no such step. */
export function whyChain(session: AnalysedSession, step: number): WhyChain | undefined {
  const { steps } = session.fold;
  if (!Number.isInteger(step) || step < 0 || step >= steps.length) return undefined;
  const trail = new Trail(session);
  const causes: Cause[] = [{ step, reason: 'here', sure: 'evidence', evidence: '' }];
  let at = step;
  const said = saidBefore(trail, step);
  if (said !== undefined) causes.push(said);
  let compactions: number[] | undefined;
  while (causes.length < MAX_FOLLOWED) {
    let cause = causeOf(trail, at);
    if (trail.has(at, FLAG.commit) && trail.isCall(at) && cause?.reason !== 'retry') {
      const [last, ...before] = inCommit(trail, at, cause).reverse();
      if (last !== undefined) {
        before.reverse();
        // Another agent's change may come after what this one said.
        const nearest = (before[0] ?? last).step;
        if (causes.at(-1)!.reason === 'said' && causes.at(-1)!.step <= nearest) causes.pop();
        causes.push(...before);
        cause = last;
      }
    }
    // What the agent said is better than a guess.
    if (at !== step && cause?.sure === 'likely' && cause.reason !== 'error') {
      const words = saidBefore(trail, at);
      if (words?.sure === 'asked') causes.push(words);
    }
    if (cause === undefined || cause.step >= at) break;
    compactions ??= compactionSteps(session);
    const compacted = lastBetween(compactions, cause.step, at, trail);
    if (compacted >= 0) {
      causes.push({
        step: compacted,
        reason: 'compaction',
        sure: 'evidence',
        evidence: `the window was compacted here: step ${cause.step + 1} was known by a summary only`,
      });
    }
    causes.push(cause);
    at = cause.step;
    cause = undefined;
  }
  const complete = causes.length < MAX_FOLLOWED;
  causes.reverse();
  const cut = Math.max(0, causes.length - MAX_LINKS);
  // The cause stays, and what is nearest to the step.
  const kept = cut === 0 ? causes : [causes[0]!, ...causes.slice(cut + 1)];
  trail.prepare(kept.map((each) => trail.row(each.step)));
  return {
    step,
    links: kept.map((each) => ({
      step: each.step,
      reason: each.reason,
      sure: each.sure,
      words: wordsOf(trail, each.step),
      evidence: oneLine(each.evidence, 300),
    })),
    cut,
    complete,
    ...(['prompt', 'session'].includes(trail.kind(kept[0]!.step))
      ? {}
      : { unexplained: true as const }),
  };
}

/** What a commit is of, the nearest first; who asked for it, where that was after the changes. */
function inCommit(trail: Trail, step: number, cause: Cause | undefined): Cause[] {
  const found = causesOfCommit(trail, step);
  const asked = cause?.reason === 'prompt' ? cause : undefined;
  if (asked === undefined || found.length === 0) return found;
  const first = found.at(-1)!.step;
  if (asked.step < first) return found;
  const turn = asked.sure === 'likely' ? { ...asked, evidence: 'committed in its turn' } : asked;
  return [...found, turn].sort((a, b) => b.step - a.step);
}

function wordsOf(trail: Trail, step: number): string {
  const event = trail.stepEvent(step);
  if (event === undefined) return 'an event that cannot be shown';
  const { fold } = trail;
  const view = describeStep(fold, step, trail.row(step), event, trail.result(step));
  const lines =
    view.added === undefined && view.removed === undefined
      ? ''
      : `+${view.added ?? 0} −${view.removed ?? 0}`;
  return oneLine(
    [view.verb, view.target, lines, view.detail].filter((part) => part !== '').join(' '),
    240,
  );
}

function compactionSteps({ fold }: AnalysedSession): number[] {
  const { flags, length } = fold.columns;
  const found: number[] = [];
  for (let row = 0; row < length; row++) {
    if ((flags[row]! & FLAG.compaction) === 0) continue;
    const at = fold.steps.stepOf(row);
    if (at >= 0) found.push(at);
  }
  return found.sort((a, b) => a - b);
}

/** The last compaction of the step's own window between two steps; -1: none. */
function lastBetween(
  compactions: readonly number[],
  from: number,
  to: number,
  trail: Trail,
): number {
  const lane = trail.lane(to);
  let low = 0;
  let high = compactions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compactions[middle]! < to) low = middle + 1;
    else high = middle;
  }
  for (let nth = low - 1; nth >= 0 && compactions[nth]! > from; nth--) {
    if (trail.lane(compactions[nth]!) === lane) return compactions[nth]!;
  }
  return -1;
}
