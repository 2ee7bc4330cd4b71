import { lstatSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Pricer } from '../model/usage.ts';
import { isSafeSessionId } from './paths.ts';
import { EVENTS_FILE, TraceSession } from './session.ts';

/** A session's folder as found, without reading its events. */
export interface SessionEntry {
  id: string;
  traceDir: string;
  directory: string;
  /** Bytes of events.ndjson; 0 where there is none yet. */
  size: number;
  /** Last change of events.ndjson (or of the folder), ms since the epoch. */
  modifiedMs: number;
}

/** Something in a trace folder that is not read, and why. */
export interface StoreProblem {
  path: string;
  reason: 'link' | 'notAFolder' | 'unsafeName' | 'unreadable';
}

/** Things of ours and of others that lie beside sessions. */
const NOT_SESSIONS = new Set(['datasets', 'checkpoints', 'workspaces']);

/**
 * The sessions of one trace folder, newest first. A trace folder is hostile: links and odd names
 * are passed over and reported.
 */
export function listSessions(traceDir: string): {
  sessions: SessionEntry[];
  problems: StoreProblem[];
} {
  const root = resolve(traceDir);
  const sessions: SessionEntry[] = [];
  const problems: StoreProblem[] = [];
  let names: string[];
  try {
    const stat = lstatSync(root);
    if (stat.isSymbolicLink()) return { sessions, problems: [{ path: root, reason: 'link' }] };
    if (!stat.isDirectory()) return { sessions, problems: [{ path: root, reason: 'notAFolder' }] };
    names = readdirSync(root);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      problems.push({ path: root, reason: 'unreadable' });
    }
    return { sessions, problems };
  }
  for (const name of names) {
    if (name.startsWith('.') || NOT_SESSIONS.has(name)) continue;
    const entry = sessionEntry(root, name, problems);
    if (entry) sessions.push(entry);
  }
  sessions.sort(newestFirst);
  return { sessions, problems };
}

export const newestFirst = (a: SessionEntry, b: SessionEntry): number =>
  b.modifiedMs - a.modifiedMs || (a.id < b.id ? 1 : -1);

/**
 * One session of a trace folder as it is now; undefined where {@link listSessions} would leave it out.
 *
 * @param problems why, is added here
 */
export function sessionEntry(
  traceDir: string,
  name: string,
  problems: StoreProblem[] = [],
): SessionEntry | undefined {
  const directory = join(traceDir, name);
  try {
    const stat = lstatSync(directory);
    if (stat.isSymbolicLink()) {
      problems.push({ path: directory, reason: 'link' });
      return undefined;
    }
    // Files beside sessions (alerts.log, baseline.json) are none of our business.
    if (!stat.isDirectory()) return undefined;
    if (!isSafeSessionId(name)) {
      problems.push({ path: directory, reason: 'unsafeName' });
      return undefined;
    }
    const entry: SessionEntry = {
      id: name,
      traceDir,
      directory,
      size: 0,
      modifiedMs: stat.mtimeMs,
    };
    try {
      const events = lstatSync(join(directory, EVENTS_FILE));
      if (!events.isFile()) {
        problems.push({
          path: join(directory, EVENTS_FILE),
          reason: events.isSymbolicLink() ? 'link' : 'unreadable',
        });
        return undefined;
      }
      entry.size = events.size;
      entry.modifiedMs = events.mtimeMs;
    } catch {
      // A session that has not written yet.
    }
    return entry;
  } catch {
    problems.push({ path: directory, reason: 'unreadable' });
    return undefined;
  }
}

export class SessionNotFound extends Error {
  readonly candidates: readonly string[];
  constructor(message: string, candidates: readonly string[] = []) {
    super(message);
    this.name = 'SessionNotFound';
    this.candidates = candidates;
  }
}

/** The sessions of several trace folders (one a workspace folder). */
export class TraceStore {
  readonly traceDirs: readonly string[];
  private readonly pricer: Pricer | undefined;

  constructor(traceDirs: readonly string[], options: { pricer?: Pricer } = {}) {
    this.traceDirs = [...new Set(traceDirs.map((dir) => resolve(dir)))];
    this.pricer = options.pricer;
  }

  list(): { sessions: SessionEntry[]; problems: StoreProblem[] } {
    const all = this.traceDirs.map(listSessions);
    return {
      sessions: all.flatMap(({ sessions }) => sessions).sort(newestFirst),
      problems: all.flatMap(({ problems }) => problems),
    };
  }

  /**
   * One session by id or prefix; the latest (by time) where none is named.
   *
   * @throws {SessionNotFound} when there is none, or when the prefix fits several
   */
  find(prefix?: string): SessionEntry {
    const { sessions } = this.list();
    if (prefix === undefined || prefix === '') {
      const latest = sessions[0];
      if (!latest) throw new SessionNotFound('There is no recorded session yet.');
      return latest;
    }
    const exact = sessions.find(({ id }) => id === prefix);
    if (exact) return exact;
    const matches = sessions.filter(({ id }) => id.startsWith(prefix));
    if (matches.length === 1) return matches[0]!;
    if (matches.length > 1) {
      throw new SessionNotFound(
        `"${prefix}" fits ${matches.length} sessions.`,
        matches.map(({ id }) => id),
      );
    }
    throw new SessionNotFound(
      `No session begins with "${prefix}".`,
      sessions.slice(0, 5).map(({ id }) => id),
    );
  }

  open(entry: SessionEntry): TraceSession {
    return new TraceSession(entry.directory, entry.id, this.pricer ? { pricer: this.pricer } : {});
  }
}
