/** The built command line as its users run it: dist/cli.js in a process of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventLine, seed, temporaryFolder } from './memoryIo.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');
const TRANSCRIPTS = join(import.meta.dirname, '..', 'fixtures', 'claude', 'transcripts');

const environment = (home: string, more: Record<string, string> = {}) => ({
  PATH: process.env.PATH ?? '',
  HOME: home,
  TZ: 'UTC',
  AGENT_STRACE_HOME: join(home, '.agent-strace'),
  ...more,
});

function run(
  args: string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
) {
  const home = temporaryFolder();
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    cwd: options.cwd ?? home,
    env: environment(home, options.env),
    input: options.input ?? '',
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { code: status, out: stdout, err: stderr };
}

interface Running {
  child: ChildProcess;
  text(): string;
  /** Waits until the output holds it. */
  shows(text: string): Promise<void>;
  exit: Promise<number | null>;
}

function start(args: string[]): Running {
  const home = temporaryFolder();
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: home,
    env: environment(home),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    text += chunk;
  });
  const exit = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  return {
    child,
    text: () => text,
    exit,
    shows: async (wanted) => {
      const until = Date.now() + 10_000;
      while (!text.includes(wanted)) {
        if (Date.now() > until) throw new Error(`never showed ${wanted}:\n${text}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

describe('exit codes and streams', () => {
  it('tells its version', () => {
    const { version } = JSON.parse(
      readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'),
    ) as { version: string };
    expect(run(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  it.each([
    [['list', '--trace-dir', seed('v080')], 0],
    [['--trace-dir', seed('v080'), 'cost'], 0],
    [['list'], 1],
    [['stats', 'nothing-like-it', '--trace-dir', seed('v080')], 1],
    [['lst'], 2],
    [[], 2],
  ])('%j ends with %i', (args, code) => {
    expect(run(args as string[]).code).toBe(code);
  });

  it('writes no colours into a pipe', () => {
    const { out } = run(['replay', '--trace-dir', seed('v080')]);
    expect(out.length).toBeGreaterThan(200);
    expect(out).not.toContain('\u001b');
  });

  it.runIf(existsSync('/dev/full'))('says so when its output cannot be written', () => {
    const home = temporaryFolder();
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', `"$NODE" "$PROGRAM" inspect hooksbugfix00001 --trace-dir "$DIR" >/dev/full`],
      {
        env: environment(home, { NODE: process.execPath, PROGRAM, DIR: seed('v080') }),
        encoding: 'utf8',
        timeout: 30_000,
      },
    );
    expect(stderr).toBe('agent-strace cannot write the output: the disk is full (ENOSPC)\n');
    expect(status).toBe(70);
  });

  it('is quiet when its reader has seen enough', () => {
    const traceDir = temporaryFolder();
    mkdirSync(join(traceDir, 'long'));
    let text = '';
    for (let n = 1; n <= 20_000; n++) {
      text += eventLine('long', 'assistant_response', 1_790_000_000 + n, n, {
        text: 'x'.repeat(100),
      });
    }
    writeFileSync(join(traceDir, 'long', 'events.ndjson'), text);
    for (const command of ['replay', 'replay --json', 'inspect']) {
      const home = temporaryFolder();
      const { stdout, stderr } = spawnSync(
        'bash',
        [
          '-c',
          `"$NODE" "$PROGRAM" ${command} --trace-dir "$DIR" | head -n 3; echo "code \${PIPESTATUS[0]}"`,
        ],
        {
          env: environment(home, { NODE: process.execPath, PROGRAM, DIR: traceDir }),
          encoding: 'utf8',
          timeout: 30_000,
        },
      );
      expect(stderr, command).toBe('');
      expect(stdout, command).toMatch(/code 0\n$/);
      expect(stdout.split('\n').length, command).toBe(5);
    }
  });
});

describe('replay --live', () => {
  const begin = Math.floor(Date.now() / 1000) - 5;

  function live(traceDir: string, ...more: string[]) {
    mkdirSync(join(traceDir, 'now'));
    const path = join(traceDir, 'now', 'events.ndjson');
    const add = (type: string, at: number, n: number, data: object, rest: object = {}) =>
      appendFileSync(path, eventLine('now', type, begin + at, n, { ...data }, { ...rest }));
    add('user_prompt', 0, 1, { prompt: 'Build it' });
    return { path, add, running: start(['replay', '--live', '--trace-dir', traceDir, ...more]) };
  }

  it('follows what is appended, half lines included, until the session ends', async () => {
    const { path, add, running } = live(temporaryFolder());
    await running.shows('Build it');
    add('tool_call', 1, 2, { tool_name: 'Bash', arguments: { command: 'make all' } });
    await running.shows('$ make all  …');
    add(
      'tool_result',
      3,
      3,
      { tool_name: 'Bash', exit_code: 2, is_error: true, result: 'no rule' },
      {
        parent_id: '000000000002',
        duration_ms: 2000,
      },
    );
    await running.shows('exit 2 ✗  2s');
    await running.shows('└ no rule');
    const line = eventLine('now', 'assistant_response', begin + 4, 4, { text: 'It has no rule.' });
    appendFileSync(path, line.slice(0, 40));
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(running.text()).not.toContain('It has');
    appendFileSync(path, line.slice(40));
    await running.shows('It has no rule.');
    add('session_end', 5, 5, { reason: 'exit' });
    await running.shows('Session ended');
    expect(await running.exit).toBe(0);
    expect(running.text().match(/It has no rule/g)?.length).toBe(1);
    expect(running.text()).toMatch(/ended · 5s · 1 call · 1 error/);
  });

  it('prints events as they come with --json', async () => {
    const { add, running } = live(temporaryFolder(), '--json');
    await running.shows('Build it');
    add('tool_call', 1, 2, { tool_name: 'Read', arguments: { file_path: '/a' } });
    await running.shows('"file_path":"/a"');
    add('session_end', 2, 3, {});
    expect(await running.exit).toBe(0);
    const events = running
      .text()
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text).event_type);
    expect(events).toEqual(['user_prompt', 'tool_call', 'session_end']);
  });

  it('ends with 130 at Ctrl-C, and says where it stands', async () => {
    const { running } = live(temporaryFolder());
    await running.shows('Build it');
    await new Promise((resolve) => setTimeout(resolve, 300));
    running.child.kill('SIGINT');
    expect(await running.exit).toBe(130);
    expect(running.text()).toContain('0 calls');
  });

  it('waits for the first session', async () => {
    const traceDir = temporaryFolder();
    const running = start(['replay', '--live', '--trace-dir', traceDir]);
    await running.shows('Waiting');
    mkdirSync(join(traceDir, 'late'));
    writeFileSync(
      join(traceDir, 'late', 'events.ndjson'),
      eventLine('late', 'user_prompt', begin, 1, { prompt: 'Here I am' }) +
        eventLine('late', 'session_end', begin + 1, 2, {}),
    );
    await running.shows('Here I am');
    expect(await running.exit).toBe(0);
  });
});

describe('import', () => {
  const claudeDir = (): string => {
    const dir = temporaryFolder();
    cpSync(TRANSCRIPTS, join(dir, 'projects'), { recursive: true });
    return dir;
  };

  it('prices past sessions without touching anything', () => {
    const cwd = temporaryFolder();
    const env = { CLAUDE_CONFIG_DIR: claudeDir() };
    const { code, out } = run(['import', '--discover', '--json'], { cwd, env });
    expect(code).toBe(0);
    const sessions = JSON.parse(out) as Record<string, unknown>[];
    expect(sessions.length).toBeGreaterThan(0);
    for (const session of sessions) {
      expect(Object.keys(session)).toEqual(
        expect.arrayContaining([
          'path',
          'session_id',
          'project',
          'started_at',
          'models',
          'tokens',
          'cost_usd',
          'unpriced',
        ]),
      );
    }
    expect(existsSync(join(cwd, '.agent-traces'))).toBe(false);
    const table = run(['import', '--discover'], { cwd, env });
    expect(table.out).toContain(`${sessions.length} session`);
  });

  it('imports all of them, and nothing twice', () => {
    const traceDir = join(temporaryFolder(), 'traces');
    const all = ['import', '--discover', '--all', '--json', '--claude-dir', claudeDir()];
    const added = () =>
      (
        JSON.parse(run([...all, '--trace-dir', traceDir]).out) as { path: string; added: number }[]
      ).map((one) => ({ ...one, text: readFileSync(join(one.path, 'events.ndjson'), 'utf8') }));
    const first = added();
    expect(first.length).toBe(readdirSync(TRANSCRIPTS).length);
    expect(first.every((one) => one.added > 0)).toBe(true);
    const second = added();
    expect(second.map((one) => one.added)).toEqual(first.map(() => 0));
    expect(second.map((one) => one.text)).toEqual(first.map((one) => one.text));
  });

  it.each(readdirSync(TRANSCRIPTS))('%s costs as a trace what discovery says', (name) => {
    // One at a time: the scripted model gave its messages the same ids in every session, and discovery
    // counts a message once.
    const dir = temporaryFolder();
    cpSync(join(TRANSCRIPTS, name), join(dir, 'projects', name), { recursive: true });
    const traceDir = join(temporaryFolder(), 'traces');
    const [found] = JSON.parse(run(['import', '--discover', '--json', '--claude-dir', dir]).out);
    expect(run(['import', found.path, '--trace-dir', traceDir]).code).toBe(0);
    const cost = JSON.parse(run(['cost', '--json', '--trace-dir', traceDir]).out);
    expect(cost.cost_usd).toBe(found.cost_usd);
    expect(cost.tokens).toEqual(found.tokens);
    expect(cost.session_id).toBe(found.session_id);
  });

  it('refuses what is no transcript', () => {
    const file = join(temporaryFolder(), 'x.jsonl');
    writeFileSync(file, 'hello\n');
    const { code, err } = run(['import', file]);
    expect(code).toBe(2);
    expect(err).not.toContain('fault');
  });
});

describe('setup and hook', () => {
  const repo = (): string => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, '.git'));
    return dir;
  };

  it('changes nothing unasked, then sets up, then removes itself', () => {
    const cwd = repo();
    const home = temporaryFolder();
    const env = {
      HOME: home,
      AGENT_STRACE_HOME: join(home, '.agent-strace'),
      PATH: '/usr/bin:/bin',
    };
    const settings = join(cwd, '.claude', 'settings.local.json');
    const unasked = run(['setup'], { cwd, env });
    expect(unasked.code).toBe(2);
    expect(unasked.out).toContain('+++ ');
    expect(unasked.err).toContain('--yes');
    expect(existsSync(settings)).toBe(false);
    expect(existsSync(join(home, '.agent-strace', 'bin'))).toBe(false);
    const done = run(['setup', '--cli', 'claude', '--yes'], { cwd, env });
    expect(done.code).toBe(0);
    expect(done.out).toContain('replay --live');
    expect(JSON.parse(readFileSync(settings, 'utf8')).hooks.PreToolUse.length).toBe(1);
    expect(existsSync(join(cwd, '.agent-traces', '.gitignore'))).toBe(true);
    expect(run(['setup', '--yes'], { cwd, env }).out).toContain('already');
    expect(run(['list'], { cwd, env }).err).toContain('No session');
    expect(run(['setup', '--remove', '--yes'], { cwd, env }).code).toBe(0);
    expect(existsSync(settings)).toBe(false);
  });

  it('sets up several agents at once, and takes all of them out again', () => {
    const cwd = repo();
    const home = temporaryFolder();
    const state = join(home, '.agent-strace');
    const env = { HOME: home, AGENT_STRACE_HOME: state, PATH: '/usr/bin:/bin' };
    const gemini = join(home, '.gemini', 'settings.json');
    mkdirSync(join(home, '.gemini'));
    writeFileSync(gemini, '{\n  // mine\n}\n');
    const agents = ['--cli', 'claude,codex,gemini,copilot,opencode'];
    const done = run(['setup', ...agents, '--yes'], { cwd, env });
    expect(done.code).toBe(0);
    expect(done.out).toContain('/hooks');
    expect(readFileSync(gemini, 'utf8')).toContain('// mine');
    // What was written runs, says nothing and ends well.
    const { hooks } = JSON.parse(readFileSync(join(home, '.codex', 'hooks.json'), 'utf8'));
    const { command } = hooks.PreToolUse[0].hooks[0];
    const options = { cwd, env: { ...env, NODE_OPTIONS: '--no-such-option' }, input: '{}' };
    const hook = spawnSync('/bin/sh', ['-c', command], { ...options, encoding: 'utf8' });
    expect({ code: hook.status, out: hook.stdout, err: hook.stderr }).toEqual({
      code: 0,
      out: '',
      err: '',
    });
    const listed = run(['setup', '--list'], { cwd, env }).out;
    expect(
      listed.match(/agent-strace\.js(on)?|hooks\.json|settings\.(local\.)?json/g),
    ).toHaveLength(6);
    const removed = run(['setup', '--cli', 'all', '--remove', '--yes'], { cwd, env });
    expect(removed.code).toBe(0);
    expect(readdirSync(home).sort()).toEqual(['.agent-strace', '.gemini']);
    expect(readFileSync(gemini, 'utf8')).toBe('{\n  // mine\n}\n');
  });

  it('refuses settings that it cannot read', () => {
    const cwd = repo();
    mkdirSync(join(cwd, '.claude'));
    const settings = join(cwd, '.claude', 'settings.local.json');
    writeFileSync(settings, '{ broken');
    const { code, err } = run(['setup', '--yes'], { cwd });
    expect(code).toBe(2);
    expect(err).toContain('not valid JSON');
    expect(readFileSync(settings, 'utf8')).toBe('{ broken');
  });

  it('records a hook by the same program that agents run', () => {
    const cwd = repo();
    const payload = JSON.stringify({
      session_id: 'by-hand-1',
      hook_event_name: 'UserPromptSubmit',
      prompt: 'Hello by hand',
      cwd,
    });
    const args = [
      '--trace-dir',
      join(cwd, '.agent-traces'),
      'hook',
      '--agent',
      'claude',
      'UserPromptSubmit',
    ];
    expect(run(args, { cwd, input: payload })).toEqual({ code: 0, out: '', err: '' });
    expect(run(['list'], { cwd }).out).toContain('Hello by hand');
  });
});
