/** Where a file may be restored: a real place in a folder that the user has open. */
import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, normalize, relative, sep } from 'node:path';

/** Why not: outside of all folders, behind a link, or no plain file. */
export type TargetProblem = 'outside' | 'link' | 'notFile';

export type RestoreTarget = { ok: true; exists: boolean } | { ok: false; problem: TargetProblem };

/**
 * Looks where a path really leads. It has to lie in one of the folders, by its own words, with no link on the
 * way below that folder; what is there must be a plain file, or nothing.
 *
 * @param path absolute
 * @param roots absolute
 */
export function restoreTarget(path: string, roots: readonly string[]): RestoreTarget {
  const asked = normalize(path);
  let problem: TargetProblem = 'outside';
  for (const root of roots) {
    let realRoot: string;
    try {
      realRoot = realpathSync(root);
    } catch {
      continue;
    }
    // The folder itself may be opened by a link: by that name or the real one.
    const top = [normalize(root), realRoot].find((folder) => isBelow(asked, folder));
    if (top === undefined) continue;
    problem = 'link';
    if (realOf(asked) !== join(realRoot, relative(top, asked))) continue;
    const stat = lstatSync(asked, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) continue;
    if (stat !== undefined && !stat.isFile()) return { ok: false, problem: 'notFile' };
    return { ok: true, exists: stat !== undefined };
  }
  return { ok: false, problem };
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** The real path of a file that need not exist, by the nearest folder that does. */
function realOf(path: string): string {
  const folder = dirname(path);
  if (folder === path) return path;
  try {
    return join(realpathSync(folder), basename(path));
  } catch {
    return join(realOf(folder), basename(path));
  }
}
