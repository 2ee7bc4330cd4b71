import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineHash, sameLines } from './lineDiff.ts';
import { END_OF_FILE, moveLines } from './lineSpans.ts';

const hashes = (text: string): number[] => Array.from(text, lineHash);

/** Where each line of `before` is in `after`. */
function moved(before: string, after: string): string {
  const runs = Array.from(before, (_, at) => ({ first: at + 1, last: at + 1 }));
  const spans = sameLines(hashes(before), hashes(after));
  return moveLines(runs, spans, (_, first, __, delta) => ({
    first: first + delta,
    last: first + delta,
  }))
    .map(({ first }) => after[first - 1])
    .join('');
}

describe('lines that are still there', () => {
  it('are all, in a text that did not change', () => {
    expect(sameLines(hashes('abc'), hashes('abc'))).toEqual([
      { first: 1, last: END_OF_FILE, delta: 0 },
    ]);
  });

  it('move with lines put in and taken out', () => {
    expect(sameLines(hashes('abcdef'), hashes('abXYef'))).toEqual([
      { first: 1, last: 2, delta: 0 },
      { first: 5, last: END_OF_FILE, delta: 0 },
    ]);
    expect(sameLines(hashes('abc'), hashes('XXabc'))).toEqual([
      { first: 1, last: END_OF_FILE, delta: 2 },
    ]);
    expect(moved('abcdefgh', 'aXcdfYgh')).toBe('acdfgh');
  });

  it('are none in what was written anew', () => {
    const before = Array.from({ length: 2000 }, (_, at) => at);
    expect(
      sameLines(
        before,
        before.map((at) => -at - 1),
      ),
    ).toEqual([]);
    expect(sameLines([], hashes('a'))).toEqual([]);
    expect(sameLines(hashes('a'), [])).toEqual([]);
  });

  it('are found in a text with a great many changes', () => {
    const before = Array.from({ length: 4000 }, (_, at) => at);
    // Every tenth line is another one now, a block was moved, and twins stand everywhere.
    const now = before.flatMap((at) => (at % 10 === 3 ? [-at] : at % 7 === 0 ? [at, -1] : [at]));
    const after = [...now.slice(0, 3000), ...now.slice(3600), ...now.slice(3000, 3600)];
    let found = 0;
    let next = 0;
    for (const { first, last, delta } of sameLines(before, after)) {
      for (let line = first; line <= Math.min(last, before.length); line++) {
        expect(after[line + delta - 1]).toBe(before[line - 1]);
        expect(line + delta).toBeGreaterThan(next);
        next = line + delta;
        found++;
      }
    }
    expect(found).toBeGreaterThan(3000);
  });

  it('are as many as can be, in order, and each what it was', () => {
    const text = fc.string({ unit: fc.constantFrom(...'abcd'), maxLength: 40 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const found = moved(before, after);
        expect(isPart(found, before) && isPart(found, after)).toBe(true);
        expect(found.length).toBe(longestCommon(before, after));
      }),
    );
  });
});

function isPart(part: string, whole: string): boolean {
  let at = 0;
  for (const sign of whole) if (sign === part[at]) at++;
  return at === part.length;
}

function longestCommon(a: string, b: string): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    const next = [0];
    for (let j = 0; j < b.length; j++) {
      next.push(x === b[j] ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!));
    }
    row = next;
  }
  return row[b.length]!;
}
