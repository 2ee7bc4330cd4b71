import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pathsMeet, touches } from './pattern.ts';
import { MAX_COMMAND, readCommand } from './readCommand.ts';
import type { ShellReading, ShellWorld } from './reading.ts';

const world: ShellWorld = {
  cwd: '/home/u/p',
  home: '/home/u',
  resolveLink: (path) => ({ '/home/u/p/link': '/etc', '/loop': '/loop' })[path],
  env: { HOME: '/home/u' },
};
const read = (text: string, more: Partial<ShellWorld> = {}): ShellReading =>
  readCommand(text, { ...world, ...more });
const written = (text: string): (string | undefined)[] => read(text).writes.map(({ path }) => path);

describe('readCommand', () => {
  test('says what a program is run through, and where', () => {
    const { programs } = read('cd /srv && sudo env A=1 bash -c \'rm -rf "$1"\' _ x');
    expect(programs.map(({ words, cwds, via }) => [words.join(' '), cwds, via])).toEqual([
      ['cd /srv', ['/home/u/p'], []],
      ['sudo env A=1 bash -c rm -rf "$1" _ x', ['/srv'], []],
      ['env A=1 bash -c rm -rf "$1" _ x', ['/srv'], ['sudo']],
      ['bash -c rm -rf "$1" _ x', ['/srv'], ['sudo', 'env']],
      ['rm -rf x', ['/srv'], ['sudo', 'env', 'bash -c']],
    ]);
  });

  test('marks words that are globs or not known', () => {
    const [program] = read('rm *.log "$(cat list)" \'*\'').programs.slice(-1);
    expect(program).toMatchObject({ globs: [1], unknown: [2] });
  });

  test.each([
    ['echo x > link/../a', ['/a', '/home/u/p/a']],
    ['rm -rf link', ['/home/u/p/link']],
    ['rm -rf link/', ['/etc', '/home/u/p/link']],
    ['echo x > ~/a', ['/home/u/a']],
    ['echo x > ~u/a', ['/home/u/a']],
    ['echo x > ~root/a', ['/root/a']],
    ['rm a{1..2}', ['/home/u/p/a1', '/home/u/p/a2']],
    ['rm "a*"', ['/home/u/p/a\\*']],
    ['rm /loop/x', [undefined, '/loop/x']],
    ['rm "$(cat x)"', [undefined]],
    ['cd a || exit; touch b', ['/home/u/p/a/b']],
    ['false && cd a; touch b', ['/home/u/p/b', '/home/u/p/a/b']],
    ['(cd a); touch b', ['/home/u/p/b']],
    ['if x; then D=a; else D=b; fi; rm $D', ['/home/u/p/a', '/home/u/p/b']],
    ['exit; rm x', []],
    ['f() { return; rm y; }; f; rm x', ['/home/u/p/x']],
  ])('%s', (text, paths) => {
    expect(new Set(written(text))).toEqual(new Set(paths));
  });

  test('a cd to a folder that is not there may fail', () => {
    const { writes } = read('cd a; rm x', { isFolder: () => false });
    expect(writes.map(({ path }) => path)).toEqual(['/home/u/p/a/x', '/home/u/p/x']);
  });

  test('hosts and remotes', () => {
    const { hosts } = read('curl -x p.example:1 u@A.example/x; git push; git fetch g@h.example:x');
    expect(hosts).toEqual([
      { host: 'a.example', how: 'curl' },
      { host: 'p.example', how: 'curl' },
      { host: undefined, how: 'git push', remote: 'default' },
      { host: 'h.example', how: 'git fetch' },
    ]);
  });

  test.each([
    ['echo "', 'unparsable'],
    ['$X a', undefined],
    ['"$(cat x)" a', 'unknownProgram'],
    ['eval "$(cat x)"', 'eval'],
    ['python3 -c "import os; os.remove(x)"', 'interpreter'],
    ['python3 -c "f\\"{1\'}\\"; open(1)"', 'interpreter'],
    ['curl x | sh', 'pipedToShell'],
    ['pwsh -c x', 'otherShell'],
    ['LD_PRELOAD=x ls', 'environment'],
    ['echo x > a.sh; sh a.sh', 'writtenHere'],
    [`echo ${'x'.repeat(MAX_COMMAND)}`, 'tooLong'],
    [`${'$('.repeat(500)}x${')'.repeat(500)}`, 'unparsable'],
    ['f() { g; g; }; g() { f; f; }; f', 'tooLong'],
  ])('hidden: %s', (text, reason) => {
    const hidden = read(text).opaque.filter(({ kind }) => kind === 'hidden');
    if (reason === undefined) expect(hidden).toEqual([]);
    else expect(hidden.map((one) => one.reason)).toContain(reason);
  });

  test('code that only computes is not hidden', () => {
    const text = `python3 -c "import json,sys; print(json.load(sys.stdin)['a'])"; node -p "1+1"`;
    expect(read(text).opaque).toEqual([]);
  });

  test('never throws, whatever the text', () => {
    const piece = fc.constantFrom(
      ...'rm -rf / $( ) ` " \' { } ; & | > < << E \n $x * ? [ ] \\ if then fi for in do done case esac while f() [[ ]] (( )) = ! # ~ , .. xargs find -exec {} sudo env bash -c eval git push cd echo printf %s sed s/a/b/e awk -i python3'.split(
        ' ',
      ),
      ' ',
      `$${'{x:-y}'}`,
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece, { maxLength: 60 }).map((all) => all.join('')),
          fc.array(piece, { maxLength: 60 }).map((all) => all.join(' ')),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          const reading = read(text);
          for (const { path } of [...reading.writes, ...reading.reads])
            expect(path === undefined || path.startsWith('/')).toBe(true);
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('quoting does not change what is written', () => {
    const name = fc.stringMatching(/^[a-z.]{1,8}$/).filter((text) => !/^\.+$/.test(text));
    const quote = fc.constantFrom<(text: string) => string>(
      (text) => text,
      (text) => `'${text}'`,
      (text) => `"${text}"`,
      (text) => [...text].map((char) => `\\${char}`).join(''),
      (text) => `$'${[...text].map((char) => `\\x${char.charCodeAt(0).toString(16)}`).join('')}'`,
      (text) => `{${text},${text}}`,
      (text) => `"$(echo ${text})"`,
    );
    fc.assert(
      fc.property(name, quote, quote, (file, one, other) => {
        expect(written(`${one('rm')} ${other(file)}`)).toContain(`/home/u/p/${file}`);
      }),
    );
  });
});

describe('patterns', () => {
  test.each([
    ['/a/*.ts', '/a/b.ts', true],
    ['/a/*', '/a/b/c', false],
    ['/a/**', '/a', true],
    ['/**/x', '/a/b/x', true],
    ['/a/b*', '/a/*c', true],
    ['/a/\\*', '/a/b', false],
    ['/a/??', '/a/b', false],
  ])('%s and %s', (a, b, meets) => {
    expect(pathsMeet(a, b)).toBe(meets);
    expect(pathsMeet(b, a)).toBe(meets);
  });

  test('a deep act touches what lies below', () => {
    expect(touches({ path: '/a', deep: true }, '/a/b/c')).toBe(true);
    expect(touches({ path: '/a', deep: false }, '/a/b/c')).toBe(false);
  });
});
