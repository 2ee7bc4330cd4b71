/** The hook before a tool: how long it may take, what its failure means, and what comes of older installations. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AGENT_IDS, type AgentId } from '../agent.ts';
import {
  BEFORE_TOOL,
  CLOSED_REASON,
  guardIn,
  holdMs,
  installedAs,
  readHookCommand,
} from '../hookEntry.ts';
import { hookCommand, isHookCommand } from '../launcher.ts';
import { pluginText } from '../opencode/plugin.ts';
import { applySetup, planSetup, SETUPS } from '../registry.ts';
import { setupDiff } from '../setupDiff.ts';
import { recordedBy } from '../setupPlace.ts';
import type { PlanOptions, SetupPlan } from './plan.ts';

/** Set-up as the last version had it: no hook was another than the others. */
const last = vi.hoisted(() => ({ version: false }));
vi.mock('./guardHook.ts', async (original) => {
  const real = await original<typeof import('./guardHook.ts')>();
  return {
    ...real,
    guardHookOf: (...args: Parameters<typeof real.guardHookOf>) =>
      last.version ? undefined : real.guardHookOf(...args),
  };
});

let root: string;
let project: string;
const env = () => ({ HOME: join(root, 'home'), AGENT_STRACE_HOME: join(root, 'state') });

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'guard-mode-')));
  project = join(root, 'project');
  fs.mkdirSync(project);
  fs.mkdirSync(join(root, 'home'));
  fs.writeFileSync(join(root, 'hook.js'), '// the hook\n');
});
afterEach(() => {
  last.version = false;
  fs.rmSync(root, { recursive: true, force: true });
});

const VERSION = '2.1.330 (Claude Code)';
const plan = (agent: AgentId, more: Partial<PlanOptions> = {}): SetupPlan =>
  planSetup(agent, {
    scope: 'user',
    projectDir: project,
    agentVersion: VERSION,
    env: env(),
    ...more,
  });
function run(agent: AgentId, more: Partial<PlanOptions> = {}): SetupPlan {
  const made = plan(agent, more);
  applySetup(made, { hookBundle: join(root, 'hook.js'), version: '1.2.3', env: env() });
  return made;
}
const messages = (made: SetupPlan): string => made.problems.map(({ message }) => message).join();
function write(path: string, text: string): void {
  fs.mkdirSync(dirname(path), { recursive: true });
  fs.writeFileSync(path, text);
}
const withHooks = AGENT_IDS.filter((agent) => agent !== 'opencode');

/** The entry before a tool, as it is written. */
function entryOf({ agent, after }: SetupPlan): Record<string, unknown> {
  const { hooks } = JSON.parse(after ?? '') as { hooks: Record<string, object[]> };
  const [entry] = hooks[BEFORE_TOOL[agent]] as [Record<string, unknown>];
  return Array.isArray(entry.hooks) ? (entry.hooks[0] as Record<string, unknown>) : entry;
}
const commandOf = (made: SetupPlan): string => {
  const { command, bash } = entryOf(made);
  return String(command ?? bash);
};

describe.each(withHooks)('the hook of %s before a tool', (agent) => {
  it('is written with its timeout, open and closed', () => {
    const home = { HOME: env().HOME };
    expect(entryOf(plan(agent, { env: home }))).toMatchSnapshot('open');
    expect(entryOf(plan(agent, { env: home, fail: 'closed' }))).toMatchSnapshot('closed');
  });

  it('says in its command what stands beside it, and nothing more', () => {
    for (const fail of ['open', 'closed'] as const) {
      const made = plan(agent, { fail });
      const { timeout, timeoutSec } = entryOf(made);
      const seconds = Number(timeoutSec ?? timeout) / (agent === 'gemini' ? 1000 : 1);
      const said = guardIn(agent, made.after ?? '');
      expect(said).toEqual({ holdMs: holdMs(agent), closed: fail === 'closed' });
      expect(said!.holdMs).toBeLessThan(seconds * 1000);
      expect(isHookCommand(commandOf(made), SETUPS[agent].agent)).toBe(true);
      expect(readHookCommand(commandOf(made))).toEqual({
        path: join(root, 'state', 'bin', 'agent-strace-hook'),
        agent: SETUPS[agent].agent,
        event: BEFORE_TOOL[agent],
      });
    }
  });

  it('stays open in settings that others share', () => {
    const shared = plan(agent, { scope: 'project', fail: 'closed' });
    expect(commandOf(shared)).toBe(commandOf(plan(agent)));
    expect(entryOf(shared)).not.toHaveProperty('onFailure');
    expect(messages(shared)).toContain('these settings are everybody’s');
    expect(messages(plan(agent, { fail: 'closed' }))).not.toContain('everybody’s');
  });

  describe('that is closed', () => {
    /** Runs it as the agent would, with this for a launcher. */
    function fire(launcher: string | undefined): [code: number | null, out: string, err: string] {
      const path = join(root, 'state', 'bin', 'agent-strace-hook');
      if (launcher !== undefined) {
        write(path, launcher);
        fs.chmodSync(path, 0o700);
      }
      const command = commandOf(plan(agent, { fail: 'closed' }));
      const ran = spawnSync('/bin/sh', ['-c', command], {
        env: { PATH: '/usr/bin:/bin' },
        encoding: 'utf8',
      });
      return [ran.status, ran.stdout, ran.stderr];
    }

    it.each([
      ['is not there', undefined],
      ['fails', '#!/bin/sh\nexit 1\n'],
      ['is killed', '#!/bin/sh\nkill -9 $$\n'],
      ['cannot be run', '#!/no/such/shell\n'],
    ])('denies where the launcher %s', (_, launcher) => {
      const [code, out, err] = fire(launcher);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain(CLOSED_REASON);
    });

    it('denies where only the launcher is left', () => {
      run(agent, { fail: 'closed' });
      const launcher = fs.readFileSync(join(root, 'state/bin/agent-strace-hook'), 'utf8');
      fs.rmSync(join(root, 'state', 'lib'), { recursive: true });
      const [code, out, err] = fire(launcher);
      expect([code, out]).toEqual([2, '']);
      // Once, not by each that notices.
      expect(err.split(CLOSED_REASON)).toHaveLength(2);
    });

    it('passes on what the launcher says', () => {
      expect(fire('#!/bin/sh\necho "{}"\n')).toEqual([0, '{}\n', '']);
      expect(fire('#!/bin/sh\necho why >&2\nexit 2\n')).toEqual([2, '', 'why\n']);
    });
  });
});

