/** Where the recorder asks the guard: nothing but a few stats where there are no rules. */
import { existsSync } from 'node:fs';
import type { HookAnswer } from '../agents/agent.ts';
import { guardPlace, readChoices } from '../guard/guardHome.ts';
import { hasRules } from '../guard/rules/compiled.ts';
import type { AfterTool, BeforeTool, GuardMoment, GuardPart } from './guardMoment.ts';
import { logProblem } from './log.ts';
import { part } from './parts.ts';

/** What is said where not even the guard's own bundle can be loaded, and nothing is to run then. */
const BROKEN =
  'Denied by agent-strace: the guard could not be run, and the person chose that no tool runs without it. ' +
  'Tell the person: “agent-strace setup” brings it back.';

const isGuarded = ({ known }: GuardMoment): boolean => hasRules(known.project);

/** @returns undefined: the tool may run */
export function beforeGuardedTool(at: BeforeTool): HookAnswer | undefined {
  return isGuarded(at) ? ask(at, (guard) => guard.beforeTool(at)) : undefined;
}

/** A prompt, or a change of settings. @returns undefined: it may be */
export function beforeGuardedEvent(at: GuardMoment): HookAnswer | undefined {
  const { agent, answerer, event } = at;
  const isPrompt = answerer.promptEvents.includes(event);
  const isChange = agent === 'claude' && event === 'ConfigChange';
  if ((!isPrompt && !isChange) || !isGuarded(at)) return undefined;
  try {
    const guard = part('guard');
    return isPrompt ? guard.beforePrompt(at) : guard.configChange(at);
  } catch (error) {
    // No tool runs by it: each of those is asked for again.
    logProblem(`guard: ${event}`, error);
    return undefined;
  }
}

/** The same as {@link beforeGuardedTool} for a process that goes on meanwhile. @returns why it must not run */
export async function beforeGuardedToolAside(at: BeforeTool): Promise<string | undefined> {
  if (!isGuarded(at)) return undefined;
  try {
    return await part('guard').beforeToolAside(at);
  } catch (error) {
    return failed(at, error)?.stdout;
  }
}

/** Never throws. */
export const afterGuardedTool = (at: AfterTool): void =>
  after(['verdicts', `${at.known.session_id}.ndjson`], (guard) => guard.afterTool(at));

/** Never throws. */
export const afterGuardedSession = (at: GuardMoment): void =>
  after(['trips'], (guard) => guard.sessionEnd(at));

/** Only where there is something that it is about. */
function after(place: string[], what: (guard: GuardPart) => void): void {
  try {
    if (existsSync(guardPlace(process.env, ...place))) what(part('guard'));
  } catch (error) {
    logProblem('guard: afterwards', error);
  }
}

function ask(
  at: BeforeTool,
  what: (guard: GuardPart) => HookAnswer | undefined,
): HookAnswer | undefined {
  try {
    return what(part('guard'));
  } catch (error) {
    return failed(at, error);
  }
}

/** As the person chose. */
function failed(at: BeforeTool, error: unknown): HookAnswer | undefined {
  try {
    return part('guard').failed(at, error);
  } catch {
    logProblem('guard', error);
  }
  return isClosed(at.closed) ? at.answerer.answer('deny', BROKEN, at.event) : undefined;
}

/** Whether what cannot be decided is a no. @param installed set-up made it so for this hook */
export const isClosed = (installed: boolean): boolean =>
  installed || readChoices().fail === 'closed';
