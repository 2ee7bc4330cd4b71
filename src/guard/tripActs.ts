/** What is done about a trip by those who live longer than a hook: the editor, `watch`, the command line. */
import type { Json, TraceEvent } from '../model/event.ts';
import { eventId } from '../model/ids.ts';
import { appendEvents } from '../trace/append.ts';
import { act, type BrakeAction, notable } from './brake.ts';
import type { ControlOptions, Outcome } from './control.ts';
import { nextLimit, raiseLimit } from './raised.ts';
import type { Metric } from './rules/rule.ts';
import { METRICS } from './rules/rule.ts';
import { stateOver } from './settleOver.ts';
import { readTrips, settleTrip, type Trip } from './trips.ts';

type Env = Record<string, string | undefined>;

export interface TripActOptions extends ControlOptions {
  env?: Env;
  /** Between asking an agent to end and killing it, ms. Default 5000. */
  graceMs?: number;
  /** Writes the post-mortem of a session that was ended. @returns its absolute path */
  postmortem?: (trip: Trip) => Promise<string | undefined>;
}

export interface TripOutcome {
  /** As it is kept now. */
  trip: Trip;
  /** Undefined: nothing was to be done to processes. */
  outcome?: Outcome;
}

const GRACE_MS = 5000;
/** No person waits for a rule, and a hook that is cut off may let its call run, ms. */
const HOOK_MS = 2000;

/** Does to the agent what the trip's rule says: pause, stop or kill. The trip says what came of it. Never throws. */
export async function enforceTrip(trip: Trip, options: TripActOptions = {}): Promise<TripOutcome> {
  const { action } = trip;
  if (trip.dryRun === true || (action !== 'pause' && action !== 'stop' && action !== 'kill')) {
    return { trip };
  }
  return await brakeFor(trip, action, options);
}

/** Ends the agent of a trip, as a person chose. Never throws. */
export const stopTrip = (trip: Trip, options: TripActOptions = {}): Promise<TripOutcome> =>
  brakeFor(trip, 'stop', options);

/** Kills the agent of a trip, as a person chose. Never throws. */
export const killTrip = (trip: Trip, options: TripActOptions = {}): Promise<TripOutcome> =>
  brakeFor(trip, 'kill', options);

/**
 * Lets the agent of a trip go on. A limit is raised for this session: to `raiseTo`, else to the next step above the value,
 * where it is asked again. Never throws.
 */
export async function resumeTrip(
  trip: Trip,
  { raiseTo, ...options }: TripActOptions & { raiseTo?: number } = {},
): Promise<TripOutcome> {
  const { env = process.env } = options;
  const limit = raiseTo ?? stepOf(trip);
  if (limit !== undefined) {
    try {
      raiseLimit(trip.session, trip.rule.name, limit, env);
    } catch (error) {
      // It would be stopped at once.
      return settled(
        trip,
        'open',
        { problem: `The limit could not be raised (${codeText(error)}).` },
        env,
      );
    }
  }
  const outcome = await brake(trip, 'resume', options);
  const fine = outcome.ok || outcome.reason === 'notPaused';
  const state = fine ? (raiseTo === undefined ? 'resumed' : 'raised') : 'open';
  return {
    ...settled(trip, state, fine ? {} : { problem: outcome.message }, env),
    outcome,
  };
}

/** Whether a rule holds the session's agent: it goes on when a person says so. */
export const isHeld = (session: string, env: Env = process.env): boolean =>
  readTrips(env).some(
    (trip) => trip.session === session && trip.state === 'open' && trip.action === 'pause',
  );

/**
 * What a person did to an agent by other means than its trips (`agent-strace resume`, the pause button) is kept as if it had
 * been done by them: what goes on is asked again at the next step. Never throws.
 *
 * @returns the trips that were settled by it
 */
export function settleByHand(
  session: string,
  action: 'resume' | 'stop' | 'kill',
  env: Env = process.env,
): Trip[] {
  const done: Trip[] = [];
  for (const trip of readTrips(env)) {
    if (trip.session !== session || trip.state !== 'open' || trip.action === 'alert') continue;
    if (trip.dryRun === true || trip.processes === undefined) continue;
    try {
      const limit = action === 'resume' ? stepOf(trip) : undefined;
      if (limit !== undefined) raiseLimit(session, trip.rule.name, limit, env);
      const state = { resume: 'resumed', stop: 'stopped', kill: 'killed' } as const;
      done.push(settled(trip, state[action], {}, env).trip);
    } catch {
      // Stopped again at once: the stricter side.
    }
  }
  return done;
}

