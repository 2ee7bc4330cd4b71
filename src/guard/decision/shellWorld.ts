/** The machine as rules see it, with a bounded number of questions to the file system. */
import { lstatSync, opendirSync, readlinkSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gitRootOf } from '../../trace/paths.ts';
import { ownFiles } from '../rules/ownFiles.ts';
import type { ShellWorld } from '../shell/reading.ts';
import { gitStates } from './gitTracked.ts';
import type { Presence } from './guardedCall.ts';

type Env = Record<string, string | undefined>;

export interface ShellWorldOptions {
  /** Absolute. */
  cwd: string;
  env?: Env;
  /** Questions to the file system at most; later ones are answered with "no link", "a folder". Default 600. */
  maxCalls?: number;
  /** ms for the reading of a command; what is left then is not known. Default 70. */
  maxMs?: number;
}

export interface CallMachine extends ShellWorld, Presence {
  /** Paths of what lies below a folder, relative; undefined where it is none, or not known. Some hundreds at most, the nearest first. */
  below: (folder: string) => string[] | undefined;
}

/** Of a folder that goes with all in it. */
const MAX_BELOW = 400;
const MAX_FOLDERS = 40;

/**
 * The machine that this process runs on. Answers are kept, so one of these is good for one call.
 */
export function shellWorld({
  cwd,
  env = process.env,
  maxCalls = 600,
  maxMs = 70,
}: ShellWorldOptions): CallMachine {
  let left = maxCalls;
  let startMs: number | undefined;
  const links = new Map<string, string | undefined>();
  const listed = new Map<string, string[] | undefined>();
  let own: { each: string; id: string | undefined }[] | undefined;
  const resolveLink = (path: string): string | undefined => {
    if (links.has(path)) return links.get(path);
    if (left-- <= 0) return undefined;
    let target: string | undefined;
    try {
      target = readlinkSync(path);
    } catch {
      // No link, or nothing at all.
    }
    links.set(path, target);
    return target;
  };
  return {
    cwd,
    home: env.HOME || homedir(),
    env,
    resolveLink,
    timeUp: () => {
      const nowMs = performance.now();
      startMs ??= nowMs;
      return nowMs - startMs > maxMs;
    },
    isFolder: (path) => {
      if (left-- <= 0) return true;
      try {
        return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
      } catch {
        return false;
      }
    },
    gitRoot: (folder) => {
      left -= 8;
      return left <= 0 ? undefined : gitRootOf(folder);
    },
    below: (folder) => {
      if (listed.has(folder)) return listed.get(folder);
      left -= MAX_FOLDERS;
      const found = left <= 0 ? undefined : below(folder);
      listed.set(folder, found);
      return found;
    },
    isThere: (path) => {
      if (left-- <= 0) return true;
      try {
        return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
      } catch {
        return false;
      }
    },
    gitState: gitStates(),
    ownNames: (path) => {
      if (left-- <= 0) return [];
      const file = idOf(path);
      if (file === undefined || file.names < 2) return [];
      own ??= ownFiles(cwd, env).map((each) => ({ each, id: idOf(each)?.id }));
      return own.filter(({ each, id }) => id === file.id && each !== path).map(({ each }) => each);
    },
  };
}

/** Which file it is, whatever its name; undefined: there is none. */
function idOf(path: string): { id: string; names: number } | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
    return stat?.isFile()
      ? { id: `${stat.dev} ${stat.ino}`, names: Number(stat.nlink) }
      : undefined;
  } catch {
    return undefined;
  }
}

function below(folder: string): string[] | undefined {
  const found: string[] = [];
  const folders = [''];
  for (let at = 0; at < folders.length && at < MAX_FOLDERS; at++) {
    try {
      const dir = opendirSync(join(folder, folders[at]!), { bufferSize: 64 });
      try {
        for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) {
          if (found.length >= MAX_BELOW) return found;
          const path = folders[at] === '' ? entry.name : `${folders[at]}/${entry.name}`;
          found.push(path);
          if (entry.isDirectory()) folders.push(path);
        }
      } finally {
        dir.closeSync();
      }
    } catch {
      if (at === 0) return undefined;
    }
  }
  return found;
}
