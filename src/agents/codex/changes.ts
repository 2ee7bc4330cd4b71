/** What Codex says about files: the changes of a patch, and the lines that commands showed. */
import { resolve, win32 } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parsePatch } from 'diff';
import type { FileOp } from '../../model/event.ts';
import { commandHits } from '../claude/searchHits.ts';
import { lineCount, withPatch } from '../claude/toolResult.ts';
import { asObject, asString } from '../claude/usage.ts';

/** Files of one patch that are looked at. */
const MAX_CHANGES = 1000;

/** A folder as Codex 0.169 writes it (`file:///home/me`) or as older ones do. */
export function folderOf(value: unknown): string {
  const text = asString(value);
  if (!text.startsWith('file:')) return text;
  try {
    return fileURLToPath(text);
  } catch {
    return '';
  }
}

/** Absolute where the folder is known. */
function absoluteIn(cwd: string, path: string): string {
  return path === '' || cwd === '' || win32.isAbsolute(path) ? path : resolve(cwd, path);
}

/** `changes` of a patch that was applied. @param cwd what relative paths are relative to */
export function changedFiles(changes: unknown, cwd: string): FileOp[] {
  const ops: FileOp[] = [];
  for (const [name, value] of Object.entries(asObject(changes) ?? {}).slice(0, MAX_CHANGES)) {
    const change = asObject(value);
    const path = absoluteIn(cwd, name);
    if (change === undefined || path === '') continue;
    if (change.type === 'add') {
      const lines = lineCount(asString(change.content));
      ops.push({ path, kind: 'create', added: lines, removed: 0, total_lines: lines });
    } else if (change.type === 'delete') {
      ops.push({ path, kind: 'delete', added: 0, removed: lineCount(asString(change.content)) });
    } else {
      const moved = absoluteIn(cwd, asString(change.move_path));
      if (moved !== '' && moved !== path) ops.push({ path, kind: 'delete' });
      const op: FileOp = moved === '' ? { path, kind: 'write' } : { path: moved, kind: 'write' };
      ops.push(withPatch(op, hunksOf(asString(change.unified_diff))));
    }
  }
  return ops;
}

function hunksOf(diff: string): unknown {
  try {
    return parsePatch(diff)[0]?.hunks;
  } catch {
    // A diff that contradicts itself: the file changed, and no line of it is known.
    return undefined;
  }
}

/** Commands that show a file and nothing else, by what they say of its lines. */
const WHOLE = /^cat (?:-n )?(?:'[^']*'|"[^"]*"|[^\s'"|;&<>]+)$/;
const SPAN = /^sed -n '?"?(\d{1,9})(?:,(\d{1,9}))?p'?"? [^|;&<>]+$/;
const HEAD = /^head (?:-n )?-?(\d{1,9}) [^|;&<>]+$/;

/**
 * Files that a command read, as far as its text tells.
 *
 * @param parsed the agent's own view of the command: `parsed_cmd`
 */
export function readFiles(command: string, parsed: unknown, output: string, cwd: string): FileOp[] {
  const steps = Array.isArray(parsed) ? parsed.map(asObject) : [];
  const hits = commandHits(command, output, cwd);
  const alone = steps.length === 1;
  for (const step of steps) {
    const path = absoluteIn(cwd, asString(step?.path));
    if (step?.type !== 'read' || path === '') continue;
    const ranges = alone ? rangesOf(command.trim(), output) : [];
    hits.push({ path, kind: 'read', ...(ranges !== undefined && { ranges }) });
  }
  return hits;
}

/** Undefined: the whole file. Empty: nobody can say. */
function rangesOf(command: string, output: string): FileOp['ranges'] {
  if (WHOLE.test(command)) return undefined;
  const lines = lineCount(output);
  const span = SPAN.exec(command);
  const first = span === null ? 1 : Number(span[1]);
  const wanted = span === null ? HEAD.exec(command)?.[1] : Number(span[2] ?? first) - first + 1;
  if (wanted === undefined || lines === 0 || first === 0) return [];
  return [[first, first + Math.min(Number(wanted), lines) - 1]];
}
