/** Cursor's hooks with the recorder as it is shipped: its own entries, and those of Claude's settings that it runs, too. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildHook } from '../../test/hookBundle.ts';
import { hookCommand, installLauncher } from '../agents/launcher.ts';
import { readSessionRecord } from '../agents/process.ts';
import { applySetup, planSetup } from '../agents/registry.ts';
import { act } from '../guard/brake.ts';
import type { JsonObject, TraceEvent } from '../model/event.ts';

interface Hook {
  event: string;
  payload: JsonObject;
}

let built: string;
let bundle: string;
let root: string;
let home: string;
let project: string;
/** The documented session, in this project. */
let session: Hook[];
let id: string;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'cursor-')));
  home = join(root, 'home');
  project = join(root, 'shop');
  mkdirSync(home);
  mkdirSync(join(project, '.git'), { recursive: true });
  const fixture = join(import.meta.dirname, '../../test/fixtures/cursor/session.hooks.ndjson');
  session = readFileSync(fixture, 'utf8')
    .replaceAll('/home/dev/shop', project)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Hook);
  id = String(session[0]!.payload.conversation_id);
  installLauncher({
    hookBundle: bundle,
    version: '1',
    nodePath: process.execPath,
    env: stateEnv(),
  });
});
// A process that the recorder left behind may still write there.
afterEach(() => rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

const stateEnv = () => ({ AGENT_STRACE_HOME: join(home, '.agent-strace'), HOME: home });

/** As Cursor's extension host has it, by published names. */
const editorEnv = () => ({
  PATH: '/usr/bin:/bin',
  ...stateEnv(),
  CURSOR_EXTENSION_HOST_ROLE: 'local',
  CURSOR_PROJECT_DIR: project,
  CLAUDE_PROJECT_DIR: project,
  CURSOR_VERSION: '3.18.25',
  CURSOR_USER_EMAIL: 'env@example.invalid',
});

interface Caller {
  /** The agent that the entry names, and the event. */
  named?: string;
  event?: string;
  env?: Record<string, string>;
  /** What runs the command: a shell. */
  shell?: string;
}

function fire(hook: Hook, { named = 'cursor', event = hook.event, env, shell }: Caller = {}): void {
  // As a command that is not the shell's last: the shell stays, as the agent does.
  const command = `${hookCommand(named, event, stateEnv())}; exit $?`;
  const run = spawnSync(shell ?? '/bin/sh', ['-c', command], {
    cwd: project,
    env: env ?? editorEnv(),
    input: JSON.stringify(hook.payload),
    encoding: 'utf8',
  });
  expect({ stdout: run.stdout, stderr: run.stderr, status: run.status }).toEqual({
    stdout: '',
    stderr: '',
    status: 0,
  });
}

function trace(): TraceEvent[] {
  const path = join(project, '.agent-traces', id, 'events.ndjson');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as TraceEvent);
}

/** All that was written anywhere, but for the recorder itself. */
function everything(folder: string): string {
  return readdirSync(folder)
    .filter((name) => name !== 'lib' && name !== 'bin')
    .map((name) => {
      const path = join(folder, name);
      return statSync(path).isDirectory() ? everything(path) : readFileSync(path, 'latin1');
    })
    .join('\n');
}

