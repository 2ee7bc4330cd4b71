import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { pluginText } from '../../src/agents/opencode/plugin.ts';
import { opencodeTranscripts } from '../../src/agents/opencode/store.ts';
import { processState, readSessionRecord } from '../../src/agents/process.ts';
import { act } from '../../src/guard/brake.ts';
import { markPaused, unmarkPaused } from '../../src/guard/pauseMark.ts';
import type { TraceEvent } from '../../src/model/event.ts';
import { SessionFold } from '../../src/model/fold.ts';
import { ids } from '../../src/model/ids.ts';
import { buildHook } from '../hookBundle.ts';
import { type Scenario, text, thinking, tool } from './mockAnthropic.ts';
import { completionUsage } from './mockCompletions.ts';
import { OpencodeLab } from './opencodeLab.ts';

let built: string;
let lab: OpencodeLab;

beforeAll(async () => {
  built = (await buildHook()).folder;
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
afterEach(async () => await lab.close());

type Script = (folders: { projectDir: string }) => Scenario;

/** A lab with the plugin, as set-up leaves it. @param lib the recorder's text; undefined: the real one */
async function recordedLab(script: Script, lib?: string | null): Promise<OpencodeLab> {
  const made = await OpencodeLab.create(script, { 'hello.txt': 'one\ntwo\nthree\n' });
  const folder = join(made.home, '.agent-strace', 'lib');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}');
  if (lib === undefined) cpSync(built, folder, { recursive: true });
  else if (lib !== null) writeFileSync(join(folder, 'opencode.js'), lib);
  const plugins = join(made.home, '.config', 'opencode', 'plugins');
  mkdirSync(plugins, { recursive: true });
  writeFileSync(
    join(plugins, 'agent-strace.js'),
    pluginText('$HOME/.agent-strace/lib/opencode.js'),
  );
  return made;
}

const env = () => ({ AGENT_STRACE_HOME: join(lab.home, '.agent-strace') });
const traceDir = () => join(lab.projectDir, '.agent-traces');

/** The one session that is recorded, as soon as it is. */
const session = (): Promise<string> =>
  vi.waitFor(() => {
    const [id] = lab.traced();
    expect(id).toMatch(/^ses_/);
    return id!;
  }, 30_000);

/** All the events of all sessions that opencode keeps. */
function imported(): TraceEvent[] {
  const events: TraceEvent[] = [];
  for (const transcript of opencodeTranscripts.find({ env: {}, home: lab.home })) {
    for (const file of opencodeTranscripts.filesOf(transcript)) {
      const { sessionId } = transcript;
      const mapper = opencodeTranscripts.mapper({ sessionId, file, live: false });
      for (const row of opencodeTranscripts.rowsOf!(transcript, file)) {
        if (row === undefined) throw new Error('torn row');
        events.push(...mapper.push(row));
      }
      events.push(...mapper.finish());
    }
  }
  return events;
}

const kinds = (events: TraceEvent[]): string[] =>
  events.map(({ event_type, data }) =>
    [event_type, data.event_subtype ?? data.tool_name, data.agent_id && '(subagent)']
      .filter(Boolean)
      .join(' '),
  );

const ofTool = (events: TraceEvent[], type: string, name: string): TraceEvent[] =>
  events.filter(({ event_type, data }) => event_type === type && data.tool_name === name);

test('a session of the real opencode is recorded whole, and an import of it adds nothing', async () => {
  lab = await recordedLab(({ projectDir }) => ({
    main: [
      [
        thinking('I shall read.'),
        text('Reading.'),
        tool('read', { filePath: `${projectDir}/hello.txt`, offset: 2, limit: 1 }),
      ],
      [
        tool('edit', {
          filePath: `${projectDir}/hello.txt`,
          oldString: 'two\n',
          newString: '2\n2b\n',
        }),
      ],
      [tool('bash', { command: 'echo hi', description: 'greet' })],
      [tool('bash', { command: 'echo no >&2; exit 3', description: 'fail' })],
      [tool('bash', { command: 'forbidden thing', description: 'not allowed' })],
      [tool('task', { description: 'count', prompt: 'SCENARIO:sub', subagent_type: 'general' })],
      [text('All done.')],
    ],
    sub: [
      [tool('write', { filePath: `${projectDir}/new.txt`, content: 'a\nb\n' })],
      [text('Two lines.')],
    ],
  }));
  const result = await lab.run('SCENARIO:main');
  expect(result.code).toBe(0);
  expect(lab.read('hello.txt')).toBe('one\n2\n2b\nthree\n');
  const [id, ...others] = lab.traced();
  expect(others).toEqual([]);
  const events = lab.trace(id!);
  expect(kinds(events)).toEqual([
    'session_start',
    'user_prompt',
    'assistant_response reasoning',
    'tool_call read',
    'assistant_response',
    'tool_result read',
    'llm_response usage',
    'tool_call edit',
    'tool_result edit',
    'llm_response usage',
    'tool_call bash',
    'tool_result bash',
    'llm_response usage',
    'tool_call bash',
    'tool_result bash',
    'llm_response usage',
    'tool_call bash',
    'error denied',
    'llm_response usage',
    'tool_call task',
    'tool_call subagent (subagent)',
    'tool_call write (subagent)',
    'tool_result write (subagent)',
    'llm_response usage (subagent)',
    'assistant_response (subagent)',
    'llm_response usage (subagent)',
    'tool_result subagent (subagent)',
    'tool_result task',
    'llm_response usage',
    'assistant_response',
    'llm_response usage',
    'decision turn_end',
    'session_end',
  ]);
  expect(events[1]?.data.prompt).toBe('SCENARIO:main');
  expect(ofTool(events, 'tool_result', 'bash').map(({ data }) => data.exit_code)).toEqual([0, 3]);
  expect(ofTool(events, 'error', 'bash')[0]?.data).toMatchObject({ denied_by: 'permission' });
  expect(ofTool(events, 'tool_result', 'read')[0]?.data.files).toEqual([
    { path: join(lab.projectDir, 'hello.txt'), kind: 'read', total_lines: 3, ranges: [[2, 2]] },
  ]);
  expect(ofTool(events, 'tool_result', 'edit')[0]?.data.files).toEqual([
    {
      path: join(lab.projectDir, 'hello.txt'),
      kind: 'write',
      hunks: [[2, 1, 2, 2]],
      added: 2,
      removed: 1,
      ranges: [[2, 3]],
    },
  ]);
  expect(ofTool(events, 'tool_result', 'write')[0]?.data.files).toEqual([
    {
      path: join(lab.projectDir, 'new.txt'),
      kind: 'create',
      added: 2,
      removed: 0,
      total_lines: 2,
    },
  ]);
  // Each call of the model's had the id `call_0`.
  const [task] = ofTool(events, 'tool_call', 'task');
  const subagent = events.find(({ data }) => data.event_subtype === 'subagent');
  expect(subagent?.parent_id).toBe(task?.event_id);
  expect(subagent?.data).toMatchObject({ agent_type: 'general', description: 'count' });
  for (const { event_type, data, parent_id } of events) {
    if (event_type !== 'tool_result' || data.event_subtype !== undefined) continue;
    expect(parent_id).toBe(ids.call(id!, String(data.tool_use_id)));
  }

  const fold = new SessionFold();
  for (const event of events) fold.add(event);
  const main = [0, 1, 2, 3, 4, 5, 6].map(completionUsage);
  const all = [...main, ...[0, 1].map(completionUsage)];
  const sum = (pick: (usage: ReturnType<typeof completionUsage>) => number): number =>
    all.reduce((total, usage) => total + pick(usage), 0);
  expect(fold.cost.total.usage).toMatchObject({
    input_tokens: sum(({ prompt_tokens }) => prompt_tokens),
    cache_read_input_tokens: sum(({ cached_tokens }) => cached_tokens),
    output_tokens: sum(({ completion_tokens }) => completion_tokens),
    reasoning_output_tokens: sum(({ reasoning_tokens }) => reasoning_tokens),
  });
  // No price list knows the model: opencode's own figure stands, by the prices in its settings.
  expect(fold.cost.reported).toBe(9);
  expect(fold.cost.total.nanoUsd).toBe(
    sum(({ prompt_tokens, cached_tokens, completion_tokens }) =>
      Math.round(
        (prompt_tokens - cached_tokens) * 3000 + cached_tokens * 300 + completion_tokens * 15_000,
      ),
    ),
  );

  const record = readSessionRecord(id!, env());
  expect(record).toMatchObject({ agent: 'opencode', trace_dir: traceDir() });
  expect(processState(record)).toBe('gone');
  expect(JSON.parse(lab.read(`.agent-traces/${id}/meta.json`))).toMatchObject({
    agent_name: 'opencode',
    command: 'opencode (startup)',
    ended_at: expect.any(Number),
  });

  const again = imported();
  const told = new Set(events.map(({ event_id }) => event_id));
  expect(kinds(again.filter(({ event_id }) => !told.has(event_id)))).toEqual([
    'session_start',
    'session_end',
  ]);
  const own = new Set(again.map(({ event_id }) => event_id));
  expect(kinds(events.filter(({ event_id }) => !own.has(event_id)))).toEqual([
    'session_start',
    'session_end',
  ]);

  // It goes on, in another process.
  lab.mock.scenario = { more: [[text('More.')]] };
  await lab.run('SCENARIO:more', ['--continue']);
  const added = lab.trace(id!).slice(events.length);
  expect(kinds(added)).toEqual([
    'session_start resume',
    'user_prompt',
    'assistant_response',
    'llm_response usage',
    'decision turn_end',
    'session_end',
  ]);
  // A fork brings all of that along, and is not billed for it.
  await lab.run('SCENARIO:more', ['--continue', '--fork']);
  const fork = lab.traced().find((name) => name !== id);
  expect(kinds(lab.trace(fork!))).toEqual(['session_start fork', ...kinds(added).slice(1)]);
  const copies = imported().filter(
    ({ session_id, data }) => session_id === fork && data.copied_from !== undefined,
  );
  expect(copies.filter(({ event_type }) => event_type === 'llm_response')).toHaveLength(8);
  expect(new Set(copies.map(({ data }) => data.copied_from))).toEqual(new Set([id]));
});

test('a pause freezes it, a cooperative one holds its next tool', async () => {
  const command = 'for i in $(seq 60); do printf x >> ticks; sleep 0.05; done';
  lab = await recordedLab(() => ({
    main: [
      [tool('bash', { command, description: 'work' })],
      [tool('bash', { command: 'touch second', description: 'touch' })],
      [text('All done.')],
    ],
  }));
  const run = lab.start('SCENARIO:main');
  const id = await session();
  const ticks = (): number => lab.read('ticks').length;
  await vi.waitFor(() => expect(ticks()).toBeGreaterThan(3), 30_000);
  const record = readSessionRecord(id, env());
  expect(record?.pid).toBe(run.pid);
  expect(processState(record)).toBe('alive');

  const paused = await act('pause', traceDir(), id, { graceMs: 5000, env: env() });
  expect(paused).toMatchObject({ ok: true, state: 'paused' });
  expect(processState(record)).toBe('stopped');
  const before = ticks();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(ticks()).toBe(before);
  markPaused(id, env());
  expect(await act('resume', traceDir(), id, { graceMs: 5000, env: env() })).toMatchObject({
    ok: true,
  });
  markPaused(id, env());
  const calls = (): number => ofTool(lab.trace(id), 'tool_call', 'bash').length;
  await vi.waitFor(() => expect(calls()).toBe(2), 30_000);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(() => lab.read('second')).toThrow();
  unmarkPaused(id, env());
  expect((await run.done).code).toBe(0);
  expect(lab.read('second')).toBe('');
  expect(ticks()).toBe(60);
});

const simple: Script = () => ({
  main: [[tool('bash', { command: 'touch done', description: 'touch' })], [text('All done.')]],
});

test.each([
  ['is not there', null],
  ['cannot be loaded', 'throw new Error("broken");'],
  [
    'throws at every hook',
    `const fail = () => { throw new Error('broken'); };
exports.hooks = () => ({ event: fail, 'chat.message': fail, 'tool.execute.before': fail, 'tool.execute.after': fail, dispose: fail });`,
  ],
])('opencode works as ever where the recorder %s', async (_, lib) => {
  lab = await recordedLab(simple, lib);
  const result = await lab.run('SCENARIO:main');
  expect(result.code).toBe(0);
  expect(result.stderr).toBe('');
  expect(result.stdout).toContain('All done.');
  expect(lab.read('done')).toBe('');
  expect(lab.traced()).toEqual([]);
});

test('what a person or another plugin refuses is closed', async () => {
  lab = await recordedLab(() => ({
    main: [
      [tool('bash', { command: 'echo secret', description: 'refused' })],
      [tool('read', { filePath: '/etc/hostname' })],
    ],
  }));
  lab.write(
    '.opencode/plugins/deny.js',
    `export const Deny = async () => ({ 'tool.execute.before': async () => { throw new Error('not today'); } });`,
  );
  await lab.run('SCENARIO:main');
  const events = lab.trace(await session());
  expect(ofTool(events, 'error', 'bash').map(({ data }) => data.error)).toEqual(['not today']);
  expect(ofTool(events, 'tool_call', 'bash')).toHaveLength(1);
  expect(ofTool(events, 'error', 'read')).toHaveLength(1);
});

test('an answer that fails is an error of the API', async () => {
  lab = await recordedLab(() => ({
    main: [{ blocks: [], error: { status: 400, message: 'no such model' } }],
  }));
  await lab.run('SCENARIO:main');
  const events = lab.trace(await session());
  const errors = events.filter(({ event_type }) => event_type === 'error');
  expect(errors.map(({ data }) => [data.event_subtype, data.error])).toEqual([
    ['api', expect.stringContaining('no such model')],
  ]);
  // `opencode run` may end before it says that the session is idle.
  expect(
    kinds(events)
      .filter((kind) => kind !== 'decision turn_end')
      .slice(-2),
  ).toEqual(['error api', 'session_end']);
});
