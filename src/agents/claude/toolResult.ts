/** What a Claude tool's structured result says about files: the same in hooks and transcripts. */
import type { FileOp, JsonObject } from '../../model/event.ts';
import { asObject, asString } from '../rows.ts';
import { commandHits, searchedFiles } from './searchHits.ts';

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

export function lineCount(text: string): number {
  if (text === '') return 0;
  const breaks = text.split('\n').length;
  return text.endsWith('\n') ? breaks - 1 : breaks;
}

/**
 * The hunk without the lines around its changes, one each for lines that changed together: so later
 * readers can tell which old line became which new one.
 *
 * @param signs of its lines: ` `, `+`, `-`
 */
function changesIn(
  signs: readonly (string | undefined)[],
  oldStart: number,
  newStart: number,
): NonNullable<FileOp['hunks']> {
  const found: NonNullable<FileOp['hunks']> = [];
  let oldLine = oldStart;
  let newLine = newStart;
  let removed = 0;
  let added = 0;
  const end = (): void => {
    // As in a unified diff: where a side has no lines, its start is the line before.
    if (removed + added > 0) {
      const oldFirst = removed === 0 ? oldLine - 1 : oldLine - removed;
      found.push([oldFirst, removed, added === 0 ? newLine - 1 : newLine - added, added]);
    }
    removed = 0;
    added = 0;
  };
  for (const sign of signs) {
    if (sign === '+') {
      added += 1;
      newLine += 1;
    } else if (sign === '-') {
      removed += 1;
      oldLine += 1;
    } else if (sign !== '\\') {
      end();
      oldLine += 1;
      newLine += 1;
    }
  }
  end();
  return found;
}

/** Adds what a structured patch says: hunks, lines added and removed, where they stand now. */
export function withPatch(op: FileOp, patch: unknown): FileOp {
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
    const lines = Array.isArray(hunk?.lines) ? hunk.lines.map((text) => asString(text)[0]) : [];
    if (lines.length === 0) hunks.push([oldStart, oldLines, newStart, newLines]);
    const changes = changesIn(lines, oldStart, newStart);
    for (const [, removedLines, first, addedLines] of changes) {
      added += addedLines;
      removed += removedLines;
      if (addedLines > 0) ranges.push([first, first + addedLines - 1]);
    }
    hunks.push(...changes);
  }
  if (hunks.length === 0) return op;
  return { ...op, hunks, added, removed, ...(ranges.length > 0 && { ranges }) };
}

/** Exit code of a failed command, from the text that the model saw. */
export function exitCodeOf(error: string): number | undefined {
  const code = /^(?:Error: )?Exit code (\d{1,3})\b/.exec(error)?.[1];
  return code === undefined ? undefined : Number(code);
}
