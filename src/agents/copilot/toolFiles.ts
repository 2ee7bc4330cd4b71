/** What the result of one of Copilot's tools says about files. */
import { parsePatch } from 'diff';
import type { FileOp, Json, JsonObject } from '../../model/event.ts';
import { shownLines } from '../../model/fileOps.ts';
import { lineCount, withPatch } from '../fileHunks.ts';
import { asObject, asString } from '../rows.ts';

/** Longest path that is kept of a call, and that is believed; most files of one call. */
const MAX_KEPT_PATH = 400;
const MAX_PATH = 4096;
const MAX_FILES = 100;

/** What a call says that its result does not say again. JSON, and small. */
export interface CallFiles {
  path?: string;
  /** The lines that it asked to see. */
  shown?: [first: number, last: number];
  /** Lines of the file that it makes. */
  lines?: number;
}

/** What to keep of a call until its result comes. */
export function callFiles(tool: string, args: JsonObject): CallFiles {
  const path = asString(args.path) || asString(args.filePath);
  if (path === '' || path.length > MAX_KEPT_PATH) return {};
  const shown = shownLines(args);
  const text = tool === 'create' ? args.file_text : args.content;
  return {
    path,
    ...(shown !== undefined && { shown }),
    ...(typeof text === 'string' && { lines: lineCount(text) }),
  };
}

/** Files that a call touched. @param data of `tool.execution_complete` */
export function filesOfResult(tool: string, call: CallFiles, data: JsonObject): FileOp[] {
  const edits = Array.isArray(data.fileEdits) ? data.fileEdits.slice(0, MAX_FILES) : [];
  const result = asObject(data.result);
  const diff = asString(result?.detailedContent);
  if (tool === 'view' && edits.length === 0) return viewed(call, data, diff);
  const patches = edits.length === 0 ? [] : patchesOf(diff);
  const ops: FileOp[] = [];
  for (const item of edits) {
    const edit = asObject(item);
    const path = asString(edit?.path);
    if (path === '' || path.length > MAX_PATH) continue;
    const op: FileOp = { path, kind: KINDS[asString(edit?.kind)] ?? 'write' };
    const patch = patches.find(({ name }) => name === path || `/${name}` === path);
    if (op.kind === 'create' && path === call.path && call.lines !== undefined) {
      ops.push({ ...op, added: call.lines, removed: 0, total_lines: call.lines });
    } else ops.push(withPatch(op, patch?.hunks));
  }
  return ops;
}

const KINDS: Partial<Record<string, FileOp['kind']>> = {
  create: 'create',
  add: 'create',
  delete: 'delete',
  remove: 'delete',
};

function viewed(call: CallFiles, data: JsonObject, diff: string): FileOp[] {
  if (call.path === undefined) return [];
  const { viewType } = asObject(asObject(data.toolTelemetry)?.properties) ?? {};
  // A folder's names are no lines of a file.
  if (viewType === 'directory' || /^create file mode/m.test(diff.slice(0, 2 * MAX_PATH))) return [];
  const op: FileOp = { path: call.path, kind: 'read' };
  if (call.shown !== undefined) {
    const [first, last] = call.shown;
    const lines = Number(/^@@ -\d+,(\d+) /m.exec(diff)?.[1]);
    op.ranges = [[first, lines > 0 ? Math.min(last, first + lines - 1) : last]];
  }
  return [op];
}

/** The files of a diff that Copilot shows to people, without the `b/` before their names. */
function patchesOf(diff: string): { name: string; hunks: Json }[] {
  try {
    return parsePatch(diff).map(({ newFileName, hunks }) => ({
      name: (newFileName ?? '').replace(/^b\//, ''),
      hunks: hunks as unknown as Json,
    }));
  } catch {
    // Cut, or no diff: the edit is known, its lines are not.
    return [];
  }
}
