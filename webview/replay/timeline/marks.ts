import type { Axis } from './axis.ts';
import type { Projection } from './bars.ts';
import { MARKS, type Mark, type SessionIndex } from './sessionIndex.ts';

/** One sign of the marks row: one mark, or several that are too close to be told apart. */
export interface MarkGroup {
  /** px: left edge and width of the sign; `at` is where its (first) step stands. */
  x: number;
  width: number;
  at: number;
  /** Of several the one that matters most. */
  mark: Mark;
  /** How many marks. */
  count: number;
  /** First and last step. */
  from: number;
  to: number;
}

export interface MarkSizes {
  /** px of a sign, of a badge, and of a sign with a count. */
  sign: number;
  badge(step: number): number;
  merged(mark: Mark, count: number, from: number, to: number): number;
}

/**
 * The marks of a view. Goes from sign to sign, not from mark to mark: ten thousand errors in one pixel are one look-up.
 *
 * @param right px
 */
export function markGroups(
  index: SessionIndex,
  axis: Axis,
  { from, to, scale, left }: Projection,
  right: number,
  sizes: MarkSizes,
): MarkGroup[] {
  const groups: MarkGroup[] = [];
  const unitOf = (x: number): number => from + (x - left) / scale;
  let step = axis.stepFrom(from);
  const end = axis.stepFrom(to + (to - from) * 1e-9);
  while (groups.length < 2000) {
    const first = nextMark(index, step);
    if (first < 0 || first >= end) break;
    const at = left + (axis.start(first) - from) * scale;
    const isPrompt = index.marks.prompt.has(first);
    const width = isPrompt ? sizes.badge(first) : sizes.sign;
    const x = isPrompt ? at : at - width / 2;
    // All that would lie on it.
    let limit = Math.max(first + 1, axis.stepFrom(unitOf(x + width + (isPrompt ? 1 : width / 2))));
    let count = countMarks(index, first, limit);
    let last = first;
    let group: MarkGroup = {
      x,
      width,
      at,
      mark: markOf(index, first),
      count,
      from: first,
      to: last,
    };
    if (count > 1) {
      // A sign with a count is wider, and so takes in more.
      for (let tries = 0; tries < 2; tries++) {
        last = lastMark(index, limit);
        const mark = worst(index, first, limit);
        const wide = sizes.merged(mark, count, first, last);
        group = { x, width: wide, at, mark, count, from: first, to: last };
        limit = Math.max(limit, axis.stepFrom(unitOf(x + wide + 2)));
        count = countMarks(index, first, limit);
      }
      group.count = count;
      group.to = lastMark(index, limit);
      group.mark = worst(index, first, limit);
    }
    if (group.x + group.width > right) group.x = Math.max(left, right - group.width);
    groups.push(group);
    step = limit;
  }
  return groups;
}

function nextMark(index: SessionIndex, from: number): number {
  let next = -1;
  for (const mark of MARKS) {
    const set = index.marks[mark];
    const at = set.at(set.lower(from));
    if (at >= 0 && set.lower(from) < set.length && (next < 0 || at < next)) next = at;
  }
  return next;
}

function lastMark(index: SessionIndex, before: number): number {
  let last = -1;
  for (const mark of MARKS) {
    const place = index.marks[mark].lower(before) - 1;
    if (place >= 0) last = Math.max(last, index.marks[mark].at(place));
  }
  return last;
}

function markOf(index: SessionIndex, step: number): Mark {
  return MARKS.find((mark) => index.marks[mark].has(step)) ?? 'prompt';
}

function worst(index: SessionIndex, from: number, to: number): Mark {
  return MARKS.find((mark) => index.marks[mark].count(from, to) > 0) ?? 'prompt';
}

function countMarks(index: SessionIndex, from: number, to: number): number {
  let count = 0;
  for (const mark of MARKS) count += index.marks[mark].count(from, to);
  return count;
}
