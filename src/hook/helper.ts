/**
 * What a process of its own does after a hook has ended: freeze, stop or kill the agent; read what was too long. A bundle
 * of its own.
 */

import { readProcess, readSessionRecord } from '../agents/process.ts';
import { act as brake } from '../guard/brake.ts';
import type { Outcome } from '../guard/control.ts';
import { catchUp } from '../guard/decision/sessionFacts.ts';
import { TreeWalk } from '../guard/processTree.ts';
import { stateOver } from '../guard/settleOver.ts';
import { sweepGuard } from '../guard/store.ts';
import { readTrip, settleTrip, type Trip } from '../guard/trips.ts';
import { verify } from '../guard/verify.ts';
import { isSafeSessionId } from '../trace/paths.ts';
import { takeTask } from './actTasks.ts';
import type { ActTask } from './guardMoment.ts';

/** The agent has its hooks' words by then, ms: a hook that waits for a person may take longer than that. */
const MAX_WAIT_MS = 15_000;
/** Between two looks, ms. */
const LOOK_MS = 20;
/**
 * Between the end of a hook and the signal, ms: frozen before it has read the hook's word, an agent would find, when it is
 * resumed, that the hook's time is over, and run the tool.
 */
const READ_MS = 150;
/** From asking an agent to end to killing it, ms. */
const GRACE_MS = 5000;

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Never throws. @param argument names the trip whose {@link ActTask} a hook wrote down: of anybody else's it does nothing */
export async function act(argument: string | undefined): Promise<void> {
  const task = takeTask(parse(argument).trip);
  if (task === undefined) return;
  const { action, session, traceDir, trip } = task;
  await hooksEnded(task);
  try {
    settle(trip, action, await brake(action, traceDir, session, { graceMs: GRACE_MS }));
  } catch (error) {
    settleTrip(trip, 'failed', { problem: (error as Error).message });
  }
  sweepGuard();
}

/** Waits for the hook that decided and, before a pause, for all others of the agent. */
async function hooksEnded({ action, session, traceDir, hook }: ActTask): Promise<void> {
  const until = performance.now() + MAX_WAIT_MS;
  while (performance.now() < until) {
    const decided = hook === undefined || readProcess(hook.pid)?.startTime !== hook.startTime;
    if (decided && (action !== 'pause' || !(await hooksRun(traceDir, session)))) break;
    await sleep(LOOK_MS);
  }
  await sleep(READ_MS);
}

async function hooksRun(traceDir: string, session: string): Promise<boolean> {
  const verdict = await verify(traceDir, session);
  if (!verdict.ok) return false;
  const walk = new TreeWalk(verdict.target);
  await walk.pass(false);
  return walk.recorders().length > 0;
}

const DONE: Record<ActTask['action'], Trip['state']> = {
  // Until a person lets it go on.
  pause: 'open',
  stop: 'stopped',
  kill: 'killed',
};

function settle(trip: string, action: ActTask['action'], outcome: Outcome): void {
  if (!outcome.ok) {
    // It ended by itself meanwhile.
    const gone = outcome.reason === 'gone' || outcome.reason === 'reused';
    const known = gone ? readTrip(trip) : undefined;
    const { state, ...why } =
      known === undefined
        ? { state: 'failed' as const, problem: outcome.message }
        : stateOver({ ...known, action });
    settleTrip(trip, state, why);
    return;
  }
  const processes = outcome.processes.map(({ pid, name, state, why }) => ({
    ...{ pid, name, state },
    ...(why !== undefined && { why }),
  }));
  settleTrip(trip, DONE[action], {
    processes,
    ...(outcome.state === 'partly' && {
      problem: 'Not all of what the agent runs could be reached; see the list of processes.',
    }),
  });
}

/** Reads all that a session has written, so that the next hook has little to read. */
export function fold(argument: string | undefined): void {
  const { session, traceDir } = parse(argument);
  if (!isSafeSessionId(session) || typeof traceDir !== 'string') return;
  // The trace's folder is the record's, whatever the argument says.
  const record = readSessionRecord(session);
  if (record?.trace_dir === traceDir) catchUp({ session, traceDir });
}

function parse(argument: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(argument ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
