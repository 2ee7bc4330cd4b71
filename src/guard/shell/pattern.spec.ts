import { describe, expect, it } from 'vitest';
import { pathsMeet, UNKNOWN } from './pattern.ts';

/** By trying: paths of up to four short names. */
function* paths(): Generator<string> {
  const names = ['a', 'b', 'ab', '.a'];
  let all = [''];
  for (let depth = 0; depth < 4; depth++) {
    all = all.flatMap((path) => names.map((name) => `${path}/${name}`));
    yield* all;
  }
}

function isOf(path: string, pattern: string): boolean {
  const source = pattern
    .split('/')
    .filter(Boolean)
    .map((part) =>
      part === '**' || part.includes(UNKNOWN)
        ? '(/[^/]+)*'
        : `/${part.replace(/[.*?]/g, (sign) => ({ '.': '\\.', '*': '[^/]*', '?': '[^/]' })[sign]!)}`,
    )
    .join('');
  return new RegExp(`^${source}$`).test(path);
}

describe('pathsMeet', () => {
  it('says what trying all paths says', () => {
    const patterns = [
      ...['/a', '/a/b', '/a/*', '/*/b', '/**', '/**/b', '/a/**', '/a/**/b', '/**/a/**', '/**/ab'],
      ...['/?/b', '/a?', '/*b', '/.a/**', '/**/.a', '/a/b/**', '/**/*b', `/a/${UNKNOWN}`, '/*/*'],
    ];
    const all = [...paths()];
    const of = new Map(patterns.map((each) => [each, all.filter((path) => isOf(path, each))]));
    let met = 0;
    for (const one of patterns) {
      for (const other of patterns) {
        const both = of.get(one)!.some((path) => of.get(other)!.includes(path));
        expect([one, other, pathsMeet(one, other)]).toEqual([one, other, both]);
        if (both) met++;
      }
      for (const path of all)
        if (pathsMeet(path, one) !== isOf(path, one)) expect([path, one]).toBe('alike');
    }
    expect(met).toBeGreaterThan(patterns.length);
    expect(met).toBeLessThan(patterns.length ** 2);
  });
});
