import { join } from 'node:path';
import { acquireLease, readUsage } from '../agents/claude/usageReader.ts';
import { policyOf } from '../redact/event.ts';
import { appendEvents, EVENTS_FILE } from '../trace/append.ts';
import { maskChosen } from '../trace/choices.ts';
import { stateHome } from '../trace/paths.ts';
import { logProblem } from './log.ts';

/**
 * Appends what only the transcript knows (tokens, texts between calls). Does nothing while another process
 * reads it. Never throws.
 *
 * @param maxBytes of transcript that are read at most
 * @returns whether there is more to read
 */
export function appendTranscript(
  traceDir: string,
  sessionId: string,
  transcriptPath: string,
  maxBytes: number,
): boolean {
  try {
    const stateDir = join(stateHome(), 'state');
    const lease = acquireLease(sessionId, stateDir);
    if (lease === undefined) return false;
    try {
      const redact = policyOf(process.env, maskChosen);
      const eventsFile = join(traceDir, sessionId, EVENTS_FILE);
      const usage = readUsage({
        sessionId,
        transcriptPath,
        stateDir,
        maxBytes,
        redact,
        eventsFile,
      });
      const done = appendEvents(traceDir, sessionId, usage.events);
      if (done.ok) usage.commit();
      else logProblem(`transcript not written: ${done.problem}`);
      return done.ok && usage.more;
    } finally {
      lease.release();
    }
  } catch (error) {
    logProblem('transcript', error);
    return false;
  }
}
