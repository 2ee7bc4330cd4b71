/** Where a file may be restored: a real place in a folder that the user has open. */
import { lstatSync, realpathSync } from 'node:fs';
import { join, normalize, relative, sep } from 'node:path';
import { codeOf } from '../trace/files.ts';
import { isBelow } from '../trace/paths.ts';

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
    const found = below(realRoot, relative(top, asked));
    if (found.ok) return found;
    refused = found;
  }
  return refused;
}

/** @param way from a real folder to the file */
function below(folder: string, way: string): RestoreTarget {
  let at = folder;
  const names = way.split(sep);
  for (const [index, name] of names.entries()) {
    at = join(at, name);
    let isPlain: boolean;
    try {
      const stat = lstatSync(at);
      // Wherever it leads, and if it is nowhere.
      if (stat.isSymbolicLink()) return { ok: false, problem: 'link' };
      isPlain = index === names.length - 1 ? stat.isFile() : stat.isDirectory();
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return { ok: true, exists: false };
      isPlain = false;
    }
    if (!isPlain) return { ok: false, problem: 'notFile' };
  }
  return { ok: true, exists: true };
}
