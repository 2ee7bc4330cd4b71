/** Where Copilot keeps its sessions, and how they are found without trusting a path. */
import { closeSync, lstatSync, readSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { isSafeSessionId } from '../../trace/paths.ts';
import type { AgentPlaces, Env } from '../agent.ts';
import { entriesOf, openOwn } from '../ownFiles.ts';
import { markedSession } from '../parentSession.ts';
import { findAgentProcess, readSessionRecord } from '../process.ts';

/** What Copilot writes of a session, in the session's folder. */
export const EVENTS_FILE = 'events.jsonl';

/** Copilot's folders, the likeliest first; they need not exist. */
export function copilotDirs({ env = process.env, home, dirs }: AgentPlaces = {}): string[] {
  if (dirs !== undefined) return dirs.map((dir) => resolve(dir));
  if (env.COPILOT_HOME) return [resolve(env.COPILOT_HOME)];
  return [join(home || env.HOME || homedir(), '.copilot')];
}

/** Where a session's events are, or would be. */
export const eventsPath = (dir: string, sessionId: string): string =>
  join(dir, 'session-state', sessionId, EVENTS_FILE);

/** The session that a path of a transcript names; empty where it names none. */
export function sessionIn(transcriptPath: string): string {
  const id = basename(dirname(transcriptPath));
  return basename(transcriptPath) === EVENTS_FILE && isSafeSessionId(id) ? id : '';
}

/**
 * The real path of a file, if it is a plain one of ours, and stands `depth` folders below one of `roots`, reached by no
 * link from there. Undefined otherwise: the path may come from a hostile trace.
 */
export function trustedFile(
  path: string,
  roots: readonly string[],
  depth: number,
): string | undefined {
  const full = resolve(path);
  const folder = ancestor(full, depth);
  for (const root of roots) {
    try {
      const real = realpathSync(root);
      if (realpathSync(folder) !== real) continue;
      const file = join(real, full.slice(folder.length));
      if (realpathSync(file) !== file) continue;
      const stats = lstatSync(file);
      if (stats.isFile() && stats.uid === (process.getuid?.() ?? stats.uid)) return file;
    } catch {
      // Not there (yet), or not ours to read.
    }
  }
  return undefined;
}

function ancestor(path: string, depth: number): string {
  let folder = path;
  for (let at = 0; at < depth; at++) folder = dirname(folder);
  return folder;
}

/** Sessions, and bytes of the end of each, that are searched for a subagent. */
const MAX_SEARCHED = 4;
const TAIL_BYTES = 262_144;

/**
 * The session that a subagent belongs to, by the id of the agent that started it: hooks of a subagent name themselves
 * and that agent, which is the session for most, but may be a subagent, too.
 */
export function rootSession(parentAgent: string, env: Env): string {
  if (!isSafeSessionId(parentAgent)) return '';
  if (readSessionRecord(parentAgent, env) !== undefined) return parentAgent;
  const [dir = ''] = copilotDirs({ env });
  const written = (id: string): number =>
    isSafeSessionId(id)
      ? (lstatSync(eventsPath(dir, id), { throwIfNoEntry: false })?.mtimeMs ?? 0)
      : 0;
  // What this very Copilot has been recorded as: it writes its file later than it fires its hooks.
  const copilot = findAgentProcess('copilot', undefined);
  const marked = copilot && markedSession(copilot, env);
  if (marked !== undefined && readSessionRecord(marked, env)?.agent === 'copilot') return marked;
  // A session that is not recorded from its beginning. The agent at work has just written.
  const found = entriesOf(join(dir, 'session-state'))
    .map(({ name }) => ({ id: name, mtimeMs: written(name) }))
    .filter(({ mtimeMs }) => mtimeMs > 0)
    .sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { id } of found.slice(0, MAX_SEARCHED)) {
    const tail = readTailText(eventsPath(dir, id), TAIL_BYTES);
    if (tail.includes(`"agentId":"${parentAgent}"`)) return id;
  }
  return parentAgent;
}

/** The end of a file of ours, at most `max` bytes; empty where it cannot be read. */
function readTailText(path: string, max: number): string {
  const file = openOwn(path);
  if (file === undefined) return '';
  try {
    const buffer = Buffer.alloc(Math.min(file.stats.size, max));
    const read = readSync(file.fd, buffer, 0, buffer.length, file.stats.size - buffer.length);
    return buffer.toString('utf8', 0, read);
  } catch {
    return '';
  } finally {
    closeSync(file.fd);
  }
}
