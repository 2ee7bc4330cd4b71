import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeTranscripts } from '../../test/fakeTranscripts.ts';
import { type ArchiveResult, archiveTranscripts, takeTurnOfDay, withArchive } from './archive.ts';
import { readIndex } from './archiveIndex.ts';
import { breatheUntil } from './transcriptRows.ts';

let root: string;
let home: string;
let env: { AGENT_STRACE_HOME: string };
let problems: string[];
const source = new FakeTranscripts('codex');
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'archive-'));
  home = join(root, 'home');
  env = { AGENT_STRACE_HOME: join(root, 'state') };
  problems = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const archive = (dryRun = false, signal?: AbortSignal): Promise<ArchiveResult> =>
  archiveTranscripts({
    sources: [source],
    places: { home },
    env,
    dryRun,
    breathe: breatheUntil(signal),
    nowMs: 1_795_000_000_000,
    problem: (message) => problems.push(message),
  });
const kept = (path: string): string => join(root, 'state/archive/codex', path);
const text = (path: string): string => readFileSync(path, 'utf8');
const found = () => [...withArchive(source, env).find({ home })];
/** Two writes of one moment may have one time and one size. */
const touch = (path: string, seconds: number): void => utimesSync(path, seconds, seconds);

it('copies all files of a session, for nobody else to read, and is done when nothing is new', async () => {
  const path = source.write(home, 'one', '/shop', 'One');
  source.append(join(home, '.fake-codex/one/agent-a.jsonl'), { at: 1, prompt: 'a' });
  writeFileSync(join(home, '.fake-codex/one/agent-a.meta.json'), '{"note":1}');
  const first = await archive();
  expect(first.copied.map(({ to }) => to)).toEqual([
    kept('.fake-codex/one.jsonl'),
    kept('.fake-codex/one/agent-a.jsonl'),
    kept('.fake-codex/one/agent-a.meta.json'),
  ]);
  for (const { from, to } of first.copied) {
    expect(text(to)).toBe(text(from));
    expect(lstatSync(to).mode & 0o777).toBe(0o600);
    // A copy of its own, not a second name that is cleared away or rewritten with the first.
    expect(lstatSync(to).ino).not.toBe(lstatSync(from).ino);
  }
  for (const folder of ['', '.fake-codex', '.fake-codex/one']) {
    expect(lstatSync(kept(folder)).mode & 0o777).toBe(0o700);
  }
  expect((await archive()).copied).toEqual([]);
  source.append(path, { at: 2, prompt: 'more' });
  const grown = await archive();
  expect(grown.copied.map(({ from, rewritten }) => [from, rewritten])).toEqual([[path, false]]);
  expect(text(kept('.fake-codex/one.jsonl'))).toBe(text(path));
});

it('leaves out what would fill the disk, and goes on with the rest', async () => {
  source.write(home, 'one', '/shop', 'One');
  source.write(home, 'two', '/shop', 'Two');
  const huge = join(home, '.fake-codex/one/agent-a.jsonl');
  source.append(huge, { at: 1, prompt: 'a' });
  // A hole takes no room; a copy of it would.
  truncateSync(huge, 2 ** 42);
  const { copied, failed } = await archive(false, AbortSignal.timeout(1000));
  expect(copied.map(({ to }) => to)).toEqual(
    ['one', 'two'].map((name) => kept(`.fake-codex/${name}.jsonl`)),
  );
  expect([failed, problems]).toEqual([
    1,
    [`${huge}: there is not room enough for it on the disk (ENOROOM)`],
  ]);
});

it('says what it would copy, and writes nothing', async () => {
  source.write(home, 'one', '/shop', 'One');
  const told = await archive(true);
  expect(told.copied).toHaveLength(1);
  expect(told.bytes).toBeGreaterThan(100);
  expect(existsSync(join(root, 'state'))).toBe(false);
});

it('keeps what the agent deleted, and it is found with its subagents', async () => {
  source.write(home, 'gone', '/shop', 'Gone');
  source.append(join(home, '.fake-codex/gone/agent-a.jsonl'), { at: 1, prompt: 'a' });
  source.write(home, 'here', '/shop', 'Here');
  await archive();
  rmSync(join(home, '.fake-codex/gone.jsonl'));
  rmSync(join(home, '.fake-codex/gone'), { recursive: true });
  await archive();
  const sessions = found().sort((a, b) => (a.sessionId < b.sessionId ? -1 : 1));
  expect(sessions.map(({ sessionId, path, cwd }) => [sessionId, path, cwd])).toEqual([
    ['gone', kept('.fake-codex/gone.jsonl'), '/shop'],
    ['here', join(home, '.fake-codex/here.jsonl'), '/shop'],
  ]);
  expect(source.filesOf(sessions[0]!).map(({ path, agentId }) => [path, agentId])).toEqual([
    [kept('.fake-codex/gone.jsonl'), ''],
    [kept('.fake-codex/gone/agent-a.jsonl'), 'a'],
  ]);
  // Where a person names a folder only that counts; what a person cleared away is gone.
  expect([...withArchive(source, env).find({ dirs: [join(root, 'none')] })]).toEqual([]);
  rmSync(kept('.fake-codex/gone.jsonl'));
  expect(found().map(({ sessionId }) => sessionId)).toEqual(['here']);
});

