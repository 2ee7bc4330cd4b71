/** Trips that nobody needs to act upon any more: what their rule wanted has come, or nothing is left that it could be done to. */
import { processState, readSessionRecord } from '../agents/process.ts';
import { readTrips, settleTrip, type Trip } from './trips.ts';

type Env = Record<string, string | undefined>;

/** Whoever acts upon a trip has done so by then, ms: what they write of it says more. */
const ACTING_MS = 30_000;

/**
 * What becomes of a trip whose agent is gone. `stopped` and `killed`: as its rule wanted. A pause is over: there is
 * nothing to resume. But that a denied call ran must be seen by a person: it stays, and says why nothing can be done.
 */
export function stateOver({ action, line }: Trip): {
  state: Exclude<Trip['state'], 'open'>;
  problem?: string;
  gone?: true;
} {
  if (action === 'stop') return { state: 'stopped' };
  if (action === 'kill') return { state: 'killed' };
  if (line !== 'verify') return { state: 'dismissed', gone: true };
  return { state: 'failed', problem: 'The agent has ended: there is nothing left to pause.' };
}

const WAITS: ReadonlySet<string> = new Set(['pause', 'stop', 'kill']);

/** Whether a trip is about an agent that is to be acted upon, or waits frozen. */
const waits = ({ state, action, dryRun }: Trip): boolean =>
  state === 'open' && WAITS.has(action) && dryRun !== true;

function settle(trip: Trip, env: Env): Trip | undefined {
  const { state, ...why } = stateOver(trip);
  if (settleTrip(trip.id, state, why, env) !== undefined) return undefined;
  return { ...trip, ...why, state, settledAt: Date.now() / 1000 };
}

/** Of a session that has ended. @param actions of these only @returns the trips that were settled */
export function settleOver(
  session: string,
  env: Env = process.env,
  actions?: readonly Trip['action'][],
): Trip[] {
  return readTrips(env).flatMap((trip) => {
    const meant = trip.session === session && actions?.includes(trip.action) !== false;
    return meant && waits(trip) ? (settle(trip, env) ?? []) : [];
  });
}

/**
 * Of all sessions whose agent is known to be gone, also those that nobody watches any more.
 *
 * @param trips as they were read
 * @returns the same, as they are now
 */
export function settleGone(trips: readonly Trip[], env: Env = process.env): Trip[] {
  const gone = new Map<string, boolean>();
  const before = (Date.now() - ACTING_MS) / 1000;
  return trips.map((trip) => {
    if (!waits(trip) || trip.at > before) return trip;
    const { session } = trip;
    if (!gone.has(session)) {
      gone.set(session, processState(readSessionRecord(session, env)) === 'gone');
    }
    return (gone.get(session) === true ? settle(trip, env) : undefined) ?? trip;
  });
}
