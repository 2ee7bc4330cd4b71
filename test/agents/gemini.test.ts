import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { geminiTranscripts } from '../../src/agents/gemini/chats.ts';
import { launcherPath } from '../../src/agents/launcher.ts';
import { readSessionRecord } from '../../src/agents/process.ts';
import { createPricer } from '../../src/analysis/price.ts';
import { act } from '../../src/guard/brake.ts';
import { readTable } from '../../src/guard/processTable.ts';
import type { TraceEvent } from '../../src/model/event.ts';
import { SessionFold } from '../../src/model/fold.ts';
import { buildHook } from '../hookBundle.ts';
import { GeminiLab } from './geminiLab.ts';
import { call, type GeminiScenario, say, think } from './mockGemini.ts';

let built: string;
let bundle: string;
let lab: GeminiLab;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
afterEach(async () => await lab.close());

const ofHook = (events: readonly TraceEvent[]): string[] =>
  events
    .filter(({ data }) => data.recorded_by === 'hook')
    .map(({ event_type, data }) =>
      [event_type, data.event_subtype ?? data.tool_name].join(' ').trim(),
    );

/** The last rows of the chat are read by a process that outlives the agent. */
async function responsesTold(count: number): Promise<TraceEvent[]> {
  return await vi.waitFor(() => {
    const events = lab.trace();
    const told = new Set(
      events.filter((e) => e.event_type === 'llm_response').map((e) => e.event_id),
    );
    expect(told.size).toBe(count);
    return events;
  }, 10_000);
}

async function countsOf(events: readonly TraceEvent[]): Promise<object> {
  const fold = new SessionFold({ pricer: await createPricer() });
  for (const event of events) fold.add(event);
  const { calls, edits, errors, denied, prompts } = fold.counts;
  return { calls, edits, errors, denied, prompts, nanoUsd: fold.cost.total.nanoUsd };
}

/** All events of all chats, as an import tells them. */
function imported(): TraceEvent[] {
  const events: TraceEvent[] = [];
  for (const transcript of geminiTranscripts.find({ env: {}, home: lab.home })) {
    for (const file of geminiTranscripts.filesOf(transcript)) {
      const { sessionId } = transcript;
      const mapper = geminiTranscripts.mapper({ sessionId, file, live: false });
      for (const row of geminiTranscripts.rowsOf!(transcript, file)) {
        if (row !== undefined) events.push(...mapper.push(row));
      }
      events.push(...mapper.finish());
    }
  }
  return events;
}

const scenario = ({ projectDir }: { projectDir: string }): GeminiScenario => ({
  main: [
    [think('**Look** at the file'), say('Reading.'), call('read_file', { file_path: 'hello.txt' })],
    [
      call('replace', {
        file_path: `${projectDir}/hello.txt`,
        instruction: 'x',
        old_string: 'two',
        new_string: 'zwei\nzwei und ein halb',
      }),
    ],
    [
      call('run_shell_command', { command: 'sleep 0.3; echo same', description: 'p' }),
      call('run_shell_command', { command: 'sleep 0.3; echo same', description: 'p' }),
      call('run_shell_command', { command: 'sleep 0.1; echo other', description: 'p' }),
    ],
    [call('run_shell_command', { command: 'echo boom >&2; exit 3', description: 'fail' })],
    [call('grep_search', { pattern: 'zwei', include_pattern: '*.txt' })],
    [call('read_file', { file_path: 'nowhere.txt' })],
    [call('write_file', { file_path: `${projectDir}/new.txt`, content: 'brand\nnew\n' })],
    [say('All done.')],
  ],
});

