import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlobStore } from '../trace/blobs.ts';
import { gitBlobId } from '../trace/gitBlobId.ts';
import { type ChangedFile, type ContentRef, readChanges } from './changeLog.ts';
import { type SnapshotCall, snapshotAfter, snapshotBefore } from './snapshot.ts';

let root: string;
let repo: string;
const state = process.env.AGENT_STRACE_HOME;

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'snapshot-')));
  repo = join(root, 'repo');
  fs.mkdirSync(repo);
  process.env.AGENT_STRACE_HOME = join(root, 'state');
  run('git init -q');
});
afterEach(() => {
  if (state === undefined) delete process.env.AGENT_STRACE_HOME;
  else process.env.AGENT_STRACE_HOME = state;
  fs.rmSync(root, { recursive: true, force: true });
});

const run = (command: string, cwd = repo) =>
  execFileSync('sh', ['-c', command], {
    cwd,
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      HOME: root,
      GIT_AUTHOR_NAME: 'n',
      GIT_AUTHOR_EMAIL: 'e',
      GIT_COMMITTER_NAME: 'n',
      GIT_COMMITTER_EMAIL: 'e',
    },
  });
const write = (path: string, text: string) => {
  fs.mkdirSync(join(repo, path, '..'), { recursive: true });
  fs.writeFileSync(join(repo, path), text);
};
/** The files are older than the index, as they are a moment later. */
const commit = () => {
  run('git add -A && git commit -qm x');
  const later = Date.now() / 1000 + 1;
  fs.utimesSync(join(repo, '.git/index'), later, later);
};

let calls = 0;
/** A generous clock: what is tested is not the speed of this machine. */
const call = (command: string, cwd = repo, spentMs = -5000): SnapshotCall => ({
  sessionId: 'session',
  callId: `call-${++calls}`,
  cwd,
  command,
  startedAt: process.uptime() - spentMs / 1000,
});

/** Runs a command between the two looks. @returns what it changed, by path in the repository */
function changesOf(command: string, between: () => void = () => run(command)) {
  const one = call(command);
  snapshotBefore(one);
  between();
  const result = snapshotAfter(
    { ...one, startedAt: process.uptime() + 5 },
    () => new Set<string>(),
  )!;
  const logged = readChanges('session').get(one.callId)?.files ?? [];
  expect(result.files.map(({ path, kind }) => [path, kind])).toEqual(
    logged.map(({ path, kind }) => [path, kind]),
  );
  return {
    ...result,
    changes: Object.fromEntries(logged.map((file) => [file.path.slice(repo.length + 1), file])),
  };
}

const textOf = (ref: ContentRef | undefined): string | undefined => {
  if (ref?.at === 'blob') return new BlobStore().get(ref.id)?.toString();
  if (ref?.at === 'git')
    return execFileSync('git', ['cat-file', 'blob', ref.id], { cwd: repo, encoding: 'utf8' });
  return ref?.at;
};
const texts = ({ before, after }: ChangedFile) => [textOf(before), textOf(after)];

