import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseGitIndex } from './gitIndex.ts';
import { readGitBlob, readGitHead } from './gitObjects.ts';
import { worktreeOf } from './worktree.ts';

let root: string;
let repo: string;
let touched: string;
const before = { ...process.env };

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'hostile-repo-')));
  repo = join(root, 'repo');
  touched = join(root, 'touched');
  fs.mkdirSync(repo);
  git('init', '-q');
  fs.writeFileSync(join(repo, 'a.txt'), 'one\n');
  git('add', '-A');
  git('commit', '-qm', 'x');
});
afterEach(() => {
  for (const name of ['GIT_DIR', 'GIT_EXTERNAL_DIFF', 'GIT_CONFIG_COUNT', 'GIT_SSH_COMMAND']) {
    if (before[name] === undefined) delete process.env[name];
  }
  fs.rmSync(root, { recursive: true, force: true });
});

const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e', ...args], {
    cwd: repo,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH, HOME: root, GIT_CONFIG_NOSYSTEM: '1' },
  });

describe('a hostile repository', () => {
  it('runs nothing when a content is asked of it', async () => {
    const id = git('rev-parse', 'HEAD:a.txt').trim();
    const run = `touch ${touched}`;
    const script = join(root, 'evil');
    fs.writeFileSync(script, `#!/bin/sh\n${run}\n`, { mode: 0o755 });
    for (const hook of fs.readdirSync(join(repo, '.git/hooks'))) {
      fs.copyFileSync(script, join(repo, '.git/hooks', hook.replace('.sample', '')));
    }
    fs.appendFileSync(
      join(repo, '.git/config'),
      `[core]\n\tfsmonitor = ${script}\n\tsshCommand = ${script}\n\tpager = ${script}\n\teditor = ${script}
\talternateRefsCommand = ${script}\n\tgitProxy = ${script}\n\taskPass = ${script}\n\trepositoryformatversion = 1
[extensions]\n\tpartialClone = origin\n[remote "origin"]\n\turl = ext::sh -c "${run}"\n\tpromisor = true
\tuploadpack = ${script}\n[protocol]\n\tallow = always\n[protocol "ext"]\n\tallow = always
[alias]\n\tcat-file = !${run}\n[pager]\n\tcat-file = ${script}\n[diff "x"]\n\ttextconv = ${script}\n\tcommand = ${script}
[filter "x"]\n\tsmudge = ${script}\n\tclean = ${script}\n\tprocess = ${script}\n\trequired = true\n`,
    );
    fs.writeFileSync(join(repo, '.gitattributes'), '* diff=x filter=x\n');
    Object.assign(process.env, {
      GIT_DIR: join(root, 'elsewhere'),
      GIT_EXTERNAL_DIFF: script,
      GIT_SSH_COMMAND: script,
    });
    expect((await readGitBlob(repo, id))?.toString()).toBe('one\n');
    expect((await readGitHead(repo, join(repo, 'a.txt')))?.toString()).toBe('one\n');
    // Not there: git would fetch it.
    expect(await readGitBlob(repo, '1'.repeat(40))).toBeUndefined();
    expect(await readGitHead(repo, join(repo, 'none.txt'))).toBeUndefined();
    expect(await readGitHead(repo, join(root, 'outside.txt'))).toBeUndefined();
    expect(await readGitBlob(repo, '--textconv')).toBeUndefined();
    expect(fs.existsSync(touched)).toBe(false);
  });

  it('would run something with an older git, if it could fetch', () => {
    fs.appendFileSync(
      join(repo, '.git/config'),
      `[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = origin\n[remote "origin"]
\turl = ext::touch ${touched}\n\tpromisor = true\n[protocol "ext"]\n\tallow = always\n`,
    );
    const ask = (more: Record<string, string>): void => {
      try {
        execFileSync('git', ['cat-file', 'blob', '1'.repeat(40)], {
          cwd: repo,
          stdio: 'ignore',
          env: { PATH: process.env.PATH, HOME: root, GIT_CONFIG_NOSYSTEM: '1', ...more },
        });
      } catch {
        // It has no such object.
      }
    };
    ask({ GIT_ALLOW_PROTOCOL: 'none' });
    expect(fs.existsSync(touched)).toBe(false);
    ask({});
    expect(fs.existsSync(touched)).toBe(true);
  });

  it('names an index elsewhere, or none, and nothing bad comes of it', () => {
    const other = join(root, 'other');
    fs.mkdirSync(other);
    fs.symlinkSync(join(repo, '.git'), join(other, '.git'));
    expect(worktreeOf(other)).toBeUndefined();
    fs.rmSync(join(other, '.git'));
    for (const text of ['gitdir: \0', 'gitdir: ', 'x', 'gitdir: /dev/zero\n', 'a'.repeat(10_000)]) {
      fs.writeFileSync(join(other, '.git'), text);
      expect(() => worktreeOf(other)).not.toThrow();
    }
  });
});

/** An index of version 4 or 2, as a hostile hand writes it. */
function index(version: number, entries: { strip?: number; name: Buffer }[]): Buffer {
  const head = Buffer.alloc(12);
  head.write('DIRC', 'latin1');
  head.writeUInt32BE(version, 4);
  head.writeUInt32BE(entries.length, 8);
  const parts = entries.map(({ strip = 0, name }) => {
    const fixed = Buffer.alloc(62);
    fixed[26] = 0x81;
    fixed.writeUInt16BE(Math.min(name.length, 0xfff), 60);
    if (version === 4) return Buffer.concat([fixed, Buffer.from([strip]), name, Buffer.alloc(1)]);
    const length = fixed.length + name.length;
    return Buffer.concat([fixed, name, Buffer.alloc(8 - (length % 8))]);
  });
  return Buffer.concat([head, ...parts, Buffer.alloc(20)]);
}

describe('an index of a hostile hand', () => {
  it('does not fill the memory by names that share their beginnings', () => {
    const long = { name: Buffer.alloc(4_000_000, 'a') };
    const more = Array.from({ length: 500 }, () => ({ name: Buffer.from('b') }));
    const before = process.memoryUsage();
    expect(parseGitIndex(index(4, [long, ...more]))).toBeUndefined();
    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(2e8);
  });

  it.each([2, 4])('(version %i) names nothing outside that is looked at', (version) => {
    const names = ['/net/far/away', '../up', 'a/../../up', 'a..b', 'plain'];
    const entries = names.map((name, at) => ({
      name: Buffer.from(name),
      strip: version === 4 && at > 0 ? names[at - 1]!.length : 0,
    }));
    const parsed = parseGitIndex(index(version, entries))!;
    expect(parsed.paths).toEqual(names);
    expect([...parsed.regular]).toEqual([0, 0, 0, 1, 1]);
  });

  it('of any other kind is none, or a few entries, and never throws', () => {
    const good = index(2, [{ name: Buffer.from('a') }, { name: Buffer.from('b/c') }]);
    for (let at = 0; at < good.length; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const bad = Buffer.from(good);
        bad[at] = value;
        expect(() => parseGitIndex(bad)).not.toThrow();
        expect(() => parseGitIndex(bad.subarray(0, at))).not.toThrow();
      }
    }
  });
});
