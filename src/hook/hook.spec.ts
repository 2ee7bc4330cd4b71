import { execFileSync, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildHook } from '../../test/hookBundle.ts';
import { removeFolder } from '../../test/removeFolder.ts';
import { OLD_HOLD_MS } from '../agents/hookEntry.ts';
import { hookCommand, installLauncher } from '../agents/launcher.ts';
import { findAgentProcess, parsePs, parseStat, readSessionRecord } from '../agents/process.ts';
import type { JsonObject, TraceEvent } from '../model/event.ts';

/** The hook as it is shipped, run as an agent runs it: through a shell and the launcher. */
let built: string;
let bundle: string;
let home: string;
let project: string;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => fs.rmSync(built, { recursive: true, force: true }));

beforeEach(() => {
  const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'agent-')));
  home = join(root, 'home');
  project = join(root, 'shop');
  fs.mkdirSync(home);
  fs.mkdirSync(project);
  installLauncher({
    hookBundle: bundle,
    version: '1',
    nodePath: process.execPath,
    env: stateEnv(),
  });
});
afterEach(() => removeFolder(join(home, '..')));

const stateEnv = () => ({ AGENT_STRACE_HOME: join(home, '.agent-strace') });
const SESSION = 'cfead79c-5438-40f8-bd9d-7d9dfefcc4c6';

interface Run {
  /** The agent whose settings name the hook. */
  agent?: string;
  input?: string;
  env?: Record<string, string>;
}

const agentEnv = (env: Record<string, string> = {}) => ({
  PATH: '/usr/bin:/bin',
  HOME: home,
  CLAUDE_PROJECT_DIR: project,
  ...stateEnv(),
  ...env,
});

function fire(event: string, { input = '', env = {}, agent = 'claude' }: Run = {}) {
  const command = hookCommand(agent, event, stateEnv());
  const run = spawnSync('/bin/sh', ['-c', command], {
    env: agentEnv(env),
    input,
    encoding: 'utf8',
  });
  // What an agent must never notice.
  expect({ stdout: run.stdout, stderr: run.stderr, status: run.status }).toEqual({
    stdout: '',
    stderr: '',
    status: 0,
  });
}

const payload = (event: string, more: JsonObject = {}): string =>
  JSON.stringify({ session_id: SESSION, hook_event_name: event, cwd: project, ...more });

const folder = () => join(project, '.agent-traces', SESSION);

function trace(dir = folder()): TraceEvent[] {
  const path = join(dir, 'events.ndjson');
  if (!fs.existsSync(path)) return [];
  const text = fs.readFileSync(path, 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as TraceEvent);
}

const log = () => {
  const path = join(home, '.agent-strace/log/hook.log');
  return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : '';
};

