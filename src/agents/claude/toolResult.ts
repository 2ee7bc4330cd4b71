/** What a Claude tool's structured result says about files: the same in hooks and transcripts. */
import type { FileOp, JsonObject } from '../../model/event.ts';
import { lineCount, withPatch } from '../fileHunks.ts';
import { asInteger, asObject, asString } from '../rows.ts';
import { commandHits, searchedFiles } from './searchHits.ts';

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
  const first = asInteger(file.startLine);
  const lines = asInteger(file.numLines);
  const total = asInteger(file.totalLines);
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

/** Exit code of a failed command, from the text that the model saw. */
export function exitCodeOf(error: string): number | undefined {
  const code = /^(?:Error: )?Exit code (\d{1,3})\b/.exec(error)?.[1];
  return code === undefined ? undefined : Number(code);
}
