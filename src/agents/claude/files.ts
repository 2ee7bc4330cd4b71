/** Where Claude Code keeps transcripts, and how they are opened without trusting a path. */

import type * as fs from 'node:fs';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';

/** Subagents' files of one session that are looked at. */
const MAX_SUBAGENTS = 2000;
const MAX_DEPTH = 4;
const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const AGENT_FILE = /^agent-([A-Za-z0-9._-]{1,128})\.jsonl$/;

export interface Environment {
  env?: Record<string, string | undefined>;
  home?: string;
}

/** Claude's config folders that may be in use, the likeliest first; they need not exist. */
export function configDirs({ env = process.env, home = homedir() }: Environment = {}): string[] {
  const own = env.CLAUDE_CONFIG_DIR;
  if (own !== undefined && own !== '') {
    return own
      .split(',')
      .map((dir) => dir.trim())
      .filter((dir) => dir !== '')
      .map((dir) => resolve(dir));
  }
  const xdg = env.XDG_CONFIG_HOME;
  return [
    join(home, '.claude'),
    join(xdg !== undefined && xdg !== '' ? xdg : join(home, '.config'), 'claude'),
  ];
}

/** Whether a session id is one safe path component. */
export const isSessionId = (id: string): boolean => SESSION_ID.test(id) && !id.includes('..');

/**
 * The real path of a session's transcript, if it is one: a plain file of ours, with the
 * session's name, in a project's folder of a Claude config folder, reached by no symlink below it.
 * Undefined otherwise: the path may come from a hostile trace.
 */
export function trustedTranscript(
  path: string,
  sessionId: string,
  dirs: readonly string[],
): string | undefined {
  if (!isSessionId(sessionId) || basename(path) !== `${sessionId}.jsonl`) return undefined;
  try {
    const folder = realpathSync(dirname(resolve(path)));
    for (const dir of dirs) {
      let projects: string;
      try {
        projects = realpathSync(join(dir, 'projects'));
      } catch {
        continue;
      }
      // …/projects/<slug>/<session>.jsonl, and nothing deeper
      if (dirname(folder) !== projects) continue;
      const file = join(folder, basename(path));
      return isOwnFile(lstatSync(file)) ? file : undefined;
    }
  } catch {
    // Not there (yet), or not ours to read.
  }
  return undefined;
}

const isOwnFile = (stats: fs.Stats): boolean =>
  stats.isFile() && (process.getuid === undefined || stats.uid === process.getuid());

/** Opens a plain file of ours for reading; undefined where it is none, or a symlink. */
export function openOwn(path: string): { fd: number; stats: fs.Stats } | undefined {
  let fd: number;
  try {
    fd = openSync(
      path,
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    );
  } catch {
    return undefined;
  }
  const stats = fstatSync(fd);
  if (isOwnFile(stats)) return { fd, stats };
  closeSync(fd);
  return undefined;
}

/** A small file's text, at most `max` bytes; undefined where it cannot be read. */
export function readSmall(path: string, max = 65_536): string | undefined {
  const file = openOwn(path);
  if (file === undefined) return undefined;
  try {
    if (file.stats.size > max) return undefined;
    const buffer = Buffer.alloc(file.stats.size);
    return buffer.toString('utf8', 0, readSync(file.fd, buffer, 0, buffer.length, 0));
  } catch {
    return undefined;
  } finally {
    closeSync(file.fd);
  }
}

export interface SubagentFile {
  path: string;
  agentId: string;
}

/** The files of a session's subagents, in a stable order. */
export function subagentFiles(transcript: string, sessionId: string): SubagentFile[] {
  const found: SubagentFile[] = [];
  walk(join(dirname(transcript), sessionId, 'subagents'), 0, found);
  found.push(...besideIt(transcript, sessionId));
  return found;
}

function walk(dir: string, depth: number, found: SubagentFile[]): void {
  if (depth >= MAX_DEPTH) return;
  for (const entry of entriesOf(dir)) {
    if (found.length >= MAX_SUBAGENTS) return;
    const agentId = AGENT_FILE.exec(entry.name)?.[1];
    if (entry.isDirectory()) walk(join(dir, entry.name), depth + 1, found);
    else if (entry.isFile() && agentId !== undefined) {
      found.push({ path: join(dir, entry.name), agentId });
    }
  }
}

/** Claude Code up to 2.0 kept subagents' files of all sessions beside the transcripts. */
function besideIt(transcript: string, sessionId: string): SubagentFile[] {
  const dir = dirname(transcript);
  const found: SubagentFile[] = [];
  for (const entry of entriesOf(dir)) {
    if (found.length >= MAX_SUBAGENTS) break;
    const agentId = AGENT_FILE.exec(entry.name)?.[1];
    if (agentId === undefined || !entry.isFile()) continue;
    const path = join(dir, entry.name);
    if (firstBytes(path, 65_536).includes(`"sessionId":"${sessionId}"`)) {
      found.push({ path, agentId });
    }
  }
  return found;
}

/** The beginning of a file as text; empty where it cannot be read. */
export function firstBytes(path: string, bytes: number): string {
  const file = openOwn(path);
  if (file === undefined) return '';
  try {
    const buffer = Buffer.alloc(Math.min(bytes, file.stats.size));
    return buffer.toString('utf8', 0, readSync(file.fd, buffer, 0, buffer.length, 0));
  } catch {
    return '';
  } finally {
    closeSync(file.fd);
  }
}

/** Entries of a real directory by name; none where there is no such directory. */
export function entriesOf(dir: string) {
  try {
    if (!lstatSync(dir).isDirectory()) return [];
    return readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

/** Whether `path` is `dir` or in it; both absolute. */
export const isInside = (path: string, dir: string): boolean =>
  path === dir || path.startsWith(dir.endsWith(sep) ? dir : dir + sep);
