import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { cli, type MemoryOptions, type Ran, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { openTrip } from '../guard/trips.ts';

/** Rules as if they had been read: reading them is tested where it is done. */
const given = vi.hoisted(() => ({ rules: [] as object[], problems: [] as object[] }));
vi.mock('../guard/rules/rulesFor.ts', () => ({
  rulesFor: () => ({ rules: given.rules, problems: given.problems, stale: [] }),
}));
vi.mock('../guard/rules/builtin.ts', () => ({
  safeSet: () => [{ name: 'read-secrets' }, { name: 'force-push' }],
  fixedSet: () => [],
}));

let root: string;
let cwd: string;
beforeEach(() => {
  root = fs.realpathSync(temporaryFolder());
  cwd = join(root, 'project');
  fs.mkdirSync(join(cwd, '.git'), { recursive: true });
  fs.mkdirSync(join(root, 'dist'));
  fs.mkdirSync(join(root, 'bin'));
  fs.writeFileSync(join(root, 'dist', 'hook.js'), '// the hook\n');
  for (const name of ['codex', 'gemini']) {
    fs.writeFileSync(join(root, 'bin', name), '#!/bin/sh\necho "0.169.0"\n', { mode: 0o755 });
  }
  given.rules = [];
  given.problems = [];
});

const env = () => ({
  HOME: join(root, 'home'),
  PATH: `${join(root, 'bin')}:/nowhere`,
  AGENT_STRACE_HOME: join(root, 'state'),
});
const run = async (args: string[], options: MemoryOptions = {}): Promise<Ran> => {
  const ran = await cli(args, { cwd, distDir: join(root, 'dist'), env: env(), ...options });
  const clean = (text: string): string => text.replaceAll(root, '<root>');
  return { code: ran.code, out: clean(ran.out), err: clean(ran.err) };
};
const chosen = (): unknown =>
  (JSON.parse(fs.readFileSync(join(root, 'state', 'config.json'), 'utf8')) as { guard: unknown })
    .guard;

const SAFE = { scope: 'builtin', when: { kind: 'opaque' }, root: '/' };
const RULES = [
  { ...SAFE, name: 'guard-files', action: 'deny', text: 'the guard’s files', fixed: true },
  { ...SAFE, name: 'read-secrets', action: 'ask', text: 'file_path matches "**/.env"' },
];

describe('guard status', () => {
  it('says that nothing is stopped, and what to do', async () => {
    const { code, out } = await run(['guard']);
    expect(code).toBe(0);
    expect(out).toMatchSnapshot();
  });

  it('shows what is in force, in which agents, and what it stopped', async () => {
    await run(['setup', '--cli', 'codex', '--guard', 'safe', '--yes']);
    given.rules = [
      ...RULES,
      {
        ...SAFE,
        name: 'budget',
        action: 'stop',
        scope: 'repo',
        text: 'cost_usd > 5',
        file: join(cwd, '.watch-rules.json'),
        line: 3,
      },
    ];
    given.problems = [
      {
        file: join(cwd, '.watch-rules.json'),
        line: 7,
        column: 2,
        message: 'there is no metric "cst"',
        fix: 'cost_usd',
      },
    ];
    openTrip(
      {
        version: 1,
        id: 'a'.repeat(12),
        session: 's1',
        agent: 'codex',
        traceDir: join(cwd, '.agent-traces'),
        project: cwd,
        rule: { name: 'read-secrets', text: 'x', scope: 'builtin' },
        action: 'deny',
        detail: '\u001b[31mcat .env\u0007',
        line: 'prevent',
        at: Date.parse('2026-06-01T00:00:00Z') / 1000 - 600,
        state: 'open',
      },
      env(),
    );
    const { code, out } = await run(['guard', 'status']);
    // A mistake in a rule file is a finding.
    expect(code).toBe(1);
    expect(out).toMatchSnapshot();
    expect(out).not.toContain('\u001b[31m');
    const json = JSON.parse((await run(['guard', '--json'])).out) as {
      agents: { agent: string; files: object[] }[];
    };
    expect(json).toMatchObject({ on: true, choices: { safe: true, fail: 'open' } });
    expect(json.agents.find(({ agent }) => agent === 'codex')).toMatchObject({
      installed: true,
      files: [{ scope: 'user', current: true, denies: true, hold_ms: 290_000, fail: 'open' }],
      obeys: { ask: 'editor', stop: 'signal', known_by: 'tests' },
    });
  });

  it('says so where rules are in force and no agent is set up', async () => {
    given.rules = RULES;
    expect((await run(['guard'])).out).toContain('The guard has no hooks');
  });
});

describe('what a person chooses', () => {
  it.each([
    [['on'], { safe: true }],
    [['off'], { safe: false }],
    [['fail', 'closed'], { fail: 'closed' }],
    [['fail', 'open'], { fail: 'open' }],
    [['ask', 'editor'], { ask: 'editor' }],
    [['allow', 'force-push'], { off: ['force-push'] }],
  ])('guard %j', async (words, expected) => {
    const { code, out } = await run(['guard', ...words]);
    expect(code).toBe(0);
    expect(out).toMatch(/^\S.*\.\n|: agent-strace guard/);
    expect(chosen()).toMatchObject(expected);
  });

  it('is taken back', async () => {
    await run(['guard', 'allow', 'force-push']);
    await run(['guard', 'allow', 'read-secrets']);
    await run(['guard', 'enforce', 'force-push']);
    expect(chosen()).toMatchObject({ off: ['read-secrets'] });
  });

  it.each([
    [['fial'], 'There is no "guard fial"'],
    [['fail'], 'guard fail takes open or closed, not nothing'],
    [['fail', 'shut'], 'not "shut"'],
    [['on', 'now'], 'takes no "now"'],
    [['allow'], 'The safe set has: read-secrets, force-push'],
    [['allow', 'force-psh'], 'Did you mean force-push?'],
    [['allow', 'guard-files'], 'protects the guard itself'],
  ])('is what there is: guard %j', async (words, message) => {
    given.rules = RULES;
    const { code, err } = await run(['guard', ...words]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(fs.existsSync(join(root, 'state', 'config.json'))).toBe(false);
  });

  it('is not for agents', async () => {
    const agentAbove = { agent: 'claude', how: 'CLAUDECODE is set' };
    for (const words of [['on'], ['off'], ['fail', 'open'], ['allow', 'force-push']]) {
      const { code, err } = await run(['guard', ...words, '--yes'], { agentAbove });
      expect([code, err]).toEqual([1, expect.stringContaining("one of Claude Code's (CLAUDECODE")]);
    }
    expect(fs.existsSync(join(root, 'state', 'config.json'))).toBe(false);
    // To look is for everybody.
    expect((await run(['guard', 'status'], { agentAbove })).code).toBe(0);
  });
});

describe('settings that do not fit a choice', () => {
  const hooks = (): string => fs.readFileSync(join(root, 'home', '.codex', 'hooks.json'), 'utf8');

  it('are renewed with it, once a person has seen how', async () => {
    await run(['setup', '--cli', 'codex', '--yes']);
    const unasked = await run(['guard', 'fail', 'closed']);
    expect(unasked.err).toContain('do not fit that yet: agent-strace setup --cli codex');
    expect(hooks()).not.toContain('--closed');
    const declined = await run(['guard', 'fail', 'closed'], { answers: ['n'] });
    expect(declined.err).toContain('What you chose is kept; the settings of');
    const asked = await run(['guard', 'fail', 'closed'], { answers: ['y'] });
    expect(asked.out).toMatch(/^\+.*--closed/m);
    expect(hooks()).toContain('--closed');
    await run(['guard', 'fail', 'open', '--yes']);
    expect(hooks()).not.toContain('--closed');
  });

  it('are not closed where they are shared', async () => {
    await run(['setup', '--cli', 'codex', '--scope', 'project', '--yes']);
    const { err } = await run(['guard', 'fail', 'closed', '--yes']);
    expect(err).toContain('/project/.codex/hooks.json is everybody’s');
    expect(fs.readFileSync(join(cwd, '.codex', 'hooks.json'), 'utf8')).not.toContain('--closed');
  });

  it('of Claude Code are renewed where they stand', async () => {
    fs.writeFileSync(join(root, 'bin', 'claude'), '#!/bin/sh\necho 2.1.330\n', { mode: 0o755 });
    await run(['setup', '--cli', 'claude', '--scope', 'user', '--yes']);
    await run(['guard', 'fail', 'closed', '--yes']);
    const settings = fs.readFileSync(join(root, 'home', '.claude', 'settings.json'), 'utf8');
    expect(settings).toContain('"onFailure": "block"');
    expect(fs.existsSync(join(cwd, '.claude'))).toBe(false);
  });

  it('are left where they fit', async () => {
    await run(['setup', '--cli', 'codex', '--yes']);
    const { out, err } = await run(['guard', 'on'], { answers: [] });
    expect([out, err]).toEqual([expect.stringContaining('The safe set is on'), '']);
  });
});
