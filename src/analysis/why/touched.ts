import { recordedFileOps } from '../../model/fileOps.ts';
import type { Trail } from './trail.ts';

/** Files that a call read and changed, whole paths. */
export function touchedBy(trail: Trail, at: number): { read: string[]; changed: string[] } {
  const kind = trail.kind(at);
  const subject = trail.subject(at);
  const read = new Set<string>();
  const changed = new Set<string>();
  if (kind === 'read') for (const path of subject.paths) read.add(path);
  if (!trail.failed(at)) {
    if (kind === 'modify') for (const path of subject.paths) changed.add(path);
    // What a search found lines in was not read.
    for (const op of recordedFileOps(trail.result(at)?.data ?? {}) ?? []) {
      if (op.kind === 'read') {
        if (kind !== 'search') read.add(op.path.replaceAll('\\', '/'));
      } else changed.add(op.path.replaceAll('\\', '/'));
    }
  }
  return { read: [...read], changed: [...changed] };
}
