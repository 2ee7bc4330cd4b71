// The real Claude Code changes files, recorded as set-up leaves it: the history has each text exactly.
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { importTranscript } from '../../src/agents/claude/discover.ts';
import { applySetup, planSetup } from '../../src/agents/registry.ts';
import { changedFiles } from '../../src/history/changeList.ts';
import type { Content } from '../../src/history/content.ts';
import { FileHistory } from '../../src/history/fileHistory.ts';
import { TraceSession } from '../../src/trace/session.ts';
import { buildHook } from '../hookBundle.ts';
import { ClaudeLab } from './claudeLab.ts';
import { type Scenario, text, tool } from './mockAnthropic.ts';

let built: string;
let bundle: string;
let lab: ClaudeLab | undefined;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
afterEach(async () => {
  await lab?.close();
  lab = undefined;
});

const FILES = {
  'crlf.txt': 'one\r\ntwo\r\nthree\r\n',
  'open.txt': 'alpha\nbeta',
  'src/tabs.ts': '\tif (a) {\n\t\tb & c;\n\t}\n',
  'src/moved.ts': 'export const moved = 1;\n',
  'src/gone.ts': 'export const gone = 1;\n',
  'src/sed.ts': 'const old = "ä ✓";\n',
  'sub.txt': 'from the subagent\n',
  'dirty.txt': 'committed\n',
};

const shown = (content: Content): string =>
  !content.known ? `? ${content.why}` : content.exists ? content.text : '(none)';

async function recorded(scenario: (folder: string) => Scenario) {
  lab = await ClaudeLab.create({
    files: { ...FILES },
    scenario: ({ projectDir }) => scenario(projectDir),
  });
  const { projectDir, home } = lab;
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e', ...args], {
      cwd: projectDir,
      env: { PATH: process.env.PATH, HOME: home },
    });
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'x');
  lab.write('dirty.txt', 'committed\nnot committed\n');
  const env = { AGENT_STRACE_HOME: join(home, '.agent-strace') };
  const plan = planSetup('claude', {
    scope: 'project',
    projectDir,
    agentVersion: '2.1.330 (Claude Code)',
    env: {},
  });
  applySetup(plan, {
    hookBundle: bundle,
    version: '0.0.0',
    nodePath: process.execPath,
    env,
  });
  const run = await lab.run({
    prompt: 'SCENARIO:main please',
    // What is tested is not how busy this machine is.
    env: { AGENT_STRACE_LOOK_MS: '2000' },
  });
  expect(run.code, run.stderr).toBe(0);
  const id = run.transcripts[0]!.name;
  const trace = new TraceSession(join(projectDir, '.agent-traces', id), id);
  while (trace.update());
  const history = new FileHistory(trace, {
    git: true,
    env,
    configDirs: [join(home, '.claude')],
  });
  const listed = changedFiles(trace.fold, trace.fold.session.cwd);
  /** The texts before and after each step that changed a file. */
  const texts = async (name: string): Promise<string[][]> => {
    const course = await history.course(join(projectDir, name));
    return (course?.versions ?? []).map(({ before, after }) => [shown(before), shown(after)]);
  };
  return { lab, listed, texts, trace, history, env, transcript: run.transcripts[0]!.path };
}

const bash = (command: string) => tool('Bash', { command, description: 'x' });

