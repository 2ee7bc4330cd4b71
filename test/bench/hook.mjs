// What a hook costs the agent: the installed command against a bare Node, in turn, in one run.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { median } from './stats.mjs';

/**
 * @param {{ runs?: number, dist: string, launcher: (home: string) => string }} options `launcher` installs
 *   into a state folder and gives the command of the settings
 */
export function benchHook({ runs = 31, dist, install }) {
  const home = mkdtempSync(join(tmpdir(), 'bench-hook-'));
  const project = join(home, 'project');
  mkdirSync(project);
  const empty = join(home, 'empty.js');
  writeFileSync(empty, '');
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    AGENT_STRACE_HOME: join(home, '.agent-strace'),
    CLAUDE_PROJECT_DIR: project,
    CLAUDE_PID: String(process.pid),
  };
  const command = install(env);
  const input = JSON.stringify({
    session_id: 'bench-session',
    transcript_path: join(home, 'none.jsonl'),
    cwd: project,
    hook_event_name: 'PreToolUse',
    prompt_id: 'p1',
    permission_mode: 'default',
    tool_name: 'Bash',
    tool_use_id: 'toolu_1',
    tool_input: { command: 'npm test -- --run src/payments', description: 'Run the tests' },
  });
  const node = process.execPath;
  const subjects = {
    'node -e 0': () => spawnSync(node, ['-e', '0'], { env, input }),
    'node, an empty file': () => spawnSync(node, [empty], { env, input }),
    'node dist/hook.js': () =>
      spawnSync(node, [join(dist, 'hook.js'), '--agent', 'claude', 'PreToolUse'], { env, input }),
    'installed command': () => spawnSync('/bin/sh', ['-c', command], { env, input }),
  };
  const times = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
  try {
    for (let run = -2; run < runs; run++) {
      for (const [name, start] of Object.entries(subjects)) {
        const from = performance.now();
        const { status } = start();
        if (status !== 0) throw new Error(`${name} exited with ${status}`);
        if (run >= 0) times[name].push(performance.now() - from);
      }
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  const base = times['node -e 0'];
  return Object.entries(times).map(([name, list]) => ({
    name,
    ms: median(list),
    // Pair by pair: a slow moment of the machine slows both.
    ratio: median(list.map((ms, i) => ms / base[i])),
  }));
}

/** Rules of many kinds, none of which the calls of the bench trip. */
const manyRules = (metric) =>
  Array.from({ length: 200 }, (_, at) => ({
    name: `rule-${at}`,
    condition: [
      `file_path writes "config/**/secret-${at}.{env,json}"`,
      `command matches "tool-${at} --force *"`,
      `${metric} > ${10_000_000 + at}`,
      `tool matches "Tool${at}"`,
      `file_path reads "~/.keys/${at}/**"`,
      `host matches "*.host-${at}.example"`,
      `loop ${50 + (at % 50)}/100`,
      `errors > ${10_000_000 + at}`,
    ][at % 8],
    action: 'deny',
  }));

/** CPU time of the processes that have ended, ms; in steps of 10 ms. Undefined where the system does not tell. */
function childrenCpu() {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1).split(' ');
    return (Number(fields[13]) + Number(fields[14])) * 10;
  } catch {
    return undefined;
  }
}

/**
 * What a decision costs above recording: the same hooks with 200 rules and without any, in turn, as they are installed, late
 * in a long session.
 *
 * @param {{ runs?: number, root: string, install: (env: Record<string, string>) => string, prepare: (folder: string) => void }} options
 *   `install` as of {@link benchHook}; `prepare` writes a session `bench-session` into `traces`, and what the guard keeps of it
 *   into `state`
 */
