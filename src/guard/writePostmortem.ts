/** Reads a session that is over, and writes what is to be known of it beside its trace. Loads the price list unless it is given prices: never in a hook. */
import { join } from 'node:path';
import { bootId, ownRecord, processState } from '../agents/process.ts';
import { createPricer } from '../analysis/price.ts';
import { summarise } from '../model/summary.ts';
import type { Pricer } from '../model/usage.ts';
import { checkOwnDirectory, codeOf, writeSmallFile } from '../trace/files.ts';
import { isSafeSessionId } from '../trace/paths.ts';
import { TraceSession } from '../trace/session.ts';
import type { Ending } from './ending.ts';
import { buildPostmortem, type Postmortem } from './postmortem.ts';
import { postmortemMarkdown, watchdogJson } from './postmortemText.ts';
import { endingTrip, readTrips, type Trip } from './trips.ts';

type Env = Record<string, string | undefined>;

const POSTMORTEM_FILE = 'postmortem.md';
const WATCHDOG_FILE = 'watchdog-postmortem.json';

export interface PostmortemOptions {
  env?: Env;
  /** ms since the epoch. */
  nowMs?: number;
  /** Read already, to its end. */
  session?: TraceSession;
  /** Default: by the price list. */
  pricer?: Pricer | undefined;
}

/**
 * What is to be known of a session.
 *
 * @param traceDir absolute
 * @param trip what ended it; default: the last trip of this session that did
 * @throws a system error where the trace cannot be read
 */
export async function postmortemOf(
  traceDir: string,
  id: string,
  trip: Trip | undefined,
  { env = process.env, nowMs = Date.now(), session, pricer }: PostmortemOptions = {},
): Promise<Postmortem> {
  const read = session ?? (await readWhole(traceDir, id, pricer ?? (await createPricer())));
  const cause = trip ?? endingTrip(readTrips(env), id, traceDir);
  const record = ownRecord(traceDir, id, env);
  const state = processState(record);
  const summary = summarise(read.fold, { nowMs, process: state });
  const ending = endingOf(read, cause, {
    gone: state === 'gone',
    status: summary.status,
    restarted: record?.boot_id !== undefined && bootId() !== '' && record.boot_id !== bootId(),
  });
  return buildPostmortem({
    source: read,
    summary,
    ending,
    ...(cause !== undefined && { trip: cause }),
  });
}

interface Seen {
  gone: boolean;
  status: string;
  restarted: boolean;
}

function endingOf({ fold }: TraceSession, trip: Trip | undefined, seen: Seen): Ending {
  const { session } = fold;
  const lastAt = session.lastMs / 1000;
  const settled = trip?.settledAt ?? trip?.at;
  // Taken up again after that, it came to another end.
  if (trip !== undefined && settled !== undefined && lastAt <= settled + 5) {
    const verb = trip.state === 'stopped' ? 'stopped' : 'killed';
    return {
      how: verb,
      why: `It was ${verb} because ${trip.detail} (rule "${trip.rule.name}").`,
      at: settled,
    };
  }
  if (seen.status === 'ended') return { how: 'ended', why: 'It ended by itself.', at: lastAt };
  if (!seen.gone) return { how: 'running', why: 'It has not ended.', at: lastAt };
  return {
    how: 'crashed',
    why: seen.restarted
      ? 'The machine was started anew while it ran.'
      : 'Its process ended without a goodbye: it crashed, was killed, or lost its terminal.',
    at: lastAt,
  };
}

async function readWhole(traceDir: string, id: string, pricer: Pricer): Promise<TraceSession> {
  const session = new TraceSession(join(traceDir, id), id, { pricer });
  while (session.update(4 * 1_048_576)) await new Promise((resolve) => setImmediate(resolve));
  return session;
}

/**
 * Writes `postmortem.md` and `watchdog-postmortem.json` into the session's folder.
 *
 * @returns the absolute path of the first, or what is wrong
 */
export function savePostmortem(
  traceDir: string,
  post: Postmortem,
): { path: string } | { problem: string } {
  if (!isSafeSessionId(post.session)) return { problem: 'EBADID' };
  const folder = join(traceDir, post.session);
  const problem = checkOwnDirectory(traceDir) ?? checkOwnDirectory(folder);
  if (problem !== undefined) return { problem };
  try {
    writeSmallFile(join(folder, WATCHDOG_FILE), asciiJson(watchdogJson(post)));
    writeSmallFile(join(folder, POSTMORTEM_FILE), postmortemMarkdown(post));
    return { path: join(folder, POSTMORTEM_FILE) };
  } catch (error) {
    return { problem: codeOf(error) };
  }
}

/** Both, for a trip that ended its session: see `TripActOptions.postmortem`. Never throws. */
export async function writePostmortem(
  trip: Trip,
  env: Env = process.env,
  pricer?: Pricer,
): Promise<string | undefined> {
  try {
    const post = await postmortemOf(trip.traceDir, trip.session, trip, { env, pricer });
    const saved = savePostmortem(trip.traceDir, post);
    return 'path' in saved ? saved.path : undefined;
  } catch {
    return undefined;
  }
}

/** As the Python tool writes JSON: its readers may open it in any encoding. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value, null, 2).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
