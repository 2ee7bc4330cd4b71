/** Pause, resume, stop and kill by session: verified, then by signals, or by the agent's own hook where there are none. */
import { laterSession, processState, type SessionRecord } from '../agents/process.ts';
import type { ProcessState } from '../model/summary.ts';
import {
  type ControlOptions,
  type ControlReport,
  kill,
  type Outcome,
  type ProcessReport,
  pause,
  resume,
  resumeLeftovers,
  stop,
} from './control.ts';
import { isMarkedPaused, markPaused, unmarkPaused } from './pauseMark.ts';
import { TreeWalk } from './processTree.ts';
import { recordFor, refusal, type Verdict, verify } from './verify.ts';

type Env = Record<string, string | undefined>;

export type BrakeAction = 'pause' | 'resume' | 'stop' | 'kill';

/** How an agent can be paused. */
export type BrakeKind = 'signals' | 'cooperative' | 'none';

export interface BrakeOptions extends ControlOptions {
  /** Between asking an agent to end and killing it, ms. */
  graceMs: number;
}

export function kindOf(verdict: Verdict): BrakeKind {
  if (verdict.ok) return 'signals';
  return verdict.reason === 'inEditor' || verdict.reason === 'noSignals' ? 'cooperative' : 'none';
}

/**
 * Acts upon the agent of a session. Nothing is signalled that is not verified to be its process.
 *
 * @param traceDir absolute path of the folder that the session is traced into
 * @throws a system error where the mark of a cooperative pause cannot be written
 */
export async function act(
  action: BrakeAction,
  traceDir: string,
  sessionId: string,
  options: BrakeOptions,
): Promise<Outcome> {
  const { env = process.env } = options;
  const verdict = await verify(traceDir, sessionId, env);
  const record = recordFor(traceDir, sessionId, env);
  // The trace is a copy: nothing of the session that it names is touched.
  if ('ok' in record) return record;
  // What was paused can be resumed by any name.
  if (verdict.ok && action !== 'resume' && laterSession(record, env) !== undefined) {
    return refusal('movedOn', record.agent);
  }
  const wasMarked = isMarkedPaused(sessionId, env);
  // Whatever comes of it, its hooks need not wait any more.
  if (wasMarked && action !== 'pause') unmarkPaused(sessionId, env);
  if (verdict.ok) {
    const { target } = verdict;
    if (action === 'pause') return await pause(target, options);
    if (action === 'stop') return await stop(target, options.graceMs, options);
    if (action === 'kill') return await kill(target, options);
    const outcome = await resume(target, options);
    return wasMarked && !outcome.ok && outcome.reason === 'notPaused'
      ? cooperative('running')
      : outcome;
  }
  if (kindOf(verdict) === 'cooperative') {
    if (action === 'pause') {
      markPaused(sessionId, env);
      return cooperative('paused');
    }
    if (action === 'resume') {
      return wasMarked ? cooperative('running') : refusal('notPaused', record.agent);
    }
    return verdict;
  }
  const ended = verdict.reason === 'gone' || verdict.reason === 'reused';
  // Its shell is still frozen.
  if (!ended || action === 'pause') return verdict;
  const leftovers = await resumeLeftovers(sessionId, record.agent, options);
  return leftovers.ok ? leftovers : verdict;
}

/**
 * Looks at all that a pause would freeze, and touches nothing: the first pause of a process pays for compiling the code
 * that looks, and in an emergency nobody should wait for that.
 */
export async function rehearse(
  traceDir: string,
  sessionId: string,
  env: Env = process.env,
): Promise<void> {
  for (let round = 0; round < REHEARSALS; round++) {
    const verdict = await verify(traceDir, sessionId, env);
    if (!verdict.ok) return;
    const walk = new TreeWalk(verdict.target, env);
    await walk.pass(false);
    await walk.pass();
    walk.recorders();
    walk.onlookers();
    walk.jobControlShells();
  }
}

/** After so many the code is compiled, mostly. */
const REHEARSALS = 3;

const cooperative = (state: ControlReport['state']): ControlReport => ({
  ok: true,
  state,
  kind: 'cooperative',
  processes: [],
  elapsedMs: 0,
});

const WANTED: Record<BrakeAction, ProcessReport['state']> = {
  pause: 'frozen',
  resume: 'running',
  stop: 'gone',
  kill: 'gone',
};

/** What a person should know of: processes that are not as they were to be. */
export function notable(action: BrakeAction, { processes }: ControlReport): ProcessReport[] {
  return processes.filter(({ role, state, why }) =>
    state === 'leftAlone'
      ? // As it should be, and the same each time.
        why !== 'service'
      : role !== 'onlooker' && state !== 'gone' && state !== WANTED[action],
  );
}

/** As {@link processState}, the cooperative pause among it. */
export function brakedState(
  record: SessionRecord | undefined,
  env: Env = process.env,
): ProcessState {
  const state = processState(record);
  if (record === undefined || state === 'gone' || state === 'stopped') return state;
  return isMarkedPaused(record.session_id, env) ? 'held' : state;
}
