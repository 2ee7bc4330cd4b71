import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { cli, type MemoryOptions, type Ran, temporaryFolder } from '../../test/cli/memoryIo.ts';

let root: string;
let cwd: string;
beforeEach(() => {
  root = fs.realpathSync(temporaryFolder());
  cwd = join(root, 'project');
  fs.mkdirSync(join(cwd, '.git'), { recursive: true });
  fs.mkdirSync(join(root, 'dist'));
  fs.writeFileSync(join(root, 'dist', 'hook.js'), '// the hook\n');
  program('codex', 'codex-cli 0.169.0');
  program('gemini', '0.61.0');
  program('copilot', 'GitHub Copilot CLI 1.0.102.');
});

function program(name: string, says: string): void {
  const path = join(root, 'bin', name);
  fs.mkdirSync(join(root, 'bin'), { recursive: true });
  fs.writeFileSync(path, `#!/bin/sh\necho "${says}"\n`);
  fs.chmodSync(path, 0o755);
}
const run = async (args: string[], options: MemoryOptions = {}): Promise<Ran> => {
  const env = {
    HOME: join(root, 'home'),
    PATH: `${join(root, 'bin')}:/nowhere`,
    AGENT_STRACE_HOME: join(root, 'state'),
    ...options.env,
  };
  const ran = await cli(['setup', ...args], {
    cwd,
    distDir: join(root, 'dist'),
    ...options,
    env,
  });
  const clean = (text: string): string => text.replaceAll(root, '<root>');
  return { code: ran.code, out: clean(ran.out), err: clean(ran.err) };
};
const home = (path: string): string => join(root, 'home', path);
const read = (path: string): string => fs.readFileSync(path, 'utf8');

describe('setup --list', () => {
  it('shows which agents are here and what records them', async () => {
    await run(['--cli', 'codex', '--yes']);
    await run(['--cli', 'gemini', '--scope', 'project', '--yes']);
    fs.writeFileSync(home('.codex/hooks.json'), read(home('.codex/hooks.json')).replace('10', '9'));
    const { code, out } = await run(['--list']);
    expect(code).toBe(0);
    expect(out).toMatchSnapshot();
    const states = JSON.parse((await run(['--list', '--json'])).out) as { agent: string }[];
    expect(states.find(({ agent }) => agent === 'codex')).toEqual({
      agent: 'codex',
      name: 'Codex',
      installed: true,
      version: '0.169.0',
      recorded: [{ scope: 'user', file: '<root>/home/.codex/hooks.json', current: false }],
    });
  });
});

describe('setup --cli all', () => {
  it('sets up what is installed, with one question, and takes it all out again', async () => {
    const unasked = await run(['--cli', 'all']);
    expect(unasked.code).toBe(2);
    expect(unasked.err).toContain('--yes');
    expect(fs.existsSync(home('.codex'))).toBe(false);
    const done = await run(['--cli', 'all'], { answers: ['n', 'y'] });
    expect(done.code).toBe(0);
    expect(done.err).toMatch(
      /hooks\.json\n.*settings\.json\n.*\.json\nWrite these 3 files\? \[y\/N\]/,
    );
    expect(done.out.match(/^\+\+\+ .*/gm)).toHaveLength(3);
    // What comes after the diffs.
    expect(done.out.slice(done.out.indexOf('Codex is recorded'))).toMatchSnapshot();
    for (const file of ['.codex/hooks.json', '.gemini/settings.json']) {
      expect(read(home(file))).toContain('agent-strace-hook');
    }
    expect((await run(['--cli', 'all', '--yes'])).out).toContain('Gemini CLI was recorded by');
    const removed = await run(['--cli', 'all', '--remove'], { answers: ['yes'] });
    expect(removed.code).toBe(0);
    expect(removed.err).toContain('Remove the recorder from these 3 files?');
    expect(fs.readdirSync(join(root, 'home'))).toEqual([]);
    expect((await run(['--cli', 'all', '--remove', '--yes'])).code).toBe(1);
  });

  it('goes on where one cannot be set up, and says so', async () => {
    fs.mkdirSync(home('.gemini'), { recursive: true });
    fs.writeFileSync(home('.gemini/settings.json'), '{ broken');
    const { code, out, err } = await run(['--cli', 'all', '--yes']);
    expect(code).toBe(2);
    expect(err).toMatch(/Gemini CLI: .*settings\.json is not valid JSON: .*It was left as it is\./);
    expect(out).toContain('Codex is recorded by');
    expect(read(home('.codex/hooks.json'))).toContain('agent-strace-hook');
    expect(read(home('.gemini/settings.json'))).toBe('{ broken');
  });

  it('leaves all others alone where one fails to be written', async () => {
    fs.mkdirSync(home('.gemini'), { recursive: true });
    fs.writeFileSync(home('.copilot'), 'no folder');
    const { code, out, err } = await run(['--cli', 'all', '--yes']);
    expect(code).toBe(2);
    expect(err).toMatch(/Copilot CLI: .*\(ENOTDIR\)/);
    expect(out).toContain('Gemini CLI is recorded by');
  });

  it('says it in words where there is none', async () => {
    const { code, err } = await run(['--cli', 'all', '--yes'], { env: { PATH: '/nowhere' } });
    expect(code).toBe(1);
    expect(err).toContain('No agent was found');
  });
});

