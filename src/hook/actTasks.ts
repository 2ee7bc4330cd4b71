/**
 * What a process of its own is to do after a hook: `guard/acts/<trip>.json`, written by the hook that decided. The command line
 * only names it, for anybody can write that one.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureGuardFolder, guardPlace } from '../guard/guardHome.ts';
import { isRecordId, readRecord } from '../guard/store.ts';
import { writeSmallFile } from '../trace/files.ts';
import { isSafeSessionId } from '../trace/paths.ts';
import type { ActTask } from './guardMoment.ts';

/** @throws a system error, or one with a code of ours */
export function writeTask(task: ActTask): void {
  const place = ensureGuardFolder('acts', process.env);
  writeSmallFile(join(place, `${task.trip}.json`), JSON.stringify(task));
}

/** Of a trip; once. Never throws. @returns undefined where no hook wrote one */
export function takeTask(trip: unknown): ActTask | undefined {
  if (!isRecordId(trip)) return undefined;
  const task = taskOf(readRecord('acts', `${trip}.json`));
  try {
    rmSync(guardPlace(process.env, 'acts', `${trip}.json`), { force: true });
  } catch {
    // What cannot be taken away is done again at worst.
  }
  return task?.trip === trip ? task : undefined;
}

function taskOf(value: Record<string, unknown> = {}): ActTask | undefined {
  const { action, session, traceDir, trip, hook } = value;
  if (action !== 'pause' && action !== 'stop' && action !== 'kill') return undefined;
  if (!isSafeSessionId(session) || typeof traceDir !== 'string') return undefined;
  if (typeof trip !== 'string') return undefined;
  const { pid, startTime } = (hook ?? {}) as Record<string, unknown>;
  const task = { action, session, traceDir, trip } as const;
  return typeof pid === 'number' && typeof startTime === 'string'
    ? { ...task, hook: { pid, startTime } }
    : task;
}
