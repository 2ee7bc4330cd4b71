// What a hook costs the agent: the installed command against a bare Node, in turn, in one run.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
const manyRules = Array.from({ length: 200 }, (_, at) => ({
  name: `rule-${at}`,
  condition: [
    `file_path matches "**/secret-${at}/**"`,
    `command matches "forbidden-${at} --force"`,
    `tool_calls > ${100_000 + at}`,
    `tool matches "Tool${at}"`,
  ][at % 4],
  action: 'deny',
}));

/**
 * What a decision costs above recording: the same hooks with 200 rules and without any, in turn.
 *
 * @param {{ runs?: number, install: (env: Record<string, string>) => string }} options as of {@link benchHook}
 */
export function benchGuard({ runs = 31, install }) {
  const root = mkdtempSync(join(tmpdir(), 'bench-guard-'));
  const subject = (name, tool, input, rules) => {
    const home = join(root, name.replaceAll(/\W+/g, '-'));
    const project = join(home, 'project');
    mkdirSync(project, { recursive: true });
    const env = {
      PATH: process.env.PATH,
      HOME: home,
      AGENT_STRACE_HOME: join(home, '.agent-strace'),
      CLAUDE_PROJECT_DIR: project,
      CLAUDE_PID: String(process.pid),
    };
    const command = install(env);
    if (rules !== undefined) {
      const file = join(home, '.agent-strace', 'rules.json');
      writeFileSync(file, JSON.stringify({ rules }), { mode: 0o600 });
    }
    let calls = 0;
    return () => {
      const payload = {
        session_id: 'bench-session',
        cwd: project,
        hook_event_name: 'PreToolUse',
        tool_name: tool,
        tool_use_id: `toolu_${calls++}`,
        tool_input: input(project),
      };
      const run = spawnSync('/bin/sh', ['-c', command], { env, input: JSON.stringify(payload) });
      if (run.status !== 0 || run.stdout.length > 0) throw new Error(`${name}: ${run.stdout}`);
    };
  };
  const read = (project) => ({ file_path: join(project, 'src/a.ts') });
  const shell = () => ({ command: 'cd src && npm test -- --run payments | tee out.log' });
  const pairs = {
    read: [subject('read', 'Read', read), subject('read guarded', 'Read', read, manyRules)],
    shell: [subject('shell', 'Bash', shell), subject('shell guarded', 'Bash', shell, manyRules)],
  };
  const found = [];
  try {
    for (const [name, [plain, guarded]] of Object.entries(pairs)) {
      const times = { plain: [], guarded: [] };
      for (let run = -3; run < runs; run++) {
        for (const [kind, start] of Object.entries({ plain, guarded })) {
          const from = performance.now();
          start();
          if (run >= 0) times[kind].push(performance.now() - from);
        }
      }
      found.push({
        name,
        plain: median(times.plain),
        guarded: median(times.guarded),
        more: median(times.guarded.map((ms, at) => ms - times.plain[at])),
      });
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
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
