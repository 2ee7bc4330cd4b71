import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alignSequences, type Matches, SAME, type Sequence, SIMILAR } from './alignSequences.ts';

/** Letters are targets; a digit after one makes another thing of it. */
function sequence(words: string): Sequence {
  const parts = words.split(' ').filter(Boolean);
  const code = (text: string): number =>
    [...text].reduce((sum, c) => sum * 128 + c.charCodeAt(0), 0);
  return {
    length: parts.length,
    exact: parts.map(code),
    target: parts.map((part) => code(part[0]!)),
  };
}

const pairs = ({ match }: Matches): string =>
  [...match].flatMap((j, i) => (j < 0 ? [] : [`${i}-${j}`])).join(' ');

test('the same from both ends, and what lies between', () => {
  expect(pairs(alignSequences(sequence('a b c d'), sequence('a b c d')))).toBe('0-0 1-1 2-2 3-3');
  expect(pairs(alignSequences(sequence('a x y d'), sequence('a d')))).toBe('0-0 3-1');
  expect(pairs(alignSequences(sequence(''), sequence('a')))).toBe('');
});

test('what only resembles never takes the place of what is the same', () => {
  const { match, how } = alignSequences(sequence('a1 a2 b'), sequence('a2 b'));
  expect([...match]).toEqual([-1, 0, 1]);
  expect([...how]).toEqual([0, SAME, SAME]);
  const like = alignSequences(sequence('x a1 b'), sequence('y a2 b'));
  expect([...like.match]).toEqual([-1, 1, 2]);
  expect(like.how[1]).toBe(SIMILAR);
});

const letters = fc.array(fc.constantFrom('a', 'b', 'c', 'a1', 'b1', 'd', 'e'), { maxLength: 25 });

/** Length of the longest common subsequence. */
function longest(a: readonly string[], b: readonly string[]): number {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      table[i]![j] =
        a[i - 1] === b[j - 1]
          ? table[i - 1]![j - 1]! + 1
          : Math.max(table[i - 1]![j]!, table[i]![j - 1]!);
    }
  }
  return table[a.length]![b.length]!;
}

test('small input: in order, of one kind, and as many as can be', () => {
  fc.assert(
    fc.property(letters, letters, (a, b) => {
      const [x, y] = [sequence(a.join(' ')), sequence(b.join(' '))];
      const { match, how, approximate } = alignSequences(x, y);
      let last = -1;
      let same = 0;
      match.forEach((j, i) => {
        if (j < 0) {
          expect(how[i]).toBe(0);
          return;
        }
        expect(j).toBeGreaterThan(last);
        last = j;
        if (how[i] === SAME) {
          same++;
          expect(x.exact[i]).toBe(y.exact[j]);
        } else expect(x.target[i]).toBe(y.target[j]);
      });
      expect(approximate).toBe(0);
      // One that is the same is worth four that resemble.
      expect(same * 4 + [...how].filter((one) => one === SIMILAR).length).toBeGreaterThanOrEqual(
        longest(a, b) * 4,
      );
    }),
  );
});

const big = (values: (at: number) => number, length: number): Sequence => {
  const keys = Float64Array.from({ length }, (_, at) => values(at));
  return { length, exact: keys, target: keys };
};

test('large input whose keys say little is matched roughly, in order, and says so', () => {
  const a = big((at) => 1 + (at % 3), 9000);
  const b = big((at) => 1 + ((at * 7) % 5), 9000);
  const { match, approximate } = alignSequences(a, b);
  expect(approximate).toBeGreaterThan(0);
  let last = -1;
  for (const j of match) {
    if (j < 0) continue;
    expect(j).toBeGreaterThan(last);
    last = j;
  }
  expect(last).toBeGreaterThan(0);
});

test('a crafted order that hides one anchor behind the other ends all the same', () => {
  const n = 30_000;
  const a = big((at) => at + 1, n);
  const b = big((at) => ((at * 7919) % n) + 1, n);
  const { match } = alignSequences(a, b);
  expect(match.filter((j) => j >= 0).length).toBeGreaterThan(100);
});

test('many keys with a piece taken out', () => {
  const n = 200_000;
  const a = big((at) => at + 1, n);
  const b = big((at) => (at < 500 ? at + 1 : at + 101), n - 100);
  const { match, approximate } = alignSequences(a, b);
  expect(approximate).toBe(0);
  expect(match[499]).toBe(499);
  expect(match[550]).toBe(-1);
  expect(match[600]).toBe(500);
});
