/**
 * Rules of a `watch` that runs: `~/.agent-strace/guard/armed/<id>.json`. Hooks enforce them as long as that process lives; dead, it
 * arms nothing.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readProcess } from '../agents/process.ts';
import { randomEventId } from '../model/ids.ts';
import { readSmallFile, writeSmallFile } from '../trace/files.ts';
import { realPath } from '../trace/paths.ts';
import { ensureGuardFolder, guardPlace } from './guardHome.ts';
import type { Rule } from './rules/rule.ts';
import { isRecordId, recordNames } from './store.ts';

type Env = Record<string, string | undefined>;

export interface Armed {
  version: 1;
  /** 12 hex. */
  id: string;
  /** The `watch`. */
  pid: number;
  startTime: string;
  /** These sessions only; absent: all of the project. */
  sessions?: string[];
  /** Absolute. */
  project?: string;
  rules: Rule[];
  /** Nothing is done, all is told. */
  dryRun?: true;
}

const MOST = 50;
/** A file of hundreds of rules, compiled. */
const MAX_BYTES = 2 * 1_048_576;

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

/** What is armed for a session. Nothing but a failed look where no `watch` runs. */
export function armedFor(
  { session, project }: { session?: string | undefined; project: string },
  env: Env = process.env,
): Armed[] {
  const found: Armed[] = [];
  for (const id of recordNames('armed', '.json', env).slice(0, MOST)) {
    const value = readArmed(id, env);
    if (value?.version !== 1 || !Array.isArray(value.rules) || !isAlive(value)) continue;
    const { sessions } = value;
    const fits =
      sessions === undefined
        ? value.project !== undefined && realPath(value.project) === realPath(project)
        : session !== undefined && sessions.includes(session);
    if (fits) found.push(value as Armed);
  }
  return found;
}

function readArmed(id: string, env: Env): Partial<Armed> | undefined {
  const text = readSmallFile(guardPlace(env, 'armed', `${id}.json`), MAX_BYTES);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Partial<Armed>) : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, startTime }: Partial<Armed>): boolean {
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1) return false;
  if (process.platform !== 'linux') {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }
  return readProcess(pid)?.startTime === startTime;
}
