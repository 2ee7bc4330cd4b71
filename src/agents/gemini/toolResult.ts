/** What Gemini's tools say in their results: the same in hooks and chats, in the words for the model. Pure. */
import { parsePatch } from 'diff';
import { callKey } from '../../model/callKey.ts';
import type { FileOp, Json, JsonObject } from '../../model/event.ts';
import { pathArgument, toolKind } from '../../model/tools.ts';
import { absolutePath, commandHits } from '../claude/searchHits.ts';
import { lineCount, withPatch } from '../fileHunks.ts';
import { asObject, asString } from '../rows.ts';

const SEARCHES = new Set(['grep_search', 'search_file_content']);
const SHELL = 'run_shell_command';

/** Instructions that Gemini adds behind a file that it read. */
const ADDED_CONTEXT = '\n\n--- Newly Discovered Project Context ---\n';
const MAX_FILES = 200;
const MAX_RANGES = 200;

/** One call as hooks and chats know it. */
export interface GeminiCall {
  tool: string;
  input: JsonObject;
  /** Absolute; empty where unknown. */
  cwd: string;
}

/** The key of a call, see {@link callKey}. */
export function geminiCallKey(tool: string, input: Json | undefined): string {
  const given = asObject(input);
  if (given === undefined || !SEARCHES.has(tool) || !('context' in given)) {
    return callKey(tool, input ?? {});
  }
  // A search with few hits writes the lines of context that it took into its own input: after it, the input
  // is another one than before.
  const { context: _, ...asked } = given;
  return callKey(tool, asked);
}

/** The text of what a tool gives the model: a text, a part, or a list of them. */
export function partsText(content: Json | undefined): string {
  if (content === undefined || content === null) return '';
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map((part) => partsText(part)).join('\n');
  const part = asObject(content) ?? {};
  if (typeof part.text === 'string') return part.text;
  const media = asObject(part.inlineData) ?? asObject(part.fileData);
  // Megabytes of base64 that nobody reads.
  if (media !== undefined) return `[${asString(media.mimeType) || 'media'}]`;
  return JSON.stringify(content);
}

/**
 * Exit code of a shell command from what the model is told; undefined where it does not say, as for a command
 * in the background or one that a signal ended.
 *
 * @param display what people are shown: usually the output alone, which may have words like ours in it
 */
export function exitCodeOf(text: string, display: Json | undefined): number | undefined {
  const inner = /^<untrusted_context>\n([\s\S]*)\n<\/untrusted_context>/.exec(text)?.[1] ?? text;
  if (!inner.startsWith('Output: ')) return undefined;
  const shown = typeof display === 'string' && display !== '' ? `Output: ${display}` : '';
  const known = shown !== '' && /^\n|^$/.test(inner.slice(shown.length)) && inner.startsWith(shown);
  const lines = (known ? inner.slice(shown.length) : inner).split('\n');
  for (let at = lines.length - 1; at >= 0; at--) {
    const line = lines[at]!;
    const code = /^Exit Code: (\d{1,3})$/.exec(line)?.[1];
    if (code !== undefined) return Number(code);
    if (/^(Signal|Error): /.test(line)) return undefined;
    if (!/^(Process Group PGID|Background PIDs): [\d, ]+$/.test(line)) break;
  }
  return 0;
}

/**
 * Files that a call touched, and the lines.
 *
 * @param content `llmContent` of a hook; in a chat, the text
 * @param display `returnDisplay` or `resultDisplay`
 */
export function filesOf(
  { tool, input, cwd }: GeminiCall,
  content: Json | undefined,
  display: Json | undefined,
): FileOp[] {
  const shown = asObject(display);
  if (typeof shown?.fileDiff === 'string') return changed(shown, input, cwd);
  if (tool === 'read_file') return [readOp(pathOf(input, cwd), partsText(content))];
  if (tool === 'read_many_files') return readMany(content);
  if (SEARCHES.has(tool)) return searched(partsText(content), shown, input, cwd);
  if (tool === SHELL && typeof display === 'string') {
    const dir = asString(input.dir_path) || asString(input.directory);
    return commandHits(asString(input.command), display, dir === '' ? cwd : absolutePath(dir, cwd));
  }
  if (toolKind(tool) === 'modify' && pathArgument(input) !== undefined) {
    return [{ path: pathOf(input, cwd), kind: 'write' }];
  }
  return [];
}

export const isShell = (tool: string): boolean => tool === SHELL;

const pathOf = (input: JsonObject, cwd: string): string =>
  absolutePath(pathArgument(input) ?? '', cwd);

