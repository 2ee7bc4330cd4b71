/**
 * Rules that tripped: `~/.agent-strace/guard/trips/<id>.json`, written by whoever saw it first (a hook, a window, `watch`), shown by
 * all windows and answered by one.
 */
import { isAbsolute, join } from 'node:path';
import type { AgentId } from '../agents/agent.ts';
import { eventId } from '../model/ids.ts';
import { codeOf, type FileProblem, writeSmallFile } from '../trace/files.ts';
import { isSafeSessionId } from '../trace/paths.ts';
import { ensureGuardFolder } from './guardHome.ts';
import { ACTIONS, type Action } from './rules/rule.ts';
import {
  createRecord,
  isRecordId,
  plainText,
  readRecord,
  recordNames,
  shownText,
} from './store.ts';

type Env = Record<string, string | undefined>;

export interface Trip {
  version: 1;
  /** 12 hex: of the session, the rule and the limit (metrics) or the call, so that one thing trips once. */
  id: string;
  session: string;
  agent: AgentId | string;
  /** Absolute. */
  traceDir: string;
  project: string;
  rule: {
    name: string;
    text: string;
    scope: string;
    file?: string;
    line?: number;
    message?: string;
  };
  action: Action;
  /** For people: `cost $5.02 is over $5.00`. Redacted. */
  detail: string;
  value?: number;
  limit?: number;
  /** `prevent`: in a hook, before the call ran. `interrupt`: between calls. `verify`: a denied call that ran all the same. */
  line: 'prevent' | 'interrupt' | 'verify';
  /** Seconds since the epoch. */
  at: number;
  /** The call that was held, denied or (verify) ran: tool, target (redacted, at most 200 characters), its id in the trace. */
  call?: { tool: string; target: string; id: string };
  /** Told only: a dry run. */
  dryRun?: true;
  state: 'open' | 'resumed' | 'raised' | 'stopped' | 'killed' | 'dismissed' | 'failed';
  /** What was done to the processes, as the brake reported it. */
  processes?: { pid: number; name: string; state: string; why?: string }[];
  /** Why nothing could be done, for people. */
  problem?: string;
  /** Absolute path of the post-mortem. */
  postmortem?: string;
  /** Seconds since the epoch. */
  settledAt?: number;
  /** Settled because its agent had ended, by nobody's word: taken up again, the session trips anew. */
  gone?: true;
}

/** What makes two trips one: a rule that a limit or a call tripped. */
export interface TripCause {
  session: string;
  rule: string;
  line: Trip['line'];
  /** Of a metric: raised, it trips anew. */
  limit?: number | undefined;
  /** The call's id in the trace. */
  call?: string | undefined;
}

export const tripId = ({ session, rule, line, limit, call }: TripCause): string =>
  eventId(session, 'trip', rule, line, limit === undefined ? `call ${call ?? ''}` : `${limit}`);

/**
 * Writes a trip down. One that was settled by letting the agent go on, and trips again, is open again.
 *
 * @returns `known`: somebody else wrote it, and it is still open; or it is about one call that ran
 */
export function openTrip(
  trip: Trip,
  env: Env = process.env,
): 'new' | 'known' | { problem: FileProblem } {
  const file = `${trip.id}.json`;
  if (!isRecordId(trip.id)) return { problem: 'EBADID' };
  const made = createRecord('trips', file, trip, env);
  if (made !== 'known') return made;
  const before = readTrip(trip.id, env);
  // What is past does not happen again when a trace is read again.
  if (trip.line === 'verify') return 'known';
  if (before !== undefined && before.gone !== true && !REOPENED.has(before.state)) return 'known';
  return write(trip, env) ?? 'new';
}

/** An alert that a person has seen stays so. */
const REOPENED: ReadonlySet<Trip['state']> = new Set([
  'resumed',
  'raised',
  'stopped',
  // Taken up again, a session is over its limit as it was.
  'killed',
  'failed',
]);

export function readTrip(id: string, env: Env = process.env): Trip | undefined {
  return isRecordId(id) ? tripOf(id, readRecord('trips', `${id}.json`, env)) : undefined;
}

/** The newest first, at most 1000. */
export function readTrips(env: Env = process.env): Trip[] {
  const trips: Trip[] = [];
  for (const id of recordNames('trips', '.json', env)) {
    const trip = readTrip(id, env);
    if (trip !== undefined) trips.push(trip);
  }
  return trips.sort((a, b) => b.at - a.at);
}