describe('a hook', () => {
  it('ends a pause with the session, and does not wait for one that was forgotten', () => {
    const mark = join(home, '.agent-strace/pause', SESSION);
    fire('SessionStart', { input: payload('SessionStart') });
    fs.mkdirSync(join(mark, '..'), { recursive: true, mode: 0o700 });
    fs.writeFileSync(mark, '');
    fire('SessionEnd', { input: payload('SessionEnd') });
    expect(fs.existsSync(mark)).toBe(false);
    // A clock that was set back.
    fs.writeFileSync(mark, '');
    const later = Date.now() / 1000 + 86_400;
    fs.utimesSync(mark, later, later);
    const started = performance.now();
    fire('PreToolUse', { input: payload('PreToolUse', { tool_name: 'Read', tool_input: {} }) });
    expect(performance.now() - started).toBeLessThan(OLD_HOLD_MS / 2);
  });

  it.each([
    ['claude', 'PreToolUse', { tool_name: 'Bash', tool_use_id: 'toolu_1' }, 'tool_input'],
    ['codex', 'PreToolUse', { tool_name: 'Bash', tool_use_id: 'call_1' }, 'tool_input'],
    ['gemini', 'BeforeTool', { tool_name: 'run_shell_command' }, 'tool_input'],
    ['copilot', 'preToolUse', { sessionId: SESSION, toolName: 'bash' }, 'toolArgs'],
  ])('records a call of %s whose input is nested beyond all measure', (agent, event, call, key) => {
    const input = payload(event, { ...call, [key]: { command: 'rm -rf src', more: '…' } });
    fire(event, { agent, input: input.replace('"…"', `${'['.repeat(9000)}${']'.repeat(9000)}`) });
    const { trace_dir = '' } = readSessionRecord(SESSION, stateEnv()) ?? {};
    const [recorded] = trace(join(trace_dir, SESSION));
    expect(Object(recorded?.data.arguments).command).toBe('rm -rf src');
    expect(log()).toBe('');
  });

  it('records a whole run, and says nothing', { timeout: 60_000 }, () => {
    const captures = fs
      .readFileSync(
        join(import.meta.dirname, '../../test/fixtures/claude/hooks/main.ndjson'),
        'utf8',
      )
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; payload: JsonObject });
    const started = Date.now() / 1000;
    for (const { event, payload } of captures) fire(event, { input: JSON.stringify(payload) });
    const events = trace();
    expect(log()).toBe('');
    expect(events.map(({ event_type }) => event_type)).toEqual([
      'session_start',
      'file_read',
      'user_prompt',
      'tool_call',
      'tool_result',
      'tool_call',
      'tool_result',
      'tool_call',
      'tool_result',
      'tool_call',
      'error',
      'tool_call',
      'tool_call',
      'tool_result',
      'tool_call',
      'tool_call',
      'tool_result',
      'tool_result',
      'tool_result',
      'decision',
      'assistant_response',
      'user_prompt',
      'decision',
      'assistant_response',
      'session_end',
    ]);
    const times = events.map(({ timestamp }) => timestamp);
    expect(times[0]).toBeGreaterThan(started - 1);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    const meta = JSON.parse(fs.readFileSync(join(folder(), 'meta.json'), 'utf8')) as JsonObject;
    expect(meta).toMatchObject({
      session_id: SESSION,
      agent_name: 'claude-code',
      command: 'claude (startup)',
    });
    expect(meta.ended_at).toBeGreaterThan(meta.started_at as number);
    const hint = join(project, '.agent-traces/.active-session');
    expect(fs.readFileSync(hint, 'utf8')).toBe(SESSION);
    expect(readSessionRecord(SESSION, stateEnv())).toMatchObject({
      agent: 'claude',
      trace_dir: join(project, '.agent-traces'),
      project,
    });
  });

  it('takes secrets out before the first byte is written', () => {
    const key = `AKIA${'IOSFODNN7ABCDEFG'}`;
    const input = payload('UserPromptSubmit', { prompt: `use ${key} now`, prompt_id: 'p1' });
    fire('UserPromptSubmit', { input });
    expect(fs.readFileSync(join(folder(), 'events.ndjson'), 'utf8')).not.toContain(key);
    expect(trace()[0]!.data.redacted).toBeDefined();
    fire('UserPromptSubmit', { input, env: { AGENT_TRACE_NO_REDACT: '1' } });
    expect(trace()[1]!.data.prompt).toBe(`use ${key} now`);
    expect(trace()[1]!.event_id).toBe(trace()[0]!.event_id);
  });

  it('cuts results at 64 KB and says how long they were', () => {
    const stdout = `${'x'.repeat(65_535)}\u{1f600}${'y'.repeat(100_000)}`;
    fire('PostToolUse', {
      input: payload('PostToolUse', {
        tool_name: 'Bash',
        tool_use_id: 't',
        tool_response: { stdout, stderr: '' },
      }),
    });
    const { data } = trace()[0]!;
    expect(data.result).toBe('x'.repeat(65_535));
    expect(data.truncated).toMatchObject({ result: { length: stdout.length } });
  });

  it('does nothing where it is told so', () => {
    fire('UserPromptSubmit', {
      input: payload('UserPromptSubmit'),
      env: { AGENT_STRACE_DISABLE: '1' },
    });
    expect(fs.existsSync(folder())).toBe(false);
  });

  it('leaves a mark where a payload cannot be read', () => {
    fire('PreToolUse', { input: '{"session_id": "x', env: { CLAUDE_CODE_SESSION_ID: SESSION } });
    expect(trace()[0]).toMatchObject({
      event_type: 'error',
      data: { event_subtype: 'recorder', hook_event_name: 'PreToolUse' },
    });
    fire('PreToolUse', { input: '[1, 2]' });
    fire('PreToolUse', { input: '' });
    fire('PreToolUse', { input: '{"session_id": "../../x"}' });
    expect(trace()).toHaveLength(1);
    expect(log()).toContain('no usable session id');
    expect(log()).not.toContain('../../x');
  });

  it('records elsewhere where the trace folder is a trap', () => {
    const trap = join(home, 'trap');
    fs.mkdirSync(trap);
    fs.symlinkSync(trap, join(project, '.agent-traces'));
    fire('PreToolUse', { input: payload('PreToolUse', { tool_name: 'Bash', tool_use_id: 't1' }) });
    fire('PreToolUse', { input: payload('PreToolUse', { tool_name: 'Bash', tool_use_id: 't2' }) });
    expect(fs.readdirSync(trap)).toEqual([]);
    const { trace_dir } = readSessionRecord(SESSION, stateEnv())!;
    expect(trace_dir).toContain(join(home, '.agent-strace/traces/shop-'));
    expect(trace(join(trace_dir, SESSION))).toHaveLength(2);
    expect(log().match(/ESYMLINK/g)).toHaveLength(1);
  });

  it.each([
    ['a folder', (path: string) => fs.mkdirSync(path)],
    [
      'a second name of another file',
      (path: string) => {
        fs.writeFileSync(join(home, 'victim'), 'mine');
        fs.linkSync(join(home, 'victim'), path);
      },
    ],
  ])('records elsewhere where the events file is %s', (_what, make) => {
    fs.mkdirSync(folder(), { recursive: true });
    make(join(folder(), 'events.ndjson'));
    fire('PreToolUse', { input: payload('PreToolUse', { tool_name: 'Bash', tool_use_id: 't1' }) });
    const { trace_dir } = readSessionRecord(SESSION, stateEnv())!;
    expect(trace_dir).toContain(join(home, '.agent-strace/traces/shop-'));
    expect(trace(join(trace_dir, SESSION))).toHaveLength(1);
    if (fs.existsSync(join(home, 'victim'))) {
      expect(fs.readFileSync(join(home, 'victim'), 'utf8')).toBe('mine');
    }
  });

  it('takes a source that is none of the words of the agent for a secret', () => {
    const source = `gh${'p_'}${'aB3dE5gH7jK9'.repeat(3)}`;
    fire('SessionStart', { input: payload('SessionStart', { source }) });
    expect(fs.readFileSync(join(folder(), 'meta.json'), 'utf8')).not.toContain(source);
  });

  it('leaves no half of a secret where a result is cut', () => {
    const token = `gh${'p_'}${'aB3dE5gH7jK9'.repeat(3)}`;
    // Redaction makes the text so much shorter that the first cut is well within the second.
    const secrets = `${`password="${'aB3!'.repeat(100)}"\n`.repeat(60)}`;
    const fill = '{"a":"b"},'.repeat(10_000);
    for (const at of [10, 20, 30]) {
      const start = 73_728 - at;
      const stdout = `${(secrets + fill).slice(0, start - 1)}"${token}","c":${fill}`;
      fire('PostToolUse', {
        input: payload('PostToolUse', {
          tool_name: 'Bash',
          tool_use_id: `t${at}`,
          tool_response: { stdout, stderr: '' },
        }),
      });
    }
    expect(trace()).toHaveLength(3);
    for (const { data } of trace()) {
      expect(data.result).toContain('[REDACTED:password]');
      expect(data.result).not.toContain(token.slice(0, 10));
    }
  });

  it('stays in the folder that its session began in', () => {
    fire('SessionStart', { input: payload('SessionStart') });
    const other = join(home, 'other');
    fs.mkdirSync(join(other, '.git'), { recursive: true });
    fire('UserPromptSubmit', {
      input: payload('UserPromptSubmit', { cwd: other }),
      env: { CLAUDE_PROJECT_DIR: other },
    });
    expect(trace()).toHaveLength(2);
    expect(fs.existsSync(join(other, '.agent-traces'))).toBe(false);
  });

  it('is silent when its state folder cannot be used, or NODE_OPTIONS is broken', () => {
    fs.chmodSync(join(home, '.agent-strace'), 0o700);
    fs.writeFileSync(join(home, '.agent-strace/sessions'), 'not a folder');
    fire('UserPromptSubmit', {
      input: payload('UserPromptSubmit'),
      env: { NODE_OPTIONS: '--require /does/not/exist.js' },
    });
    expect(trace()).toHaveLength(1);
  });

  it('records what another agent runs of Claude settings as its own, but for hooks of its own', () => {
    const input = payload('UserPromptSubmit', {
      timestamp: '2026-11-23T10:00:00Z',
      transcript_path: join(home, 'x/GitHub.copilot-chat/transcripts', `${SESSION}.jsonl`),
      prompt: 'go',
    });
    fire('UserPromptSubmit', { input });
    expect(trace()).toMatchObject([{ event_type: 'user_prompt', data: { provider: 'vscode' } }]);
    const own = join(project, '.github/hooks');
    fs.mkdirSync(own, { recursive: true });
    const hooks = Object.fromEntries(
      ['userPromptSubmitted', 'preToolUse', 'postToolUse'].map((event) => [
        event,
        [{ type: 'command', bash: hookCommand('copilot', event, stateEnv()) }],
      ]),
    );
    fs.writeFileSync(join(own, 'agent-strace.json'), JSON.stringify({ version: 1, hooks }));
    fire('UserPromptSubmit', { input });
    expect(trace()).toHaveLength(1);
    fire('userPromptSubmitted', { input, agent: 'copilot' });
    expect(trace()).toHaveLength(2);
  });

  it('does not mind a pipe that it shares', () => {
    // The agent's end is closed before the hook is done.
    const command = `printf '%s' '${payload('UserPromptSubmit')}' | (${hookCommand('claude', 'UserPromptSubmit', stateEnv())}) | true`;
    expect(spawnSync('/bin/sh', ['-c', command], { env: agentEnv() }).status).toBe(0);
    expect(trace()).toHaveLength(1);
  });
});

