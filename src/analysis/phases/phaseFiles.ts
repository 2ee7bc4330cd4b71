import { TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import type { FileChange } from '../../model/slices/files.ts';
import { phaseAt, type SessionPhase } from './phase.ts';

const MOST_FILES = 20;
/** A change says more of what a phase was about than a read. */
const CHANGE_WEIGHT = 4;

interface Touched {
  reads: number;
  changes: number;
}

/** Puts the files of each phase into it. A file belongs where its call stands. O(operations). */
export function addFiles(fold: SessionFold, phases: readonly SessionPhase[]): void {
  const { files, columns } = fold;
  const touched = new Map<number, Map<number, Touched>>();
  const change: FileChange = { file: 0, isRead: false, added: 0, removed: 0 };
  for (let at = 0; at < files.opCount; at++) {
    const owner = files.opRow(at);
    if (owner < 0) continue;
    const type = columns.type[owner]!;
    const call = type === TYPE.tool_result || type === TYPE.error ? columns.pair[owner]! : -1;
    const phase = phaseAt(phases, columns.timeMs[call >= 0 ? call : owner]!);
    let own = touched.get(phase);
    if (own === undefined) {
      own = new Map();
      touched.set(phase, own);
    }
    files.change(at, change);
    let file = own.get(change.file);
    if (file === undefined) {
      file = { reads: 0, changes: 0 };
      own.set(change.file, file);
    }
    if (change.isRead) file.reads++;
    else file.changes++;
  }
  for (const [at, own] of touched) {
    const phase = phases[at]!;
    let read = 0;
    let changed = 0;
    const weighed: { file: number; weight: number; path: string }[] = [];
    for (const [file, { reads, changes }] of own) {
      if (reads > 0) read++;
      if (changes > 0) changed++;
      weighed.push({
        file,
        weight: reads + CHANGE_WEIGHT * changes,
        path: files.paths.name(file),
      });
    }
    weighed.sort((a, b) => b.weight - a.weight || (a.path < b.path ? -1 : 1));
    phase.filesRead = read;
    phase.filesChanged = changed;
    phase.files = weighed.slice(0, MOST_FILES).map(({ file }) => file);
  }
}