it('keeps both where one was rewritten shorter, and finds the longer', async () => {
  const path = source.write(home, 'one', '/shop', `One ${'x'.repeat(3000)}`);
  await archive();
  const long = text(path);
  writeFileSync(path, `${JSON.stringify({ cwd: '/shop' })}\n`);
  const [copy] = (await archive()).copied;
  expect(copy).toMatchObject({ to: kept('.fake-codex/one.jsonl.2'), rewritten: true });
  expect(text(kept('.fake-codex/one.jsonl'))).toBe(long);
  expect(found()).toMatchObject([{ path: kept('.fake-codex/one.jsonl'), bytes: long.length }]);
  // It goes on: its copy grows, until it is the longer one.
  source.append(path, { at: 3, prompt: 'y'.repeat(4000) });
  expect((await archive()).copied).toMatchObject([{ to: copy!.to, rewritten: false }]);
  expect(text(copy!.to)).toBe(text(path));
  expect(text(kept('.fake-codex/one.jsonl'))).toBe(long);
  rmSync(path);
  expect(found()).toMatchObject([{ path: copy!.to, sessionId: 'one' }]);
});

it('tells one that was rewritten longer from one that grew', async () => {
  const path = source.write(home, 'one', '/shop', 'One');
  await archive();
  const before = text(path);
  writeFileSync(path, before.replace('One', 'Two').concat(before));
  expect((await archive()).copied).toMatchObject([{ rewritten: true }]);
  expect(text(kept('.fake-codex/one.jsonl'))).toBe(before);
});

it('follows no link, neither to read nor to write', async () => {
  const secret = join(root, 'secret.jsonl');
  writeFileSync(secret, '{"cwd":"/shop"}\n');
  mkdirSync(join(home, '.fake-codex/one'), { recursive: true });
  source.write(home, 'one', '/shop', 'One');
  symlinkSync(secret, join(home, '.fake-codex/one/agent-a.jsonl'));
  expect((await archive()).copied).toHaveLength(1);
  // A folder of the archive that is a link: nothing is written where it leads.
  rmSync(kept(''), { recursive: true });
  rmSync(join(root, 'state/archive/codex.ndjson'));
  mkdirSync(join(root, 'elsewhere'));
  symlinkSync(join(root, 'elsewhere'), kept(''));
  const { failed, copied } = await archive();
  expect([failed, copied]).toEqual([1, []]);
  expect(problems[0]).toContain('it is a symbolic link');
  expect(readdirSync(join(root, 'elsewhere'))).toEqual([]);
});

it('leaves databases out, and says which', async () => {
  const path = source.write(home, 'db', '/shop', 'x');
  const real = source.recognise(path)!;
  writeFileSync(path, 'SQLite format 3\0 and so on');
  const database = new FakeTranscripts('codex');
  database.find = () => [real, { ...real, sessionId: 'db-2' }];
  const options = { places: { home }, env, breathe: breatheUntil(), nowMs: 1 };
  const result = await archiveTranscripts({ ...options, sources: [database], problem: () => {} });
  expect(result).toMatchObject({ copied: [], databases: [path], sessions: 0 });
});

it('takes up copies that its list does not know, and a list that is broken', async () => {
  const path = source.write(home, 'one', '/shop', 'One');
  await archive();
  writeFileSync(join(root, 'state/archive/codex.ndjson'), '{"torn\nnull\n7\n{"transcript":{}}\n');
  expect(readIndex('codex', env).size).toBe(0);
  writeFileSync(path, '{"cwd":"/"}\n');
  touch(path, 5);
  // The copy from before is not overwritten by something shorter.
  expect((await archive()).copied).toMatchObject([{ to: kept('.fake-codex/one.jsonl.2') }]);
});

it('keeps what was done when it is ended in the middle, and goes on from there', async () => {
  for (let i = 0; i < 300; i++) source.write(home, `s${i}`, '/shop', 'x'.repeat(20_000));
  let turns = 0;
  const controller = new AbortController();
  const breathe = async () => {
    if (++turns === 2) controller.abort(new Error('enough'));
    controller.signal.throwIfAborted();
  };
  const options = { sources: [source], places: { home }, env, nowMs: 1, problem: () => {} };
  await expect(archiveTranscripts({ ...options, breathe })).rejects.toThrow('enough');
  const done = readIndex('codex', env).size;
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThan(300);
  expect((await archive()).copied.length).toBe(300 - done);
  // No half of a file stays behind.
  expect(readdirSync(kept('.fake-codex')).filter((name) => name.startsWith('.tmp'))).toEqual([]);
});

it('takes a turn once a day, whoever asks', () => {
  const now = 1_795_000_000_000;
  expect(takeTurnOfDay(now, env)).toBe(true);
  expect(takeTurnOfDay(now + 3_600_000, env)).toBe(false);
  expect(takeTurnOfDay(now + 25 * 3_600_000, env)).toBe(true);
  // A clock that was set back does not stop it for years.
  expect(takeTurnOfDay(now, env)).toBe(true);
});
