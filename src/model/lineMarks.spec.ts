import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileOp } from './event.ts';
import { LineMarks, type MarkRun } from './lineMarks.ts';
import { END_OF_FILE } from './lineSpans.ts';

type Op = Omit<FileOp, 'path'>;

function marksOf(...ops: Op[]): LineMarks {
  const marks = new LineMarks();
  for (const [row, op] of ops.entries()) marks.apply(op, { source: 0, row });
  return marks;
}

const places = (runs: readonly MarkRun[]): string[] =>
  runs.map(({ first, last, steps }) => {
    const to = last === END_OF_FILE ? 'end' : last;
    return `${first}-${to}: ${steps.map(({ row }) => row).join(',')}`;
  });

describe('line marks', () => {
  it('are on the lines that were read', () => {
    expect(places(marksOf({ kind: 'read', ranges: [[3, 5]] }).read)).toEqual(['3-5: 0']);
    expect(places(marksOf({ kind: 'read' }).read)).toEqual(['1-end: 0']);
    expect(places(marksOf({ kind: 'read', ranges: [] }).read)).toEqual([]);
  });

  it('know the steps before the last one', () => {
    const { read } = marksOf(
      { kind: 'read', ranges: [[1, 10]] },
      { kind: 'read', ranges: [[4, 12]] },
    );
    expect(places(read)).toEqual(['1-3: 0', '4-10: 1,0', '11-12: 1']);
  });

  it('are on the lines that were changed, and take the place of reads', () => {
    const { read, modified } = marksOf(
      { kind: 'read', ranges: [[1, 10]] },
      { kind: 'write', hunks: [[4, 2, 4, 3]], ranges: [[4, 6]], added: 3, removed: 2 },
    );
    expect(places(read)).toEqual(['1-3: 0', '7-11: 0']);
    expect(places(modified)).toEqual(['4-6: 1']);
    expect(read[1]?.origin).toBe(6);
  });

  it('move with later changes above them', () => {
    const { modified } = marksOf(
      { kind: 'write', hunks: [[10, 1, 10, 2]], ranges: [[10, 11]] },
      { kind: 'write', hunks: [[2, 0, 3, 4]], ranges: [[3, 6]] },
      { kind: 'write', hunks: [[1, 1, 0, 0]], added: 0, removed: 1 },
    );
    expect(places(modified)).toEqual(['2-5: 1', '13-14: 0']);
  });

  it('understand insertions whichever way their old start is written', () => {
    const earlier: Op = { kind: 'read', ranges: [[3, 4]] };
    for (const oldStart of [3, 4]) {
      const op: Op = { kind: 'write', hunks: [[oldStart, 0, 4, 2]], ranges: [[4, 5]] };
      const { read, modified } = marksOf(earlier, op);
      expect(places(read)).toEqual(['3-3: 0', '6-6: 0']);
      expect(places(modified)).toEqual(['4-5: 1']);
    }
  });

  it('tell lines of context from changed ones by the ranges', () => {
    // As agents write it: three lines of context around one changed line and two new ones.
    const { read, modified } = marksOf(
      { kind: 'read' },
      { kind: 'write', hunks: [[7, 7, 7, 9]], ranges: [[10, 12]], added: 3, removed: 1 },
    );
    expect(places(read)).toEqual(['1-9: 0', '13-end: 0']);
    expect(places(modified)).toEqual(['10-12: 1']);
  });

  it('follow every line between new ones', () => {
    const { read } = marksOf(
      { kind: 'read', ranges: [[1, 9]] },
      {
        kind: 'write',
        hunks: [[1, 9, 1, 11]],
        ranges: [
          [4, 4],
          [8, 8],
        ],
        added: 2,
        removed: 0,
      },
    );
    expect(places(read)).toEqual(['1-3: 0', '5-7: 0', '9-11: 0']);
  });

  it('are on all lines of a new file', () => {
    expect(places(marksOf({ kind: 'create', added: 4 }).modified)).toEqual(['1-4: 0']);
    expect(places(marksOf({ kind: 'create', added: 0 }).modified)).toEqual([]);
    expect(places(marksOf({ kind: 'create' }).modified)).toEqual(['1-end: 0']);
  });

  it('go with the file, and where nobody knows what became of them', () => {
    const earlier: Op[] = [{ kind: 'read' }, { kind: 'write', ranges: [[1, 2]] }];
    for (const op of [
      { kind: 'delete' },
      { kind: 'write' },
      { kind: 'write', hunks: [[9, 1, 2, 1]] },
    ] as Op[]) {
      const { read, modified } = marksOf(...earlier, op);
      expect(places(read)).toEqual([]);
      expect(places(modified)).toEqual(op.hunks ? ['2-2: 2'] : []);
    }
  });

  it('survive whatever a trace says', () => {
    const number = fc.integer({ min: 0, max: END_OF_FILE });
    const op = fc.record(
      {
        kind: fc.constantFrom('read', 'write', 'create', 'delete'),
        ranges: fc.array(fc.tuple(number, number), { maxLength: 4 }),
        hunks: fc.array(fc.tuple(number, number, number, number), { maxLength: 4 }),
        added: number,
      },
      { requiredKeys: ['kind'] },
    );
    fc.assert(
      fc.property(fc.array(op), (ops) => {
        const marks = marksOf(...(ops as Op[]));
        for (const runs of [marks.read, marks.modified]) {
          let next = 1;
          for (const { first, last } of runs) {
            expect(first).toBeGreaterThanOrEqual(next);
            expect(last).toBeGreaterThanOrEqual(first);
            next = last + 1;
          }
        }
      }),
    );
  });

  it('follow each line through any changes', () => {
    fc.assert(
      fc.property(fc.array(stepOf, { minLength: 1, maxLength: 12 }), fc.boolean(), followed),
      { numRuns: 500 },
    );
  });
});

