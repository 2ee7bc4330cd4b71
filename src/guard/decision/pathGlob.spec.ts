import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pathsMeet } from '../shell/pattern.ts';
import { meets, pathGlobs } from './pathGlob.ts';

const name = fc.constantFrom('a', 'b', 'ab', '.env', 'a.b', '..', '');
const piece = fc.oneof(name, fc.constantFrom('*', '**', 'a*', '?', '{a,b}', '{a/b,*}', '\\*'));
const place = { root: '/a/b', home: '/home/a' };

it('compares by the letter first, and finds what a comparison name by name finds', () => {
  let met = 0;
  fc.assert(
    fc.property(
      fc.array(name, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('/', '', '~/', '**/'),
      fc.array(piece, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      (names, before, pieces, deep) => {
        const kept = names.filter((one) => one !== '..' && !(deep && one === ''));
        const path = `/${kept.join('/')}`;
        for (const glob of pathGlobs(before + pieces.join('/'), place)) {
          const touch = { path, access: 'write' as const, deep, how: 'rm' };
          const found = meets(touch, glob, { project: '/a' }) !== 'no';
          const should =
            pathsMeet(path, glob.pattern) || (deep && pathsMeet(`${path}/**`, glob.pattern));
          if (should) met++;
          // Of a name in any folder it depends on what the folder holds.
          if (found || !deep || !glob.anywhere) expect(found).toBe(should);
        }
      },
    ),
    { numRuns: 2000 },
  );
  expect(met).toBeGreaterThan(100);
});
