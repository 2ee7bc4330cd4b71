import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GuardLab } from '../../test/guardLab.ts';
import { buildHook } from '../../test/hookBundle.ts';
import { KILLED_REASON } from '../agents/hookEntry.ts';
import { hookCommand, installLauncher, otherHomeCommand } from '../agents/launcher.ts';

/** Hooks that are killed, and homes that are not the person's, with the launcher as it is shipped. */
let built: string;
let bundle: string;
let lab: GuardLab;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
beforeEach(() => {
  lab = new GuardLab(bundle);
});
afterEach(() => lab.close());

const silent = { stdout: '', stderr: '', status: 0 };
const RULE = { name: 'no-rm', condition: 'command matches "rm"', action: 'deny' };
const GUARD = { timeoutS: 300, closed: false };

/** From now on each Node says something and dies of SIGKILL. */
function killNodes(said = '{"half'): void {
  const node = join(lab.root, 'node');
  writeFileSync(node, `#!/bin/sh\nprintf '%s' '${said}'\nkill -9 $$\n`);
  chmodSync(node, 0o755);
  installLauncher({ hookBundle: bundle, version: '1', nodePath: node, env: lab.env });
}

/** Without the shell's own word for it. */
const fire = (agent: string, event: string) => {
  const payload = lab.payload(event, { tool_name: 'Bash', tool_input: { command: 'ls' } });
  const fired = lab.fire(agent, event, payload, { guard: GUARD });
  return { ...fired, stderr: fired.stderr.replace(/^.*Killed\s*$\n?/gm, '') };
};

describe('a hook that was killed before a tool', () => {
  it.each([
    ['claude', 'PreToolUse'],
    ['codex', 'PreToolUse'],
  ])('is a no of %s where there are rules', (agent, event) => {
    lab.rules(RULE);
    killNodes();
    expect(fire(agent, event)).toEqual({
      stdout: '{"half',
      stderr: `${KILLED_REASON}\n`,
      status: 2,
    });
  });

  it.each([
    ['gemini', 'BeforeTool', { decision: 'deny', reason: KILLED_REASON }],
    ['copilot', 'preToolUse', { permissionDecision: 'deny' }],
    ['cursor', 'preToolUse', { permission: 'deny', agent_message: KILLED_REASON }],
  ])('is a no in the words of %s, and nothing else is', (agent, event, answer) => {
    lab.rules(RULE);
    killNodes();
    const fired = fire(agent, event);
    expect(JSON.parse(fired.stdout)).toMatchObject(answer);
    expect(fired).toMatchObject({ stderr: '', status: 0 });
  });

  it('is silent without rules, and before anything but a tool', () => {
    killNodes('');
    expect(fire('claude', 'PreToolUse')).toEqual(silent);
    expect(fire('cursor', 'preToolUse')).toEqual(silent);
    lab.rules(RULE);
    expect(fire('claude', 'PostToolUse')).toEqual(silent);
    expect(fire('cursor', 'stop')).toEqual(silent);
    expect(fire('claude', 'PreToolUse').status).toBe(2);
  });

  it('knows rules of a project by what was compiled of them, and the safe set by the choice', () => {
    killNodes('');
    lab.choose({ safe: false });
    mkdirSync(join(lab.state, 'guard/compiled'), { recursive: true });
    const compiled = join(lab.state, 'guard/compiled/a.json');
    writeFileSync(compiled, '{"version":1,"set":{"rules":[],"problems":[]}}');
    expect(fire('claude', 'PreToolUse').status).toBe(0);
    lab.choose({ safe: true });
    expect(fire('claude', 'PreToolUse').status).toBe(2);
    lab.choose({ safe: false });
    expect(fire('claude', 'PreToolUse').status).toBe(0);
    // As the recorder writes it.
    rmSync(compiled);
    installLauncher({
      ...{ hookBundle: bundle, version: '1', env: lab.env },
      nodePath: process.execPath,
    });
    lab.repoRules(RULE);
    expect(fire('claude', 'PreToolUse')).toEqual(silent);
    killNodes('');
    expect(fire('claude', 'PreToolUse').status).toBe(2);
  });
});

