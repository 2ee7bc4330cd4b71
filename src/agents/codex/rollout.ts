/** Codex's rollouts: sessions of the past, and what hooks do not tell of those that run. */
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { AgentPlaces, SessionFile, TranscriptFile, TranscriptSource } from '../agent.ts';
import { isSessionId } from '../claude/files.ts';
import { uuidTime } from './mapperState.ts';
import {
  codexHomes,
  headOf,
  homeOf,
  type RolloutHead,
  rolloutFolders,
  rolloutRows,
  rolloutsIn,
  subagentsOf,
  threadInName,
} from './rolloutFiles.ts';
import { RolloutMapper } from './rolloutMapper.ts';

export const codexTranscripts: TranscriptSource = {
  agent: 'codex',
  find,
  recognise(path) {
    const head = headOf(path, true);
    return head && transcriptOf(head);
  },
  filesOf(transcript) {
    const head = headOf(transcript.path, true);
    const main = { path: transcript.path, agentId: '' };
    return head === undefined ? [main] : [main, ...subagentsOf(head).map(lane)];
  },
  liveFilesOf,
  mapper: (options) => new RolloutMapper(options),
  rowsOf: (_, file) => rolloutRows(file.path),
};

const lane = ({ path, id }: RolloutHead): SessionFile => ({ path, agentId: id });

function transcriptOf(head: RolloutHead): TranscriptFile {
  const { stats } = head;
  const parentId = head.parent || (head.root === head.id ? '' : head.root);
  return {
    agent: 'codex',
    path: head.path,
    sessionId: head.id,
    project: head.cwd,
    cwd: head.cwd,
    startedAt: head.startedAt,
    createdAtMs: stats.birthtimeMs,
    modifiedAtMs: stats.mtimeMs,
    bytes: stats.size,
    ...(head.forked && { forked: true }),
    ...(parentId !== '' && { parentId }),
  };
}

/** A subagent's thread is its session's, but for one whose session is gone. */
function* find(places?: AgentPlaces): Generator<TranscriptFile> {
  for (const home of codexHomes(places)) {
    const heads = rolloutFolders(home)
      .flatMap(rolloutsIn)
      .map((path) => headOf(path))
      .filter((head) => head !== undefined);
    const threads = new Set(heads.map(({ id }) => id));
    for (const head of heads) {
      const ofAnother = head.root !== head.id && threads.has(head.root);
      if (!ofAnother && !threads.has(head.parent)) yield transcriptOf(head);
    }
  }
}

function liveFilesOf(
  sessionId: string,
  transcriptPath: string,
  places?: AgentPlaces,
): SessionFile[] {
  if (!isSessionId(sessionId)) return [];
  for (const home of codexHomes(places)) {
    const path = trusted(home, sessionId, transcriptPath) ?? byName(home, sessionId);
    const head = path === undefined ? undefined : headOf(path);
    if (head === undefined || head.id !== sessionId) continue;
    const lanes = subagentsOf(head).filter(({ path }) => path.endsWith('.jsonl'));
    return [{ path: head.path, agentId: '' }, ...lanes.map(lane)];
  }
  return [];
}

/** The real path of the file that a trace names, where it is the session's and Codex would put it there. */
function trusted(home: string, sessionId: string, path: string): string | undefined {
  if (path === '' || path.endsWith('.zst') || threadInName(path) !== sessionId) return undefined;
  try {
    const file = join(fs.realpathSync(dirname(path)), basename(path));
    return homeOf(file) === fs.realpathSync(home) ? file : undefined;
  } catch {
    // Not there (yet), or not ours to look at.
    return undefined;
  }
}

/** Threads say when they were made, and so in which day's folder they are. */
function byName(home: string, sessionId: string): string | undefined {
  const made = uuidTime(sessionId);
  if (made === 0) return undefined;
  return rolloutFolders(home, made, made)
    .flatMap(rolloutsIn)
    .find((path) => path.endsWith('.jsonl') && threadInName(path) === sessionId);
}
