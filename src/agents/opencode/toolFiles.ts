/** What opencode's tools say of files, in the `metadata` of a finished call: the same live and in its store. */
import { isAbsolute, resolve } from 'node:path';
import type { FileOp, JsonObject } from '../../model/event.ts';
import { lineCount, withPatch } from '../fileHunks.ts';
import { asObject, asString } from '../rows.ts';

/** Of one patch: a hostile store can hold any number. */
const MAX_HUNKS = 2000;

const asLine = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

/** A finished call of a tool. */
export interface FinishedCall {
  tool: string;
  input: JsonObject;
  metadata: JsonObject;
  /** The session's folder, absolute; empty where unknown. */
  cwd: string;
}

/** Files that a call touched, with the lines where opencode tells them. */
export function toolFiles({ tool, input, metadata, cwd }: FinishedCall): FileOp[] {
  const absolute = (path: string): string =>
    path === '' || cwd === '' || isAbsolute(path) ? path : resolve(cwd, path);
  const named = asString(input.filePath) || asString(metadata.filepath);
  switch (tool) {
    case 'read':
      return readOps(metadata, absolute);
    case 'write':
      if (metadata.exists === false && typeof input.content === 'string') {
        const lines = lineCount(input.content);
        const op: FileOp = { path: absolute(named), kind: 'create', added: lines, removed: 0 };
        return named === '' ? [] : [{ ...op, total_lines: lines }];
      }
      return named === '' ? [] : [patched(absolute(named), patchIn(metadata))];
    case 'edit':
      return named === '' ? [] : [patched(absolute(named), patchIn(metadata))];
    case 'multiedit': {
      const results = Array.isArray(metadata.results) ? metadata.results : [];
      const patches = results.map((result) => patchIn(asObject(result) ?? {}));
      // Each is of the file as the one before left it: together they are no one change.
      return named === '' ? [] : patches.map((patch) => patched(absolute(named), patch));
    }
    case 'apply_patch':
    case 'patch':
      return (Array.isArray(metadata.files) ? metadata.files : []).flatMap((file) =>
        patchedFile(asObject(file) ?? {}, absolute),
      );
    default:
      return [];
  }
}

function readOps(metadata: JsonObject, absolute: (path: string) => string): FileOp[] {
  const shown = asObject(metadata.display);
  const path = asString(shown?.path);
  if (shown?.type !== 'file' || path === '') return [];
  const op: FileOp = { path: absolute(path), kind: 'read' };
  const first = asLine(shown.lineStart);
  const last = asLine(shown.lineEnd);
  const total = asLine(shown.totalLines);
  if (total !== undefined) op.total_lines = total;
  if (first === undefined || last === undefined) return [op];
  if (last < first) op.ranges = [];
  else if (first > 1 || last !== total) op.ranges = [[Math.max(1, first), last]];
  return [op];
}

const patchIn = (metadata: JsonObject): string =>
  asString(asObject(metadata.filediff)?.patch) || asString(metadata.diff);

function patched(path: string, patch: string): FileOp {
  const hunks = unifiedHunks(patch);
  const created = /^--- \/dev\/null$/m.test(patch) || /^@@ -0,0 /m.test(patch);
  return withPatch({ path, kind: created ? 'create' : 'write' }, hunks);
}

function patchedFile(file: JsonObject, absolute: (path: string) => string): FileOp[] {
  const path = absolute(asString(file.filePath) || asString(file.relativePath));
  if (path === '') return [];
  const hunks = unifiedHunks(asString(file.patch) || asString(file.diff));
  const moved = absolute(asString(file.movePath));
  if (file.type === 'move' && moved !== '') {
    return [{ path, kind: 'delete' }, withPatch({ path: moved, kind: 'write' }, hunks)];
  }
  const kind = file.type === 'add' ? 'create' : file.type === 'delete' ? 'delete' : 'write';
  return [withPatch({ path, kind }, hunks)];
}

/** The hunks of a unified diff of one file. Lines count, not signs: a removed `-- x` begins like a header. */
export function unifiedHunks(patch: string): JsonObject[] {
  const hunks: JsonObject[] = [];
  const lines = patch.split('\n');
  for (let at = 0; at < lines.length && hunks.length < MAX_HUNKS; at++) {
    const head = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(lines[at]!);
    if (head === null) continue;
    const [oldStart, oldLines, newStart, newLines] = head
      .slice(1)
      .map((digits) => (digits === undefined ? 1 : Number(digits))) as [
      number,
      number,
      number,
      number,
    ];
    const body: string[] = [];
    let old = oldLines;
    let added = newLines;
    while ((old > 0 || added > 0) && at + 1 < lines.length) {
      const line = lines[at + 1]!;
      if (line.startsWith('@@ ')) break;
      at += 1;
      // An empty line of context may have lost its space.
      const sign = line === '' ? ' ' : line[0]!;
      if (sign !== '+' && sign !== '\\') old -= 1;
      if (sign !== '-' && sign !== '\\') added -= 1;
      body.push(line === '' ? ' ' : line);
    }
    hunks.push({
      // A side without lines names the line before it.
      oldStart: oldLines === 0 ? oldStart + 1 : oldStart,
      oldLines,
      newStart: newLines === 0 ? newStart + 1 : newStart,
      newLines,
      lines: body,
    });
  }
  return hunks;
}