describe('a command in a repository', () => {
  it('that changes tracked files is seen, with what they held', () => {
    write('a.txt', 'one\n');
    write('src/b.txt', 'two\n');
    write('src/c.txt', 'three\n');
    write('gone.txt', 'bye\n');
    commit();
    const { changes, unknown } = changesOf(
      'sed -i s/one/1/ a.txt; echo more >> src/b.txt; rm gone.txt',
    );
    expect(unknown).toBe(false);
    expect(Object.keys(changes).sort()).toEqual(['a.txt', 'gone.txt', 'src/b.txt']);
    expect(texts(changes['a.txt']!)).toEqual(['one\n', '1\n']);
    expect(texts(changes['src/b.txt']!)).toEqual(['two\n', 'two\nmore\n']);
    expect(texts(changes['gone.txt']!)).toEqual(['bye\n', 'none']);
    expect(changes['gone.txt']!.kind).toBe('delete');
    expect(
      fs.readdirSync(join(root, 'state/state/session')).filter((n) => n.startsWith('call-')),
    ).toEqual([]);
  });

  it('that changes files which git does not have as they were', () => {
    write('a.txt', 'one\n');
    commit();
    write('a.txt', 'mine, not committed\n');
    const { changes } = changesOf('sed -i s/mine/its/ a.txt');
    expect(texts(changes['a.txt']!)).toEqual(['mine, not committed\n', 'its, not committed\n']);
    // And again: what was kept is known by its stat.
    const next = changesOf('echo x > a.txt');
    expect(texts(next.changes['a.txt']!)).toEqual(['its, not committed\n', 'x\n']);
  });

  it('that changes nothing says so, whatever is not committed, touched or missing', () => {
    for (const name of ['a', 'b', 'c', 'd']) write(name, `${name}\n`);
    commit();
    write('a', 'dirty\n');
    fs.rmSync(join(repo, 'b'));
    expect(changesOf('touch c; cat d; echo c > c')).toMatchObject({ files: [], unknown: false });
  });

  it('that changes nothing does not bear what was written the moment before', () => {
    write('.env', 'KEY=old\n');
    commit();
    write('.env', 'KEY=new\n');
    expect(changesOf('', () => {})).toMatchObject({ files: [], unknown: false });
  });

  it("that changes git's index is told by what the index was", () => {
    write('a.txt', 'one\n');
    write('b.txt', 'two\n');
    commit();
    const { changes, unknown } = changesOf(
      'git mv a.txt moved.txt && echo 2 > b.txt && git commit -qam y',
    );
    expect(unknown).toBe(false);
    expect(texts(changes['a.txt']!)).toEqual(['one\n', 'none']);
    expect(texts(changes['moved.txt']!)).toEqual(['none', 'one\n']);
    expect(texts(changes['b.txt']!)).toEqual(['two\n', '2\n']);
  });

  it('that begins to track a file is not said to have made it', () => {
    write('a.txt', 'one\n');
    commit();
    write('untracked.txt', 'precious\n');
    const { changes } = changesOf('echo x > untracked.txt; git add -A');
    expect(changes['untracked.txt']!.before).toEqual({ at: 'unknown', why: 'untracked' });
  });

  it('that goes back to what git has', () => {
    write('a.txt', 'one\n');
    commit();
    write('a.txt', 'worth keeping\n');
    const { changes } = changesOf('git checkout -q a.txt');
    expect(texts(changes['a.txt']!)).toEqual(['worth keeping\n', 'one\n']);
  });

  it('does not bear what the agent edits meanwhile', () => {
    write('a.txt', 'one\n');
    write('b.txt', 'two\n');
    commit();
    const one = call('sleep 1');
    snapshotBefore(one);
    write('a.txt', 'edited\n');
    write('b.txt', 'by the command\n');
    const found = snapshotAfter(
      { ...one, startedAt: process.uptime() + 5 },
      () => new Set([join(repo, 'a.txt')]),
    )!;
    expect(found.files.map(({ path }) => path)).toEqual([join(repo, 'b.txt')]);
  });

  it('keeps no secret, and nothing through a link', () => {
    write('.env', 'KEY=old\n');
    write('dir/file.txt', 'inside\n');
    commit();
    write('.env', 'KEY=hush\n');
    fs.mkdirSync(join(root, 'outside'));
    fs.writeFileSync(join(root, 'outside/file.txt'), 'outside\n');
    fs.rmSync(join(repo, 'dir'), { recursive: true });
    fs.symlinkSync(join(root, 'outside'), join(repo, 'dir'));
    const { changes } = changesOf('echo KEY=new > .env; echo changed > dir/file.txt');
    expect(changes['.env']!.before).toEqual({ at: 'unknown', why: 'sensitive' });
    expect(changes['.env']!.after).toEqual({ at: 'unknown', why: 'sensitive' });
    for (const text of ['KEY=hush\n', 'KEY=new\n', 'outside\n', 'changed\n']) {
      expect(new BlobStore().get(gitBlobId(Buffer.from(text))), text).toBeUndefined();
    }
  });

  it('in a linked worktree', () => {
    write('a.txt', 'one\n');
    commit();
    run('git worktree add -q ../linked');
    const cwd = join(root, 'linked');
    const one = call('x', cwd);
    snapshotBefore(one);
    run('echo 1 > a.txt', cwd);
    const found = snapshotAfter({ ...one, startedAt: process.uptime() + 5 }, () => new Set())!;
    expect(found.files).toEqual([
      { path: join(cwd, 'a.txt'), kind: 'write', source: 'stat', ranges: [] },
    ]);
  });
});

describe('where the time is over', () => {
  it('the changes are unknown', () => {
    write('a.txt', 'one\n');
    commit();
    const one = call('x');
    snapshotBefore(one);
    write('a.txt', 'two\n');
    const late = { ...one, startedAt: process.uptime() - 1 };
    expect(snapshotAfter(late, () => new Set())).toEqual({ files: [], unknown: true });
  });

  it('what was there before is not guessed', () => {
    write('named.txt', 'one\n');
    write('z.txt', 'one\n');
    commit();
    // The index is known from before, so that the look begins, and ends at once.
    changesOf('true');
    write('z.txt', 'not as in git\n');
    const late = call('x', repo, 5000);
    snapshotBefore(late);
    write('z.txt', 'two\n');
    snapshotAfter({ ...late, startedAt: process.uptime() + 5 }, () => new Set());
    const [file] = readChanges('session').get(late.callId)!.files;
    expect(file!.path).toBe(join(repo, 'z.txt'));
    expect(file!.before).toEqual({ at: 'unknown', why: 'time' });
    expect(textOf(file!.after)).toBe('two\n');
  });

  it('is as long as the user says', () => {
    write('a.txt', 'one\n');
    commit();
    const late = { ...call('x', repo, 200) };
    try {
      process.env.AGENT_STRACE_LOOK_MS = '2000';
      snapshotBefore(late);
      write('a.txt', 'two\n');
      expect(snapshotAfter(late, () => new Set())).toMatchObject({ unknown: false });
    } finally {
      delete process.env.AGENT_STRACE_LOOK_MS;
    }
  });

  it('no look before means that nothing is known', () => {
    write('a.txt', 'one\n');
    commit();
    expect(snapshotAfter(call('x'), () => new Set())).toEqual({ files: [], unknown: true });
    expect(snapshotAfter(call('x', root), () => new Set())).toBeUndefined();
  });
});
