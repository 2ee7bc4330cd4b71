import { TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import type { FileChange } from '../../model/slices/files.ts';
import { phaseAt, type SessionPhase } from './phase.ts';

const MOST_FILES = 20;
/** A change says more of what a phase was about than a read. */
const CHANGE_WEIGHT = 4;

/** What one phase did to one file. */
export interface PhaseFile {
  /** Code of its path. */
  file: number;
  reads: number;
  changes: number;
  /** Lines. */
  added: number;
  removed: number;
}

/** The files of each phase, those worked on most first. A file belongs where its call stands. O(operations). */
export function filesOfPhases(
  fold: SessionFold,
  phases: readonly { startMs: number }[],
): PhaseFile[][] {
  const { files, columns } = fold;
  const touched: Map<number, PhaseFile>[] = phases.map(() => new Map());
  const change: FileChange = { file: 0, isRead: false, added: 0, removed: 0 };
  if (phases.length === 0) return [];
  for (let at = 0; at < files.opCount; at++) {
    const owner = files.opRow(at);
    if (owner < 0) continue;
    const type = columns.type[owner]!;
    const call = type === TYPE.tool_result || type === TYPE.error ? columns.pair[owner]! : -1;
    const own = touched[phaseAt(phases, columns.timeMs[call >= 0 ? call : owner]!)]!;
    files.change(at, change);
    let file = own.get(change.file);
    if (file === undefined) {
      file = { file: change.file, reads: 0, changes: 0, added: 0, removed: 0 };
      own.set(change.file, file);
    }
    if (change.isRead) file.reads++;
    else {
      file.changes++;
      file.added += change.added;
      file.removed += change.removed;
    }
  }
  const weight = ({ reads, changes }: PhaseFile): number => reads + CHANGE_WEIGHT * changes;
  return touched.map((own) =>
    [...own.values()].sort((a, b) => {
      const more = weight(b) - weight(a);
      if (more !== 0) return more;
      return files.paths.name(a.file) < files.paths.name(b.file) ? -1 : 1;
    }),
  );
}

/** Puts the files of each phase into it. */
export function addFiles(fold: SessionFold, phases: readonly SessionPhase[]): void {
  filesOfPhases(fold, phases).forEach((own, at) => {
    const phase = phases[at]!;
    phase.filesRead = own.filter(({ reads }) => reads > 0).length;
    phase.filesChanged = own.filter(({ changes }) => changes > 0).length;
    phase.files = own.slice(0, MOST_FILES).map(({ file }) => file);
  });
}
