import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonPieces } from './jsonPieces.ts';
import { safeJson } from './terminalText.ts';

const whole = (value: unknown): string => [...jsonPieces(value)].join('');

it('is what JSON.stringify says', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' }), (value) => {
      expect(whole(value)).toBe(safeJson(value, 2));
    }),
    { numRuns: 40 },
  );
  const odd = { a: undefined, b: [undefined, Number.NaN], c: () => 0, d: {}, e: [], f: '\u202e' };
  expect(whole(odd)).toBe(safeJson(odd, 2));
});

it('comes in pieces, however long the list', () => {
  const rows = Array.from({ length: 20_000 }, (_, at) => ({ at, name: `row ${at}` }));
  const pieces = [...jsonPieces(rows)];
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(70_000);
  expect(JSON.parse(pieces.join(''))).toEqual(rows);
});

it('does not break where it nests deeper than the stack, nor grow with the square of that', () => {
  let value: unknown = 1;
  for (let depth = 0; depth < 20_000; depth++) value = [value];
  const text = whole(value);
  expect(text.replaceAll(/\s/g, '')).toBe(`${'['.repeat(20_000)}1${']'.repeat(20_000)}`);
  expect(text.length).toBeLessThan(20_000 * 2 * 140);
});
