import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPath, type GitIndex, isPlainPath, parseGitIndex } from './gitIndex.ts';
import { stateOf } from './worktree.ts';

let repo: string;
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e', ...args], {
    cwd: repo,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH, HOME: repo, GIT_CONFIG_NOSYSTEM: '1' },
  });
const write = (path: string, text: string) => {
  fs.mkdirSync(join(repo, path, '..'), { recursive: true });
  fs.writeFileSync(join(repo, path), text);
};
const bytes = () => fs.readFileSync(join(repo, '.git', 'index'));
const parsed = (): GitIndex => parseGitIndex(bytes())!;

beforeEach(() => {
  repo = fs.mkdtempSync(join(tmpdir(), 'index-'));
  git('init', '-q');
});
afterEach(() => fs.rmSync(repo, { recursive: true, force: true }));

describe.each([2, 3, 4])('an index of version %i', (version) => {
  beforeEach(() => {
    write('a.txt', 'one\n');
    write('src/deep/ünïcode ✓.ts', 'two\n');
    write('src/deep/b.ts', 'x'.repeat(70_000));
    write(`long/${'n'.repeat(240)}/${'m'.repeat(240)}/${'m'.repeat(240)}.txt`, 'long');
    for (let i = 0; i < 300; i++) write(`many/file-${i}.txt`, `${i}`);
    fs.symlinkSync('a.txt', join(repo, 'link'));
    git('update-index', '--index-version', String(version === 3 ? 2 : version));
    git('add', '-A');
    if (version === 3) {
      write('later.txt', 'later');
      git('add', '-N', 'later.txt');
    }
  });

  it('is read as git reads it', () => {
    expect(bytes().readUInt32BE(4)).toBe(version);
    const index = parsed();
    const listed = git('ls-files', '-s', '-z').split('\0').filter(Boolean);
    expect(
      index.paths.map(
        (path, at) => `${bytes().toString('hex', index.idAt[at], index.idAt[at]! + 20)} ${path}`,
      ),
    ).toEqual(listed.map((line) => line.replace(/^\d+ (\w+) 0\t/, '$1 ')));
    for (const [at, path] of index.paths.entries()) {
      const stat = fs.lstatSync(join(repo, path));
      const special = path === 'link' || path === 'later.txt';
      expect(index.regular[at], path).toBe(special ? 0 : 1);
      if (!special) expect(stateOf(index, at, stat, Number.POSITIVE_INFINITY), path).toBe('clean');
      expect(findPath(index.paths, path)).toBe(at);
    }
    expect(findPath(index.paths, 'nothing')).toBe(-1);
  });
});

it('tells what changed', () => {
  for (const name of ['a', 'b', 'c', 'd']) write(name, 'same\n');
  git('add', '-A');
  write('b', 'longer than before\n');
  fs.utimesSync(join(repo, 'c'), 5, 5);
  fs.rmSync(join(repo, 'd'));
  const index = parsed();
  const states = index.paths.map((path, at) =>
    stateOf(
      index,
      at,
      fs.lstatSync(join(repo, path), { throwIfNoEntry: false }),
      Number.POSITIVE_INFINITY,
    ),
  );
  expect(states).toEqual(['clean', 'changed', 'changed', 'gone']);
  // Written in the moment of the index: it may have changed since without a trace.
  expect(stateOf(index, 0, fs.lstatSync(join(repo, 'a')), index.mtimeMs[0]!)).toBe('changed');
});

it('passes over conflicts, submodules and what is not checked out', () => {
  write('a', '1');
  write('b', '1');
  git('add', '-A');
  git('update-index', '--skip-worktree', 'b');
  const id = git('hash-object', '-w', 'a').trim();
  const conflict = [1, 2, 3].map((stage) => `100644 ${id} ${stage}\tc\n`).join('');
  execFileSync('git', ['update-index', '--index-info'], { cwd: repo, input: conflict });
  git('update-index', '--add', '--cacheinfo', `160000,${id},sub`);
  const index = parsed();
  expect(index.paths).toEqual(['a', 'b', 'c', 'c', 'c', 'sub']);
  expect([...index.regular]).toEqual([1, 0, 0, 0, 0, 0]);
});

it('does not take a part for the whole', () => {
  write('a', '1');
  git('add', '-A');
  git('update-index', '--split-index');
  expect(parseGitIndex(bytes())).toBeUndefined();
});

it('gives up when the time is over, and on what is damaged, without a throw', () => {
  for (let i = 0; i < 40; i++) write(`dir/file-${i}.txt`, `${i}`);
  git('add', '-A');
  expect(parseGitIndex(bytes(), () => true)).toBeUndefined();
  expect(parseGitIndex(Buffer.alloc(0))).toBeUndefined();
  expect(parseGitIndex(Buffer.from('DIRC'))).toBeUndefined();
  const whole = bytes();
  for (let length = 0; length < whole.length; length += 7) parseGitIndex(whole.subarray(0, length));
  for (let at = 0; at < whole.length; at += 3) {
    const bad = Buffer.from(whole);
    bad[at] = 0xff;
    parseGitIndex(bad);
  }
});

it('knows a path that leads out of the repository', () => {
  write('aa/bbbbbb', '1');
  git('add', '-A');
  const bad = Buffer.from(bytes().toString('latin1').replace('aa/bbbbbb', '../../bbb'), 'latin1');
  const index = parseGitIndex(bad)!;
  expect(index.paths).toEqual(['../../bbb']);
  expect(isPlainPath(index.paths[0]!)).toBe(false);
});
