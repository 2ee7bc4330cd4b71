import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { capturedHooks } from '../../test/copilotFixtures.ts';
import type { AgentId, Env } from '../agents/agent.ts';
import { hookCommand } from '../agents/launcher.ts';
import type { JsonObject } from '../model/event.ts';
import { callerOf } from './caller.ts';
import { isSetUp } from './ownHooks.ts';

const SESSION = 'cfead79c-5438-40f8-bd9d-7d9dfefcc4e8';
const claudes: JsonObject = {
  session_id: SESSION,
  transcript_path: `/home/dev/.claude/projects/-home-dev-shop/${SESSION}.jsonl`,
  cwd: '/home/dev/shop',
  hook_event_name: 'PreToolUse',
  tool_name: 'Bash',
  tool_input: { command: 'ls' },
  tool_use_id: 'toolu_1',
};
const editors: JsonObject = {
  timestamp: '2026-11-23T10:00:00.000Z',
  hook_event_name: 'PreToolUse',
  session_id: SESSION,
  transcript_path: `/home/dev/.config/Code/User/workspaceStorage/1/GitHub.copilot-chat/transcripts/${SESSION}.jsonl`,
  cwd: '/home/dev/shop',
  tool_name: 'run_in_terminal',
  tool_input: { command: 'ls' },
  tool_use_id: 'call_1__vscode-1',
};
const cursors: JsonObject = {
  conversation_id: 'c1',
  generation_id: 'g1',
  hook_event_name: 'preToolUse',
  cursor_version: '3.1',
  tool_name: 'Shell',
};
const without = (payload: JsonObject, ...keys: string[]): JsonObject =>
  Object.fromEntries(Object.entries(payload).filter(([key]) => !keys.includes(key)));

const claudesEnv = { CLAUDECODE: '1', CLAUDE_CODE_SESSION_ID: SESSION, CLAUDE_PID: '5' };

describe('the agent that runs a hook of Claude settings', () => {
  it.each<[string, JsonObject, Env, AgentId]>([
    ['Claude', claudes, claudesEnv, 'claude'],
    ['an old Claude', claudes, { CLAUDECODE: '1' }, 'claude'],
    ['a Claude that says nothing', claudes, {}, 'claude'],
    ['Claude in a shell of Copilot', claudes, { ...claudesEnv, COPILOT_CLI: '1' }, 'claude'],
    [
      'an old Claude in a shell of Cursor',
      claudes,
      { CLAUDECODE: '1', CURSOR_VERSION: '3' },
      'claude',
    ],
    ['Cursor', cursors, { CURSOR_VERSION: '3.1' }, 'cursor'],
    ['Cursor in a shell of Claude', { ...cursors, session_id: 'x' }, claudesEnv, 'cursor'],
    [
      'Cursor by its environment',
      without(claudes, 'transcript_path'),
      { CURSOR_VERSION: '3' },
      'cursor',
    ],
    ['VS Code', editors, {}, 'vscode'],
    [
      'VS Code that Claude has opened',
      editors,
      { ...claudesEnv, CLAUDE_CODE_SESSION_ID: 'x' },
      'vscode',
    ],
    ['VS Code that Copilot has opened', editors, { COPILOT_CLI: '1' }, 'vscode'],
    ['VS Code without a transcript', without(editors, 'transcript_path'), {}, 'vscode'],
    [
      'an older VS Code',
      { timestamp: '2026-02-01T10:00:00Z', hookEventName: 'PreToolUse', sessionId: SESSION },
      {},
      'vscode',
    ],
    [
      'Gemini',
      { ...claudes, timestamp: '2026-11-23T10:00:00Z' },
      { GEMINI_SESSION_ID: SESSION },
      'gemini',
    ],
  ])('%s', (_, payload, env, agent) => {
    expect(callerOf('claude', payload, env)).toBe(agent);
  });

  // The real thing: Copilot with a project's `.claude/settings.json`, and with its own.
  it.each([
    ['claudeSettings', 'claude'],
    ['pascal', 'claude'],
    ['pascal', 'copilot'],
    ['main', 'copilot'],
    ['tools', 'copilot'],
    ['nested', 'copilot'],
    ['resumed', 'copilot'],
    ['failed', 'copilot'],
  ] as const)('Copilot, whatever it is told (%s of %s settings)', (name, named) => {
    for (const { payload, env } of capturedHooks(name)) {
      expect(callerOf(named, payload, env)).toBe('copilot');
      // Started from the shell of Claude.
      expect(callerOf(named, payload, { ...claudesEnv, ...env, CLAUDE_CODE_SESSION_ID: 'x' })).toBe(
        'copilot',
      );
    }
  });

  it('Copilot, where its environment was not handed on, by most of what it says', () => {
    const told = capturedHooks('claudeSettings').filter(
      ({ payload }) => callerOf('copilot', payload, {}) === 'copilot',
    );
    expect(told.map(({ event }) => event)).toContain('PostToolUse');
    expect(told.map(({ event }) => event)).toContain('Stop');
  });
});

describe('the agent that runs a hook of Copilot settings', () => {
  it.each<[string, JsonObject, Env, AgentId]>([
    ['VS Code', editors, {}, 'vscode'],
    ['VS Code that Copilot has opened', editors, { COPILOT_CLI: '1' }, 'vscode'],
    [
      'VS Code at a prompt',
      { ...without(editors, 'tool_name', 'tool_use_id'), prompt: 'x' },
      {},
      'vscode',
    ],
    ['nobody in particular', {}, {}, 'copilot'],
  ])('%s', (_, payload, env, agent) => {
    expect(callerOf('copilot', payload, env)).toBe(agent);
  });
});