describe('an answer of agents whose entries pass no exit code on', () => {
  it('comes through whole', () => {
    lab.rules(RULE);
    const payload = {
      ...{ session_id: 's-1', cwd: lab.project, hook_event_name: 'BeforeTool' },
      ...{ tool_name: 'run_shell_command', tool_input: { command: 'rm "a  b" \\\\n %s' } },
    };
    const { stdout } = lab.fire('gemini', 'BeforeTool', payload, { guard: GUARD });
    expect(JSON.parse(stdout)).toMatchObject({ decision: 'deny' });
    const allowed = { ...payload, tool_input: { command: 'ls' } };
    expect(lab.fire('gemini', 'BeforeTool', allowed, { guard: GUARD })).toEqual(silent);
  });
});

describe('a home that a repository gave its agent', () => {
  /** Both of Claude Code's commands before a tool, as set-up writes them into the person's own settings. */
  function both(home: string, payload: object, closed = false): string[] {
    const guard = { timeoutS: 300, closed };
    // Set-up is the person's own, with the person's home.
    const script =
      "const { hookCommand, otherHomeCommand } = await import('./src/agents/launcher.ts');" +
      `const of = ['claude', 'PreToolUse', {}, ${JSON.stringify(guard)}];` +
      'console.log(JSON.stringify([hookCommand(...of), otherHomeCommand(...of)]));';
    const args = ['--input-type=module', '-e', script];
    const cwd = join(import.meta.dirname, '../..');
    const env = { PATH: '/usr/bin:/bin', HOME: lab.home };
    const commands = JSON.parse(
      execFileSync(process.execPath, args, { cwd, env, encoding: 'utf8' }),
    ) as string[];
    return commands.map((command) => {
      // A command that has nothing to do ends before it has read its input.
      const { status, stdout } = spawnSync('/bin/sh', ['-c', command], {
        input: JSON.stringify(payload),
        env: { ...env, HOME: home, CLAUDE_PROJECT_DIR: lab.project },
        cwd: lab.project,
        encoding: 'utf8',
      });
      return status === 0 ? stdout : `exit ${status}`;
    });
  }
  const call = (command: string) =>
    lab.payload('PreToolUse', { tool_name: 'Bash', tool_use_id: 't', tool_input: { command } });

  it('switches no rule off, and its own launcher is no answer', () => {
    lab.rules(RULE, { ...RULE, name: 'keys', condition: 'file_path touches "~/.ssh/**"' });
    // Where the home is the person's, the second command does nothing.
    expect(both(lab.home, call('rm x'))).toEqual([expect.stringContaining('deny'), '']);
    const moved = join(lab.root, 'none');
    expect(both(moved, call('rm x'))).toEqual(['', expect.stringContaining('deny')]);
    expect(both(moved, call('ls'))).toEqual(['', '']);
    // The person's files are the person's; what the agent's shell calls its home is another.
    expect(both(moved, call(`cat ${lab.home}/.ssh/id`))[1]).toContain('keys');
    expect(both(join(lab.home, '.ssh'), call('cat ~/id'))[1]).toContain('keys');
    const planted = join(lab.project, '.agent-strace/bin/agent-strace-hook');
    mkdirSync(join(planted, '..'), { recursive: true });
    writeFileSync(planted, '#!/bin/sh\nexit 0\n');
    chmodSync(planted, 0o755);
    expect(both('.', call('rm x'))).toEqual(['', expect.stringContaining('deny')]);
    expect(existsSync(join(moved, '.agent-strace'))).toBe(false);
  });

  it('is a no without the launcher, where the person wants that', () => {
    rmSync(join(lab.state, 'bin'), { recursive: true });
    expect(both('/none', call('ls'), true)).toEqual(['exit 2', 'exit 2']);
    expect(both('/none', call('ls'))).toEqual(['', '']);
  });

  it('needs nothing more where the launcher is not below it', () => {
    expect(otherHomeCommand('claude', 'PreToolUse', lab.env, GUARD)).toBeUndefined();
    expect(hookCommand('claude', 'PreToolUse', lab.env, GUARD)).not.toContain('$HOME');
  });
});

it('the launcher is a script that every shell can read', () => {
  const launcher = join(lab.state, 'bin/agent-strace-hook');
  expect(readFileSync(launcher, 'utf8')).not.toContain('undefined');
  execFileSync('/bin/sh', ['-n', launcher]);
});
