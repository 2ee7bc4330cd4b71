/**
 * Which session an agent's process belongs to, so that an agent that is started by another agent finds its
 * parent: a file a process in `~/.agent-strace/processes`, looked up by pid and start time.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallFile, writeSmallFile } from '../trace/files.ts';
import { ensureStateFolder, isSafeSessionId, stateHome } from '../trace/paths.ts';
import type { Env } from './agent.ts';
import { type ProcessInfo, readProcess } from './process.ts';

const FOLDER = 'processes';
const MAX_ANCESTORS = 32;

/** `lstart` of ps has spaces and colons. */
const fileOf = ({ pid, startTime }: ProcessInfo, env: Env): string =>
  join(stateHome(env), FOLDER, `${pid}-${startTime.replace(/[^\w]/g, '_')}`);

/** Notes that a process is a session's agent. Never throws: without it a child shows no parent. */
export function markProcess(agent: ProcessInfo, sessionId: string, env: Env = process.env): void {
  const file = fileOf(agent, env);
  if (readSmallFile(file) === sessionId) return;
  try {
    if (ensureStateFolder(FOLDER, env).problem === undefined) writeSmallFile(file, sessionId);
  } catch {
    // See above.
  }
}

/** The session that a process was last noted for. */
export function markedSession(agent: ProcessInfo, env: Env = process.env): string | undefined {
  const session = readSmallFile(fileOf(agent, env));
  return session !== undefined && isSafeSessionId(session) ? session : undefined;
}

/**
 * The session whose agent started this one's: of the nearest process above it that is an agent's. An agent
 * that goes on with another session (`/clear`) is not its own parent.
 */
export function startedBy(
  agent: ProcessInfo,
  sessionId: string,
  env: Env = process.env,
): string | undefined {
  let info = readProcess(agent.ppid);
  for (let depth = 0; info !== undefined && info.pid > 1 && depth < MAX_ANCESTORS; depth++) {
    const parent = markedSession(info, env);
    if (parent !== undefined) return parent === sessionId ? undefined : parent;
    info = readProcess(info.ppid);
  }
  return undefined;
}

/** Takes the marks of processes away that are gone. Never throws. */
export function pruneProcessMarks(env: Env = process.env): void {
  const folder = join(stateHome(env), FOLDER);
  try {
    for (const name of readdirSync(folder)) {
      const info = readProcess(Number.parseInt(name, 10));
      if (info === undefined || fileOf(info, env) !== join(folder, name)) {
        rmSync(join(folder, name), { force: true });
      }
    }
  } catch {
    // No such folder.
  }
}
