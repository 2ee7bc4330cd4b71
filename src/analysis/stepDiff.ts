import { diffLines } from 'diff';
import type { DiffLine, FileDiff } from '../model/diffLines.ts';
import {
  type FileOp,
  isObject,
  type Json,
  type JsonObject,
  type TraceEvent,
} from '../model/event.ts';
import { recordedFileOps } from '../model/fileOps.ts';
import { pathArgument } from '../model/tools.ts';

/** Lines of one diff; what a page shows of it is folded anyway. */
const MAX_LINES = 400;
/** UTF-16 units of a line. */
const MAX_LINE = 500;
/** A text larger than this is not compared line by line. UTF-16 units. */
const MAX_COMPARED = 200_000;
const MAX_COMPARE_MS = 20;
const MAX_EDITS = 50;
/** Unchanged lines kept around a change. */
const CONTEXT = 3;

/**
 * What a call changed, by its own arguments: the text before and after of an edit, the whole text that was
 * written, or a patch. Redacted texts stay as they are in the trace.
 *
 * @param result tells at which line an edit stands
 * @returns undefined where the call changes no file
 */
export function stepDiff(call: TraceEvent, result?: TraceEvent): FileDiff | undefined {
  const args = call.data.arguments;
  if (!isObject(args)) return undefined;
  const op = (result ? recordedFileOps(result.data) : undefined)?.find(
    ({ kind }) => kind !== 'read',
  );
  const path = op?.path ?? pathArgument(args) ?? '';
  const lines = linesOf(args, op);
  if (!lines || lines.length === 0) return undefined;
  const shown = lines.slice(0, MAX_LINES).map((line) => ({
    ...line,
    text: line.text.length > MAX_LINE ? `${line.text.slice(0, MAX_LINE)}…` : line.text,
  }));
  return { path, lines: shown, more: lines.length - shown.length };
}

function linesOf(args: JsonObject, op: FileOp | undefined): DiffLine[] | undefined {
  const before = text(args.old_string) ?? text(args.old_str) ?? text(args.oldString);
  const after = text(args.new_string) ?? text(args.new_str) ?? text(args.newString);
  if (before !== undefined || after !== undefined) {
    return numbered(compare(before ?? '', after ?? ''), op, 0);
  }
  if (Array.isArray(args.edits)) {
    return args.edits.slice(0, MAX_EDITS).flatMap((edit, i) => {
      if (!isObject(edit)) return [];
      const lines = compare(
        text(edit.old_string) ?? text(edit.oldText) ?? '',
        text(edit.new_string) ?? text(edit.newText) ?? '',
      );
      // Each edit has a hunk of its own only where there are as many hunks as edits.
      return op?.hunks?.length === (args.edits as Json[]).length ? numbered(lines, op, i) : lines;
    });
  }
  const patch = text(args.patch) ?? text(args.input) ?? text(args.diff);
  if (patch !== undefined && /^(\*\*\* |--- |@@ )/m.test(patch)) return patchLines(patch);
  const content = text(args.content) ?? text(args.file_text) ?? text(args.new_source);
  if (content === undefined) return undefined;
  return split(content).map((line, i) => ({ kind: 'added', text: line, new: i + 1 }));
}

/** Lines of both texts; of what is the same only a few around each change. */
function compare(before: string, after: string): DiffLine[] {
  const parts =
    before.length + after.length > MAX_COMPARED
      ? undefined
      : diffLines(before, after, { timeout: MAX_COMPARE_MS });
  if (!parts) {
    return [
      ...split(before).map((line): DiffLine => ({ kind: 'removed', text: line })),
      ...split(after).map((line): DiffLine => ({ kind: 'added', text: line })),
    ];
  }
  const lines: DiffLine[] = [];
  // Numbered from the start of the text: where that stands in the file is another matter.
  let old = 1;
  let now = 1;
  parts.forEach(({ added, removed, value }, i) => {
    const all = split(value);
    if (added) for (const line of all) lines.push({ kind: 'added', text: line, new: now++ });
    else if (removed)
      for (const line of all) lines.push({ kind: 'removed', text: line, old: old++ });
    else {
      const head = i === 0 ? 0 : CONTEXT;
      const tail = i === parts.length - 1 ? 0 : CONTEXT;
      all.forEach((line, at) => {
        if (at < head || at >= all.length - tail) {
          lines.push({ kind: 'same', text: line, old, new: now });
        }
        old++;
        now++;
      });
    }
  });
  return lines;
}

/** Moves the numbers to where the change stands in the file; without knowing that, takes them away. */
function numbered(lines: DiffLine[], op: FileOp | undefined, hunk: number): DiffLine[] {
  const [oldStart, , newStart] = op?.hunks?.[hunk] ?? [];
  const range = op?.ranges?.[0];
  const first = lines.find(({ kind }) => kind === 'added');
  if (oldStart !== undefined && newStart !== undefined) {
    // Ranges name the new lines of all hunks: the first of this hunk is the first not before it.
    const place = op?.ranges?.find(([from]) => from >= newStart)?.[0];
    if (place !== undefined && first?.new !== undefined) {
      const by = place - first.new;
      return moved(lines, by + oldStart - newStart, by);
    }
  } else if (op?.kind === 'create') return lines;
  else if (range && first?.new !== undefined) return moved(lines, Number.NaN, range[0] - first.new);
  return moved(lines, Number.NaN, Number.NaN);
}

function moved(lines: DiffLine[], old: number, now: number): DiffLine[] {
  return lines.map(({ kind, text: words, ...at }) => ({
    kind,
    text: words,
    ...(at.old === undefined || Number.isNaN(old) ? {} : { old: at.old + old }),
    ...(at.new === undefined || Number.isNaN(now) ? {} : { new: at.new + now }),
  }));
}

/** A patch in the manner of `apply_patch` or a unified diff: its own signs tell. */
function patchLines(patch: string): DiffLine[] {
  const lines: DiffLine[] = [];
  for (const line of split(patch)) {
    if (/^(\*\*\* (Begin|End) |\+\+\+ |--- )/.test(line)) continue;
    if (line.startsWith('+')) lines.push({ kind: 'added', text: line.slice(1) });
    else if (line.startsWith('-')) lines.push({ kind: 'removed', text: line.slice(1) });
    else lines.push({ kind: 'same', text: line.startsWith(' ') ? line.slice(1) : line });
  }
  return lines;
}

function split(value: string): string[] {
  if (value === '') return [];
  const lines = value.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;