describe('the launcher', () => {
  it('falls back to the Node on the PATH, then to nothing', () => {
    const install = (nodePath: string) =>
      installLauncher({ hookBundle: bundle, version: '1', nodePath, env: stateEnv() });
    expect(install('/gone/node')).toBe(true);
    expect(install('/gone/node')).toBe(false);
    fire('UserPromptSubmit', { input: payload('UserPromptSubmit'), env: { PATH: '/nowhere' } });
    expect(trace()).toHaveLength(0);
    const bin = join(home, 'bin');
    fs.mkdirSync(bin);
    fs.symlinkSync(process.execPath, join(bin, 'node'));
    fire('UserPromptSubmit', { input: payload('UserPromptSubmit'), env: { PATH: `${bin}:/bin` } });
    expect(trace()).toHaveLength(1);
  });

  it('takes a path with quotes and spaces', () => {
    const odd = join(home, `it's $HOME "x"`);
    fs.mkdirSync(odd);
    fs.symlinkSync(process.execPath, join(odd, 'node'));
    installLauncher({
      hookBundle: bundle,
      version: '1',
      nodePath: join(odd, 'node'),
      env: stateEnv(),
    });
    fire('UserPromptSubmit', { input: payload('UserPromptSubmit'), env: { PATH: '/nowhere' } });
    expect(trace()).toHaveLength(1);
  });

  it('is silent where it was deleted', () => {
    fs.rmSync(join(home, '.agent-strace'), { recursive: true });
    fire('UserPromptSubmit', { input: payload('UserPromptSubmit') });
  });
});

