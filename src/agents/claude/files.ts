/** Where Claude Code keeps transcripts, and how they are opened without trusting a path. */

import type * as fs from 'node:fs';
import { lstatSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { entriesOf, firstBytes, isOwnFile, isSessionId } from '../ownFiles.ts';

/** Subagents' files of one session that are looked at. */
const MAX_SUBAGENTS = 2000;
const MAX_DEPTH = 4;
const AGENT_FILE = /^agent-([A-Za-z0-9._-]{1,128})\.jsonl$/;

export interface Environment {
  env?: Record<string, string | undefined>;
  home?: string;
}

/** Claude's config folders that may be in use, the likeliest first; they need not exist. */
export function configDirs({ env = process.env, home = homedir() }: Environment = {}): string[] {
  const own = env.CLAUDE_CONFIG_DIR;
  if (own) {
    return own
      .split(',')
      .filter((dir) => dir.trim())
      .map((dir) => resolve(dir.trim()));
  }
  const xdg = env.XDG_CONFIG_HOME;
  return [join(home, '.claude'), join(xdg || join(home, '.config'), 'claude')];
}

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

export interface SubagentFile {
  path: string;
  agentId: string;
}

/** Finds a session's files among the subagents' files beside its transcript. */
export type FindBeside = (folder: string, sessionId: string) => SubagentFile[];

/** The files of a session's subagents, in a stable order. */
export function subagentFiles(
  transcript: string,
  sessionId: string,
  beside: FindBeside = besideIt,
): SubagentFile[] {
  const found: SubagentFile[] = [];
  const folder = dirname(transcript);
  walk(join(folder, sessionId, 'subagents'), 0, found);
  found.push(...beside(folder, sessionId));
  return found;
}

function walk(
  dir: string,
  depth: number,
  found: SubagentFile[],
  max = MAX_SUBAGENTS,
): SubagentFile[] {
  if (depth >= MAX_DEPTH) return found;
  for (const entry of entriesOf(dir)) {
    if (found.length >= max) break;
    const agentId = AGENT_FILE.exec(entry.name)?.[1];
    if (entry.isDirectory()) walk(join(dir, entry.name), depth + 1, found);
    else if (entry.isFile() && agentId !== undefined) {
      found.push({ path: join(dir, entry.name), agentId });
    }
  }
  return found;
}

/** Bytes of a subagent's file in which its session is named. */
const AGENT_HEAD = 65_536;

/** Claude Code up to 2.0 kept subagents' files of all sessions beside the transcripts. */
function besideIt(dir: string, sessionId: string): SubagentFile[] {
  return agentsIn(dir).filter(({ path }) =>
    firstBytes(path, AGENT_HEAD).includes(`"sessionId":"${sessionId}"`),
  );
}

const agentsIn = (dir: string): SubagentFile[] =>
  walk(dir, MAX_DEPTH - 1, [], Number.POSITIVE_INFINITY);

/** A folder whose last change is not older than this may change again within one tick of its clock, ms. */
const SETTLED_MS = 2000;
/** Folders that are remembered. */
const MAX_FOLDERS = 200;

interface Folder {
  mtimeMs: number;
  bySession: Map<string, SubagentFile[]>;
  /** The sessions that a file's first row names, by path and inode: it never changes. */
  named: Map<string, string[]>;
  /** Files that had no whole first row yet, or the folder changed a moment ago: look again. */
  unsettled: boolean;
}

/**
 * What {@link subagentFiles} needs in a process that lives on: each old subagents' file is opened once,
 * and a folder that did not change costs one stat.
 */
export class BesideIndex {
  readonly #folders = new Map<string, Folder>();

  readonly find: FindBeside = (dir, sessionId) => this.#folder(dir).bySession.get(sessionId) ?? [];

  /**
   * A `find` that looks at each folder but once.
   *
   * For one pass over all transcripts: even a folder that is changing is not listed for each of them.
   */
  pass(): FindBeside {
    const seen = new Map<string, Folder>();
    return (dir, sessionId) => {
      const folder = seen.get(dir) ?? this.#folder(dir);
      seen.set(dir, folder);
      return folder.bySession.get(sessionId) ?? [];
    };
  }

  #folder(dir: string): Folder {
    const known = this.#folders.get(dir);
    const mtimeMs = statOf(dir)?.mtimeMs ?? 0;
    if (known !== undefined && known.mtimeMs === mtimeMs && !known.unsettled) return known;
    const unsettled = Math.abs(Date.now() - mtimeMs) < SETTLED_MS;
    const next: Folder = { mtimeMs, bySession: new Map(), named: new Map(), unsettled };
    for (const file of agentsIn(dir)) {
      const stats = statOf(file.path);
      if (stats === undefined) continue;
      const key = `${file.path}\n${stats.dev} ${stats.ino}`;
      let sessions = known?.named.get(key);
      if (sessions === undefined) {
        const head = stats.size > 0 ? firstBytes(file.path, AGENT_HEAD) : '';
        const names = head.matchAll(/"sessionId":"([^"\\]+)"/g);
        sessions = [...new Set([...names].map((match) => match[1] ?? ''))];
        if (sessions.length === 0 && stats.size < AGENT_HEAD) {
          next.unsettled = true;
          continue;
        }
      }
      next.named.set(key, sessions);
      for (const id of sessions) {
        const files = next.bySession.get(id) ?? [];
        next.bySession.set(id, files);
        if (files.length < MAX_SUBAGENTS) files.push(file);
      }
    }
    this.#folders.delete(dir);
    this.#folders.set(dir, next);
    for (const oldest of this.#folders.keys()) {
      if (this.#folders.size <= MAX_FOLDERS) break;
      this.#folders.delete(oldest);
    }
    return next;
  }
}

const statOf = (path: string): fs.Stats | undefined => {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
};

/** This process' own. */
export const besideIndex = /* @__PURE__ */ new BesideIndex();
