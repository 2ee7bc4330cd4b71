/**
 * The cooperative pause: a file that the agent's own hook looks for before a tool runs, and waits while it is
 * there. For agents that no signal can stop, or that live inside an editor.
 */
import { lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeSmallFile } from '../trace/files.ts';
import { ensureStateFolder, isSafeSessionId, stateHome } from '../trace/paths.ts';

type Env = Record<string, string | undefined>;

/** A mark that nobody took away holds nothing any more, ms. */
const MAX_AGE_MS = 12 * 3_600_000;

const markPath = (sessionId: string, env: Env): string => join(stateHome(env), 'pause', sessionId);

/** Whether a session's next tool call waits. One look at a file. */
export function isMarkedPaused(sessionId: string, env: Env = process.env): boolean {
  if (!isSafeSessionId(sessionId)) return false;
  try {
    const stat = lstatSync(markPath(sessionId, env), { throwIfNoEntry: false });
    // One of the future is of a clock that was set back: it would hold for ever.
    return stat?.isFile() === true && Math.abs(Date.now() - stat.mtimeMs) < MAX_AGE_MS;
  } catch {
    return false;
  }
}

/** @throws a system error, or one with the code of the state folder's problem */
export function markPaused(sessionId: string, env: Env = process.env): void {
  const { problem } = ensureStateFolder('pause', env);
  if (problem !== undefined) throw Object.assign(new Error(problem), { code: problem });
  if (!isSafeSessionId(sessionId)) throw Object.assign(new Error('EBADID'), { code: 'EBADID' });
  writeSmallFile(markPath(sessionId, env), '');
}

/** @throws a system error */
export function unmarkPaused(sessionId: string, env: Env = process.env): void {
  if (isSafeSessionId(sessionId)) rmSync(markPath(sessionId, env), { force: true });
}
