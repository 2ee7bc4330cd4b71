import type { FileOp } from './event.ts';
import { END_OF_FILE, type LineSpan, movedBy, moveLines } from './lineSpans.ts';

export type MarkKind = 'read' | 'modified';

/** A step that touched lines: its row, and whose it is where several sessions are looked at. */
export interface MarkStep {
  source: number;
  row: number;
}

/** Lines that stand together and were last touched by the same steps. */
export interface MarkRun {
  /** 1-based, inclusive; `last` may be {@link END_OF_FILE}. */
  first: number;
  last: number;
  /** What line `first` was when its last step touched it. */
  origin: number;
  /** The steps that touched these lines, the last one first; a few. */
  steps: readonly MarkStep[];
}

/** Steps that a run remembers. */
const MAX_STEPS = 4;
/** A hostile trace may cut a file into a great many pieces: past this, new ones are not told apart. */
const MAX_RUNS = 20_000;

/** One change: `oldLines` lines before `oldFirst + oldLines` made room for `newLines` at `newFirst`. */
interface Edit {
  oldFirst: number;
  oldLines: number;
  newFirst: number;
  newLines: number;
}

/**
 * Which lines of one file agents read and changed, as the file stood after the last operation that was
 * applied. Operations come in time order. Lines that a change removed lose their marks, those below
 * move; what cannot be placed any more is dropped.
 */
export class LineMarks {
  read: readonly MarkRun[] = [];
  modified: readonly MarkRun[] = [];

  apply(op: Omit<FileOp, 'path'>, step: MarkStep): void {
    switch (op.kind) {
      case 'read':
        this.read = overlaid(this.read, op.ranges ?? [[1, END_OF_FILE]], step);
        break;
      case 'delete':
        this.clear();
        break;
      case 'create':
        this.clear();
        this.modified = overlaid([], createdLines(op), step);
        break;
      case 'write':
        this.write(op, step);
    }
  }

  private write({ ranges, hunks, added }: Omit<FileOp, 'path'>, step: MarkStep): void {
    const edits = hunks && editsOf(hunks, ranges);
    // Not known what moved where: no earlier mark can be placed.
    if (!edits) this.clear();
    else if (edits.length > 0) {
      const spans = unchanged(edits);
      this.read = moveLines(this.read, spans, part);
      this.modified = moveLines(this.modified, spans, part);
    }
    const changed =
      ranges ?? (added === 0 ? [] : (hunks ?? []).flatMap(([, , first, n]) => lines(first, n)));
    this.modified = overlaid(this.modified, changed, step);
  }

  private clear(): void {
    this.read = [];
    this.modified = [];
  }
}

const lines = (first: number, count: number): [number, number][] =>
  count > 0 ? [[first, first + count - 1]] : [];

function createdLines({ ranges, hunks, added, total_lines }: Omit<FileOp, 'path'>) {
  if (ranges) return ranges;
  if (hunks && hunks.length > 0) return hunks.flatMap(([, , first, n]) => lines(first, n));
  const count = total_lines ?? added;
  return count === undefined ? lines(1, END_OF_FILE) : lines(1, count);
}

/**
 * Hunks as changes from top to bottom; undefined where they are not in order or overlap.
 *
 * Hunks can have lines of context. Where the ranges tell the changed lines, context at either end is cut
 * off; inside, between two changes, nobody can say which line was which.
 */
function editsOf(
  hunks: NonNullable<FileOp['hunks']>,
  ranges: FileOp['ranges'],
): Edit[] | undefined {
  const edits: Edit[] = [];
  const sorted = hunks.toSorted((a, b) => a[2] - b[2] || a[0] - b[0]);
  let delta = 0;
  let oldNext = 1;
  let newNext = 1;
  let range = 0;
  const changed = ranges?.toSorted((a, b) => a[0] - b[0]);
  for (const [oldStart, oldLines, newStart, newLines] of sorted) {
    if (oldLines === 0 && newLines === 0) continue;
    // Of a side without lines writers disagree what its start is: the other one tells.
    const newFirst = newLines > 0 ? newStart : oldStart + delta;
    const oldFirst = oldLines > 0 ? oldStart : newStart - delta;
    if (oldFirst < oldNext || newFirst < newNext || newFirst - oldFirst !== delta) return undefined;
    const whole: Edit = { oldFirst, oldLines, newFirst, newLines };
    const inside: [number, number][] = [];
    while (changed && range < changed.length && changed[range]![0] < newFirst + newLines) {
      const found = changed[range++]!;
      if (found[1] >= newFirst) inside.push(found);
    }
    edits.push(...(inside.length > 0 ? withoutContext(whole, inside) : [whole]));
    delta += newLines - oldLines;
    oldNext = oldFirst + oldLines;
    newNext = newFirst + newLines;
  }
  return edits;
}

