import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anchor } from './lineAnchor.ts';
import type { MarkRun } from './lineMarks.ts';
import { END_OF_FILE } from './lineSpans.ts';
import type { StepText } from './lineTexts.ts';

const STEPS = [{ source: 0, row: 1 }];
const run = (first: number, last: number, origin = first, steps = STEPS): MarkRun => ({
  first,
  last,
  origin,
  steps,
});
const text = (more: Partial<StepText> = {}): StepText => ({
  numbered: new Map(),
  lines: new Set(),
  fragments: [],
  incomplete: false,
  ...more,
});
const read = (...lines: string[]): StepText =>
  text({ numbered: new Map(lines.map((line, at) => [at + 1, line])) });

function placed(
  runs: MarkRun[],
  lines: readonly string[],
  step: StepText | undefined,
  trusted = false,
): string[] {
  const found = anchor(runs, lines, { textOf: () => step, isTrusted: () => trusted });
  return found.map(({ first, last }) => `${first}-${last === END_OF_FILE ? 'end' : last}`);
}

const FILE = [
  'import os',
  '',
  'def handle(event):',
  '    return None',
  '',
  'handle(event_of_today)',
];

describe('marks in a file as it is now', () => {
  it('stand where the step says, while the lines are what it read', () => {
    expect(placed([run(3, 4)], FILE, read(...FILE))).toEqual(['3-4']);
    expect(placed([run(1, END_OF_FILE)], FILE, read(...FILE))).toEqual(['1-6']);
  });

  it('are found again below lines that were put in', () => {
    const now = ['# one', '# two', '# three', ...FILE];
    expect(placed([run(3, 4), run(6, 6)], now, read(...FILE))).toEqual(['6-7', '9-9']);
  });

  it('are found again on both sides of lines that were put in between', () => {
    const now = [...FILE.slice(0, 3), '    print(event)', ...FILE.slice(3)];
    expect(placed([run(1, END_OF_FILE)], now, read(...FILE))).toEqual(['1-3', '5-7']);
  });

  it('go from a line that says something else now', () => {
    const now = FILE.with(3, '    return event');
    expect(placed([run(1, END_OF_FILE)], now, read(...FILE))).toEqual(['1-3', '5-6']);
    expect(placed([run(4, 4)], now, read(...FILE))).toEqual([]);
  });

  it('go from a file that was put back', () => {
    const wrote = text({
      lines: new Set(['    key = event.id']),
      fragments: ['    with once(key):'],
    });
    const changed = [
      ...FILE.slice(0, 3),
      '    key = event.id',
      '    with once(key):',
      ...FILE.slice(4),
    ];
    expect(placed([run(4, 5)], changed, wrote)).toEqual(['4-5']);
    expect(placed([run(4, 5)], ['#', ...changed], wrote)).toEqual(['5-6']);
    expect(placed([run(4, 5)], FILE, wrote)).toEqual([]);
  });

  it('are not put on another line that happens to say the same', () => {
    const now = ['}', 'x', '}', 'y'];
    expect(placed([run(2, 2)], now, text({ fragments: ['}'] }))).toEqual([]);
    const twice = ['return Response(200)', 'a', 'b', 'return Response(200)'];
    expect(placed([run(3, 3)], twice, text({ fragments: ['return Response(200)'] }))).toEqual([]);
  });

  it('stand by their place alone only in a file that nobody else wrote', () => {
    expect(placed([run(2, 3)], FILE, undefined, true)).toEqual(['2-3']);
    expect(placed([run(1, END_OF_FILE)], FILE, undefined, true)).toEqual(['1-end']);
    expect(placed([run(2, 3)], FILE, undefined, false)).toEqual([]);
    expect(placed([run(9, 9)], FILE, undefined, true)).toEqual([]);
  });

  it('are not believed by their place below lines that moved', () => {
    const other = [{ source: 0, row: 2 }];
    const found = anchor([run(3, 4), run(6, 6, 6, other)], ['#', ...FILE], {
      textOf: ({ row }) => (row === 1 ? read(...FILE) : undefined),
      isTrusted: () => true,
    });
    expect(found).toEqual([{ ...run(4, 5, 3) }]);
  });

  it('of lines that were cut or redacted stand by their place', () => {
    const incomplete = { ...read('import os', ''), incomplete: true };
    expect(placed([run(1, 6)], FILE, incomplete, true)).toEqual(['1-6']);
    expect(placed([run(1, 6)], FILE, incomplete, false)).toEqual(['1-2']);
    expect(placed([run(1, 6)], FILE.with(0, 'import sys'), incomplete, true)).toEqual(['2-6']);
  });

  it('are on no line that the step did not touch, whatever was done to the file', () => {
    const line = fc.constantFrom('}', '', 'x', 'return alpha', 'return bravo', 'const value = 1;');
    const lines = fc.array(line, { maxLength: 25 });
    const splice = fc.record({
      at: fc.nat(25),
      remove: fc.nat(4),
      add: fc.array(line, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(lines, fc.array(splice, { maxLength: 4 }), (before, splices) => {
        const now = [...before];
        for (const { at, remove, add } of splices) now.splice(at, remove, ...add);
        const found = anchor([run(1, END_OF_FILE)], now, {
          textOf: () => read(...before),
          isTrusted: () => false,
        });
        let next = 1;
        for (const { first, last, origin } of found) {
          expect(first).toBeGreaterThanOrEqual(next);
          for (let at = first; at <= last; at++) {
            expect(now[at - 1]).toBe(before[origin + at - first - 1]);
          }
          next = last + 1;
        }
      }),
    );
  });

  it('are on every line that is still there, where lines differ', () => {
    const gap = fc.record({ at: fc.nat(30), add: fc.integer({ min: 1, max: 40 }) });
    fc.assert(
      fc.property(fc.array(gap, { maxLength: 3 }), (gaps) => {
        const before = Array.from({ length: 30 }, (_, at) => `const line${at} = ${at};`);
        const now = [...before];
        for (const [n, { at, add }] of gaps.entries()) {
          now.splice(at, 0, ...Array.from({ length: add }, (_, k) => `// new ${n} ${k}`));
        }
        const found = anchor([run(1, END_OF_FILE)], now, {
          textOf: () => read(...before),
          isTrusted: () => false,
        });
        const marked = found.flatMap(({ first, last }) => now.slice(first - 1, last));
        expect(marked).toEqual(before);
      }),
    );
  });

  it('cost no more in a file that has nothing to do with the trace', () => {
    const now = Array.from({ length: 20_000 }, (_, at) => `other ${at}`);
    let asked = 0;
    const lines = new Set<string>();
    lines.has = () => {
      asked++;
      return false;
    };
    const runs = Array.from({ length: 2000 }, (_, at) => run(at * 5 + 1, at * 5 + 2));
    anchor(runs, now, {
      textOf: () => text({ fragments: ['never there'], lines }),
      isTrusted: () => false,
    });
    expect(asked).toBeGreaterThan(10_000);
    expect(asked).toBeLessThan(400_000);
  });
});
