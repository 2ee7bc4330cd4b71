/** Rules of a `watch` that runs: `guard/armed/<id>.json`. They hold in hooks, too, for as long as its process lives. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readProcess } from '../../agents/process.ts';
import { readSmallFile } from '../../trace/files.ts';
import { guardPlace } from '../guardHome.ts';
import type { Rule } from './rule.ts';

type Env = Record<string, string | undefined>;

export interface Armed {
  version: 1;
  id: string;
  pid: number;
  /** As the system tells it: another process of that pid has another one. */
  startTime: string;
  /** Of these sessions; absent: of all. */
  sessions?: string[];
  /** Absolute; absent: of all projects. */
  project?: string;
  rules: Rule[];
  /** All is told, nothing is done. */
  dryRun?: boolean;
}

const MAX_FILES = 50;
const MAX_BYTES = 1_048_576;

/** Whether a `watch` may be running: the process is not looked at closely. */
export const hasArmed = (env: Env): boolean => readArmed(env).some(({ pid }) => mayRun(pid));

function mayRun(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The rules of those that run and are about this session. */
export function armedRules(of: {
  project: string;
  session?: string | undefined;
  env: Env;
}): Rule[] {
  return readArmed(of.env)
    .filter(
      ({ sessions, project, pid, startTime }) =>
        (sessions === undefined || (of.session !== undefined && sessions.includes(of.session))) &&
        (project === undefined || project === of.project) &&
        mayRun(pid) &&
        String(readProcess(pid)?.startTime) === String(startTime),
    )
    .flatMap(({ rules, dryRun }) => (dryRun === true ? rules.map(told) : rules));
}

/** Of a dry run: what it would do is said, and not done. */
const told = (rule: Rule): Rule => ({
  ...rule,
  action: 'alert',
  message: `dry run, would ${rule.action}${rule.message === undefined ? '' : `: ${rule.message}`}`,
});

function readArmed(env: Env): Armed[] {
  const folder = guardPlace(env, 'armed');
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .slice(0, MAX_FILES)
    .flatMap((name) => {
      try {
        const armed = JSON.parse(readSmallFile(join(folder, name), MAX_BYTES) ?? '') as Armed;
        const { version, pid, sessions, rules } = armed;
        const whole =
          version === 1 &&
          pid > 0 &&
          (sessions === undefined || Array.isArray(sessions)) &&
          rules.every(({ name: called, when }) => typeof called === 'string' && when !== null);
        return whole ? [armed] : [];
      } catch {
        return [];
      }
    });
}
