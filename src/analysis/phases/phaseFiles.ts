import { TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import type { FileChange, FilesSlice } from '../../model/slices/files.ts';
import { drain, SLICE, type Sliced } from '../slices.ts';
import { phaseNear, type SessionPhase } from './phase.ts';

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

/** The files of each phase, in no order. A file belongs where its call stands. O(operations). */
export function filesOfPhases(
  fold: SessionFold,
  phases: readonly { startMs: number }[],
): PhaseFile[][] {
  return drain(filesInSlices(fold, phases));
}

/** As {@link filesOfPhases}. */
export function* filesInSlices(
  fold: SessionFold,
  phases: readonly { startMs: number }[],
): Sliced<PhaseFile[][]> {
  const { files, columns } = fold;
  const touched: Map<number, PhaseFile>[] = phases.map(() => new Map());
  const change: FileChange = { file: 0, isRead: false, added: 0, removed: 0 };
  if (phases.length === 0) return [];
  let near = 0;
  for (let at = 0; at < files.opCount; at++) {
    if (at % SLICE === 0) yield;
    const owner = files.opRow(at);
    if (owner < 0) continue;
    const type = columns.type[owner]!;
    const call = type === TYPE.tool_result || type === TYPE.error ? columns.pair[owner]! : -1;
    near = phaseNear(phases, columns.timeMs[call >= 0 ? call : owner]!, near);
    const own = touched[near]!;
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
  return touched.map((own) => [...own.values()]);
}

const weight = ({ reads, changes }: PhaseFile): number => reads + CHANGE_WEIGHT * changes;

/** Below zero: `a` was worked on more than `b`; the name decides, for codes depend on the order of arrival. */
function byWork({ paths }: FilesSlice, a: PhaseFile, b: PhaseFile): number {
  const more = weight(b) - weight(a);
  return more !== 0 ? more : paths.name(a.file) < paths.name(b.file) ? -1 : 1;
}

/** Those worked on most first. */
export function sortedByWork(fold: SessionFold, files: readonly PhaseFile[]): PhaseFile[] {
  return [...files].sort((a, b) => byWork(fold.files, a, b));
}

/** Where a file belongs among sorted ones; after those that are its like. */
function placeOf(fold: SessionFold, sorted: readonly PhaseFile[], file: PhaseFile): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byWork(fold.files, file, sorted[middle]!) < 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Puts the files of each phase into it. */
export function* addFiles(fold: SessionFold, phases: readonly SessionPhase[]): Sliced<void> {
  const touched = yield* filesInSlices(fold, phases);
  let looked = 0;
  for (const [at, own] of touched.entries()) {
    const phase = phases[at]!;
    looked += own.length;
    if (looked > SLICE) {
      looked = 0;
      yield;
    }
    const first: PhaseFile[] = [];
    for (const file of own) {
      if (file.reads > 0) phase.filesRead++;
      if (file.changes > 0) phase.filesChanged++;
      const full = first.length === MOST_FILES;
      if (full && byWork(fold.files, file, first[MOST_FILES - 1]!) >= 0) continue;
      const place = placeOf(fold, first, file);
      first.splice(place, 0, file);
      if (first.length > MOST_FILES) first.pop();
    }
    phase.files = first.map(({ file }) => file);
  }
}
