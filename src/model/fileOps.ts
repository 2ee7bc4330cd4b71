import { type FileOp, isObject, type Json, type JsonObject } from './event.ts';
import type { StepKind } from './step.ts';
import { pathArgument } from './tools.ts';

/** Bounds on what one event may say: a trace is hostile. */
const MAX_FILES = 1000;
const MAX_RANGES = 2000;

const line = (value: Json | undefined): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31;

/** `data.files` of a result, checked; undefined where it has none. */
export function recordedFileOps(data: JsonObject): FileOp[] | undefined {
  const files = data.files;
  if (!Array.isArray(files)) return undefined;
  const ops: FileOp[] = [];
  for (const file of files) {
    if (ops.length >= MAX_FILES) break;
    if (!isObject(file) || typeof file.path !== 'string' || file.path === '') continue;
    const { kind } = file;
    if (kind !== 'read' && kind !== 'write' && kind !== 'create' && kind !== 'delete') continue;
    const op: FileOp = { path: file.path, kind };
    if (file.source === 'stat') op.source = 'stat';
    const ranges = tuples(file.ranges, 2) as FileOp['ranges'];
    if (ranges) op.ranges = ranges;
    const hunks = tuples(file.hunks, 4) as FileOp['hunks'];
    if (hunks) op.hunks = hunks;
    if (line(file.added)) op.added = file.added;
    if (line(file.removed)) op.removed = file.removed;
    if (line(file.total_lines)) op.total_lines = file.total_lines;
    ops.push(op);
  }
  return ops;
}

function tuples(value: Json | undefined, width: number): number[][] | undefined {
  if (!Array.isArray(value)) return undefined;
  const out: number[][] = [];
  for (const item of value) {
    if (out.length >= MAX_RANGES) break;
    if (Array.isArray(item) && item.length === width && item.every(line)) {
      out.push(item as number[]);
    }
  }
  return out;
}

/**
 * What a call says it will do to files, for traces whose results do not tell: the call's own
 * path, and for a read its offset and limit.
 */
export function intendedFileOps(kind: StepKind, args: JsonObject): FileOp[] | undefined {
  if (kind !== 'read' && kind !== 'modify') return undefined;
  const raw = pathArgument(args);
  if (raw === undefined) return undefined;
  // Decorated functions record `repr(value)`: the quotes are not part of the path.
  const path = /^'.*'$/s.test(raw) ? raw.slice(1, -1) : raw;
  if (kind === 'modify') return [{ path, kind: 'write' }];
  const op: FileOp = { path, kind: 'read' };
  const shown = shownLines(args);
  if (shown !== undefined) {
    op.ranges = [shown];
    return [op];
  }
  const { offset, limit } = args;
  if (line(limit) && limit > 0) {
    const first = line(offset) && offset > 0 ? offset : 1;
    op.ranges = [[first, first + limit - 1]];
  } else if (line(offset) && offset > 1) {
    op.ranges = [[offset, 2 ** 31 - 1]];
  }
  return [op];
}

/** The lines that a call asks for by their numbers: Copilot's `view_range`, VS Code's `startLine` and `endLine`. */
export function shownLines(args: JsonObject): [first: number, last: number] | undefined {
  const range = Array.isArray(args.view_range) ? args.view_range : [args.startLine, args.endLine];
  const [first, last] = range;
  if (!line(first) || first < 1) return undefined;
  if (line(last) && last >= first) return [first, last];
  // To the end.
  return last === -1 && first > 1 ? [first, 2 ** 31 - 1] : undefined;
}