function withoutContext(whole: Edit, changed: readonly [number, number][]): Edit[] {
  const { oldFirst, oldLines, newFirst, newLines } = whole;
  const end = newFirst + newLines - 1;
  const first = Math.max(newFirst, changed[0]![0]);
  const last = Math.min(end, changed.at(-1)![1]);
  const before = first - newFirst;
  const removedRoom = oldLines - before - (end - last);
  if (removedRoom < 0) return [whole];
  const added = changed.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  if (added === newLines - oldLines) {
    // Only new lines, none removed: each stands by itself.
    let shift = newFirst - oldFirst;
    return changed.map(([from, to]) => {
      const edit = { oldFirst: from - shift, oldLines: 0, newFirst: from, newLines: to - from + 1 };
      shift += edit.newLines;
      return edit;
    });
  }
  return [
    {
      oldFirst: oldFirst + before,
      oldLines: removedRoom,
      newFirst: first,
      newLines: last - first + 1,
    },
  ];
}

/** What lies between changes. */
function unchanged(edits: readonly Edit[]): LineSpan[] {
  const spans: LineSpan[] = [];
  let next = 1;
  let delta = 0;
  for (const { oldFirst, oldLines, newLines } of edits) {
    if (oldFirst > next) spans.push({ first: next, last: oldFirst - 1, delta });
    next = oldFirst + oldLines;
    delta += newLines - oldLines;
  }
  spans.push({ first: next, last: END_OF_FILE, delta });
  return spans;
}

/** The part of a run that lies on lines `first` to `last`, moved. */
export function part(run: MarkRun, first: number, last: number, delta: number): MarkRun {
  return {
    first: first + delta,
    last: movedBy(last, delta),
    origin: run.origin + first - run.first,
    steps: run.steps,
  };
}

function overlaid(
  runs: readonly MarkRun[],
  ranges: readonly (readonly [number, number])[],
  step: MarkStep,
): readonly MarkRun[] {
  let result = runs;
  for (const [first, last] of ranges) {
    const from = Math.max(1, first);
    if (last < from || result.length > MAX_RUNS) continue;
    result = joined(overlay(result, from, last, step));
  }
  return result;
}

function overlay(runs: readonly MarkRun[], first: number, last: number, step: MarkStep): MarkRun[] {
  const result: MarkRun[] = [];
  const after: MarkRun[] = [];
  const alone = [step];
  let next = first;
  const mark = (to: number, steps: readonly MarkStep[]): void => {
    if (to < next) return;
    result.push({ first: next, last: to, origin: next, steps });
    next = to + 1;
  };
  for (const run of runs) {
    if (run.last < first) result.push(run);
    else if (run.first > last) after.push(run);
    else {
      if (run.first < first) result.push(part(run, run.first, first - 1, 0));
      mark(run.first - 1, alone);
      mark(Math.min(run.last, last), withStep(run.steps, step));
      if (run.last > last) after.push(part(run, last + 1, run.last, 0));
    }
  }
  mark(last, alone);
  result.push(...after);
  return result;
}

const same = (a: MarkStep, b: MarkStep): boolean => a.row === b.row && a.source === b.source;

const withStep = (steps: readonly MarkStep[], step: MarkStep): readonly MarkStep[] =>
  same(steps[0]!, step)
    ? steps
    : [step, ...steps.filter((old) => !same(old, step))].slice(0, MAX_STEPS);

/** Neighbours of the same steps as one run. */
function joined(runs: readonly MarkRun[]): MarkRun[] {
  const result: MarkRun[] = [];
  for (const run of runs) {
    const before = result.at(-1);
    if (
      before &&
      before.last + 1 === run.first &&
      run.origin - before.origin === run.first - before.first &&
      sameSteps(before.steps, run.steps)
    ) {
      result[result.length - 1] = { ...before, last: run.last };
    } else result.push(run);
  }
  return result;
}

const sameSteps = (a: readonly MarkStep[], b: readonly MarkStep[]): boolean =>
  a === b || (a.length === b.length && a.every((step, at) => same(step, b[at]!)));