/** One operation on a file of `lines` lines: reads, or changes from top to bottom. */
const stepOf = fc.oneof(
  fc.record({ read: fc.tuple(fc.nat(30), fc.nat(8)) }),
  fc.record({
    changes: fc.array(fc.record({ skip: fc.nat(6), remove: fc.nat(3), add: fc.nat(3) }), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
);
type Step = typeof stepOf extends fc.Arbitrary<infer T> ? T : never;

/** Against the plainest model: every line is a thing of its own that remembers who touched it. */
function followed(steps: Step[], context: boolean): void {
  interface Line {
    read?: number;
    modified?: number;
  }
  let file: Line[] = Array.from({ length: 30 }, () => ({}));
  const ops: Op[] = [];
  for (const [row, step] of steps.entries()) {
    if ('read' in step) {
      const [from, count] = step.read;
      const read = file.slice(from, from + count);
      for (const line of read) line.read = row;
      ops.push({
        kind: 'read',
        ranges: read.length > 0 ? [[from + 1, from + read.length]] : [],
      });
      continue;
    }
    const next: Line[] = [];
    const hunks: NonNullable<FileOp['hunks']> = [];
    const ranges: NonNullable<FileOp['ranges']> = [];
    let at = 0;
    for (const { skip, remove, add } of step.changes) {
      // At least one line between two changes, or they are one.
      const kept = file.slice(at, at + skip + 1);
      next.push(...kept);
      at += kept.length;
      const removed = Math.min(remove, file.length - at);
      if (removed + add === 0) continue;
      hunks.push([
        removed === 0 ? at : at + 1,
        removed,
        add === 0 ? next.length : next.length + 1,
        add,
      ]);
      if (add > 0) ranges.push([next.length + 1, next.length + add]);
      for (let n = 0; n < add; n++) next.push({ modified: row });
      at += removed;
    }
    next.push(...file.slice(at));
    // The same with lines of context around a single change that adds something.
    const only = hunks.length === 1 && hunks[0]![3] > 0 ? hunks[0] : undefined;
    if (context && only) {
      const oldFirst = only[1] === 0 ? only[0] + 1 : only[0];
      const before = Math.min(3, only[2] - 1);
      const after = Math.min(3, next.length - (only[2] + only[3] - 1));
      const around = before + after;
      hunks[0] = [oldFirst - before, only[1] + around, only[2] - before, only[3] + around];
    }
    file = next;
    ops.push({ kind: 'write', hunks, ...(ranges.length > 0 ? { ranges } : { added: 0 }) });
  }
  const marks = marksOf(...ops);
  const rowsOf = (runs: readonly MarkRun[]) =>
    file.map((_, at) => {
      const run = runs.find(({ first, last }) => first <= at + 1 && at + 1 <= last);
      return run?.steps[0]?.row;
    });
  expect(rowsOf(marks.read)).toEqual(file.map(({ read }) => read));
  expect(rowsOf(marks.modified)).toEqual(file.map(({ modified }) => modified));
}
