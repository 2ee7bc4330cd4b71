import { basename, dirname, join } from 'node:path';
import { fallbackDirs, realPath, tracePlaces } from '../trace/paths.ts';
import type { TraceFolder } from './liveSessions.ts';

/**
 * Where sessions of the open folders may be traced to; see `tracePlaces`. An agent names its folder
 * by the real path, however the folder was opened, and each place is there once.
 *
 * @param open absolute paths of the workspace folders, and their names
 */
export function traceFolders(
  open: readonly { path: string; name: string }[],
  env: Record<string, string | undefined> = process.env,
): TraceFolder[] {
  const found = new Map<string, TraceFolder>();
  for (const { path, name } of open) {
    const folder = realPath(path);
    const places = [
      ...tracePlaces(folder, env),
      ...(folder === path ? [] : fallbackDirs(path, env)),
    ];
    for (const place of places) {
      // A trace folder that is a link itself is left to the store, which refuses it.
      const traceDir = join(realPath(dirname(place)), basename(place));
      if (!found.has(traceDir)) found.set(traceDir, { traceDir, workspace: name });
    }
  }
  return [...found.values()];
}