const log = (): string => {
  const path = join(home, '.agent-strace/log/hook.log');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

describe('the recorder under Cursor', () => {
  it('records a session, and nobody’s address', { timeout: 60_000 }, () => {
    const unknown = { ...session[1]!.payload, hook_event_name: 'afterDream', deep: { x: [{}] } };
    for (const hook of session.slice(0, -1)) fire(hook);
    fire({ event: 'afterDream', payload: unknown });
    fire(session.at(-1)!);
    expect(log()).toBe('');
    const events = trace();
    const told = events.map(({ event_type, data }) => data.event_subtype ?? event_type);
    expect(told).toEqual([
      'session_start',
      'user_prompt',
      'reasoning',
      ...['tool_call', 'tool_result', 'tool_call', 'tool_result'],
      // A new file, by its call's hooks and `afterFileEdit`.
      ...['tool_call', 'tool_result', 'tool_result'],
      ...['tool_call', 'error'],
      ...['tool_call', 'tool_result', 'tool_result'],
      ...['tool_call', 'tool_result', 'tool_call', 'tool_result'],
      ...['tool_call', 'denied'],
      ...['tool_call', 'tool_result', 'tool_call', 'tool_result'],
      ...['tool_call', 'subagent', 'subagent', 'tool_result'],
      'compaction',
      'assistant_response',
      'turn_end',
      'unknown_hook',
      'session_end',
    ]);
    const edits = events.filter(({ data }) => 'edits' in data);
    expect(edits.map(({ data }) => data.tool_use_id)).toEqual(['call-3\nfc_3', 'call-5\nfc_5']);
    const meta = JSON.parse(
      readFileSync(join(project, '.agent-traces', id, 'meta.json'), 'utf8'),
    ) as JsonObject;
    expect(meta).toMatchObject({ agent_name: 'cursor-agent', session_id: id });
    expect(meta).toHaveProperty('ended_at');
    expect(readSessionRecord(id, stateEnv())).not.toHaveProperty('pid');
    const written = everything(root);
    expect(written).toContain('Page the list');
    expect(written).not.toMatch(/example\.invalid|user_?email/i);
  });

  it('takes up a conversation that was closed, or whose start was not told', () => {
    const [, prompt] = session;
    fire(prompt!);
    const meta = (): JsonObject =>
      JSON.parse(readFileSync(join(project, '.agent-traces', id, 'meta.json'), 'utf8'));
    fire(session.at(-1)!);
    expect(meta()).toHaveProperty('ended_at');
    fire({ ...prompt!, payload: { ...prompt!.payload, generation_id: 'g2' } });
    expect(meta()).not.toHaveProperty('ended_at');
    const told = trace().map(({ event_type }) => event_type);
    expect(told).toEqual(['session_start', 'user_prompt', 'session_end', 'user_prompt']);
  });

  it('finds the process of its command line, and none of the editor', () => {
    const agent = join(root, 'cursor-agent');
    symlinkSync('/bin/sh', agent);
    const call = session.find(({ event }) => event === 'preToolUse')!;
    fire(call, { shell: agent });
    expect(readSessionRecord(id, stateEnv())).not.toHaveProperty('pid');
    const { CURSOR_EXTENSION_HOST_ROLE: _, ...env } = editorEnv();
    fire({ event: 'sessionStart', payload: session[0]!.payload }, { shell: agent, env });
    expect(readSessionRecord(id, stateEnv())?.pid).toBeGreaterThan(1);
  });
});

it('can be paused inside the editor: its next tool waits', { timeout: 30_000 }, async () => {
  const call = session.find(({ event }) => event === 'preToolUse')!;
  fire(call);
  const options = { env: stateEnv(), graceMs: 0 };
  const traces = join(project, '.agent-traces');
  expect(await act('pause', traces, id, options)).toMatchObject({ ok: true, kind: 'cooperative' });
  const waiting = spawn('/bin/sh', ['-c', hookCommand('cursor', 'preToolUse', stateEnv())], {
    cwd: project,
    env: editorEnv(),
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = once(waiting, 'exit');
  waiting.stdin.end(JSON.stringify({ ...call.payload, tool_use_id: 'later' }));
  // Its call is written before it waits.
  while (!trace().some(({ data }) => data.tool_use_id === 'later')) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(waiting.exitCode).toBe(null);
  expect(await act('resume', traces, id, options)).toMatchObject({ ok: true });
  expect((await ended)[0]).toBe(0);
  // Nothing of the editor is signalled.
  expect(await act('kill', traces, id, options)).toMatchObject({ ok: false, reason: 'inEditor' });
});

describe('an entry of Claude’s settings that Cursor runs', () => {
  const NAMES: Record<string, string> = {
    sessionStart: 'SessionStart',
    beforeSubmitPrompt: 'UserPromptSubmit',
    preToolUse: 'PreToolUse',
    postToolUse: 'PostToolUse',
    stop: 'Stop',
  };
  /** The hooks that Cursor has of Claude's, with its own payloads. @param asClaudes it also names the event so */
  const claudes = (asClaudes: boolean) =>
    session
      .filter(({ event }) => Object.hasOwn(NAMES, event))
      .slice(0, 4)
      .map(({ event, payload }) => ({
        event: NAMES[event]!,
        payload: { ...payload, ...(asClaudes && { hook_event_name: NAMES[event]! }) },
      }));

  it.each([
    ['its own words', false],
    ['Claude’s', true],
  ])('is recorded under Cursor, where the payload is in %s', (_, asClaudes) => {
    for (const hook of claudes(asClaudes)) fire(hook, { named: 'claude' });
    expect(
      trace().map(({ event_type, data }) => [data.provider, event_type, data.tool_name ?? '']),
    ).toEqual([
      ['cursor', 'session_start', ''],
      ['cursor', 'user_prompt', ''],
      ['cursor', 'tool_call', 'Read'],
      ['cursor', 'tool_result', 'Read'],
    ]);
    expect(log()).toBe('');
    expect(everything(root)).not.toMatch(/example\.invalid/);
  });

  it.each(['project', 'user'] as const)('says nothing where Cursor has ours (%s)', (scope) => {
    const env = stateEnv();
    const plan = planSetup('cursor', { scope, projectDir: project, env });
    applySetup(plan, { hookBundle: bundle, version: '1', nodePath: process.execPath, env });
    const own = session.filter(({ event }) => Object.hasOwn(NAMES, event)).slice(0, 4);
    for (const [at, hook] of claudes(true).entries()) {
      fire(hook, { named: 'claude' });
      fire(own[at]!);
    }
    expect(trace()).toHaveLength(4);
    expect(readFileSync(plan.file, 'utf8')).toContain('agent-strace-hook');
  });

  it('stays Claude’s where it is Claude that Cursor’s shell has started', () => {
    const payload = {
      session_id: 'cfead79c-5438-40f8-bd9d-7d9dfefcc4c6',
      transcript_path: `${home}/.claude/projects/-shop/cfead79c-5438-40f8-bd9d-7d9dfefcc4c6.jsonl`,
      cwd: project,
      hook_event_name: 'UserPromptSubmit',
      prompt: 'go',
    };
    const env = { ...editorEnv(), CLAUDECODE: '1', CURSOR_CONVERSATION_ID: id };
    fire({ event: 'UserPromptSubmit', payload }, { named: 'claude', env });
    expect(trace()).toEqual([]);
    const own = join(project, '.agent-traces', payload.session_id, 'events.ndjson');
    expect(readFileSync(own, 'utf8')).toContain('"provider":"claude"');
  });
});

describe('where the recorder is gone', () => {
  it('its entries are silent, and succeed', () => {
    rmSync(join(home, '.agent-strace'), { recursive: true });
    for (const hook of session.slice(0, 4)) fire(hook);
    expect(existsSync(join(project, '.agent-traces'))).toBe(false);
  });

  it('no payload that cannot be read does harm', () => {
    for (const input of ['', '{', '[]', 'null', '{"conversation_id":"../x"}']) {
      const command = hookCommand('cursor', 'preToolUse', stateEnv());
      const run = spawnSync('/bin/sh', ['-c', command], { env: editorEnv(), input });
      expect([run.status, run.stdout.length, run.stderr.length]).toEqual([0, 0, 0]);
    }
  });
});
