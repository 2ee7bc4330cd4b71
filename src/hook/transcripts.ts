/** What only an agent's transcript knows, as a bundle of its own: the end of a turn loads it. */
import { join } from 'node:path';
import type { AgentId } from '../agents/agent.ts';
import { acquireLease } from '../agents/lease.ts';
import { readLive } from '../agents/liveTranscript.ts';
import { appendEvents, EVENTS_FILE } from '../trace/append.ts';
import { stateHome } from '../trace/paths.ts';
import { logProblem } from './log.ts';
import { recordingPolicy } from './policy.ts';
import { sweepBy } from './sweep.ts';

export interface TranscriptTask {
  agent: AgentId;
  session: string;
  /** Absolute path, or empty: where the agent keeps it is known by the session's id. */
  transcript: string;
  traceDir: string;
  /** Bytes that are read at most. */
  maxBytes: number;
}

/**
 * Appends what only the transcript knows (tokens, texts between calls). Does nothing while another process
 * reads it. Never throws.
 *
 * @returns whether there is more to read
 */
export function appendTranscript(task: TranscriptTask): boolean {
  const { agent, session: sessionId, transcript: transcriptPath, traceDir, maxBytes } = task;
  try {
    const stateDir = join(stateHome(), 'state');
    const lease = acquireLease(sessionId, stateDir);
    if (lease === undefined) return false;
    try {
      const read = readLive(agent, {
        sessionId,
        transcriptPath,
        stateDir,
        maxBytes,
        redact: recordingPolicy(),
        eventsFile: join(traceDir, sessionId, EVENTS_FILE),
      });
      const done = appendEvents(traceDir, sessionId, read.events);
      if (done.ok) read.commit();
      else logProblem(`transcript not written: ${done.problem}`);
      return done.ok && read.more;
    } finally {
      lease.release();
    }
  } catch (error) {
    logProblem('transcript', error);
    return false;
  }
}

/** Reads on when the agent has stopped. @param argument a `SweepTask` */
export const sweep = (argument: string | undefined): Promise<void> =>
  sweepBy(appendTranscript, argument);
