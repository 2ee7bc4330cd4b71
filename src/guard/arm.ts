/** Arms the rules of a `watch`: hooks enforce them as long as its process lives (see `rules/armed.ts`, which reads them). */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readProcess } from '../agents/process.ts';
import { randomEventId } from '../model/ids.ts';
import { writeSmallFile } from '../trace/files.ts';
import { ensureGuardFolder, guardPlace } from './guardHome.ts';
import type { Armed } from './rules/armed.ts';
import { isRecordId } from './store.ts';

type Env = Record<string, string | undefined>;

/**
 * Arms rules until {@link disarm}, or the end of this process.
 *
 * @returns the id to disarm by
 * @throws a system error, or one with a code of ours
 */
export function arm(
  what: Pick<Armed, 'sessions' | 'project' | 'rules' | 'dryRun'>,
  env: Env = process.env,
): string {
  const id = randomEventId();
  const startTime = readProcess(process.pid)?.startTime ?? '';
  const armed: Armed = { version: 1, id, pid: process.pid, startTime, ...what };
  writeSmallFile(join(ensureGuardFolder('armed', env), `${id}.json`), JSON.stringify(armed));
  return id;
}

/** Never throws. */
export function disarm(id: string, env: Env = process.env): void {
  if (!isRecordId(id)) return;
  try {
    rmSync(guardPlace(env, 'armed', `${id}.json`), { force: true });
  } catch {
    // It counts only while this process lives.
  }
}
