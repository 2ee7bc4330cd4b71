/** A git working tree as a hook can afford to see it: its index, and stats of its files. */
import {
  closeSync,
  fstatSync,
  lstatSync,
  readFileSync,
  readSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { openRead, readSmallFile } from '../trace/files.ts';
import { gitRootOf } from '../trace/paths.ts';
import { type GitIndex, parseGitIndex } from './gitIndex.ts';

/** A longer index is not parsed in the time there is. */
const MAX_INDEX_BYTES = 16 * 1_048_576;
/** Times in the index are whole nanoseconds, those of a stat fractions of a millisecond. */
const SAME_MS = 0.001;

export interface Worktree {
  /** Absolute, as the agent's folder named it. */
  root: string;
  /** Absolute path of its index. */
  indexPath: string;
}

/** The working tree that a folder is in. */
export function worktreeOf(cwd: string): Worktree | undefined {
  const root = gitRootOf(cwd);
  if (root === undefined) return undefined;
  const dot = join(root, '.git');
  const stat = lstatSync(dot, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return { root, indexPath: join(dot, 'index') };
  // A linked worktree or a submodule: a file that names the folder.
  const named = /^gitdir: (.+?)\r?\n?$/.exec(readSmallFile(dot, 4096) ?? '')?.[1];
  if (named === undefined) return undefined;
  return { root, indexPath: join(isAbsolute(named) ? named : resolve(root, named), 'index') };
}

/** What tells that an index is the one that was read before. */
export interface IndexStamp {
  mtimeMs: number;
  size: number;
  ino: number;
}

export const sameStamp = (a: IndexStamp, b: IndexStamp): boolean =>
  a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino;

/** Reads an index; undefined where there is none, or none that can be read in time. */
export function readIndex(
  path: string,
  expired: () => boolean,
): { index: GitIndex; stamp: IndexStamp } | undefined {
  let fd: number;
  try {
    fd = openRead(path);
  } catch {
    return undefined;
  }
  try {
    const { mtimeMs, size, ino } = fstatSync(fd);
    if (size > MAX_INDEX_BYTES) return undefined;
    const bytes = Buffer.allocUnsafe(size);
    if (readSync(fd, bytes, 0, size, 0) !== size) return undefined;
    const index = parseGitIndex(bytes, expired);
    return index && { index, stamp: { mtimeMs, size, ino } };
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** How one file stands to its entry in the index. */
export type FileState = 'clean' | 'changed' | 'gone' | 'other';

/**
 * @param stat of the file, undefined where there is none
 * @param stampMs when the index was written: a file of that moment or later may have changed unseen
 */
export function stateOf(
  index: GitIndex,
  at: number,
  stat: Stats | undefined,
  stampMs: number,
): FileState {
  if (stat === undefined) return 'gone';
  if (!stat.isFile()) return 'other';
  const same =
    stat.size % 2 ** 32 === index.sizes[at] &&
    Math.abs(stat.mtimeMs - index.mtimeMs[at]!) < SAME_MS &&
    stat.mtimeMs < stampMs;
  return same ? 'clean' : 'changed';
}

/**
 * A file's bytes, by a path in the working tree on which no link lies. Undefined where there is none, it is
 * longer than `maxBytes`, or it is not ours.
 */
export function readTracked(root: string, path: string, maxBytes: number): Buffer | undefined {
  const file = join(root, path);
  try {
    const folder = realpathSync(dirname(file));
    const top = realpathSync(root);
    if (folder !== dirname(join(top, path))) return undefined;
    const fd = openRead(file);
    try {
      return fstatSync(fd).size > maxBytes ? undefined : readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
