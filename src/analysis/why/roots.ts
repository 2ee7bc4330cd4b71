import { FLAG, TYPE } from '../../model/columns.ts';
import { oneLine } from '../../model/text.ts';
import { phaseAt } from '../phases/phase.ts';
import { type Cause, mentionIn, purposesOf, quoted } from './cause.ts';
import { isForbidden } from './mentions.ts';
import type { Subject } from './subject.ts';
import { saidBy, type Trail, taskOf } from './trail.ts';

/** Where nothing nearer is known: the prompt, or the call that started the subagent. */
export function rootOf(trail: Trail, step: number): Cause | undefined {
  const spawn = trail.lane(step) === 0 ? undefined : spawnOf(trail, step);
  if (spawn !== undefined) return spawn;
  // An agent whose start is not told of still works for the last prompt.
  const last = promptCause(trail, step, trail.subject(step), true);
  if (last?.sure !== 'likely') return last;
  return earlierPrompt(trail, step, last.step) ?? beforeRemarks(trail, last);
}

/** A word that came while the agent was at work added to what it was asked before: that is what the work is for. */
function beforeRemarks(trail: Trail, last: Cause): Cause {
  let at = last.step;
  for (let tries = 0; tries < MAX_PROMPTS && isRemark(trail, at); tries++) {
    const before = promptBefore(trail, at);
    if (before < 0) break;
    at = before;
  }
  if (at === last.step) return last;
  return {
    ...last,
    step: at,
    evidence: `done for it; what was said at step ${last.step + 1} came in between`,
  };
}

/** Less than this after a result (ms) nobody has stopped and looked. */
const AT_ONCE_MS = 60_000;

/** Whether a prompt came while the agent was at work: it was queued, or no answer and no stop came before it. */
function isRemark(trail: Trail, prompt: number): boolean {
  if (trail.stepEvent(prompt)?.data.source === 'queue') return true;
  const { columns } = trail.fold;
  const before = trail.before(prompt);
  if (before < 0 || columns.type[trail.row(before)] !== TYPE.tool_call) return false;
  if (trail.has(before, FLAG.denied | FLAG.closed)) return false;
  if (!tellsAnswers(trail, before)) return false;
  const result = trail.resultRow(before);
  const endMs = columns.timeMs[result >= 0 ? result : trail.row(before)]!;
  return columns.timeMs[trail.row(prompt)]! - endMs < AT_ONCE_MS;
}

/** Steps that are walked over to see whether a trace has the agent's own words. */
const MAX_LOOKED = 400;

/** In a trace that has no words of the agent, none before a prompt say nothing. */
function tellsAnswers(trail: Trail, from: number): boolean {
  for (let at = from; at >= Math.max(0, from - MAX_LOOKED); at--) {
    if (trail.lane(at) === 0 && trail.kind(at) === 'assistant') return true;
  }
  return false;
}

/** Prompts that are looked at, before the last one. */
const MAX_PROMPTS = 8;

/** A prompt before the last one that names what the step is about: what came after it may have been a remark. */
function earlierPrompt(trail: Trail, step: number, last: number): Cause | undefined {
  const subject = trail.subject(step);
  let at = promptBefore(trail, last);
  for (let tries = 0; at >= 0 && tries < MAX_PROMPTS; tries++) {
    const found = mentionIn(saidBy(trail.stepEvent(at)), subject);
    if (found !== undefined) {
      const evidence = `an earlier prompt names ${oneLine(found.as, 120)}`;
      // A file's bare name, in a prompt of long ago, may be said of anything.
      return { step: at, reason: 'prompt', sure: found.bare ? 'likely' : 'asked', evidence };
    }
    at = promptBefore(trail, at);
  }
  return undefined;
}

/** The prompt before a step: asked for it by name, or by being the last word of a person. */
export function promptCause(
  trail: Trail,
  step: number,
  subject: Subject,
  anyLane = false,
): Cause | undefined {
  if (!anyLane && trail.lane(step) !== 0) return undefined;
  const at = promptBefore(trail, step);
  if (at < 0) return undefined;
  const words = [...subject.words, ...purposesOf(trail, step)];
  const text = saidBy(trail.stepEvent(at));
  const found = mentionIn(text, { paths: subject.paths, words });
  if (found !== undefined && isForbidden(text, found.at)) {
    const evidence = `the prompt names ${oneLine(found.as, 120)}, perhaps as something to leave alone`;
    return { step: at, reason: 'prompt', sure: 'likely', evidence };
  }
  if (found !== undefined) {
    return {
      step: at,
      reason: 'prompt',
      sure: 'asked',
      evidence: `the prompt names ${oneLine(found.as, 120)}`,
    };
  }
  const direct =
    trail.lane(step) === 0 && trail.callsBefore(step).length === 0 && !isRemark(trail, at);
  return {
    step: at,
    reason: 'prompt',
    sure: direct ? 'asked' : 'likely',
    evidence: direct
      ? 'the first that was done for it'
      : 'done in its turn; nothing nearer shows a cause',
  };
}

function promptBefore(trail: Trail, step: number): number {
  const { columns, steps } = trail.fold;
  // Prompts are few: they are looked up, not walked to.
  const phases = trail.fold.phases.all();
  const last = phaseAt(phases, columns.timeMs[trail.row(step)]!);
  for (let nth = last; nth >= 0; nth--) {
    const row = phases[nth]!.row;
    const at = row < 0 ? -1 : steps.stepOf(row);
    if (at >= 0 && at < step) return at;
  }
  return -1;
}

function spawnOf(trail: Trail, step: number): Cause | undefined {
  const spawn = trail.spawn(trail.lane(step));
  const at = spawn === undefined || spawn.row < 0 ? -1 : trail.fold.steps.stepOf(spawn.row);
  if (at < 0 || at >= step) return undefined;
  const task = taskOf(trail.stepEvent(at));
  const mention = mentionIn(task, trail.subject(step));
  return {
    step: at,
    reason: 'subagent',
    sure: mention !== undefined ? 'asked' : spawn!.sure === 'evidence' ? 'evidence' : 'likely',
    evidence:
      mention !== undefined
        ? `its task names ${oneLine(mention.as, 120)}`
        : task === ''
          ? 'it started this subagent'
          : `its task: ${quoted(task)}`,
  };
}
