import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isForbidden, mentionOfPath, mentionOfWord, sentenceAt, wholePath } from './mentions.ts';

const PATH = '/home/dev/shop/src/auth.py';

describe('mentionOfPath', () => {
  it('finds a path whole, from a folder above, and by its name', () => {
    const named = [
      PATH,
      'src/auth.py:12:def f',
      './src/auth.py',
      '"src/auth.py",',
      '--- a/src/auth.py',
      'In shop/src/auth.py.',
      'edit `auth.py`',
      'src\\auth.py(3): error',
      '~/shop/src/auth.py',
      'file:///home/dev/shop/src/auth.py#L3'.replace('file://', ''),
    ];
    for (const text of named) expect(mentionOfPath(text, PATH), text).toBeDefined();
  });

  it('is not deceived by longer names, other folders and addresses', () => {
    const others = [
      'src/my-auth.py',
      'src/auth.pyc',
      'src/auth.py.bak',
      'src/auth.py/x',
      'lib/auth.py',
      'test/src/xauth.py',
      'othersrc/auth.py',
      '/other/src/auth.py',
      'https://example.com/src/auth.py',
    ];
    for (const text of others) expect(mentionOfPath(text, PATH), text).toBeUndefined();
  });

  it('takes no common name and no folder alone for a path', () => {
    expect(mentionOfPath('see index.ts', '/p/a/index.ts')).toBeUndefined();
    expect(mentionOfPath('see a/index.ts', '/p/a/index.ts')).toMatchObject({ bare: false });
    expect(mentionOfPath('the sem of it', '/p/internal/sem')).toBeUndefined();
    expect(mentionOfPath('in internal/sem', '/p/internal/sem')).toBeDefined();
  });

  it('tells the line', () => {
    expect(mentionOfPath('one\ntwo\n  src/auth.py:3', PATH)).toMatchObject({
      line: 3,
      as: 'src/auth.py',
    });
  });

  it('is quick with a name that stands in a text a million times', () => {
    const text = 'xauth.py'.repeat(100_000);
    expect(mentionOfPath(text, PATH)).toBeUndefined();
  });

  it('finds every path in the text that it stands in', () => {
    const part = fc.stringMatching(/^[a-z][a-z0-9_]{2,8}$/);
    fc.assert(
      fc.property(part, part, part, fc.nat(2), (a, b, c, cut) => {
        const path = `/${a}/${b}/${c}x.ts`;
        const said = path
          .split('/')
          .slice(1 + Math.min(cut, 1))
          .join('/');
        expect(mentionOfPath(`at (${said}:1:2)`, path)).toBeDefined();
        expect(mentionOfPath(`at (${said}x:1:2)`, path)).toBeUndefined();
        expect(mentionOfPath(`at (z${said}:1:2)`, path)).toBeUndefined();
      }),
    );
  });
});

it('makes paths whole', () => {
  expect(wholePath('src/a.ts', '/p')).toBe('/p/src/a.ts');
  expect(wholePath('./src/a.ts', '/p')).toBe('/p/src/a.ts');
  expect(wholePath('../b/a.ts', '/p/q')).toBe('/p/b/a.ts');
  expect(wholePath('C:\\x\\a.ts', '/p')).toBe('C:/x/a.ts');
  expect(wholePath('a.ts', '')).toBe('a.ts');
});

it('finds words on their boundaries', () => {
  expect(mentionOfWord('call parseRequest(x)', 'parseRequest')).toMatchObject({ line: 1 });
  expect(mentionOfWord('call reparseRequest(x)', 'parseRequest')).toBeUndefined();
  expect(mentionOfWord('call parseRequests(x)', 'parseRequest')).toBeUndefined();
});

it('cuts out the sentence', () => {
  const text = 'First. Then I open `a.ts` to see. Last.';
  expect(sentenceAt(text, text.indexOf('a.ts'))).toBe('Then I open `a.ts` to see.');
});

describe('what is to be left alone', () => {
  it.each([
    ['Fix the login. Do not touch src/db.py.', true],
    ["Please don't change src/db.py", true],
    ['Rename it everywhere except in src/db.py', true],
    ['Fix src/db.py', false],
    ['Do not stop. Fix src/db.py', false],
    ['Do not add tests, fix src/db.py', false],
    ['Do not guess but read src/db.py', false],
    ['The login does not work: see src/db.py', false],
  ])('%s: %s', (text, forbidden) => {
    expect(isForbidden(text, text.indexOf('src/db.py'))).toBe(forbidden);
  });
});
