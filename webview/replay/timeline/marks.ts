import type { Axis } from './axis.ts';
import type { Projection } from './bars.ts';
import { MARKS, type Mark, type SessionIndex } from './sessionIndex.ts';

/** Signs in one view: more than any screen has room for. */
const MOST = 2000;

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
  // Where the badge before ends: a sign that would lie on it moves a little to the right.
  let free = Number.NEGATIVE_INFINITY;
  while (groups.length < MOST) {
    const first = nextMark(index, step);
    if (first < 0 || first >= end) break;
    const at = left + (axis.start(first) - from) * scale;
    const isPrompt = index.marks.prompt.has(first);
    const width = isPrompt ? sizes.badge(first) : sizes.sign;
    const x = Math.max(free, isPrompt ? at : at - width / 2);
    // All that would lie on it.
    let limit = Math.max(first + 1, axis.stepFrom(unitOf(x + width + 1)));
    let count = countMarks(index, first, limit);
    const group = { x, width, at, mark: markOf(index, first), count: 1, from: first, to: first };
    if (isPrompt && index.marks.prompt.count(first, limit) === 1) {
      limit = first + 1;
      free = x + width + 1;
    } else {
      free = Number.NEGATIVE_INFINITY;
      // A sign with a count is wider, and so takes in more.
      for (let tries = 0; count > 1 && tries < 3; tries++) {
        group.count = count;
        group.to = lastMark(index, limit);
        group.mark = worst(index, first, limit);
        group.width = sizes.merged(group.mark, count, first, group.to);
        limit = Math.max(limit, axis.stepFrom(unitOf(x + group.width + 2)));
        const more = countMarks(index, first, limit);
        if (more === count) break;
        count = more;
      }
      if (count > 1) {
        group.count = count;
        group.to = lastMark(index, limit);
        group.mark = worst(index, first, limit);
      }
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