test('a session of the real Gemini CLI is recorded whole, and priced', async () => {
  lab = await GeminiLab.create({
    scenario,
    hookBundle: bundle,
    files: { 'hello.txt': 'one\ntwo\nthree\n' },
  });
  const run = await lab.run('SCENARIO:main please');
  expect(run.code, run.stderr).toBe(0);
  expect(lab.read('hello.txt')).toBe('one\nzwei\nzwei und ein halb\nthree\n');
  const events = await responsesTold(8);

  const hooks = ofHook(events);
  expect(hooks.slice(0, 8)).toEqual([
    'session_start',
    'user_prompt',
    'tool_call read_file',
    'tool_result read_file',
    'tool_call replace',
    'tool_result replace',
    'tool_call run_shell_command',
    'tool_call run_shell_command',
  ]);
  expect(hooks.slice(-8)).toEqual([
    'tool_call grep_search',
    'tool_result grep_search',
    'tool_call read_file',
    'error read_file',
    'tool_call write_file',
    'tool_result write_file',
    'decision turn_end',
    'session_end',
  ]);
  const results = events.filter(
    (e) => e.data.recorded_by === 'hook' && e.event_type !== 'tool_call',
  );
  const byTool = (name: string) => results.filter(({ data }) => data.tool_name === name);
  expect(byTool('run_shell_command').map(({ data }) => data.exit_code)).toEqual([0, 0, 0, 3]);
  expect(byTool('replace')[0]!.data.files).toEqual([
    {
      path: `${lab.projectDir}/hello.txt`,
      kind: 'write',
      hunks: [[2, 1, 2, 2]],
      added: 2,
      removed: 1,
      ranges: [[2, 3]],
    },
  ]);
  expect(byTool('grep_search')[0]!.data.files).toMatchObject([
    { path: `${lab.projectDir}/hello.txt`, kind: 'read' },
  ]);
  expect(byTool('write_file')[0]!.data.files).toMatchObject([
    { path: `${lab.projectDir}/new.txt`, kind: 'create', added: 2, removed: 0 },
  ]);

  // Each call of the chat is one of the hooks'.
  const keysOf = (source: string, type: string) =>
    events
      .filter((e) => e.data.recorded_by === source && e.event_type === type)
      .map(({ data }) => data.call_key);
  const inChat = [...new Map(events.map((e) => [e.event_id, e])).values()]
    .filter((e) => e.data.recorded_by === 'transcript' && e.event_type === 'tool_call')
    .map(({ data }) => data.call_key);
  expect(inChat.sort()).toEqual(keysOf('hook', 'tool_call').sort());

  const said = events.filter(({ event_type }) => event_type === 'assistant_response');
  expect(new Set(said.map(({ data }) => data.text))).toEqual(
    new Set(['**Look**\nat the file', 'Reading.', 'All done.']),
  );
  const usage = new Map(
    events.filter((e) => e.event_type === 'llm_response').map((e) => [e.event_id, e.data.usage]),
  );
  const sum = (key: string) =>
    [...usage.values()].reduce((all: number, u) => all + (u as Record<string, number>)[key]!, 0);
  const sent = (pick: (u: (typeof lab.mock.answers)[number]) => number) =>
    lab.mock.answers.reduce((all, answer) => all + pick(answer), 0);
  expect(sum('input_tokens')).toBe(sent((u) => u.promptTokenCount));
  expect(sum('output_tokens')).toBe(sent((u) => u.candidatesTokenCount + u.thoughtsTokenCount));
  expect(sum('cache_read_input_tokens')).toBe(sent((u) => u.cachedContentTokenCount));

  const record = readSessionRecord(lab.sessions()[0]!, lab.stateEnv)!;
  expect(record).toMatchObject({ agent: 'gemini', project: lab.projectDir });
  expect(() => readFileSync(join(lab.home, '.agent-strace/log/hook.log'))).toThrow('ENOENT');
});

test('a call that another hook denies is closed by the chat', async () => {
  const deny = `echo '{"decision":"deny","reason":"not today"}'`;
  lab = await GeminiLab.create({
    scenario: () => ({
      main: [[call('run_shell_command', { command: 'touch x', description: 't' })], [say('Done.')]],
    }),
    hookBundle: bundle,
    hooks: { BeforeTool: deny },
  });
  const run = await lab.run('SCENARIO:main please');
  expect(run.code, run.stderr).toBe(0);
  expect(() => lab.read('x')).toThrow('ENOENT');
  const events = await responsesTold(2);
  const denied = events.find(({ event_type }) => event_type === 'error')!;
  expect(denied.data).toMatchObject({
    tool_name: 'run_shell_command',
    event_subtype: 'denied',
    denied_by: 'hook',
    error: 'Tool execution blocked: not today',
  });
  const opened = events.find((e) => e.data.recorded_by === 'hook' && e.event_type === 'tool_call')!;
  expect(denied.data.call_key).toBe(opened.data.call_key);
});

