/** Codex's rollouts as transcripts: one file a thread; subagents' threads belong to the session that began them. */
import { dirname, join } from 'node:path';
import { realPath } from '../../trace/paths.ts';
import type { AgentPlaces, SessionFile, TranscriptFile, TranscriptSource } from '../agent.ts';
import { entriesOf, isSessionId } from '../ownFiles.ts';
import {
  codexHomes,
  factsOf,
  isPacked,
  isRolloutName,
  type RolloutHead,
  rolloutHead,
  rolloutPaths,
  rolloutPathsBetween,
  rolloutRows,
  threadOf,
  trustedRollout,
} from './files.ts';
import { RolloutMapper } from './rollout.ts';
import { madeAt } from './rolloutState.ts';

/** Subagents' threads of one session. */
const MAX_THREADS = 2000;
const CLOCK_MS = 60_000;
/** Day folders, the newest first, in which a running session's files are looked for by its id. */
const MAX_DAYS = 62;

/** The files of sessions that were found: looking for each one's anew would take as long as finding all. */
const foundFiles = new WeakMap<TranscriptFile, SessionFile[]>();

export const codexTranscripts: TranscriptSource = {
  agent: 'codex',
  *find(places: AgentPlaces = {}) {
    const all = readHeads(rolloutPaths(codexHomes(places)));
    const threads = new Set(all.map(({ head }) => head.thread));
    const started = all.filter(({ head }) => head.parent !== '');
    const bySession = grouped(started);
    for (const { path, head } of all) {
      // A subagent's thread is told with its session, where that is there.
      const root = rootOf(head);
      if (root !== head.thread && threads.has(root)) continue;
      const found = described(path, head);
      if (found === undefined) continue;
      foundFiles.set(found, [{ path, agentId: '' }, ...family(bySession, path, head.thread)]);
      yield found;
    }
  },
  recognise(path) {
    const head = rolloutHead(path, true);
    // A file of another agent has no such first row; a name alone is good enough for a packed one only.
    if (head === undefined || (head.startedAt === 0 && !isRolloutName(path))) return undefined;
    return described(path, head);
  },
  filesOf: (transcript) => {
    const known = foundFiles.get(transcript);
    if (known !== undefined) return known;
    const { path, sessionId, startedAt, modifiedAtMs } = transcript;
    const began = madeAt(sessionId) ?? startedAt * 1000;
    // It writes down that it started a thread; clocks of file systems tick coarsely.
    const during = rolloutPathsBetween(homeOf(path), began, modifiedAtMs + CLOCK_MS);
    return [{ path, agentId: '' }, ...subagents(during, path, sessionId)];
  },
  liveFilesOf(sessionId, transcriptPath, places = {}) {
    if (!isSessionId(sessionId)) return [];
    const homes = codexHomes(places);
    const named = transcriptPath === '' ? undefined : trustedRollout(transcriptPath, homes);
    const main =
      named !== undefined && threadOf(named) === sessionId
        ? named
        : recentRollouts(homes).find((path) => threadOf(path) === sessionId);
    if (main === undefined || isPacked(main) || trustedRollout(main, homes) !== main) return [];
    if (rolloutHead(main)?.thread !== sessionId) return [];
    // What a session starts is not older than it is.
    const later = recentRollouts(homes, dirname(main)).filter((path) => !isPacked(path));
    return [
      { path: main, agentId: '' },
      ...subagents(later, main, sessionId).filter(({ path }) => trustedRollout(path, homes)),
    ];
  },
  mapper: (options) => new RolloutMapper(options),
  rowsOf: (_, { path }) => rolloutRows(path),
};

interface Rollout {
  path: string;
  head: RolloutHead;
}

function readHeads(paths: readonly string[]): Rollout[] {
  const found: Rollout[] = [];
  for (const path of paths) {
    const head = rolloutHead(path);
    if (head !== undefined) found.push({ path, head });
  }
  return found;
}

function described(path: string, head: RolloutHead): TranscriptFile | undefined {
  const facts = factsOf(path);
  if (facts === undefined) return undefined;
  return {
    agent: 'codex',
    path,
    sessionId: head.thread,
    project: head.cwd || 'codex',
    cwd: head.cwd,
    startedAt: head.startedAt,
    ...facts,
    ...(head.forked && { forked: true }),
    ...(head.parent !== '' && { parentId: head.parent }),
  };
}

/** The session that a thread is told with: its root's; the parent's, where no more is known; else its own. */
const rootOf = ({ session, thread, parent }: RolloutHead): string =>
  session !== thread ? session : parent || thread;

function grouped(rollouts: readonly Rollout[]): Map<string, Rollout[]> {
  const groups = new Map<string, Rollout[]>();
  for (const rollout of rollouts) {
    const root = rootOf(rollout.head);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [rollout]);
    else group.push(rollout);
  }
  return groups;
}

/** Threads of a session beside its own, in the order of their files. */
function subagents(paths: readonly string[], main: string, sessionId: string): SessionFile[] {
  const started = readHeads(paths).filter(({ head }) => head.parent !== '');
  return family(grouped(started), main, sessionId);
}

/** Older versions name the parent only: a grandchild is found through its parent. */
function family(
  bySession: ReadonlyMap<string, readonly Rollout[]>,
  main: string,
  sessionId: string,
): SessionFile[] {
  const found: SessionFile[] = [];
  const seen = new Set([sessionId]);
  for (const thread of seen) {
    for (const { path, head } of bySession.get(thread) ?? []) {
      if (path === main || seen.has(head.thread) || seen.size > MAX_THREADS) continue;
      seen.add(head.thread);
      found.push({ path, agentId: head.thread });
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The home that a rollout lies in: `sessions/YYYY/MM/DD` or `archived_sessions` below it. */
function homeOf(path: string): string {
  const day = dirname(path);
  const archived = /[\\/]archived_sessions$/.test(day);
  return archived ? dirname(day) : dirname(dirname(dirname(dirname(day))));
}

/**
 * Rollouts of the newest days, the newest day first.
 *
 * @param from folder of the oldest day that is looked at
 */
function recentRollouts(homes: readonly string[], from = ''): string[] {
  const found: string[] = [];
  let days = 0;
  for (const home of homes) {
    const sessions = realPath(join(home, 'sessions'));
    for (const year of newest(sessions)) {
      for (const month of newest(join(sessions, year))) {
        for (const day of newest(join(sessions, year, month))) {
          const folder = join(sessions, year, month, day);
          if (days++ >= MAX_DAYS || folder < from) return found;
          for (const entry of entriesOf(folder)) {
            if (entry.isFile() && isRolloutName(entry.name)) found.push(join(folder, entry.name));
          }
        }
      }
    }
  }
  return found;
}

const newest = (dir: string): string[] =>
  entriesOf(dir)
    .filter((entry) => entry.isDirectory() && /^\d{2,4}$/.test(entry.name))
    .map(({ name }) => name)
    .sort()
    .reverse();
