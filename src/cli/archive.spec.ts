import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { cli, type Ran, temporaryFolder } from '../../test/cli/memoryIo.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'claude', 'transcripts');
const MAIN = 'f87d7d7a-a643-4731-8ad1-172442528d7e';

let home: string;
let projects: string;
beforeEach(() => {
  home = temporaryFolder();
  projects = join(home, '.claude', 'projects', '-home-dev-shop');
  cpSync(join(FIXTURES, 'fg'), projects, { recursive: true });
});
const run = (...args: string[]): Promise<Ran> =>
  cli(args, {
    env: { HOME: home, AGENT_STRACE_HOME: join(home, '.agent-strace') },
    nowMs: Date.parse('2026-11-25T12:00:00Z'),
  });
const archived = (path: string): string => join(home, '.agent-strace/archive/claude', path);

it('copies a session with its subagents, and is idle when nothing is new', async () => {
  const dry = await run('archive', '--dry-run');
  expect(dry.code).toBe(0);
  expect(dry.out).toMatch(/Would copy 3 files \(\d+(\.\d)? KB\) of 1 session to /);
  expect(existsSync(archived(''))).toBe(false);
  const first = await run('archive');
  expect(first.out).toMatch(/^Copied 3 files \(\d+(\.\d)? KB\) of 1 session to .*archive\.\n$/);
  const copy = archived(`.claude/projects/-home-dev-shop/${MAIN}.jsonl`);
  expect(readFileSync(copy)).toEqual(readFileSync(join(projects, `${MAIN}.jsonl`)));
  expect((await run('archive')).out).toMatch(/has all of 1 session\.\n$/);
  expect(JSON.parse((await run('archive', '--json')).out)).toMatchObject({
    sessions: 1,
    copied: [],
  });
});

it('lists what it holds, and what nobody else has any more', async () => {
  const none = await run('archive', '--list');
  expect([none.code, none.out]).toEqual([1, '']);
  expect(none.err).toContain('The archive is empty');
  await run('archive');
  expect((await run('archive', '--list')).out).not.toContain('only here');
  rmSync(projects, { recursive: true });
  const { out } = await run('archive', '--list');
  expect(out).toMatch(/Claude Code +f87d7d7a +\S+ +\d+(\.\d)? KB +now +only here/);
  expect(out).toContain('1 of them only here: its agent has deleted its own');
  const [listed] = JSON.parse((await run('archive', '--list', '--json')).out);
  expect(listed).toMatchObject({
    agent: 'claude',
    session_id: MAIN,
    path: archived(`.claude/projects/-home-dev-shop/${MAIN}.jsonl`),
    from: join(projects, `${MAIN}.jsonl`),
    files: 3,
    only_here: true,
  });
});

it('keeps to one agent, and says where there is none', async () => {
  expect((await run('archive', '--cli', 'codex')).code).toBe(1);
  expect(existsSync(archived(''))).toBe(false);
  expect((await run('archive', '--cli', 'nobody')).code).toBe(2);
  const both = await run('archive', '--list', '--dry-run');
  expect([both.code, both.err]).toEqual([2, expect.stringContaining('not both')]);
});