describe.skipIf(process.platform !== 'linux')('the agent behind a hook', () => {
  /** A process that calls itself claude and runs one hook. */
  function runAgent(env: Record<string, string> = {}) {
    const agent = join(home, 'claude');
    fs.copyFileSync('/bin/bash', agent);
    fs.chmodSync(agent, 0o755);
    const input = payload('SessionStart');
    const script = `printf '%s' '${input}' | /bin/sh -c '${hookCommand('claude', 'SessionStart', stateEnv()).replaceAll("'", "'\\''")}'; echo $$`;
    const run = spawnSync(agent, ['-c', script], { env: agentEnv(env), encoding: 'utf8' });
    return { pid: Number(run.stdout.trim()), record: readSessionRecord(SESSION, stateEnv())! };
  }

  it('is kept with what tells it from a later process of its number', () => {
    const { pid, record } = runAgent();
    expect(pid).toBeGreaterThan(0);
    expect(record).toMatchObject({ pid, exe: 'claude', uid: process.getuid!() });
    expect(record.start_time).toMatch(/^\d+$/);
    expect(record.pid_ns).toMatch(/^pid:\[\d+\]$/);
    expect(record.boot_id).toMatch(/^[0-9a-f-]{36}$/);
    const text = fs.readFileSync(join(home, '.agent-strace/sessions', `${SESSION}.json`), 'utf8');
    expect(text).not.toContain('printf');
    expect(fs.statSync(join(home, '.agent-strace/sessions', `${SESSION}.json`)).mode & 0o777).toBe(
      0o600,
    );
  });

  it('is not who the environment names, if that is no ancestor', () => {
    const other = spawn('sleep', ['30']);
    try {
      const { pid, record } = runAgent({ CLAUDE_PID: `${other.pid}` });
      expect(record.pid).toBe(pid);
    } finally {
      other.kill();
    }
  });

  it('is found anew when the session is resumed by another process', () => {
    const first = runAgent();
    const second = runAgent();
    expect(second.pid).not.toBe(first.pid);
    expect(second.record.pid).toBe(second.pid);
    expect(second.record.first_seen).toBe(first.record.first_seen);
  });

  it('stays who it is, whatever runs within it and calls itself so', () => {
    const inner = join(home, 'inner', 'claude');
    fs.mkdirSync(join(home, 'inner'));
    fs.copyFileSync('/bin/bash', inner);
    fs.chmodSync(inner, 0o755);
    const hook = `printf '%s' "$PAYLOAD" | /bin/sh -c "$HOOK"; :`;
    const env = agentEnv({
      PAYLOAD: payload('SessionStart'),
      HOOK: hookCommand('claude', 'SessionStart', stateEnv()),
      INNER: hook,
    });
    // As an agent does: by a shell.
    const script = `${hook}\n/bin/sh -c '"${inner}" -c "$INNER"; :'; echo $$`;
    const agent = join(home, 'claude');
    fs.copyFileSync('/bin/bash', agent);
    fs.chmodSync(agent, 0o755);
    const run = spawnSync(agent, ['-c', script], { env, encoding: 'utf8' });
    const record = readSessionRecord(SESSION, stateEnv())!;
    expect(record.pid).toBe(Number(run.stdout.trim()));
    expect(record).toMatchObject({ exe: 'claude', uid: process.getuid!() });
  });

  it('is nobody where there is none', () => {
    expect(findAgentProcess('claude', undefined, 1)).toBeUndefined();
    expect(findAgentProcess('claude', process.pid, process.pid)?.pid).toBe(process.pid);
  });

  it('is read from any name', () => {
    const rest = `S 77 ${Array.from({ length: 17 }, () => 0).join(' ')} 4242 0 0`;
    expect(parseStat(9, `9 (a) b (c) ${rest}`)).toEqual({
      pid: 9,
      ppid: 77,
      startTime: '4242',
      name: 'a) b (c',
    });
    expect(parseStat(9, 'nonsense')).toBeUndefined();
    expect(parsePs(9, '  77 Mon Nov 23  10:00:01 2026     claude\n')).toEqual({
      pid: 9,
      ppid: 77,
      startTime: 'Mon Nov 23 10:00:01 2026',
      name: 'claude',
    });
  });
});

