/**
 * What a project's sessions cost in the last seven days: a folder a project, a file a session, so that sessions that write at
 * once lose nothing. A project is what is traced into one folder.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { textHash } from '../../model/ids.ts';
import { readSmallFile, writeSmallFile } from '../../trace/files.ts';
import { ensureGuardFolder, guardPlace } from '../guardHome.ts';
import { sumSince } from './money.ts';

type Env = Record<string, string | undefined>;

const WEEK_MS = 7 * 86_400_000;
/** Sessions of one project that are summed; the newest. */
const MAX_SESSIONS = 2000;
const MAX_BYTES = 16_384;

export const projectKey = (traceDir: string): string => textHash(traceDir);

interface SpendFile {
  v: 1;
  /** Nano-dollars by hours since the epoch. */
  hours: [number, number][];
}

/** Keeps what a session has cost. @throws a system error */
export function writeSpend(
  traceDir: string,
  session: string,
  hours: ReadonlyMap<number, number>,
  env: Env = process.env,
): void {
  ensureGuardFolder('spend', env);
  const folder = ensureGuardFolder(join('spend', projectKey(traceDir)), env);
  const file: SpendFile = { v: 1, hours: [...hours] };
  writeSmallFile(join(folder, `${session}.json`), JSON.stringify(file));
}

/** By session: what it cost since a moment, nano-dollars. Files that are older than a week are removed. */
export function readSpend(
  traceDir: string,
  fromMs: number,
  nowMs: number,
  env: Env = process.env,
): Map<string, number> {
  const folder = guardPlace(env, 'spend', projectKey(traceDir));
  const spent = new Map<string, number>();
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return spent;
  }
  const files = names
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .map((name) => ({ name, changedMs: changed(join(folder, name)) }))
    .sort((a, b) => b.changedMs - a.changedMs);
  for (const { name, changedMs } of files.slice(0, MAX_SESSIONS)) {
    if (nowMs - changedMs > WEEK_MS + 3_600_000) {
      rmSync(join(folder, name), { force: true });
      continue;
    }
    const nano = spentIn(readSmallFile(join(folder, name), MAX_BYTES), fromMs);
    if (nano > 0) spent.set(name.slice(0, -'.json'.length), nano);
  }
  return spent;
}

function changed(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

function spentIn(text: string | undefined, fromMs: number): number {
  if (text === undefined) return 0;
  try {
    const { v, hours } = JSON.parse(text) as SpendFile;
    if (v !== 1 || !Array.isArray(hours)) return 0;
    const numbers = hours.filter(([hour, nano]) => Number.isFinite(hour) && Number.isFinite(nano));
    return sumSince(new Map(numbers), fromMs);
  } catch {
    return 0;
  }
}

/** What the project's other sessions cost in the seven days before `nowMs`, USD. */
export function othersUsd(
  traceDir: string,
  session: string,
  nowMs: number,
  env: Env = process.env,
): number {
  let nano = 0;
  for (const [id, spent] of readSpend(traceDir, nowMs - WEEK_MS, nowMs, env))
    if (id !== session) nano += spent;
  return nano / 1e9;
}
