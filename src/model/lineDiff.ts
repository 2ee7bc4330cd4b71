import { diffArrays } from 'diff';
import { hash52 } from './ids.ts';
import { END_OF_FILE, type LineSpan } from './lineSpans.ts';

/** Texts that differ by more than this are compared by lines that each of them has once. */
const MAX_CHANGES = 200;

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
  if (!changes) return onceEach(removed, added, head);
  const spans: LineSpan[] = [];
  let oldLine = head + 1;
  let newLine = head + 1;
  for (const change of changes) {
    const count = change.value.length;
    if (!change.added && !change.removed) {
      spans.push({ first: oldLine, last: oldLine + count - 1, delta: newLine - oldLine });
    }
    if (!change.added) oldLine += count;
    if (!change.removed) newLine += count;
  }
  return spans;
}

/** Lines that stand once in either text, as many as are in the same order. */
function onceEach(removed: readonly number[], added: readonly number[], head: number): LineSpan[] {
  const inOld = onlyPlaces(removed);
  const inNew = onlyPlaces(added);
  const pairs: [oldAt: number, newAt: number][] = [];
  for (const [line, at] of inOld) {
    const place = inNew.get(line);
    if (at >= 0 && place !== undefined && place >= 0) pairs.push([at, place]);
  }
  const spans: LineSpan[] = [];
  for (const [oldAt, newAt] of inOrder(pairs)) {
    const before = spans.at(-1);
    const line = head + 1 + oldAt;
    if (before && before.last + 1 === line && before.delta === newAt - oldAt) before.last = line;
    else spans.push({ first: line, last: line, delta: newAt - oldAt });
  }
  return spans;
}

/** Where each line stands; -1 where it stands more than once. In order of the text. */
function onlyPlaces(lines: readonly number[]): Map<number, number> {
  const places = new Map<number, number>();
  for (const [at, line] of lines.entries()) places.set(line, places.has(line) ? -1 : at);
  return places;
}

/** The longest part whose second numbers rise, as the first ones do. */
function inOrder(pairs: readonly [number, number][]): [number, number][] {
  /** By length: the index of the pair that such a part may end with, the lowest there is. */
  const ends: number[] = [];
  const before: number[] = [];
  for (const [index, [, value]] of pairs.entries()) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pairs[ends[middle]!]![1] < value) low = middle + 1;
      else high = middle;
    }
    before.push(low > 0 ? ends[low - 1]! : -1);
    ends[low] = index;
  }
  const part: [number, number][] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = before[at]!) part.push(pairs[at]!);
  return part.reverse();
}
