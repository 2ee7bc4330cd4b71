import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LIKENESSES } from '../../src/protocol/compare.ts';
import { DisplayRows } from './displayRows.ts';

/** `=` same, `!` different, `<` only A, `>` only B. */
function aligned(signs: string) {
  const codes = { '=': 'same', '~': 'similar', '!': 'different', '<': 'onlyA', '>': 'onlyB' };
  let a = 0;
  let b = 0;
  return {
    length: signs.length,
    a: Int32Array.from(signs, (sign) => (sign === '>' ? -1 : a++)),
    b: Int32Array.from(signs, (sign) => (sign === '<' ? -1 : b++)),
    like: Uint8Array.from(signs, (sign) =>
      LIKENESSES.indexOf(codes[sign as '='] as (typeof LIKENESSES)[number]),
    ),
  };
}

const shown = (rows: DisplayRows): string =>
  Array.from({ length: rows.length }, (_, at) => {
    const row = rows.at(at)!;
    if (row.kind === 'fold') return `[${row.fold.side}${row.fold.from}-${row.fold.to}]`;
    return row.kind === 'one' ? `${row.row}${row.side}` : `${row.row}`;
  }).join(' ');

test('a long run on one side is folded after its first two rows; a short one is not', () => {
  expect(shown(new DisplayRows(aligned('=<<<<<='), false, new Set()))).toBe('0 1 2 3 4 5 6');
  expect(shown(new DisplayRows(aligned('=<<<<<<='), false, new Set()))).toBe('0 1 2 [a3-7] 7');
  expect(shown(new DisplayRows(aligned('>>>>>>>'), false, new Set()))).toBe('0 1 [b2-7]');
  expect(shown(new DisplayRows(aligned('<<<>>>'), false, new Set()))).toBe('0 1 2 3 4 5');
  expect(shown(new DisplayRows(aligned('=<<<<<<='), false, new Set([3])))).toBe('0 1 2 3 4 5 6 7');
});

test('narrow: a line a side, but what is the same on both is one', () => {
  expect(shown(new DisplayRows(aligned('=!~<>'), true, new Set()))).toBe('0 1a 1b 2a 2b 3a 4b');
});

test('every row is shown or in a fold, in order, and is found again', () => {
  const signs = fc.array(fc.constantFrom('=', '~', '!', '<', '<', '<', '>'), { maxLength: 60 });
  fc.assert(
    fc.property(signs, fc.boolean(), (list, narrow) => {
      const steps = aligned(list.join(''));
      const rows = new DisplayRows(steps, narrow, new Set());
      const covered: number[] = [];
      for (let at = 0; at < rows.length; at++) {
        const row = rows.at(at)!;
        if (row.kind === 'fold') {
          for (let one = row.fold.from; one < row.fold.to; one++) covered.push(one);
          expect(rows.placeOf(row.fold.from)).toBe(at);
          expect(rows.placeOf(row.fold.to - 1)).toBe(at);
        } else if (row.kind === 'both' || covered.at(-1) !== row.row) {
          covered.push(row.row);
          expect(rows.placeOf(row.row)).toBe(at);
        }
      }
      expect(covered).toEqual(Array.from({ length: steps.length }, (_, at) => at));
    }),
  );
});
