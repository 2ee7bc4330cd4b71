import { diffArrays } from 'diff';
import { hash52 } from './ids.ts';
import { END_OF_FILE, type LineSpan } from './lineSpans.ts';

/** Changes further apart than this are not followed: a file that was written anew. */
const MAX_CHANGES = 300;

/** A number for a line: lines that differ have different ones, for all that matters. */
export const lineHash = (line: string): number => hash52(line);

/** Which lines of a text are still there in another, as hashes. */
export function sameLines(before: readonly number[], after: readonly number[]): LineSpan[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  if (head === before.length && head === after.length) {
    return [{ first: 1, last: END_OF_FILE, delta: 0 }];
  }
  let tail = 0;
  while (
    tail < shorter - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    tail++;
  }
  const spans: LineSpan[] = [];
  if (head > 0) spans.push({ first: 1, last: head, delta: 0 });
  const removed = before.slice(head, before.length - tail);
  const added = after.slice(head, after.length - tail);
  if (removed.length > 0 && added.length > 0) spans.push(...between(removed, added, head));
  if (tail > 0) {
    spans.push({
      first: before.length - tail + 1,
      last: END_OF_FILE,
      delta: after.length - before.length,
    });
  }
  return spans;
}

function between(removed: number[], added: number[], head: number): LineSpan[] {
  const changes = diffArrays(removed, added, { maxEditLength: MAX_CHANGES });
  const spans: LineSpan[] = [];
  let oldLine = head + 1;
  let newLine = head + 1;
  for (const change of changes ?? []) {
    const count = change.value.length;
    if (!change.added && !change.removed) {
      spans.push({ first: oldLine, last: oldLine + count - 1, delta: newLine - oldLine });
    }
    if (!change.added) oldLine += count;
    if (!change.removed) newLine += count;
  }
  return spans;
}
