/** Follows the transcript of a session that runs and keeps its trace up to date, for any process that lives on: a window, `watch`. */
import { join } from 'node:path';
import { policyOf } from '../redact/event.ts';
import type { RedactPolicy } from '../redact/redact.ts';
import { appendEvents, EVENTS_FILE } from '../trace/append.ts';
import { maskChosen } from '../trace/choices.ts';
import { stateHome } from '../trace/paths.ts';
import { isAgentId } from './agent.ts';
import { sweepState } from './claude/stateSweep.ts';
import type { LiveTail } from './leasedTail.ts';
import { tailLive } from './liveTranscript.ts';
import type { SessionRecord } from './process.ts';

type Env = Record<string, string | undefined>;

/** Transcript read in one go, bytes: a few ms. */
const MAX_BYTES = 1024 * 1024;

export interface FollowedSession {
  id: string;
  /** By our own record: a trace can name any agent. */
  agent: string;
  /** Absolute. */
  traceDir: string;
  /** As the trace says. */
  transcriptPath: string;
  policy: RedactPolicy;
  env?: Env;
}

/** Undefined: what this agent writes down itself is not read. */
export function tailOf(session: FollowedSession): LiveTail | undefined {
  const { id, agent, traceDir, transcriptPath, policy, env } = session;
  if (!isAgentId(agent)) return undefined;
  const stateDir = join(stateHome(env), 'state');
  sweepState(stateDir);
  return tailLive(agent, {
    sessionId: id,
    transcriptPath,
    stateDir,
    maxBytes: MAX_BYTES,
    redact: policy,
    eventsFile: join(traceDir, id, EVENTS_FILE),
    ...(env !== undefined && { places: { env } }),
  });
}

/**
 * Appends to a trace what is new in its transcript.
 *
 * @returns whether something was written, and whether there is more to read
 * @throws where the trace cannot be written; the same is read again the next time
 */
export function appendNew(
  tail: LiveTail,
  traceDir: string,
  id: string,
): { wrote: boolean; more: boolean } {
  const result = tail.poll();
  if (result.events.length === 0) return { wrote: false, more: result.more };
  const done = appendEvents(traceDir, id, result.events);
  if (!done.ok) throw new Error(`cannot write to the trace (${done.problem})`);
  result.commit();
  return { wrote: true, more: result.more };
}

/** What is left out of a session's trace: as its hook does, which runs in the environment of the person's agent. */
export function policyFor(record: SessionRecord | undefined, env: Env = process.env): RedactPolicy {
  const said = record?.mask === undefined ? {} : { AGENT_STRACE_MASK: record.mask ? '1' : '0' };
  return policyOf({ ...env, ...said }, maskChosen);
}