test('without the recorder Gemini works as if it had never been there', async () => {
  lab = await GeminiLab.create({
    scenario: () => ({
      main: [
        [call('run_shell_command', { command: 'echo hi > x', description: 't' })],
        [say('ok')],
      ],
    }),
    hookBundle: bundle,
  });
  rmSync(launcherPath(lab.stateEnv));
  const run = await lab.run('SCENARIO:main please');
  expect(run.code, run.stderr).toBe(0);
  expect(lab.read('x')).toBe('hi\n');
  expect(lab.sessions()).toEqual([]);
});

test('the record names the outer of the two processes, and a pause stops both', async () => {
  // Gemini refuses `$(…)` in a command.
  const turns = Array.from({ length: 100 }, (_, at) => at).join(' ');
  const command = `for i in ${turns}; do printf x >> ticks; sleep 0.03; done`;
  lab = await GeminiLab.create({
    scenario: () => ({
      main: [[call('run_shell_command', { command, description: 'w' })], [say('All done.')]],
    }),
    hookBundle: bundle,
  });
  mkdirSync(join(lab.projectDir, '.git'));
  const run = lab.start('SCENARIO:main please');
  const ticks = () => statSync(join(lab.projectDir, 'ticks'), { throwIfNoEntry: false })?.size ?? 0;
  await vi.waitFor(() => expect(ticks()).toBeGreaterThan(5), 30_000);
  const session = lab.sessions()[0]!;
  expect(readSessionRecord(session, lab.stateEnv)?.pid).toBe(run.pid);

  const ofLab = async () =>
    [...(await readTable()).values()].filter(({ pid, state }) => {
      try {
        const words = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        return state !== 'Z' && words.includes(`HOME=${lab.home}`);
      } catch {
        return false;
      }
    });
  const brake = async (action: 'pause' | 'resume') =>
    await act(action, join(lab.projectDir, '.agent-traces'), session, {
      graceMs: 5000,
      env: lab.stateEnv,
    });
  expect(await brake('pause')).toMatchObject({ ok: true, state: 'paused' });
  const before = ticks();
  const processes = await ofLab();
  expect(processes.map(({ pid }) => pid)).toContain(run.pid);
  const inner = processes.filter(({ ppid, name }) => ppid === run.pid && name !== 'bash');
  expect(inner).toHaveLength(1);
  expect(processes.filter(({ state }) => state !== 'T')).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(ticks()).toBe(before);
  expect(await brake('resume')).toMatchObject({ ok: true });
  const { code, stdout, stderr } = await run.done;
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ response: 'All done.' });
  expect(ticks()).toBe(100);
});

test('an import afterwards adds no second copy of anything', async () => {
  lab = await GeminiLab.create({
    scenario,
    hookBundle: bundle,
    files: { 'hello.txt': 'one\ntwo\nthree\n' },
  });
  const run = await lab.run('SCENARIO:main please');
  expect(run.code, run.stderr).toBe(0);
  const events = await responsesTold(8);
  const before = await countsOf(events);
  expect(before).toMatchObject({ calls: 9, edits: 2, errors: 2, denied: 0, prompts: 1 });
  expect(before).toMatchObject({ nanoUsd: expect.toSatisfy((price: number) => price > 0) });
  expect(await countsOf([...events, ...imported()])).toEqual(before);
  // A trace of the chat alone says the same.
  expect(await countsOf(imported())).toEqual(before);
});

test('a subagent is told with what it did, live and by an import', async () => {
  lab = await GeminiLab.create({
    scenario: () => ({
      main: [
        [call('invoke_agent', { agent_name: 'generalist', prompt: 'SCENARIO:sub please' })],
        [say('All done.')],
      ],
      sub: [
        [call('run_shell_command', { command: 'echo sub', description: 's' })],
        [call('complete_task', { result: { response: 'found it' } })],
      ],
    }),
    hookBundle: bundle,
  });
  const run = await lab.run('SCENARIO:main please');
  expect(run.code, run.stderr).toBe(0);
  const events = await responsesTold(4);
  const inside = events.filter(({ data }) => typeof data.agent_id === 'string');
  expect(new Set(inside.map(({ data }) => data.agent_id)).size).toBe(1);
  expect(inside.find(({ data }) => data.event_subtype === 'subagent')?.data).toMatchObject({
    prompt: expect.stringContaining('SCENARIO:sub please'),
  });
  const before = await countsOf(events);
  expect(before).toMatchObject({ calls: 3, errors: 0, prompts: 1 });
  expect(await countsOf([...events, ...imported()])).toEqual(before);
});
