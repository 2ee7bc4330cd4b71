/**
 * Reads a transcript once more after its agent has stopped: its last rows are written up to some
 * hundred milliseconds after the hook was called. A process of its own, so that the agent waits for nothing.
 */
import { type AgentId, isAgentId } from '../agents/agent.ts';
import { pruneProcessMarks } from '../agents/parentSession.ts';
import { pruneKept } from './commandFiles.ts';
import type { TranscriptTask } from './transcripts.ts';

/** What a sweep is told, as one argument. */
export interface SweepTask {
  agent: AgentId;
  session: string;
  transcript: string;
  traceDir: string;
  /** The agent is going: it may still write its last words. */
  ended: boolean;
}

/** A sweep is over by then, whatever happens. */
const MAX_LIFE_MS = 3000;

/** When it looks, in ms after its start. */
const looksOf = (task: SweepTask): number[] => (task.ended ? [100, 500, 1800] : [100, 500]);

const MAX_BYTES_A_LOOK = 4 * 1_048_576;

/**
 * The sweep itself.
 *
 * @param read reads on, and says whether there is more
 */
export async function sweepBy(
  read: (task: TranscriptTask) => boolean,
  argument: string | undefined,
): Promise<void> {
  const task = parseTask(argument);
  if (task === undefined) return;
  const started = performance.now();
  setTimeout(() => process.exit(0), MAX_LIFE_MS).unref();
  for (const look of looksOf(task)) {
    const wait = look - (performance.now() - started);
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    let more = true;
    while (more && performance.now() - started < MAX_LIFE_MS - 500) {
      more = read({ ...task, maxBytes: MAX_BYTES_A_LOOK });
    }
  }
  pruneKept();
  pruneProcessMarks();
}

function parseTask(argument: string | undefined): SweepTask | undefined {
  try {
    const task = JSON.parse(argument ?? '') as Partial<SweepTask> | null;
    const { agent, session, transcript, traceDir, ended } = task ?? {};
    if (typeof session !== 'string' || typeof transcript !== 'string') return undefined;
    if (typeof traceDir !== 'string' || typeof ended !== 'boolean') return undefined;
    if (agent === undefined || !isAgentId(agent)) return undefined;
    return { agent, session, transcript, traceDir, ended };
  } catch {
    return undefined;
  }
}
