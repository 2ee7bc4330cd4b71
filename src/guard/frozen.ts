/** What we froze, so that whoever resumes (another window, the command line) continues that and nothing else. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bootId, pidNamespace } from '../agents/process.ts';
import { checkOwnDirectory, readSmallFile, writeSmallFile } from '../trace/files.ts';
import { ensureStateFolder, isSafeSessionId, stateHome } from '../trace/paths.ts';
import type { ProcessEntry, ProcessId } from './processTable.ts';

type Env = Record<string, string | undefined>;

/** `onlooker`: stopped by itself when what it runs was stopped. */
export type Role = 'shell' | 'agent' | 'child' | 'onlooker';

export interface FrozenProcess extends ProcessId {
  name: string;
  role: Role;
}

interface FrozenFile {
  version: 1;
  session_id: string;
  boot_id: string;
  pid_ns: string;
  /** In the order in which they were frozen. */
  processes: FrozenProcess[];
}

/** A tree of some thousand processes. */
const MAX_BYTES = 1_048_576;
const ROLES: readonly string[] = ['shell', 'agent', 'child', 'onlooker'];

/** For when the disk is full: a brake must work then, too. */
const remembered = new Map<string, FrozenProcess[]>();

const pathOf = (sessionId: string, env: Env): string =>
  join(stateHome(env), 'control', `${sessionId}.json`);

export const frozenAs = (
  { pid, startTime, name }: ProcessEntry | FrozenProcess,
  role: Role,
): FrozenProcess => ({ pid, startTime, name, role });

/** What we froze of a session and did not continue; empty where there is nothing. It may be gone by now. */
export function readFrozen(sessionId: string, env: Env = process.env): FrozenProcess[] {
  if (!isSafeSessionId(sessionId)) return [];
  const path = pathOf(sessionId, env);
  const inMemory = remembered.get(path) ?? [];
  const home = stateHome(env);
  if ([home, join(home, 'control')].some((dir) => checkOwnDirectory(dir) !== undefined)) {
    return inMemory;
  }
  const text = readSmallFile(path, MAX_BYTES);
  if (text === undefined) return inMemory;
  try {
    const file = JSON.parse(text) as Partial<FrozenFile> | null;
    if (file?.version !== 1 || file.session_id !== sessionId) return inMemory;
    if (file.boot_id !== bootId() || file.pid_ns !== pidNamespace()) return inMemory;
    return Array.isArray(file.processes) ? file.processes.filter(isFrozenProcess) : inMemory;
  } catch {
    return inMemory;
  }
}

function isFrozenProcess(value: unknown): value is FrozenProcess {
  const { pid, startTime, name, role } = (value ?? {}) as Partial<FrozenProcess>;
  return (
    Number.isSafeInteger(pid) &&
    Number(pid) > 1 &&
    typeof startTime === 'string' &&
    typeof name === 'string' &&
    ROLES.includes(String(role))
  );
}

/** @returns the system's code where it could not be written: then only this process knows */
export function writeFrozen(
  sessionId: string,
  processes: readonly FrozenProcess[],
  env: Env = process.env,
): string | undefined {
  const path = pathOf(sessionId, env);
  remembered.set(path, [...processes]);
  try {
    const { problem } = ensureStateFolder('control', env);
    if (problem !== undefined) return problem;
    const file: FrozenFile = {
      version: 1,
      session_id: sessionId,
      boot_id: bootId(),
      pid_ns: pidNamespace(),
      processes: [...processes],
    };
    writeSmallFile(path, JSON.stringify(file));
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN';
  }
}

export function forgetFrozen(sessionId: string, env: Env = process.env): void {
  const path = pathOf(sessionId, env);
  remembered.delete(path);
  try {
    rmSync(path, { force: true });
  } catch {
    // What it names is running again: nothing in it will be continued twice.
  }
}