describe('after the agent has stopped', () => {
  it('reads rows that were written late, without keeping the agent', {
    timeout: 30_000,
  }, async () => {
    const projects = join(home, '.claude/projects/-shop');
    fs.mkdirSync(projects, { recursive: true });
    const transcript = join(projects, `${SESSION}.jsonl`);
    const row = (id: string) =>
      `${JSON.stringify({
        type: 'assistant',
        uuid: id,
        sessionId: SESSION,
        timestamp: '2026-11-23T10:00:00.000Z',
        requestId: `req_${id}`,
        message: {
          id,
          model: 'claude-opus-5-5',
          role: 'assistant',
          content: [{ type: 'text', text: `text ${id}` }],
          usage: { input_tokens: 1, output_tokens: 2 },
        },
      })}\n`;
    fs.writeFileSync(transcript, row('msg_1'), { mode: 0o600 });
    const usage = () => trace().filter(({ event_type }) => event_type === 'llm_response').length;
    fire('Stop', { input: payload('Stop', { transcript_path: transcript }) });
    expect(usage()).toBe(1);
    fs.appendFileSync(transcript, row('msg_2'));
    await expect.poll(usage, { timeout: 10_000 }).toBe(2);
    expect(log()).toBe('');
  });

  it('finds what it reads where the agent was told to keep it', { timeout: 30_000 }, async () => {
    const fixture = join(import.meta.dirname, '../../test/fixtures/gemini/main.session.jsonl');
    const rows = fs.readFileSync(fixture, 'utf8').split(/(?<=\n)/);
    const chats = join(home, 'elsewhere/.gemini/tmp/shop/chats');
    const chat = join(chats, 'session-2026-11-23T00-29-6fa6a10e.jsonl');
    fs.mkdirSync(chats, { recursive: true });
    fs.writeFileSync(chat, rows.slice(0, 12).join(''), { mode: 0o600 });
    const session = '6fa6a10e-3dbc-4a7a-b472-b5cc8080e81f';
    const usage = () =>
      trace(join(project, '.agent-traces', session)).filter(
        ({ event_type }) => event_type === 'llm_response',
      ).length;
    fire('AfterAgent', {
      agent: 'gemini',
      input: payload('AfterAgent', { session_id: session, transcript_path: chat }),
      env: { GEMINI_CLI_HOME: join(home, 'elsewhere'), GEMINI_PROJECT_DIR: project },
    });
    const before = usage();
    expect(before).toBeGreaterThan(0);
    fs.appendFileSync(chat, rows.slice(12).join(''));
    await expect.poll(usage, { timeout: 10_000 }).toBeGreaterThan(before);
  });

  it('is over within seconds', { timeout: 30_000 }, async () => {
    const task = {
      agent: 'claude',
      session: SESSION,
      transcript: '/none.jsonl',
      traceDir: folder(),
      ended: true,
    };
    const sweep = spawn(process.execPath, [bundle, '--sweep', JSON.stringify(task)], {
      env: agentEnv(),
      stdio: 'ignore',
    });
    expect(await new Promise((done) => sweep.on('close', done))).toBe(0);
    expect(fs.existsSync(folder())).toBe(false);
  });
});

