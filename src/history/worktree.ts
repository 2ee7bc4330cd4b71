/** A git working tree as a hook can afford to see it: its index, and stats of its files. */
import { closeSync, fstatSync, lstatSync, readFileSync, realpathSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { openRead, readSmallFile } from '../trace/files.ts';
import { gitRootOf } from '../trace/paths.ts';
import { type GitIndex, isPlainPath } from './gitIndex.ts';

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
  if (!isPlainPath(path)) return undefined;
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
