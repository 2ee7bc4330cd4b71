import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { encodeEvent, encodeMeta, type SessionMeta } from '../model/codec.ts';
import type { TraceEvent } from '../model/event.ts';
import {
  codeOf,
  ensureOwnDirectory,
  type FileProblem,
  openAppend,
  openRead,
  readSmallFile,
  writeSmallFile,
} from './files.ts';
import { ensureTraceFolder, isSafeSessionId } from './paths.ts';

export type AppendResult =
  | { ok: true; bytes: number }
  /** Nothing, or not everything, was written. `ENOSPC`, `ESYMLINK`, `EOWNER`, `EBADID`, … */
  | { ok: false; problem: FileProblem };

export const EVENTS_FILE = 'events.ndjson';
export const META_FILE = 'meta.json';
export const ACTIVE_FILE = '.active-session';

/**
 * Appends events to a session's `events.ndjson` in one `write()`, creating folders as needed. Many
 * processes may do so at once without a lock. Never throws.
 */
export function appendEvents(
  traceDir: string,
  sessionId: string,
  events: readonly TraceEvent[],
): AppendResult {
  if (events.length === 0) return { ok: true, bytes: 0 };
  try {
    const folder = sessionFolder(traceDir, sessionId);
    if (!folder.ok) return folder;
    const fd = openAppend(join(folder.path, EVENTS_FILE));
    try {
      // One line at a time would let another process' line between call and result; and a line is
      // ASCII, so that its length is its bytes.
      return writeWhole(fd, Buffer.from(events.map(encodeEvent).join(''), 'latin1'));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return { ok: false, problem: codeOf(error) };
  }
}

function writeWhole(fd: number, bytes: Buffer): AppendResult {
  const written = writeSync(fd, bytes);
  if (written === bytes.length) return { ok: true, bytes: written };
  // The disk is full, or nearly: end the torn line, so that the next writer's stands alone.
  const torn = bytes.subarray(0, written);
  if (written > 0 && torn[written - 1] !== 0x0a) {
    try {
      writeSync(fd, '\n');
    } catch {
      // A reader finds the next line by its beginning.
    }
  }
  return { ok: false, problem: 'ESHORT' };
}

function sessionFolder(
  traceDir: string,
  sessionId: string,
): { ok: true; path: string } | { ok: false; problem: FileProblem } {
  if (!isSafeSessionId(sessionId)) return { ok: false, problem: 'EBADID' };
  const path = join(traceDir, sessionId);
  // The session's folder is there after the first event: one look instead of two.
  const problem = ensureTraceFolder(traceDir) ?? ensureOwnDirectory(path);
  return problem === undefined ? { ok: true, path } : { ok: false, problem };
}

/** The last bytes of a session's events, and whether they are all there is. Never throws. */
export function readTail(
  traceDir: string,
  sessionId: string,
  maxBytes: number,
): { bytes: Buffer; whole: boolean } {
  let fd: number;
  try {
    if (!isSafeSessionId(sessionId)) throw new Error('EBADID');
    fd = openRead(join(traceDir, sessionId, EVENTS_FILE));
  } catch {
    return { bytes: Buffer.alloc(0), whole: true };
  }
  try {
    const { size } = fstatSync(fd);
    const start = Math.max(0, size - maxBytes);
    const bytes = Buffer.allocUnsafe(size - start);
    const read = readSync(fd, bytes, 0, bytes.length, start);
    return { bytes: bytes.subarray(0, read), whole: start === 0 };
  } catch {
    return { bytes: Buffer.alloc(0), whole: false };
  } finally {
    closeSync(fd);
  }
}

/** Changes meta.json; `change` is given what stands there (undefined: nothing readable). */
export function updateMeta(
  traceDir: string,
  sessionId: string,
  change: (known: Partial<SessionMeta> | undefined) => SessionMeta,
): FileProblem | undefined {
  try {
    const folder = sessionFolder(traceDir, sessionId);
    if (!folder.ok) return folder.problem;
    const path = join(folder.path, META_FILE);
    writeSmallFile(path, encodeMeta(change(parseMeta(readSmallFile(path)))));
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

/** Other readers take `.active-session` for the session to show. */
export function hintActiveSession(traceDir: string, sessionId: string): void {
  try {
    writeSmallFile(join(traceDir, ACTIVE_FILE), sessionId);
  } catch {
    // A hint only.
  }
}

function parseMeta(text: string | undefined): Partial<SessionMeta> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Partial<SessionMeta>)
      : undefined;
  } catch {
    return undefined;
  }
}