export function benchGuard({ runs = 31, root, install, prepare }) {
  const subject = (name, rules) => {
    const home = join(root, name.replaceAll(/\W+/g, '-'));
    const project = join(home, 'project');
    const transcript = join(home, '.claude', 'projects', 'bench', 'bench-session.jsonl');
    for (const folder of [project, dirname(transcript)]) mkdirSync(folder, { recursive: true });
    const env = {
      PATH: process.env.PATH,
      HOME: home,
      AGENT_STRACE_HOME: join(home, 'state'),
      AGENT_TRACE_DIR: join(home, 'traces'),
      CLAUDE_PROJECT_DIR: project,
      CLAUDE_PID: String(process.pid),
    };
    const command = install(env);
    prepare(home);
    if (rules !== undefined) {
      const file = join(home, 'state', 'rules.json');
      writeFileSync(file, JSON.stringify({ rules }), { mode: 0o600 });
    }
    let calls = 0;
    return (tool, input) => {
      calls++;
      const tool_use_id = `toolu_${calls}`;
      const usage = { input_tokens: 9000, cache_read_input_tokens: 8000, output_tokens: 90 };
      const row = {
        type: 'assistant',
        uuid: `row-${calls}`,
        sessionId: 'bench-session',
        timestamp: new Date().toISOString(),
        requestId: `req_bench_${calls}`,
        message: {
          id: `msg_bench_${calls}`,
          role: 'assistant',
          model: 'claude-sonnet-4-5-20250929',
          content: [{ type: 'tool_use', id: tool_use_id, name: tool, input: {} }],
          usage,
        },
      };
      appendFileSync(transcript, `${JSON.stringify(row)}\n`);
      const payload = {
        session_id: 'bench-session',
        transcript_path: transcript,
        cwd: project,
        hook_event_name: 'PreToolUse',
        tool_name: tool,
        tool_use_id,
        tool_input: input(project, calls),
      };
      const cpu = childrenCpu();
      const from = performance.now();
      const run = spawnSync('/bin/sh', ['-c', command], { env, input: JSON.stringify(payload) });
      if (run.status !== 0 || run.stdout.length > 0) throw new Error(`${name}: ${run.stdout}`);
      return { ms: performance.now() - from, cpu: childrenCpu() - cpu };
    };
  };
  const edit = (project, call) => ({
    file_path: join(project, 'src/a.ts'),
    old_string: `a${call}`,
    new_string: 'b',
  });
  const shell = (_, call) => ({
    command: `cd src && FOO=1 npx vitest run --project=unit a${call}.spec.ts 2>&1 | tail -40`,
  });
  const sides = {
    plain: subject('plain'),
    again: subject('again'),
    guarded: subject('guarded', manyRules('tool_calls')),
    cost: subject('cost', manyRules('cost_usd')),
  };
  const found = [];
  for (const [name, tool, input] of [
    ['an edit', 'Edit', edit],
    ['a shell command', 'Bash', shell],
  ]) {
    const times = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
    for (let run = -3; run < runs; run++) {
      for (const [side, start] of Object.entries(sides)) {
        const took = start(tool, input);
        if (run >= 0) times[side].push(took);
      }
    }
    const mean = (list) => list.reduce((sum, { cpu }) => sum + cpu, 0) / list.length;
    for (const side of ['again', 'guarded', 'cost']) {
      found.push({
        name,
        side,
        plain: median(times.plain.map(({ ms }) => ms)),
        guarded: median(times[side].map(({ ms }) => ms)),
        more: median(times[side].map(({ ms }, at) => ms - times.plain[at].ms)),
        moreCpu: mean(times[side]) - mean(times.plain),
      });
    }
  }
  return found;
}

/**
 * What looking for the files that a command changes costs: both hooks of a command in a repository, against
 * the same in a folder without one.
 *
 * @param {{ runs?: number, files?: number, install: (env: Record<string, string>) => Record<string, string> }} options
 *   `install` installs into a state folder and gives the commands of the settings by event
 */
export function benchCommandHooks({ runs = 21, files = 5000, install }) {
  const home = mkdtempSync(join(tmpdir(), 'bench-command-'));
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    AGENT_STRACE_HOME: join(home, '.agent-strace'),
    AGENT_TRACE_DIR: join(home, 'traces'),
    CLAUDE_PID: String(process.pid),
  };
  const commands = install(env);
  const folders = { plain: join(home, 'plain'), repository: join(home, 'repository') };
  for (const folder of Object.values(folders)) {
    for (let i = 0; i < files; i++) {
      const dir = join(folder, `pkg${i % 50}`, `mod${i % 250}`);
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, `file${i}.ts`), `export const v${i} = ${i};\n`.repeat(10));
    }
  }
  const git = (...args) => spawnSync('git', args, { cwd: folders.repository, env });
  git('init', '-q');
  git('add', '-A');
  const hook = (folder, event, call) => {
    const input = JSON.stringify({
      session_id: 'bench-session',
      transcript_path: join(home, 'none.jsonl'),
      cwd: folder,
      hook_event_name: event,
      tool_name: 'Bash',
      tool_use_id: call,
      tool_input: { command: 'npm test', description: 'Run the tests' },
      tool_response: { stdout: '', stderr: '', interrupted: false },
    });
    const from = performance.now();
    const { status } = spawnSync('/bin/sh', ['-c', commands[event]], { env, cwd: folder, input });
    if (status !== 0) throw new Error(`${event} exited with ${status}`);
    return performance.now() - from;
  };
  const times = { plain: [], repository: [] };
  try {
    for (let run = -2; run < runs; run++) {
      for (const [name, folder] of Object.entries(folders)) {
        const ms =
          hook(folder, 'PreToolUse', `toolu_${name}_${run}`) +
          hook(folder, 'PostToolUse', `toolu_${name}_${run}`);
        if (run >= 0) times[name].push(ms);
      }
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  return Object.entries(times).map(([name, list]) => ({
    name:
      name === 'plain' ? 'no repository' : `a repository of ${files.toLocaleString('en')} files`,
    ms: median(list),
    ratio: median(list.map((ms, i) => ms / times.plain[i])),
    more: median(list.map((ms, i) => ms - times.plain[i])),
  }));
}
