/** What a Claude tool's structured result says about files: the same in hooks and transcripts. */
import type { FileOp, JsonObject } from '../../model/event.ts';
import { commandHits, searchedFiles } from './searchHits.ts';
import { asObject, asString } from './usage.ts';

const asNumber = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

/** What the call said, as far as its result does not say it again. */
export interface CallFacts {
  /** The call's arguments; undefined where only the result is known. */
  input?: JsonObject | undefined;
  /** The agent's working folder at the time. */
  cwd?: string;
}

/** Files that the tool touched. @param response `tool_response` or `toolUseResult` */
export function filesOf(tool: string, response: unknown, call: CallFacts = {}): FileOp[] {
  const result = asObject(response);
  if (result === undefined) return [];
  const read = asObject(result.file);
  if (read !== undefined && asString(read.filePath) !== '') {
    return [readOp(read, asString(result.type))];
  }
  // Names of files and counts show no line of theirs: nothing was read.
  if (result.mode === 'content') return searchOps(result, call);
  const path = asString(result.filePath) || asString(result.notebook_path);
  if (path !== '') return [changeOp(tool, path, result)];
  const { input, cwd = '' } = call;
  const files = commandHits(asString(input?.command), asString(result.stdout), cwd);
  // A shell command whose changes the agent saw.
  const shell = asObject(result.bashEditDiff)?.files;
  if (!Array.isArray(shell)) return files;
  for (const item of shell) {
    const file = asObject(item);
    const name = asString(file?.filePath);
    if (file === undefined || name === '') continue;
    const op: FileOp = { path: name, kind: file.created === true ? 'create' : 'write' };
    if (file.deleted === true) op.kind = 'delete';
    files.push(withPatch(op, file.hunks));
  }
  return files;
}

function searchOps(result: JsonObject, { input = {}, cwd = '' }: CallFacts): FileOp[] {
  if (input['-n'] === false) return [];
  return searchedFiles(asString(result.content), {
    path: asString(input.path),
    cwd,
    context: ['-A', '-B', '-C', 'context'].some((key) => Boolean(input[key])),
  });
}

function readOp(file: JsonObject, type: string): FileOp {
  const op: FileOp = { path: asString(file.filePath), kind: 'read' };
  const first = asNumber(file.startLine);
  const lines = asNumber(file.numLines);
  const total = asNumber(file.totalLines);
  if (total !== undefined) op.total_lines = total;
  if (first !== undefined && lines !== undefined && lines > 0 && !(first <= 1 && lines === total)) {
    op.ranges = [[first, first + lines - 1]];
  } else if ((lines === 0 && total !== 0) || (type !== 'text' && type !== '')) {
    // Beyond the end, unchanged since it was last read, or without lines: a picture, a notebook.
    op.ranges = [];
  }
  return op;
}

function changeOp(tool: string, path: string, result: JsonObject): FileOp {
  const created = result.type === 'create' || (tool === 'Write' && result.originalFile === null);
  const op: FileOp = { path, kind: created ? 'create' : 'write' };
  if (created && typeof result.content === 'string') {
    op.added = lineCount(result.content);
    op.removed = 0;
    op.total_lines = op.added;
    return op;
  }
  return withPatch(op, result.structuredPatch);
}

function lineCount(text: string): number {
  if (text === '') return 0;
  const breaks = text.split('\n').length;
  return text.endsWith('\n') ? breaks - 1 : breaks;
}

/** Adds what a structured patch says: hunks, lines added and removed, where they stand now. */
function withPatch(op: FileOp, patch: unknown): FileOp {
  if (!Array.isArray(patch) || patch.length === 0) return op;
  const hunks: NonNullable<FileOp['hunks']> = [];
  const ranges: NonNullable<FileOp['ranges']> = [];
  let added = 0;
  let removed = 0;
  for (const item of patch) {
    const hunk = asObject(item);
    const place = [hunk?.oldStart, hunk?.oldLines, hunk?.newStart, hunk?.newLines].map(asNumber);
    const [oldStart, oldLines, newStart, newLines] = place;
    if (oldStart === undefined || oldLines === undefined) continue;
    if (newStart === undefined || newLines === undefined) continue;
    hunks.push([oldStart, oldLines, newStart, newLines]);
    const lines = Array.isArray(hunk?.lines) ? hunk.lines : [];
    let line = newStart;
    let changed: [number, number] | undefined;
    // Context lines of the hunk did not change: the ranges name the new lines only.
    for (const text of lines) {
      const mark = asString(text)[0];
      if (mark === '+') {
        added += 1;
        if (changed === undefined || changed[1] !== line - 1) {
          changed = [line, line];
          ranges.push(changed);
        } else changed[1] = line;
        line += 1;
      } else if (mark === '-') removed += 1;
      else if (mark !== '\\') line += 1;
    }
  }
  if (hunks.length === 0) return op;
  return { ...op, hunks, added, removed, ...(ranges.length > 0 && { ranges }) };
}
