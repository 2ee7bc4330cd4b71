import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import { cli, type Ran, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { FakeTranscripts } from '../../test/fakeTranscripts.ts';
import { claudeTranscripts } from '../agents/claude/source.ts';

const agents = vi.hoisted(() => ({ sources: [] as unknown[] }));
vi.mock('../agents/transcripts.ts', () => ({
  TRANSCRIPTS: agents.sources,
  transcriptSourceOf: () => undefined,
}));
const codex = new FakeTranscripts('codex');
agents.sources.push(claudeTranscripts, codex);

const FIXTURES = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'claude', 'transcripts');

let home: string;
let traceDir: string;
beforeEach(() => {
  home = temporaryFolder();
  traceDir = join(home, 'traces');
  const projects = join(home, '.claude', 'projects', '-home-dev-shop');
  mkdirSync(projects, { recursive: true });
  cpSync(join(FIXTURES, 'fg'), projects, { recursive: true });
  codex.write(home, 'codex-1', '/home/dev/shop', 'Ship it');
});
const run = (...args: string[]): Promise<Ran> =>
  cli(args, { env: { HOME: home, AGENT_STRACE_HOME: join(home, '.agent-strace') } });
const discovered = async (...args: string[]) =>
  JSON.parse((await run('import', '--discover', '--json', ...args)).out) as {
    agent: string;
    session_id: string;
    cost_usd: number | null;
    started_at: number;
  }[];

it('discovers the sessions of all agents with what they cost, the oldest first', async () => {
  const all = await discovered();
  expect(all.map(({ agent, session_id }) => [agent, session_id.slice(0, 8)])).toEqual([
    ['codex', 'codex-1'],
    ['claude', 'f87d7d7a'],
  ]);
  // 1,000 tokens in, 100 out, of claude-opus-4-5.
  expect(all[0]!.cost_usd).toBeCloseTo(0.0075, 6);
  const { out } = await run('import', '--discover');
  expect(out).toMatch(/Codex +codex-1 +\/home\/dev\/shop +claude-opus-4-5 +1\.1k +\$0\.0075/);
});

it('says that a database has no such session', async () => {
  const path = codex.write(home, 'store', '/home/dev/shop', 'One');
  const real = codex.recognise.bind(codex);
  const recognise = vi.spyOn(codex, 'recognise');
  recognise.mockImplementation((each) => (each.includes('#') ? undefined : real(each)));
  const { code, err } = await run('import', `${path}#nope`);
  recognise.mockRestore();
  expect(code).toBe(2);
  expect(err).toContain(`There is no session nope in ${path}\n`);
});

it('tells sessions apart by their ids', async () => {
  codex.write(home, '01a215be-a530-7492', '/home/dev/shop', 'One');
  codex.write(home, '01a215be-a6f3-7051', '/home/dev/shop', 'Two');
  const { out } = await run('import', '--discover');
  expect(out).toContain(' 01a215be-a5 ');
  expect(out).toContain(' 01a215be-a6 ');
});

it('keeps to one agent, in a folder that is named', async () => {
  expect((await discovered('--cli', 'codex')).map(({ agent }) => agent)).toEqual(['codex']);
  const other = temporaryFolder();
  codex.write(other, 'codex-2', '/x', 'Other');
  const dir = codex.folder(other);
  const [named] = await discovered('--cli', 'codex', '--dir', dir);
  expect(named?.session_id).toBe('codex-2');
  const none = await run('import', '--discover', '--cli', 'codex', '--dir', '/nope');
  expect([none.code, none.err]).toEqual([1, 'No transcript of Codex was found in /nope.\n']);
  for (const wrong of [
    ['--dir', dir],
    ['--cli', 'codex', '--claude-dir', dir],
  ]) {
    expect((await run('import', '--discover', ...wrong)).code).toBe(2);
  }
});

it.each([
  ['import', '--discover', '--cli', 'cursor'],
  ['archive', '--cli', 'cursor'],
])(
  'says of an agent whose transcripts it does not read that it is so (%s %s %s %s)',
  async (...args) => {
    const { code, err } = await run(...args.filter((arg) => arg !== undefined));
    expect(code).toBe(2);
    expect(err).toContain('Transcripts of Cursor cannot be read\nThose that can: claude, codex\n');
  },
);

it('imports a file whosever it is, and all', async () => {
  const file = join(codex.folder(home), 'codex-1.jsonl');
  const one = await run('import', file, '--json', '--trace-dir', traceDir);
  expect(JSON.parse(one.out)).toMatchObject({ agent: 'codex', session_id: 'codex-1', added: 3 });
  const all = await run('import', '--discover', '--all', '--trace-dir', traceDir);
  expect(all.out).toContain('Imported 1 session (1 session had nothing new)');
  const listed = await run('list', '--trace-dir', traceDir);
  expect(listed.out).toMatch(/codex-1 +\S+ \S+ +Codex +Ship it/);
  const wrong = await run('import', '--cli', 'claude', file, '--trace-dir', traceDir);
  expect([wrong.code, wrong.err]).toEqual([
    2,
    expect.stringContaining('not a transcript of Claude Code'),
  ]);
});

it('discovers what only the archive has', async () => {
  const before = await discovered();
  await run('archive');
  rmSync(join(home, '.claude'), { recursive: true });
  rmSync(codex.folder(home), { recursive: true });
  const after = await discovered();
  const known = ({ agent, session_id, cost_usd }: (typeof after)[number]) => [
    agent,
    session_id,
    cost_usd,
  ];
  expect(after.map(known)).toEqual(before.map(known));
});

it('what one agent keeps and cannot be read keeps nobody from the others', async () => {
  const unreadable = () => {
    throw new Error('opencode.db cannot be read: it is damaged.');
  };
  const broken = { ...codex, agent: 'opencode', find: unreadable, recognise: unreadable };
  agents.sources.unshift(broken);
  try {
    const all = await run('import', '--discover', '--json');
    expect(JSON.parse(all.out)).toHaveLength(2);
    expect(all.err).toContain('Left out: opencode.db cannot be read: it is damaged.');
    expect((await run('import', '--discover', '--all', '--trace-dir', traceDir)).out).toContain(
      'Imported 2 sessions',
    );
    const one = await run('import', join(codex.folder(home), 'codex-1.jsonl'));
    expect(one.code).toBe(2);
    expect(one.err).toMatch(/^(error: )?opencode.db cannot be read: it is damaged\.\n$/);
  } finally {
    agents.sources.shift();
  }
});