describe('a huge payload', () => {
  it('is cut down before it is read for secrets, and says so', () => {
    const command = 'token=abc '.repeat(3_000_000);
    const edits = Array.from({ length: 300_000 }, (_, i) => ({ password: `longsecret${i}` }));
    fire('PreToolUse', {
      input: payload('PreToolUse', {
        tool_name: 'Bash',
        tool_use_id: 'toolu_1',
        tool_input: { command, edits },
      }),
    });
    const [event] = trace();
    const args = event?.data.arguments as JsonObject;
    expect(String(args.command)).toMatch(/\[cut: \d+ more characters\]$/);
    expect(JSON.stringify(args.edits)).toContain('[cut: ');
    expect(JSON.stringify(event)).not.toContain('longsecret');
  });
});

describe('names and paths', () => {
  it('are no place for a secret either', () => {
    const secret = ['ghp', 'abcdefghijklmnopqrstuvwxyz0123456789'].join('_');
    fire('PostToolUse', {
      input: payload('PostToolUse', {
        cwd: `${project}/${secret}`,
        tool_name: `x ${secret}`,
        tool_use_id: 'toolu_1',
        model: { api_key: 'hunter2hunter2' },
        tool_response: {
          type: 'text',
          file: {
            filePath: `/tmp/${secret}`,
            content: 'x',
            numLines: 1,
            startLine: 1,
            totalLines: 1,
          },
        },
      }),
    });
    const text = fs.readFileSync(join(folder(), 'events.ndjson'), 'utf8');
    expect(text).not.toContain(secret);
    expect(text).not.toContain('hunter2');
    expect(text).toContain('[REDACTED:github-token]');
  });
});

