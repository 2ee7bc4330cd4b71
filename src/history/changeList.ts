/** The files that a session changed, as a list for people: no contents, only what the fold knows. */
import { basename, dirname, isAbsolute, normalize, relative, resolve } from 'node:path';
import { FLAG } from '../model/columns.ts';
import type { SessionFold } from '../model/fold.ts';
import type { RowFileOp } from '../model/slices/files.ts';
import { isBelow } from '../trace/paths.ts';

/** As in a version control view. */
export type ChangeStatus = 'A' | 'M' | 'D';

export interface ListedStep {
  /** The step's row in the fold. */
  row: number;
  /** Place in the list of steps, from 0; -1 where it is none. */
  step: number;
  tool: string;
  kind: RowFileOp['kind'];
  /** Lines; undefined where they are not known. */
  added: number | undefined;
  removed: number | undefined;
  timeMs: number;
  /** A subagent did it. */
  subagent: boolean;
  /** The command failed, and changed the file all the same. */
  failed: boolean;
}

export interface ListedFile {
  /** As the trace names it: hostile. */
  path: string;
  /** Absolute, without `..`. */
  absolute: string;
  name: string;
  /** Relative to the session's folder; absolute outside of it; empty for the folder itself. */
  folder: string;
  status: ChangeStatus;
  /** Sums of the steps whose lines are known. */
  added: number;
  removed: number;
  /** Lines of some step are not known. */
  partly: boolean;
  /** In the order of time. */
  steps: ListedStep[];
  lastMs: number;
}

/** Files that are listed. */
export const MAX_LISTED = 2000;

/** Changed files by their paths. @param cwd the session's folder */
export function changedFiles(fold: SessionFold, cwd: string): ListedFile[] {
  const listed: ListedFile[] = [];
  for (const { path, writes } of fold.files.summaries()) {
    if (writes === 0) continue;
    const ops = fold.files.opsOf(path).filter(({ kind }) => kind !== 'read');
    if (ops.length > 0) listed.push(listedFile(fold, path, ops, cwd));
  }
  return listed
    .sort((a, b) => compare(a.folder, b.folder) || compare(a.name, b.name))
    .slice(0, MAX_LISTED);
}

/** Numbers the steps of a list anew: others may have come in before them. @returns whether any has another number */
export function renumber(fold: SessionFold, files: readonly ListedFile[]): boolean {
  let changed = false;
  for (const { steps } of files) {
    for (const step of steps) {
      const now = fold.steps.stepOf(step.row);
      changed ||= now !== step.step;
      step.step = now;
    }
  }
  return changed;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function listedFile(
  fold: SessionFold,
  path: string,
  ops: readonly RowFileOp[],
  cwd: string,
): ListedFile {
  const absolute = normalize(isAbsolute(path) ? path : resolve(cwd || '/', path));
  const steps = ops.map((op) => listedStep(fold, op));
  const file: ListedFile = {
    path,
    absolute,
    name: basename(absolute),
    folder: folderOf(absolute, cwd),
    status: statusOf(ops),
    added: 0,
    removed: 0,
    partly: false,
    steps,
    lastMs: ops.at(-1)!.timeMs,
  };
  for (const { added, removed } of steps) {
    file.added += added ?? 0;
    file.removed += removed ?? 0;
    file.partly ||= added === undefined;
  }
  return file;
}

function listedStep(fold: SessionFold, op: RowFileOp): ListedStep {
  const { columns } = fold;
  const { row, kind, timeMs } = op;
  // An operation without hunks or numbers of lines tells nothing of them.
  const told =
    op.hunks !== undefined ||
    op.added !== undefined ||
    op.removed !== undefined ||
    (kind === 'create' && op.ranges === undefined);
  return {
    row,
    step: fold.steps.stepOf(row),
    tool: fold.tools.name(columns.tool[row]!) || 'Write',
    kind,
    added: told ? (op.added ?? 0) : undefined,
    removed: told ? (op.removed ?? 0) : undefined,
    timeMs,
    subagent: columns.lane[row] !== 0,
    failed: (columns.flags[row]! & FLAG.error) !== 0,
  };
}

function statusOf(ops: readonly RowFileOp[]): ChangeStatus {
  if (ops.at(-1)!.kind === 'delete') return 'D';
  return ops[0]!.kind === 'create' ? 'A' : 'M';
}

function folderOf(path: string, cwd: string): string {
  const folder = dirname(path);
  if (cwd === '') return folder;
  if (folder === normalize(cwd)) return '';
  return isBelow(folder, cwd) ? relative(cwd, folder) : folder;
}
