/** What the archive of transcripts holds: a line of JSON a session, one file an agent. */
import { join } from 'node:path';
import { readSmallFile, writeSmallFile } from '../trace/files.ts';
import { isBelow, isSafeSessionId, stateHome } from '../trace/paths.ts';
import type { AgentId, Env, TranscriptFile } from './agent.ts';

const MAX_BYTES = 256 * 1_048_576;

/** One state of a file: it grew in place, or was rewritten shorter and began anew. */
export interface FileVersion {
  /** Absolute path in the archive. */
  to: string;
  bytes: number;
}

export interface ArchivedFile {
  /** Absolute path where the agent keeps it. */
  from: string;
  /** Of the agent's file when it was copied: ms since the epoch, bytes. */
  modifiedAtMs: number;
  bytes: number;
  /** The last one is the one that is followed. */
  versions: FileVersion[];
}

export interface ArchivedSession {
  /** As the agent's source found it, but its path leads into the archive. */
  transcript: TranscriptFile;
  /** Where the agent keeps, or kept, its main file. */
  from: string;
  files: ArchivedFile[];
  /** Of the last copy, ms since the epoch. */
  archivedAtMs: number;
}

/** `~/.agent-strace/archive`: below it a folder an agent, as if it were a home. */
export const archiveHome = (env: Env = process.env): string => join(stateHome(env), 'archive');

const indexPath = (agent: AgentId, env: Env): string => join(archiveHome(env), `${agent}.ndjson`);

/** The sessions of one agent that are in the archive, by id. What is broken is left out: it is copied anew. */
export function readIndex(agent: AgentId, env: Env = process.env): Map<string, ArchivedSession> {
  const sessions = new Map<string, ArchivedSession>();
  const root = archiveHome(env);
  for (const line of (readSmallFile(indexPath(agent, env), MAX_BYTES) ?? '').split('\n')) {
    if (line === '') continue;
    try {
      const session: unknown = JSON.parse(line);
      if (isArchived(session, agent, root)) sessions.set(session.transcript.sessionId, session);
    } catch {
      // A torn line.
    }
  }
  return sessions;
}

/** @throws a system error */
export function writeIndex(
  agent: AgentId,
  sessions: ReadonlyMap<string, ArchivedSession>,
  env: Env,
): void {
  const lines = [...sessions.values()].map((session) => `${JSON.stringify(session)}\n`);
  writeSmallFile(indexPath(agent, env), lines.join(''));
}

function isArchived(value: unknown, agent: AgentId, root: string): value is ArchivedSession {
  const { transcript, from, files, archivedAtMs } = (value ?? {}) as Partial<ArchivedSession>;
  const isPlace = (path: unknown): boolean => typeof path === 'string' && isBelow(path, root);
  return (
    transcript?.agent === agent &&
    isSafeSessionId(transcript.sessionId) &&
    isPlace(transcript.path) &&
    typeof transcript.cwd === 'string' &&
    typeof transcript.project === 'string' &&
    [transcript.bytes, transcript.startedAt, transcript.modifiedAtMs, archivedAtMs].every(
      (each) => typeof each === 'number',
    ) &&
    typeof from === 'string' &&
    Array.isArray(files) &&
    files.every(
      (file) =>
        typeof file?.from === 'string' &&
        typeof file.bytes === 'number' &&
        Array.isArray(file.versions) &&
        file.versions.every((each) => isPlace(each?.to) && typeof each.bytes === 'number'),
    )
  );
}