describe('a command, while another agent works in the same project', () => {
  // A slow machine is no failure.
  const PATIENT = { AGENT_STRACE_LOOK_MS: '2000' };
  /** What Claude Code saw change while its command ran. */
  const saw = (name: string): JsonObject => ({
    filePath: join(project, name),
    hunks: [{ oldStart: 1, oldLines: 1, newStart: 1, newLines: 1, lines: ['-old', '+new'] }],
  });
  const bash = (event: string, command: string, files: JsonObject[]) =>
    payload(event, {
      tool_name: 'Bash',
      tool_use_id: 'toolu_1',
      tool_input: { command },
      ...(event === 'PostToolUse' && {
        tool_response: { stdout: '', stderr: '', bashEditDiff: { files } },
      }),
    });
  /** Another session's tool, its file given as Gemini may: as seen from the project. */
  const other = (event: string, tool: string, input: JsonObject, response?: JsonObject) =>
    fire(event, {
      agent: 'gemini',
      env: PATIENT,
      input: JSON.stringify({
        session_id: 'other',
        hook_event_name: event,
        cwd: project,
        tool_name: tool,
        tool_input: input,
        ...(response !== undefined && { tool_response: response }),
      }),
    });
  const write = (name: string, text: string) => fs.writeFileSync(join(project, name), text);
  const changed = (dir = folder()) =>
    trace(dir)
      .filter(({ event_type }) => event_type === 'tool_result')
      .map(({ data }) => (data.files ?? []) as { path: string }[])
      .map((files) => files.map(({ path }) => path.slice(project.length + 1)));

  beforeEach(() => {
    for (const name of ['mine.txt', 'theirs.txt']) write(name, 'old\n');
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e', ...args], {
        cwd: project,
        env: { PATH: process.env.PATH, HOME: home },
      });
    git('init', '-q');
    git('add', '-A');
    git('commit', '-qm', 'x');
  });
  const patient = (event: string, command: string, files: JsonObject[] = []) =>
    fire(event, { input: bash(event, command, files), env: PATIENT });

  it.each([
    ['edits', 'replace', { file_path: 'theirs.txt', old_string: 'old', new_string: 'new' }],
    [
      'patches',
      'apply_patch',
      { command: '*** Begin Patch\n*** Update File: theirs.txt\n@@\n-old\n+new\n*** End Patch' },
    ],
  ])('has not changed what that one %s', (_, tool, input) => {
    patient('PreToolUse', 'make');
    other('BeforeTool', tool, input);
    write('theirs.txt', 'new\n');
    write('mine.txt', 'new\n');
    patient('PostToolUse', 'make');
    expect(changed()).toEqual([['mine.txt']]);
    patient('PostToolUse', 'make', [saw('mine.txt'), saw('theirs.txt')]);
    expect(changed().at(-1)).toEqual(['mine.txt']);
  });

  it('has not changed what an edit changed that was under way when it began, but what one changed that had ended', () => {
    const input = { file_path: 'theirs.txt', old_string: 'old', new_string: 'new' };
    other('BeforeTool', 'replace', input);
    patient('PreToolUse', 'make');
    write('theirs.txt', 'new\n');
    write('mine.txt', 'new\n');
    patient('PostToolUse', 'make');
    expect(changed()).toEqual([['mine.txt']]);
    other('AfterTool', 'replace', input, { llmContent: 'Done' });
    // It is over: who changes the file now is the command.
    patient('PreToolUse', 'make more');
    write('theirs.txt', 'newer\n');
    patient('PostToolUse', 'make more');
    expect(changed().at(-1)).toEqual(['theirs.txt']);
  });

  it('has not changed what commands of that one changed, but has what it names', () => {
    patient('PreToolUse', 'sed -i s/old/new/ mine.txt');
    const input = { command: 'make' };
    other('BeforeTool', 'run_shell_command', input);
    write('theirs.txt', 'new\n');
    write('mine.txt', 'new\n');
    other('AfterTool', 'run_shell_command', input, { llmContent: 'Output: x' });
    patient('PostToolUse', 'sed -i s/old/new/ mine.txt');
    expect(changed()).toEqual([['mine.txt']]);
    expect(changed(join(project, '.agent-traces/other'))).toEqual([['mine.txt', 'theirs.txt']]);
  });
});