/** What a plain "Resume" raises the limit of a trip to; undefined where its rule has none. */
export function stepOf({ rule, value, limit }: Trip): number | undefined {
  if (limit === undefined) return undefined;
  return nextLimit(metricOf(rule.text) ?? 'tool_calls', Math.max(limit, value ?? limit));
}

/** The metric of a rule that is one comparison, by its text. */
export function metricOf(text: string): Metric | undefined {
  const word = /^\s*([a-z_0-9]+)\s*[<>=!]/.exec(text)?.[1];
  return METRICS.find((metric) => metric === word);
}

async function brakeFor(
  trip: Trip,
  action: 'pause' | 'stop' | 'kill',
  options: TripActOptions,
): Promise<TripOutcome> {
  const { env = process.env } = options;
  const outcome = await brake(trip, action, options);
  if (!outcome.ok) {
    // Ended meanwhile: as the rule wants it.
    const ended = outcome.reason === 'gone' || outcome.reason === 'reused';
    if (ended) {
      const { state, ...why } = stateOver({ ...trip, action });
      return { ...settled(trip, state, why, env), outcome };
    }
    return { ...settled(trip, 'failed', { problem: outcome.message }, env), outcome };
  }
  const processes = outcome.processes.map(({ pid, name, state, why }) => ({
    ...{ pid, name, state },
    ...(why !== undefined && { why }),
  }));
  const left = notable(action, outcome);
  const problem =
    outcome.state === 'partly' && left.length > 0
      ? `Not all of it: ${left.map(({ pid, name }) => `${pid} ${name}`).join(', ')}.`
      : undefined;
  const about = { processes, ...(problem !== undefined && { problem }) };
  record(trip, action);
  let done = settled(trip, STATES[action], about, env).trip;
  if (action !== 'pause' && options.postmortem !== undefined) {
    const postmortem = await options.postmortem(done).catch(() => undefined);
    if (postmortem !== undefined) done = settled(done, done.state, { postmortem }, env).trip;
  }
  return { trip: done, outcome };
}

/** A paused agent waits for a person: its trip stays open. */
const STATES = { pause: 'open', stop: 'stopped', kill: 'killed' } as const;

async function brake(
  trip: Trip,
  action: BrakeAction,
  { graceMs = GRACE_MS, postmortem: _, ...options }: TripActOptions,
): Promise<Outcome> {
  try {
    return await act(action, trip.traceDir, trip.session, { hookMs: HOOK_MS, ...options, graceMs });
  } catch (error) {
    const message = `The state folder cannot be used (${codeText(error)}).`;
    return { ok: false, reason: 'unsafeState', message };
  }
}

const codeText = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code ?? (error as Error).message;

function settled(
  trip: Trip,
  state: Trip['state'],
  extra: Partial<Pick<Trip, 'processes' | 'problem' | 'postmortem' | 'gone'>>,
  env: Env,
): { trip: Trip } {
  settleTrip(trip.id, state, extra, env);
  return { trip: { ...trip, ...extra, state } };
}

const DONE = { pause: 'paused', stop: 'stopped', kill: 'killed' } as const;

/** The trace says so, too. What cannot be written there is in the trip. */
function record(trip: Trip, action: 'pause' | 'stop' | 'kill'): void {
  const { rule, action: wanted, detail, value, limit } = trip;
  const data: Record<string, Json> = {
    event_subtype: 'guard',
    recorded_by: 'hook',
    provider: trip.agent,
    action: wanted,
    rule: rule.name,
    detail,
    scope: rule.scope,
    ...(value !== undefined && { value }),
    ...(limit !== undefined && { limit }),
    outcome: DONE[action],
    line: trip.line,
  };
  const event: TraceEvent = {
    event_type: 'decision',
    timestamp: Date.now() / 1000,
    event_id: eventId(trip.session, 'guard', trip.id, action),
    session_id: trip.session,
    data,
  };
  appendEvents(trip.traceDir, trip.session, [event]);
}
