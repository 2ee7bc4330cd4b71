/**
 * What a process of its own does after a hook has ended: freeze, stop or kill the agent, as a window or `watch` would; read
 * what was too long. A bundle of its own.
 */

import { readProcess, readSessionRecord } from '../agents/process.ts';
import { readPriceTable } from '../guard/decision/priceTable.ts';
import { catchUp } from '../guard/decision/sessionFacts.ts';
import { TreeWalk } from '../guard/processTree.ts';
import { sweepGuard } from '../guard/store.ts';
import { enforceTrip } from '../guard/tripActs.ts';
import { readTrip, type Trip } from '../guard/trips.ts';
import { verify } from '../guard/verify.ts';
import { writePostmortem } from '../guard/writePostmortem.ts';
import type { Pricer } from '../model/usage.ts';
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
const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Never throws. @param argument names the trip whose {@link ActTask} a hook wrote down: of anybody else's it does nothing */
export async function act(argument: string | undefined): Promise<void> {
  const task = takeTask(parse(argument).trip);
  if (task === undefined) return;
  await hooksEnded(task);
  const trip = readTrip(task.trip);
  // Its file could not be written: the agent is ended all the same.
  await enforceTrip({ ...(trip ?? unwritten(task)), action: task.action }, { postmortem });
  sweepGuard();
}

/** By the prices that hooks have: the list is not beside this bundle. */
const postmortem = (trip: Trip): Promise<string | undefined> =>
  writePostmortem(trip, process.env, readPriceTable() ?? UNPRICED);

const UNPRICED: Pricer = {
  price: () => ({ status: 'unpriced', reason: 'no prices are kept for the guard' }),
  contextWindow: () => undefined,
};

const unwritten = ({ action, session, traceDir, trip }: ActTask): Trip => ({
  ...{ version: 1, id: trip, session, traceDir, action, line: 'prevent', state: 'open' },
  ...{ agent: readSessionRecord(session)?.agent ?? '', project: '', at: Date.now() / 1000 },
  ...{ rule: { name: 'guard', text: '', scope: 'builtin' }, detail: 'a rule tripped' },
});

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