/** The newest trip that ended this session, if one did. @param trips the newest first */
export const endingTrip = (
  trips: readonly Trip[],
  session: string,
  traceDir: string,
): Trip | undefined =>
  trips.find(
    (trip) =>
      trip.session === session &&
      trip.traceDir === traceDir &&
      (trip.state === 'killed' || trip.state === 'stopped'),
  );

/**
 * Keeps what became of a trip.
 *
 * @returns undefined, or why it cannot be kept: `ENOENT` where there is no such trip
 */
export function settleTrip(
  id: string,
  state: Trip['state'],
  extra: Partial<Pick<Trip, 'processes' | 'problem' | 'postmortem' | 'gone'>> = {},
  env: Env = process.env,
): FileProblem | undefined {
  const trip = readTrip(id, env);
  if (trip === undefined) return 'ENOENT';
  const settled = state === 'open' ? {} : { settledAt: Date.now() / 1000 };
  return write({ ...trip, ...extra, state, ...settled }, env)?.problem;
}

function write(trip: Trip, env: Env): { problem: FileProblem } | undefined {
  try {
    writeSmallFile(join(ensureGuardFolder('trips', env), `${trip.id}.json`), JSON.stringify(trip));
    return undefined;
  } catch (error) {
    return { problem: codeOf(error) };
  }
}

/** Whatever the file holds, a trip has what its type says, and texts are plain and short. */
function tripOf(id: string, value: Record<string, unknown> | undefined): Trip | undefined {
  if (value?.version !== 1 || value.id !== id) return undefined;
  const { session, traceDir, project, rule, action, line, at, state } = value;
  if (!isSafeSessionId(session) || typeof rule !== 'object' || rule === null) return undefined;
  if (typeof traceDir !== 'string' || !isAbsolute(traceDir)) return undefined;
  if (!ACTIONS.includes(action as Action) || !LINES.includes(line as Trip['line']))
    return undefined;
  if (typeof at !== 'number' || !STATES.includes(state as Trip['state'])) return undefined;
  const { name, text, scope, file, line: ruleLine, message } = rule as Record<string, unknown>;
  const call = value.call as Record<string, unknown> | undefined;
  const number = (given: unknown) => (typeof given === 'number' ? given : undefined);
  const trip: Trip = {
    version: 1,
    id,
    session,
    agent: shownText(value.agent, 50) ?? '',
    traceDir,
    project: typeof project === 'string' ? project : '',
    rule: {
      name: shownText(name, 200) ?? '',
      text: shownText(text, 500) ?? '',
      scope: shownText(scope, 20) ?? '',
      ...(typeof file === 'string' && { file }),
      ...(typeof ruleLine === 'number' && { line: ruleLine }),
      ...(typeof message === 'string' && { message: plainText(message, 500) }),
    },
    action: action as Action,
    detail: shownText(value.detail, 500) ?? '',
    line: line as Trip['line'],
    at,
    state: state as Trip['state'],
    ...(value.dryRun === true && { dryRun: true as const }),
    ...(value.gone === true && { gone: true as const }),
  };
  if (number(value.value) !== undefined) trip.value = number(value.value)!;
  if (number(value.limit) !== undefined) trip.limit = number(value.limit)!;
  if (number(value.settledAt) !== undefined) trip.settledAt = number(value.settledAt)!;
  if (typeof call === 'object' && call !== null) {
    trip.call = {
      tool: shownText(call.tool, 100) ?? '',
      target: shownText(call.target, 200) ?? '',
      id: shownText(call.id, 200) ?? '',
    };
  }
  if (typeof value.problem === 'string') trip.problem = plainText(value.problem, 500);
  if (typeof value.postmortem === 'string') trip.postmortem = value.postmortem;
  if (Array.isArray(value.processes)) {
    trip.processes = value.processes.slice(0, 200).flatMap((each: unknown) => {
      const { pid, name, state, why } = (each ?? {}) as Record<string, unknown>;
      if (typeof pid !== 'number') return [];
      return [
        {
          pid,
          name: shownText(name, 100) ?? '',
          state: shownText(state, 30) ?? '',
          ...(typeof why === 'string' && { why: why.slice(0, 30) }),
        },
      ];
    });
  }
  return trip;
}

const LINES: readonly Trip['line'][] = ['prevent', 'interrupt', 'verify'];
const STATES: readonly Trip['state'][] = [
  'open',
  'resumed',
  'raised',
  'stopped',
  'killed',
  'dismissed',
  'failed',
];
