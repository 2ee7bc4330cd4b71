/** Reading the transcripts of sessions that run: a bundle of its own, loaded when the first one is followed. */
import { join } from 'node:path';
import { isAgentId } from '../agents/agent.ts';
import { sweepState } from '../agents/claude/stateSweep.ts';
import type { LiveTail } from '../agents/leasedTail.ts';
import { tailLive } from '../agents/liveTranscript.ts';
import { knowsPersonalRules, type RedactPolicy } from '../redact/redact.ts';
import { EVENTS_FILE } from '../trace/append.ts';
import { stateHome } from '../trace/paths.ts';
import { loadPersonalRules } from './personalRules.ts';

/** Transcript read in one go, bytes: a few ms. */
const MAX_BYTES = 1024 * 1024;

export interface FollowedSession {
  id: string;
  /** By our own record: a trace can name any agent. */
  agent: string;
  traceDir: string;
  /** As the trace says. */
  transcriptPath: string;
  policy: RedactPolicy;
}

/** Undefined: what this agent writes down itself is not read. */
export function usageTail(session: FollowedSession): LiveTail | undefined {
  const { id, agent, traceDir, transcriptPath, policy } = session;
  if (!isAgentId(agent)) return undefined;
  const stateDir = join(stateHome(), 'state');
  sweepState(stateDir);
  return tailLive(agent, {
    sessionId: id,
    transcriptPath,
    stateDir,
    maxBytes: MAX_BYTES,
    redact: policy,
    eventsFile: join(traceDir, id, EVENTS_FILE),
  });
}

let asked = false;

/** Whether transcripts can be read under this policy; where not yet, what it needs is on its way. */
export function isReadyFor(policy: RedactPolicy, problem: (message: string) => void): boolean {
  if (policy !== 'personal' || knowsPersonalRules()) return true;
  if (!asked) {
    asked = true;
    loadPersonalRules().catch((error: Error) =>
      problem(`transcripts cannot be masked, and are not read: ${error.message}`),
    );
  }
  return false;
}
