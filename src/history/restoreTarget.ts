/** Where a file may be restored: a real place in a folder that the user has open. */
import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { join, normalize, relative, sep } from 'node:path';
import { codeOf } from '../trace/files.ts';
import { isBelow, realPath } from '../trace/paths.ts';

/** Why not: outside of all folders, behind a link, or no plain file. */
export type TargetProblem = 'outside' | 'link' | 'notFile';

export type RestoreTarget = { ok: true; exists: boolean } | { ok: false; problem: TargetProblem };

/**
 * Looks where a path really leads. It has to lie in one of the folders, by its own words, with no link on the
 * way below that folder; what is there must be a plain file, or nothing. Never throws: a trace may name anything.
 *
 * @param path absolute
 * @param roots absolute
 */
export function restoreTarget(path: string, roots: readonly string[]): RestoreTarget {
  return find(path, roots, (stat) => stat.isFile());
}

/**
 * Whether files in a folder can be targets: it lies in one of the folders, or is one, with no link on the way.
 *
 * @param folder absolute; need not exist
 * @param roots absolute
 */
export const isTargetFolder = (folder: string, roots: readonly string[]): boolean =>
  roots.some((root) => [normalize(root), realPath(root)].includes(normalize(folder))) ||
  find(folder, roots, (stat) => stat.isDirectory()).ok;

function find(
  path: string,
  roots: readonly string[],
  isWanted: (stat: Stats) => boolean,
): RestoreTarget {
  const asked = normalize(path);
  let refused: RestoreTarget = { ok: false, problem: 'outside' };
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
    const found = below(realRoot, relative(top, asked), isWanted);
    if (found.ok) return found;
    refused = found;
  }
  return refused;
}

/** @param way from a real folder to what is looked for */
function below(folder: string, way: string, isWanted: (stat: Stats) => boolean): RestoreTarget {
  let at = folder;
  const names = way.split(sep);
  for (const [index, name] of names.entries()) {
    at = join(at, name);
    let isPlain: boolean;
    try {
      const stat = lstatSync(at);
      // Wherever it leads, and if it is nowhere.
      if (stat.isSymbolicLink()) return { ok: false, problem: 'link' };
      isPlain = index === names.length - 1 ? isWanted(stat) : stat.isDirectory();
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return { ok: true, exists: false };
      isPlain = false;
    }
    if (!isPlain) return { ok: false, problem: 'notFile' };
  }
  return { ok: true, exists: true };
}