it('says which agent is not here', async () => {
  const { code, err } = await run(['--cli', 'codex,opencode', '--yes']);
  expect(code).toBe(0);
  expect(err).toBe('opencode was not found on this machine: it is recorded once it is here\n');
  expect((await run(['--cli', 'cursor', '--yes'])).err).not.toContain('not found');
  expect((await run(['--cli', 'opencode', '--remove', '--yes'])).err).toBe('');
});

it('names the agents that it does not know', async () => {
  const { code, err } = await run(['--cli', 'codex,emacs,vi']);
  expect(code).toBe(2);
  expect(err).toContain('There is no agent "emacs", "vi". Allowed choices are claude, codex,');
});

describe('setup without --cli', () => {
  it('asks which, by number or name', async () => {
    const { code, err } = await run([], { answers: ['1 gemini', 'y', 'y'] });
    expect(err.replaceAll(/\u001b\[\d*m/g, '')).toMatchSnapshot();
    expect(code).toBe(0);
    expect(fs.readdirSync(join(root, 'home')).sort()).toEqual(['.codex', '.gemini']);
    const again = await run(['--remove'], { answers: ['codex', 'y'] });
    expect(again.code).toBe(0);
    expect(fs.readdirSync(join(root, 'home'))).toEqual(['.gemini']);
  });

  it.each([[['n']], [[]], [['', 'y', 'n']]])(
    'changes nothing where the answers are %j',
    async (answers) => {
      const { code, err } = await run([], { answers });
      expect(code).toBe(1);
      expect(err).toContain('Nothing was changed.');
      expect(fs.existsSync(join(root, 'home'))).toBe(false);
    },
  );

  it('knows no agent of another name', async () => {
    const { code, err } = await run([], { answers: ['emacs'] });
    expect(code).toBe(2);
    expect(err).toContain('There is no agent "emacs"');
  });
});

describe('scopes', () => {
  it('are those that the agent has', async () => {
    const { code, err } = await run(['--cli', 'codex', '--scope', 'local', '--yes']);
    expect(code).toBe(2);
    expect(err).toContain(
      'Codex has no settings of your own for one project. Take --scope user or --scope project',
    );
    const several = await run(['--cli', 'claude,codex', '--scope', 'local', '--yes']);
    expect(several.code).toBe(2);
    expect(several.out).toContain('Claude Code is recorded by');
  });

  it('of one agent do not record it twice', async () => {
    await run(['--cli', 'gemini', '--yes']);
    const { code, out } = await run(['--cli', 'gemini', '--scope', 'project', '--yes']);
    expect(code).toBe(0);
    expect(out).toContain(
      'Gemini CLI is recorded by <root>/home/.gemini/settings.json already, in every project.',
    );
    expect(fs.existsSync(join(cwd, '.gemini'))).toBe(false);
    // Removed for the project, it would go on.
    expect(out).not.toContain('To undo this');
  });

  it('of the project are renewed where there are such', async () => {
    await run(['--cli', 'codex', '--scope', 'project', '--yes']);
    const file = join(cwd, '.codex', 'hooks.json');
    const before = read(file);
    fs.writeFileSync(file, before.replace('10', '9'));
    const { code, out } = await run(['--cli', 'all', '--yes']);
    expect(code).toBe(0);
    expect(out).toContain('Codex is recorded by <root>/project/.codex/hooks.json.');
    expect(read(file)).toBe(before);
    expect(fs.existsSync(home('.codex'))).toBe(false);
    // Gemini CLI does not read those of the folder above.
    const sub = join(cwd, 'packages', 'a');
    fs.mkdirSync(sub, { recursive: true });
    await run(['--cli', 'gemini', '--scope', 'project', '--yes']);
    await run(['--cli', 'gemini', '--yes'], { cwd: sub });
    expect(fs.existsSync(home('.gemini/settings.json'))).toBe(true);
    // Told to, it would write a second entry, and does not.
    const told = await run(['--cli', 'codex', '--scope', 'user', '--yes']);
    expect([told.code, told.err]).toEqual([2, expect.stringContaining('recorded twice')]);
  });

  it('that an agent does not have are named once', async () => {
    const { err } = await run(['--cli', 'codex,gemini', '--scope', 'local', '--yes']);
    expect(err).toMatch(/^Codex has no settings of your own .*\nGemini CLI has no settings/);
  });

  it('say what is to be trusted, also where two agents share them', async () => {
    const { out } = await run(['--cli', 'copilot,vscode', '--scope', 'project', '--yes']);
    expect(out).toContain('only where its folder is trusted');
    expect(out).not.toContain('recorded by them, too');
  });

  it('need not be named for removal', async () => {
    await run(['--cli', 'codex', '--scope', 'project', '--yes']);
    const sub = join(cwd, 'packages', 'a');
    fs.mkdirSync(sub, { recursive: true });
    const { code, out } = await run(['--cli', 'codex', '--remove', '--yes'], { cwd: sub });
    expect(code).toBe(0);
    expect(out).toContain('The recorder is out of <root>/project/.codex/hooks.json.');
    expect(fs.existsSync(join(cwd, '.codex'))).toBe(false);
  });
});

it('prints one plan as an object, several as a list', async () => {
  const one = JSON.parse((await run(['--cli', 'codex', '--json'])).out) as object;
  expect(one).toMatchObject({ agent: 'codex', scope: 'user', changed: true, applied: false });
  const done = await run(['--cli', 'copilot,vscode,codex', '--json', '--yes']);
  expect(JSON.parse(done.out)).toMatchObject([
    { agent: 'copilot', agents: ['copilot', 'vscode'], applied: true },
    { agent: 'codex', applied: true },
  ]);
});

describe('the guard', () => {
  const chosen = (): object | undefined => {
    const file = join(root, 'state', 'config.json');
    return fs.existsSync(file) ? (JSON.parse(read(file)) as { guard?: object }).guard : undefined;
  };

  it('is offered once, and kept when the hooks are there', async () => {
    const refused = await run(['--cli', 'codex'], { answers: ['y', 'n'] });
    expect(refused.err).toContain('Also stop dangerous calls before they run?');
    expect(chosen()).toBeUndefined();
    const done = await run(['--cli', 'codex'], { answers: ['y', 'y'] });
    expect(chosen()).toMatchObject({ safe: true, fail: 'open' });
    expect(done.out).toContain('The safe set stops dangerous calls before they run.');
    const again = await run(['--cli', 'gemini'], { answers: ['y'] });
    expect([again.code, again.err]).toEqual([0, expect.not.stringContaining('dangerous')]);
  });

  it('is not switched on by --yes, and not asked for again after a no', async () => {
    const { out } = await run(['--cli', 'codex', '--yes']);
    expect(out).toContain('To stop them:  agent-strace guard on');
    expect(chosen()).toBeUndefined();
    await run(['--cli', 'codex'], { answers: ['n'] });
    expect(chosen()).toMatchObject({ safe: false });
    expect((await run(['--cli', 'codex'], { answers: [] })).err).not.toContain('dangerous');
  });

  it('is what the flags say, and hooks are written so that their failure means no', async () => {
    await run(['--cli', 'codex,gemini', '--guard', 'safe', '--fail', 'closed', '--yes']);
    expect(chosen()).toMatchObject({ safe: true, fail: 'closed' });
    expect(read(home('.codex/hooks.json'))).toMatch(/PreToolUse --timeout 300 --closed \|\| /);
    const listed = JSON.parse((await run(['--list', '--json'])).out) as { recorded: object[] }[];
    for (const { recorded } of listed) {
      for (const one of recorded) expect(one).toMatchObject({ current: true });
    }
  });

  it('stays chosen when hooks are taken out, which no agent may do then', async () => {
    await run(['--cli', 'codex', '--guard', 'safe', '--yes']);
    const agentAbove = { agent: 'codex', how: 'process 7' };
    const refused = await run(['--cli', 'codex', '--remove', '--yes'], { agentAbove });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("this shell is one of Codex's (process 7). Nothing was changed.");
    expect(fs.existsSync(home('.codex/hooks.json'))).toBe(true);
    for (const flags of [
      ['--guard', 'off'],
      ['--fail', 'open'],
    ]) {
      expect((await run(['--cli', 'codex', '--yes', ...flags], { agentAbove })).code).toBe(1);
    }
    // Being recorded is for everybody.
    expect((await run(['--cli', 'gemini', '--yes'], { agentAbove })).code).toBe(0);
    const removed = await run(['--cli', 'codex', '--remove', '--yes']);
    expect(removed.err).toContain(
      'The guard stays chosen, and stops nothing where its hooks are gone.',
    );
    expect(chosen()).toMatchObject({ safe: true });
    expect((await run(['--remove', '--guard', 'off', '--yes'])).code).toBe(2);
  });
});
