/** What Codex says about changed files, as file operations: its patch text, and the diffs of its rollouts. */
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileOp, JsonObject } from '../../model/event.ts';
import { PATCH_FILE } from '../../model/patchText.ts';
import { lineCount, withPatch } from '../fileHunks.ts';
import { asObject, asString } from '../rows.ts';

/** Files of one patch that are told. */
const MAX_FILES = 500;

/** An absolute path where the folder is known; `file:` addresses become paths. */
export function absolutePath(path: string, cwd: string): string {
  const folder = plainPath(cwd);
  const name = plainPath(path);
  return name !== '' && !isAbsolute(name) && isAbsolute(folder) ? resolve(folder, name) : name;
}

/** The path of a `file:` address; anything else as it is. */
export function plainPath(path: string): string {
  if (!path.startsWith('file://')) return path;
  try {
    return fileURLToPath(path);
  } catch {
    return path;
  }
}

/**
 * The files that a patch text (`*** Begin Patch …`) names. It places its changes by the text around
 * them, so lines are known of files that it makes only.
 *
 * @param cwd what its paths are relative to
 */
export function patchTextFiles(patch: string, cwd: string): FileOp[] {
  const ops: FileOp[] = [];
  let op: FileOp | undefined;
  for (const line of patch.split('\n')) {
    const head = PATCH_FILE.exec(line);
    if (head !== null) {
      if (ops.length >= MAX_FILES) break;
      const path = absolutePath(head[2]!, cwd);
      if (head[1] === 'Move to' && op !== undefined) {
        ops.push({ path: op.path, kind: 'delete' });
        op.path = path;
      } else {
        op = startOp(head[1]!, path);
        ops.push(op);
      }
    } else if (op !== undefined && op.kind !== 'delete') {
      if (line.startsWith('+')) op.added = (op.added ?? 0) + 1;
      else if (line.startsWith('-')) op.removed = (op.removed ?? 0) + 1;
    }
  }
  for (const made of ops) {
    if (made.kind === 'create') made.total_lines = made.added ?? 0;
  }
  return ops;
}

function startOp(what: string, path: string): FileOp {
  if (what === 'Add File') return { path, kind: 'create', added: 0, removed: 0 };
  if (what === 'Delete File') return { path, kind: 'delete' };
  return { path, kind: 'write', ranges: [], added: 0, removed: 0 };
}

/** The files of a `FileChange` item or a `patch_apply_end`: each with the lines that changed. */
export function changedFiles(changes: unknown, cwd: string): FileOp[] {
  const ops: FileOp[] = [];
  for (const [name, value] of Object.entries(asObject(changes) ?? {}).slice(0, MAX_FILES)) {
    const change = asObject(value);
    if (change !== undefined) ops.push(...changeOps(absolutePath(name, cwd), change, cwd));
  }
  return ops;
}

function changeOps(path: string, change: JsonObject, cwd: string): FileOp[] {
  const { type } = change;
  if (type === 'add' || type === 'delete') {
    const lines = typeof change.content === 'string' ? lineCount(change.content) : undefined;
    if (lines === undefined) return [{ path, kind: type === 'add' ? 'create' : 'delete' }];
    return type === 'add'
      ? [{ path, kind: 'create', added: lines, removed: 0, total_lines: lines }]
      : [{ path, kind: 'delete', added: 0, removed: lines }];
  }
  const moved = absolutePath(asString(change.move_path), cwd);
  const hunks = diffHunks(asString(change.unified_diff));
  const op = withPatch({ path: moved || path, kind: 'write' }, hunks);
  // A file that was only moved, or a diff that cannot be read: no line of it is known.
  if (op.hunks === undefined) op.ranges = [];
  return moved === '' ? [op] : [op, { path, kind: 'delete' }];
}

/** A unified diff's hunks, as the structured patch that Claude Code gives. */
export function diffHunks(diff: string): JsonObject[] {
  const hunks: JsonObject[] = [];
  let lines: string[] = [];
  let oldLeft = 0;
  let newLeft = 0;
  for (const line of diff.split('\n')) {
    const head = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/.exec(line);
    if (head !== null && oldLeft <= 0 && newLeft <= 0) {
      const [oldStart, oldLines, newStart, newLines] = [1, 2, 3, 4].map((part) =>
        Number(head[part] ?? 1),
      ) as [number, number, number, number];
      lines = [];
      [oldLeft, newLeft] = [oldLines, newLines];
      // A side without lines names the line before; what reads the hunk counts from the line itself.
      hunks.push({
        oldStart: oldLines === 0 ? oldStart + 1 : oldStart,
        oldLines,
        newStart: newLines === 0 ? newStart + 1 : newStart,
        newLines,
        lines,
      });
    } else if (oldLeft > 0 || newLeft > 0) {
      if (line.startsWith('\\')) continue;
      lines.push(line === '' ? ' ' : line);
      if (!line.startsWith('+')) oldLeft -= 1;
      if (!line.startsWith('-')) newLeft -= 1;
    }
  }
  return hunks;
}