function changed(shown: JsonObject, input: JsonObject, cwd: string): FileOp[] {
  const path = asString(shown.filePath) || pathOf(input, cwd) || asString(shown.fileName);
  if (path === '') return [];
  const op: FileOp = { path, kind: shown.isNewFile === true ? 'create' : 'write' };
  if (op.kind === 'create' && typeof shown.newContent === 'string') {
    op.added = lineCount(shown.newContent);
    op.removed = 0;
    op.total_lines = op.added;
    return [op];
  }
  return [withPatch(op, hunksOf(asString(shown.fileDiff)))];
}

function hunksOf(diff: string): unknown {
  try {
    return parsePatch(diff)[0]?.hunks;
  } catch {
    // Torn, or no diff at all: then no line of it is known.
    return undefined;
  }
}

function readOp(path: string, text: string): FileOp {
  const op: FileOp = { path, kind: 'read' };
  const part =
    /^\s*IMPORTANT: The file content has been truncated\.\nStatus: Showing lines (\d+)-(\d+) of (\d+) total lines\./.exec(
      text,
    );
  if (part === null) {
    if (/^(\[[\w-]+\/[\w.+-]+\]|\[media\]|Cannot display content of )/.test(text)) op.ranges = [];
    else op.total_lines = lineCount(text.split(ADDED_CONTEXT, 1)[0]!);
    return op;
  }
  const [first, last, total] = part.slice(1).map(Number) as [number, number, number];
  // Gemini counts the nothing after the last line break as a line.
  const end = last === total && text.split(ADDED_CONTEXT, 1)[0]!.endsWith('\n') ? last - 1 : last;
  if (end < last) op.total_lines = end;
  else if (last === total) op.total_lines = total;
  if (first > 1 || last < total) op.ranges = first <= end ? [[first, end]] : [];
  return op;
}

const FILE_MARK = /^--- ([/\\].*|[A-Za-z]:[/\\].*) ---$/;
const CUT_MARK =
  "[WARNING: This file was truncated. To view the full content, use the 'read_file' tool";

/** Files stand behind marks; in a hook each in a part of its own. */
function readMany(content: Json | undefined): FileOp[] {
  const found: FileOp[] = [];
  const parts = Array.isArray(content) ? content.map((part) => partsText(part)) : undefined;
  const lines = parts?.map((part) => part.split('\n')) ?? sections(partsText(content));
  for (const [mark = '', empty, ...rest] of lines) {
    const path = FILE_MARK.exec(mark)?.[1];
    if (path === undefined || empty !== '' || found.length >= MAX_FILES) continue;
    const op: FileOp = { path, kind: 'read' };
    // Behind the warning and its empty line, before the two line breaks at the end.
    if (rest[0]?.startsWith(CUT_MARK) === true) op.ranges = [[1, Math.max(1, rest.length - 4)]];
    found.push(op);
  }
  return found;
}

function sections(text: string): string[][] {
  const all: string[][] = [];
  for (const line of text.split('\n')) {
    if (FILE_MARK.test(line)) all.push([line]);
    else all.at(-1)?.push(line);
  }
  return all;
}

/** `File: a.ts`, below it `L12: a hit` and `L13- a line around it`, then `---`. */
function searched(
  text: string,
  shown: JsonObject | undefined,
  input: JsonObject,
  cwd: string,
): FileOp[] {
  const where = new Map<string, string>();
  for (const hit of Array.isArray(shown?.matches) ? shown.matches : []) {
    const match = asObject(hit);
    if (typeof match?.filePath === 'string' && typeof match.absolutePath === 'string') {
      where.set(match.filePath, match.absolutePath);
    }
  }
  const dir = asString(input.dir_path) || asString(input.path);
  const base = dir === '' ? cwd : absolutePath(dir, cwd);
  const files = new Map<string, FileOp & { ranges: [number, number][] }>();
  let op: (FileOp & { ranges: [number, number][] }) | undefined;
  let before = '---';
  for (const line of text.split('\n')) {
    const name = before === '---' ? /^File: (.+)$/.exec(line)?.[1] : undefined;
    const number = Number(/^L(\d{1,9})[:-] ?/.exec(line)?.[1] ?? Number.NaN);
    if (name !== undefined && files.size < MAX_FILES) {
      const path = where.get(name) ?? absolutePath(name, base);
      op = files.get(path) ?? { path, kind: 'read', ranges: [] };
      files.set(path, op);
    } else if (op !== undefined && !Number.isNaN(number)) {
      const last = op.ranges.at(-1);
      if (last !== undefined && number === last[1] + 1) last[1] = number;
      else if (op.ranges.length < MAX_RANGES) op.ranges.push([number, number]);
    }
    before = line;
  }
  return [...files.values()].filter(({ ranges }) => ranges.length > 0);
}
