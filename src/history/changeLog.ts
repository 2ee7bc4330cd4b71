/**
 * What commands did to files, as the hook saw it: `~/.agent-strace/state/<session>/changes.ndjson`. Not in
 * the trace, which anybody may have written: it names contents of this machine.
 */
import { closeSync, fstatSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openAppend, openRead } from '../trace/files.ts';
import { isSafeSessionId, stateHome } from '../trace/paths.ts';

/** Where a file's content can be found. */
export type ContentRef =
  /** There was no file. */
  | { at: 'none' }
  /** An object of git: the file was as git had it. `size` is the file's, bytes. */
  | { at: 'git'; id: string; size: number }
  /** In the blob store. */
  | { at: 'blob'; id: string }
  /** Nowhere; `why` in a few words. */
  | { at: 'unknown'; why: UnknownWhy };

/**
 * `time`: the agent does not wait that long; `untracked`: git began to track it with this very command,
 * so nobody saw whether it was there before.
 */
export type UnknownWhy = 'time' | 'large' | 'sensitive' | 'unreadable' | 'untracked';

export interface ChangedFile {
  /** Absolute. */
  path: string;
  kind: 'write' | 'create' | 'delete';
  before: ContentRef;
  after: ContentRef;
}

/** One command's changes. */
export interface CommandChanges {
  /** Id of the tool call. */
  call: string;
  /** Root of the repository, absolute. */
  root: string;
  files: ChangedFile[];
}

/** Of the log, bytes. */
const MAX_LOG_BYTES = 16 * 1_048_576;

const logPath = (sessionId: string, env?: Record<string, string | undefined>): string =>
  join(stateHome(env), 'state', sessionId, 'changes.ndjson');

/** Appends to a session's log; its folder is there. @throws a system error */
export function appendChanges(
  sessionId: string,
  changes: CommandChanges,
  env?: Record<string, string | undefined>,
): void {
  if (!isSafeSessionId(sessionId)) return;
  const fd = openAppend(logPath(sessionId, env));
  try {
    if (fstatSync(fd).size < MAX_LOG_BYTES) writeSync(fd, `${JSON.stringify(changes)}\n`);
  } finally {
    closeSync(fd);
  }
}

/**
 * Every command's changes, by the id of its call. None where nothing was seen, nor where one id names several
 * commands (agents that give calls no id, see `callKey`): what was before which of them is not known. Never throws.
 */
export function readChanges(
  sessionId: string,
  env?: Record<string, string | undefined>,
): Map<string, CommandChanges> {
  const found = new Map<string, CommandChanges>();
  const ambiguous = new Set<string>();
  if (!isSafeSessionId(sessionId)) return found;
  let text: string;
  try {
    const fd = openRead(logPath(sessionId, env));
    try {
      if (fstatSync(fd).size > MAX_LOG_BYTES * 2) return found;
      text = readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  } catch {
    return found;
  }
  for (const line of text.split('\n')) {
    try {
      const value = JSON.parse(line) as Partial<CommandChanges> | null;
      if (typeof value?.call !== 'string' || typeof value.root !== 'string') continue;
      if (!Array.isArray(value.files)) continue;
      const files = value.files.filter(isChangedFile);
      const changes = { call: value.call, root: value.root, files };
      const other = found.get(value.call);
      // Two hooks of one call tell the same.
      if (other && JSON.stringify(other) !== JSON.stringify(changes)) ambiguous.add(value.call);
      found.set(value.call, changes);
    } catch {
      // The last line may be a half one.
    }
  }
  for (const call of ambiguous) found.delete(call);
  return found;
}

function isChangedFile(value: unknown): value is ChangedFile {
  const file = value as Partial<ChangedFile> | null;
  return typeof file?.path === 'string' && isRef(file.before) && isRef(file.after);
}

function isRef(value: unknown): value is ContentRef {
  const ref = value as { at?: unknown; id?: unknown } | null | undefined;
  if (ref?.at === 'git' || ref?.at === 'blob') return typeof ref.id === 'string';
  return ref?.at === 'none' || ref?.at === 'unknown';
}