test('each text before and after each step, to the byte', async () => {
  const { listed, texts, env, trace } = await recorded((p) => ({
    main: [
      ...['crlf.txt', 'open.txt', 'src/tabs.ts'].map((file) => [
        tool('Read', { file_path: join(p, file) }),
      ]),
      [tool('Edit', { file_path: `${p}/crlf.txt`, old_string: 'two', new_string: '2\n2' })],
      [tool('Edit', { file_path: `${p}/open.txt`, old_string: 'alpha', new_string: '' })],
      [tool('Edit', { file_path: `${p}/src/tabs.ts`, old_string: 'b & c', new_string: 'b && $&' })],
      [tool('Write', { file_path: `${p}/src/fresh.ts`, content: 'export {};\r\n' })],
      [bash('sed -i s/old/renamed/ src/sed.ts')],
      [bash('git mv src/moved.ts src/there.ts && git rm -q src/gone.ts')],
      [bash('echo more >> dirty.txt; exit 3')],
      [bash('cat src/sed.ts; ls')],
      [
        tool('Agent', {
          description: 'Edit',
          prompt: 'SCENARIO:sub edit it',
          subagent_type: 'general-purpose',
          run_in_background: false,
        }),
      ],
      [text('Done.')],
    ],
    sub: [
      [tool('Read', { file_path: `${p}/sub.txt` })],
      [tool('Edit', { file_path: `${p}/sub.txt`, old_string: 'from', new_string: 'by' })],
      [text('Edited.')],
    ],
  }));

  expect(await texts('crlf.txt')).toEqual([
    ['one\r\ntwo\r\nthree\r\n', 'one\r\n2\r\n2\r\nthree\r\n'],
  ]);
  expect(await texts('open.txt')).toEqual([['alpha\nbeta', lab!.read('open.txt')]]);
  expect(await texts('src/tabs.ts')).toEqual([
    [FILES['src/tabs.ts'], '\tif (a) {\n\t\tb && $&;\n\t}\n'],
  ]);
  expect(await texts('src/fresh.ts')).toEqual([['(none)', 'export {};\r\n']]);
  expect(await texts('src/sed.ts')).toEqual([[FILES['src/sed.ts'], 'const renamed = "ä ✓";\n']]);
  expect(await texts('src/moved.ts')).toEqual([[FILES['src/moved.ts'], '(none)']]);
  expect(await texts('src/there.ts')).toEqual([['(none)', FILES['src/moved.ts']]]);
  expect(await texts('src/gone.ts')).toEqual([[FILES['src/gone.ts'], '(none)']]);
  expect(await texts('dirty.txt')).toEqual([
    ['committed\nnot committed\n', 'committed\nnot committed\nmore\n'],
  ]);
  expect(await texts('sub.txt')).toEqual([[FILES['sub.txt'], 'by the subagent\n']]);
  // What is on disk is what the last step left, for every file.
  for (const { path, name } of listed) {
    const after = (await texts(path.slice(lab!.projectDir.length + 1))).at(-1)![1];
    const disk = (() => {
      try {
        return lab!.read(path.slice(lab!.projectDir.length + 1));
      } catch {
        return '(none)';
      }
    })();
    expect(after, name).toBe(disk);
  }
  expect(listed.map(({ folder, name, status }) => `${status} ${join(folder, name)}`)).toEqual([
    'M crlf.txt',
    'M dirty.txt',
    'M open.txt',
    'M sub.txt',
    'A src/fresh.ts',
    'D src/gone.ts',
    'D src/moved.ts',
    'M src/sed.ts',
    'M src/tabs.ts',
    'A src/there.ts',
  ]);
  expect(listed.find(({ name }) => name === 'sub.txt')?.steps[0]?.subagent).toBe(true);
  expect(trace.fold.files.unknownCommands).toBe(0);
  // What was kept is the user's alone.
  const blobs = join(env.AGENT_STRACE_HOME, 'blobs');
  for (const name of readdirSync(blobs))
    expect(statSync(join(blobs, name)).mode & 0o777).toBe(0o600);
});

test('commands at the same time as an edit do not bear it', async () => {
  const { texts, trace } = await recorded((p) => ({
    main: [
      [tool('Read', { file_path: `${p}/open.txt` })],
      [
        bash('sleep 1.5; echo x >> src/sed.ts'),
        tool('Edit', { file_path: `${p}/open.txt`, old_string: 'alpha', new_string: 'omega' }),
      ],
      [text('Done.')],
    ],
  }));
  expect(await texts('open.txt')).toEqual([['alpha\nbeta', 'omega\nbeta']]);
  expect(await texts('src/sed.ts')).toEqual([[FILES['src/sed.ts'], `${FILES['src/sed.ts']}x\n`]]);
  expect(trace.fold.files.opsOf(join(lab!.projectDir, 'open.txt')).map(({ kind }) => kind)).toEqual(
    ['read', 'write'],
  );
});

test('hooks and import agree on the lines that were read', async () => {
  const { trace, transcript } = await recorded((p) => ({
    main: [
      [tool('Read', { file_path: `${p}/crlf.txt`, offset: 2, limit: 1 })],
      [bash("grep -rn 'gone' src | head -5")],
      [bash('grep -n -A1 alpha open.txt')],
      [bash('grep -rn nothing-like-it src')],
      [text('Done.')],
    ],
  }));
  const path = (name: string) => join(lab!.projectDir, name);
  const ranges = (name: string) => trace.fold.files.opsOf(path(name)).map((op) => op.ranges);
  expect(ranges('crlf.txt')).toEqual([[[2, 2]]]);
  expect(ranges('src/gone.ts')).toEqual([[[1, 1]]]);
  expect(ranges('open.txt')).toEqual([[[1, 2]]]);
  const imported = importTranscript(transcript)
    .events.filter(({ event_type }) => event_type === 'tool_result')
    .flatMap(({ data }) => data.files ?? []);
  expect(imported).toEqual([
    { path: path('crlf.txt'), kind: 'read', total_lines: 4, ranges: [[2, 2]] },
    { path: path('src/gone.ts'), kind: 'read', ranges: [[1, 1]] },
    { path: path('open.txt'), kind: 'read', ranges: [[1, 2]] },
  ]);
});