interface Captured {
  env: Env;
  payload: JsonObject;
}
const captured = (path: string): Captured[] =>
  readFileSync(join(import.meta.dirname, '../../test/fixtures', path), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Captured);

describe('real hooks come out as those of their own agent', () => {
  const claude = readdirSync(join(import.meta.dirname, '../../test/fixtures/claude/hooks'));

  it.each(claude)('Claude (%s)', (file) => {
    for (const { payload, env } of captured(`claude/hooks/${file}`)) {
      expect(callerOf('claude', payload, env)).toBe('claude');
      const within = { COPILOT_CLI: '1', CURSOR_VERSION: '3', CLAUDECODE: '1' };
      expect(callerOf('claude', payload, { ...env, ...within })).toBe('claude');
    }
  });

  it.each(['codex', 'gemini'] as const)('%s', (agent) => {
    const hooks = captured(`callers/${agent}.ndjson`);
    expect(hooks.length).toBeGreaterThan(5);
    for (const { payload, env } of hooks) {
      expect(callerOf(agent, payload, env)).toBe(agent);
      expect(callerOf(agent, payload, { ...env, ...claudesEnv, COPILOT_CLI: '1' })).toBe(agent);
    }
  });
});

it.each(['codex', 'gemini', 'cursor', 'opencode'] as const)(
  '%s is the only one to read its settings',
  (agent) => {
    // A Codex that Claude has started, say.
    expect(callerOf(agent, claudes, claudesEnv)).toBe(agent);
    expect(callerOf(agent, editors, { COPILOT_CLI: '1', GEMINI_SESSION_ID: 'x' })).toBe(agent);
  },
);

describe('hooks of its own', () => {
  let root: string;
  const put = (path: string, text: string): void => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  const has = (agent: AgentId, env: Env = {}): boolean =>
    isSetUp(agent, join(root, 'shop/src'), join(root, 'home'), env);
  const handler = (agent: string, event: string) => ({ bash: hookCommand(agent, event, {}) });
  const entry = (agent: string, more: object = {}): string =>
    JSON.stringify({
      version: 1,
      hooks: {
        preToolUse: [{ ...handler(agent, 'preToolUse'), ...more }],
        postToolUse: [{ hooks: [{ ...handler(agent, 'postToolUse'), ...more }] }],
      },
    });

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'caller-'));
    mkdirSync(join(root, 'shop/.git'), { recursive: true });
    mkdirSync(join(root, 'shop/src'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it.each<[AgentId, string, string]>([
    ['copilot', 'shop/.github/hooks/agent-strace.json', 'copilot'],
    ['copilot', 'shop/.github/copilot/settings.local.json', 'copilot'],
    ['copilot', 'home/.copilot/hooks/x.json', 'copilot'],
    ['vscode', 'shop/.github/hooks/agent-strace.json', 'copilot'],
    ['vscode', 'home/.copilot/hooks/x.json', 'vscode'],
    ['cursor', 'shop/.cursor/hooks.json', 'cursor'],
    ['cursor', 'home/.cursor/hooks.json', 'cursor'],
    ['gemini', 'shop/.gemini/settings.json', 'gemini'],
    ['codex', 'home/.codex/hooks.json', 'codex'],
  ])('%s has them in %s', (agent, path, named) => {
    expect(has(agent)).toBe(false);
    put(path, entry('claude'));
    expect(has(agent)).toBe(false);
    put(path, entry(named));
    expect(has(agent)).toBe(true);
  });

  it('looks where the agent does', () => {
    put('elsewhere/hooks/x.json', entry('copilot'));
    expect(has('copilot', { COPILOT_HOME: join(root, 'elsewhere') })).toBe(true);
    expect(has('copilot')).toBe(false);
    put('shop/src/.github/hooks/x.json', entry('copilot'));
    expect(has('copilot')).toBe(true);
    expect(isSetUp('copilot', '', join(root, 'home'), {})).toBe(false);
    expect(has('claude')).toBe(false);
  });

  it('takes no other word for one', () => {
    put('shop/.github/hooks/x.json', '{"about": "agent-strace-hook is for copilot"}');
    expect(has('copilot')).toBe(false);
  });

  it.runIf(process.platform !== 'win32')('are none where a project only says so', () => {
    const command = hookCommand('copilot', 'preToolUse', {});
    const alike = entry('copilot');
    for (const text of [
      JSON.stringify({ about: command }),
      JSON.stringify({ hooks: { preToolUse: [handler('copilot', 'preToolUse')] } }),
      alike.replaceAll('preToolUse":', 'never":'),
      entry('copilot', { matcher: 'nothing' }),
      entry('copilot', { type: 'prompt' }),
      alike.replaceAll('[ ! -x', 'true || [ ! -x'),
      alike.replaceAll('.agent-strace/bin', 'shop/bin'),
      alike.replaceAll('--agent', '; true --agent'),
      `// ${alike}`,
    ]) {
      expect(text).toContain('agent-strace-hook');
      put('shop/.github/hooks/x.json', text);
      expect({ text, has: has('copilot') }).toEqual({ text, has: false });
    }
    put('shop/.github/hooks/x.json', alike);
    expect(has('copilot')).toBe(true);
  });
});
