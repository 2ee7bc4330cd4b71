/** Lines of files that an agent changed, from the patches that agents show. */
import type { FileOp } from '../model/event.ts';
import { asInteger, asObject, asString } from './rows.ts';

/** Lines of a text; an end without a newline is a line, too. */
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
    const place = [hunk?.oldStart, hunk?.oldLines, hunk?.newStart, hunk?.newLines].map(asInteger);
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