describe('older installations', () => {
  it.each(withHooks)('of %s are shown as such, renewed, and taken back to the byte', (agent) => {
    const { file } = plan(agent);
    const before = agent === 'copilot' || agent === 'vscode' ? undefined : '{"hooks": {}}\n';
    if (before !== undefined) write(file, before);
    last.version = true;
    const old = run(agent);
    expect(commandOf(old)).not.toContain('--timeout');
    expect(guardIn(agent, old.after ?? '')).toEqual({ holdMs: 8000, closed: false });
    last.version = false;
    const options = { agentVersion: VERSION, env: env() };
    expect(recordedBy(agent, project, options)).toMatchObject([{ file, current: false }]);
    const renewed = run(agent);
    const changed = setupDiff(renewed)
      .split('\n')
      .filter((line) => /^[+-](?![+-])/.test(line));
    // Its command and its timeout, and nothing else.
    expect(changed).toHaveLength(4);
    expect(recordedBy(agent, project, options)).toMatchObject([{ file, current: true }]);
    expect(recordedBy(agent, project, { ...options, fail: 'closed' })).toMatchObject([
      { current: false },
    ]);
    run(agent, { fail: 'closed' });
    run(agent, { remove: true });
    expect(fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined).toBe(before);
  });
});

describe('Claude Code', () => {
  it('blocks on failure where it knows how to', () => {
    const blocks = (agentVersion: string) =>
      entryOf(plan('claude', { fail: 'closed', agentVersion })).onFailure;
    expect(blocks('2.1.295')).toBe('block');
    expect(blocks('2.1.294')).toBeUndefined();
    expect(messages(plan('claude', { fail: 'closed', agentVersion: '2.1.294' }))).toContain(
      'from 2.1.295 on it is denied',
    );
    expect(entryOf(plan('claude'))).not.toHaveProperty('onFailure');
  });
});

describe('opencode', () => {
  /** The plugin's hooks, with this for the recorder. */
  async function load(closed: boolean, recorder: string | undefined) {
    const folder = fs.mkdtempSync(join(root, 'plugin-'));
    const lib = join(folder, 'lib.cjs');
    if (recorder !== undefined) fs.writeFileSync(lib, recorder);
    const file = join(folder, 'plugin.mjs');
    fs.writeFileSync(file, pluginText(lib, closed));
    const { AgentStrace } = await import(/* @vite-ignore */ file);
    return (await AgentStrace({})) as Record<string, () => Promise<void>>;
  }
  const failing = (marks: string): string =>
    `exports.hooks = () => { const fail = async () => { throw Object.assign(new Error('no'), ${marks}); }; return { 'tool.execute.before': fail, event: fail }; };`;

  it('is denied what the recorder denies, and nothing else where it is open', async () => {
    const denying = await load(false, failing('{ agentStraceDenies: true }'));
    await expect(denying['tool.execute.before']!()).rejects.toThrow('no');
    const broken = await load(false, failing('{}'));
    await expect(broken['tool.execute.before']!()).resolves.toBeUndefined();
    expect(await load(false, undefined)).toEqual({});
  });

  it('runs no tool without the recorder where it is closed', async () => {
    const missing = await load(true, undefined);
    await expect(missing['tool.execute.before']!()).rejects.toThrow(CLOSED_REASON);
    const broken = await load(true, failing('{}'));
    await expect(broken['tool.execute.before']!()).rejects.toThrow('no');
    await expect(broken.event!()).resolves.toBeUndefined();
    expect(guardIn('opencode', pluginText('/x', true))).toEqual({
      holdMs: holdMs('opencode'),
      closed: true,
    });
    expect(guardIn('opencode', pluginText('/x'))).toMatchObject({ closed: false });
    expect(guardIn('opencode', '// agent-strace: records what opencode does\n')).toBeUndefined();
  });
});

describe('what a command line says', () => {
  it.each([
    ['--agent claude PreToolUse', 8000, false],
    ['--agent claude PreToolUse --timeout 300', 290_000, false],
    ['--agent claude PreToolUse --timeout 300 --closed', 290_000, true],
    ['--agent claude PreToolUse --timeout', 8000, false],
    ['--agent claude PreToolUse --timeout 1e9', 8000, false],
    ['--agent claude PreToolUse --timeout 9', 8000, false],
  ])('%s', (line, wait, closed) => {
    expect(installedAs(line.split(' '))).toEqual({ holdMs: wait, closed });
  });

  it('is read only where it is just ours', () => {
    const command = hookCommand('codex', 'PreToolUse', env(), { timeoutS: 300, closed: false });
    expect(readHookCommand(command)?.event).toBe('PreToolUse');
    for (const other of [`${command}; rm x`, `true; ${command}`, `${command} && x`, 'true']) {
      expect(readHookCommand(other)).toBeUndefined();
    }
  });
});
