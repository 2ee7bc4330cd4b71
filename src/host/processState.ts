import { readFileSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseStat, readSessionRecord, type SessionRecord } from '../agents/process.ts';
import type { ProcessState } from '../model/summary.ts';

/**
 * What our own hook wrote of a session that is traced into this folder; undefined where it never
 * saw it: such a trace came from elsewhere, whatever it says of itself.
 */
export function ownRecord(traceDir: string, sessionId: string): SessionRecord | undefined {
  const record = readSessionRecord(sessionId);
  return record && resolve(record.trace_dir) === resolve(traceDir) ? record : undefined;
}

/** Whether a session's agent is still there. Looks at files only: it starts no process. */
export function processState(record: SessionRecord | undefined): ProcessState {
  if (record?.pid === undefined) return 'unknown';
  if (process.platform !== 'linux') {
    try {
      process.kill(record.pid, 0);
      // Another process may have its number by now.
      return 'unknown';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'gone' : 'unknown';
    }
  }
  if (record.boot_id !== undefined) {
    const boot = textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
    if (boot !== undefined && boot !== record.boot_id) return 'gone';
  }
  if (record.pid_ns !== undefined) {
    const space = textOf(() => readlinkSync('/proc/self/ns/pid'));
    if (space !== undefined && space !== record.pid_ns) return 'unknown';
  }
  const stat = textOf(() => readFileSync(`/proc/${record.pid}/stat`, 'utf8'));
  if (stat === undefined) return 'gone';
  if (parseStat(record.pid, stat)?.startTime !== record.start_time) return 'gone';
  const letter = stat.charAt(stat.lastIndexOf(')') + 2);
  if (letter === 'Z' || letter === 'X') return 'gone';
  return letter === 'T' ? 'stopped' : 'alive';
}

function textOf(read: () => string): string | undefined {
  try {
    return read().trim();
  } catch {
    return undefined;
  }
}
