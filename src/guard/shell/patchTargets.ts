/** The files that a patch is about. Pure. */
import { PATCH_FILE } from '../../model/patchText.ts';

export interface PatchTarget {
  path: string;
  /** It is gone after the patch. */
  removed: boolean;
}

/** Of one patch: more is no patch but an attack. */
const MAX_TARGETS = 2500;

/** The files of a patch: in the manner of `apply_patch`, or a unified diff. */
export function patchTargets(patch: string): PatchTarget[] {
  const found = new Map<string, PatchTarget>();
  const add = (path: string, removed: boolean): void => {
    if (path === '' || path === '/dev/null' || found.size >= MAX_TARGETS) return;
    found.set(`${removed} ${path}`, { path, removed });
  };
  const lines = patch.split(/\r?\n/);
  let before = '';
  for (const line of lines) {
    const head = PATCH_FILE.exec(line.trim());
    if (head === null) continue;
    const path = head[2]!;
    if (head[1] === 'Move to') add(before, true);
    add(path, head[1] === 'Delete File');
    before = path;
  }
  if (found.size > 0) return [...found.values()];
  for (const line of lines) {
    const file = /^(---|\+\+\+|rename (?:from|to)|copy to) (.+?)(\t.*)?$/.exec(line);
    if (file === null) continue;
    const path = file[2]!.replace(/^"(.*)"$/, '$1').replace(/^[ab]\//, '');
    if (file[1] === '+++' && path === '/dev/null') add(before, true);
    else add(path, file[1] === 'rename from');
    before = path;
  }
  return [...found.values()];
}
