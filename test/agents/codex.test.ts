/** The real Codex against a scripted model, recorded by our hooks; and the same from its rollouts alone. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as library from '@pydantic/genai-prices';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { threadOf } from '../../src/agents/codex/files.ts';
import { codexTranscripts } from '../../src/agents/codex/transcripts.ts';
import { importSession } from '../../src/agents/importSession.ts';
import { hookCommand, installLauncher } from '../../src/agents/launcher.ts';
import { readSessionRecord } from '../../src/agents/process.ts';
import { pricerOver } from '../../src/analysis/price.ts';
import { pause, resume } from '../../src/guard/control.ts';
import { verify } from '../../src/guard/verify.ts';
import type { TraceEvent } from '../../src/model/event.ts';
import { ids } from '../../src/model/ids.ts';
import { usageOf } from '../../src/model/usage.ts';
import { buildHook } from '../hookBundle.ts';
import { CodexLab, LAB_MODEL } from './codexLab.ts';
import { calls, custom, type OpenaiScenario, says, thinks } from './mockOpenai.ts';

const EVENTS = [
  'SessionStart',
  'SessionEnd',
  'UserPromptSubmit',
  'PreToolUse',
  'PostToolUse',
  'PermissionRequest',
  'PreCompact',
  'PostCompact',
  'PostModelRequest',
  'SubagentStart',
  'SubagentStop',
  'Stop',
  'Interrupt',
];

let built: string;
let bundle: string;
let lab: CodexLab;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
afterEach(async () => await lab.close());

const environment = () => ({ AGENT_STRACE_HOME: join(lab.home, '.agent-strace') });

/** A lab whose Codex is recorded, as the set-up would leave it. */
async function recordedLab(
  scenario: OpenaiScenario,
  more: Record<string, string> = {},
): Promise<CodexLab> {
  lab = await CodexLab.create(scenario, { 'hello.txt': 'hello world\nsecond\nthird\n' });
  const env = environment();
  installLauncher({ hookBundle: bundle, version: '0.0.0', nodePath: process.execPath, env });
  const commands = EVENTS.map((event) => [
    event,
    [hookCommand('codex', event, env), ...(more[event] === undefined ? [] : [more[event]])],
  ]);
  lab.hook(Object.fromEntries(commands));
  return lab;
}

const sessionOf = ({ stdout }: { stdout: string }): string =>
  /"thread_id":"([^"]+)"/.exec(stdout)?.[1] ?? '';

const traceFile = (session: string, name: string): string =>
  readFileSync(join(readSessionRecord(session, environment())!.trace_dir, session, name), 'utf8');

const traceOf = (session: string): TraceEvent[] =>
  traceFile(session, 'events.ndjson')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as TraceEvent);

const kind = ({ event_type, data }: TraceEvent): string =>
  [event_type, data.event_subtype ?? data.tool_name ?? ''].join(' ').trim();

const byHook = (events: TraceEvent[]): string[] =>
  events.filter(({ data }) => data.recorded_by === 'hook').map(kind);

const result = (events: TraceEvent[], session: string, useId: string): TraceEvent | undefined =>
  events.findLast(
    ({ event_id, data }) =>
      event_id === ids.result(session, useId) && data.recorded_by === 'transcript',
  );

/** All events of a session as the import would give them. */
function imported(session: string): TraceEvent[] {
  const transcript = [...codexTranscripts.find({ env: {}, home: lab.home })].find(
    ({ sessionId }) => sessionId === session,
  )!;
  return importSession(codexTranscripts, transcript, {}).events;
}

const PATCH = [
  '*** Begin Patch',
  '*** Update File: hello.txt',
  '@@',
  ' hello world',
  '-second',
  '+two',
  '+and a half',
  ' third',
  '*** Add File: added.txt',
  '+new',
  '*** End Patch',
].join('\n');

test('a session of the real Codex is recorded whole', async () => {
  await recordedLab({
    main: [
      [thinks('Reading first.'), calls('exec_command', { cmd: "sed -n '1,2p' hello.txt" })],
      [calls('exec_command', { cmd: 'echo boom >&2; exit 3' })],
      [custom('apply_patch', PATCH)],
      [says('All done.')],
    ],
  });
  const run = await lab.run('SCENARIO:main please');

  expect(run.code, run.stderr).toBe(0);
  const session = sessionOf(run);
  await vi.waitFor(
    () => expect(traceOf(session).filter((e) => e.event_type === 'llm_response')).toHaveLength(4),
    20_000,
  );
  const events = traceOf(session);
  expect(byHook(events)).toEqual([
    'session_start',
    'user_prompt',
    'tool_call Bash',
    'tool_result Bash',
    'tool_call Bash',
    'tool_result Bash',
    'tool_call apply_patch',
    'tool_result apply_patch',
    'decision turn_end',
    'assistant_response',
    'session_end',
  ]);
  const [read, failed, patched] = lab.mock.answers.flatMap(({ callIds }) => callIds);
  expect(result(events, session, read!)?.data).toMatchObject({
    exit_code: 0,
    result: 'hello world\nsecond\n',
    files: [{ path: join(lab.projectDir, 'hello.txt'), kind: 'read', ranges: [[1, 2]] }],
  });
  expect(result(events, session, failed!)).toMatchObject({
    event_type: 'error',
    data: { exit_code: 3, error: expect.stringContaining('boom') },
  });
  const files = result(events, session, patched!)?.data.files;
  expect(files).toHaveLength(2);
  expect(files).toEqual(
    expect.arrayContaining([
      {
        path: join(lab.projectDir, 'hello.txt'),
        kind: 'write',
        hunks: [[2, 1, 2, 2]],
        added: 2,
        removed: 1,
        ranges: [[2, 3]],
      },
      expect.objectContaining({ path: join(lab.projectDir, 'added.txt'), kind: 'create' }),
    ]),
  );
  expect(lab.read('hello.txt')).toBe('hello world\ntwo\nand a half\nthird\n');

  const responses = events.filter(({ event_type }) => event_type === 'llm_response');
  expect(responses.map(({ data }) => data.response_id)).toEqual(
    lab.mock.answers.map(({ responseId }) => responseId),
  );
  const pricer = pricerOver(library);
  for (const [i, { data, timestamp }] of responses.entries()) {
    const { usage } = lab.mock.answers[i]!;
    expect(data).toMatchObject({
      model: LAB_MODEL,
      usage: {
        input_tokens: usage.input_tokens,
        cache_read_input_tokens: usage.cached_tokens,
        output_tokens: usage.output_tokens,
        reasoning_output_tokens: usage.reasoning_tokens,
      },
    });
    expect(data.tool_use_ids ?? []).toEqual(lab.mock.answers[i]!.callIds);
    const price = pricer.price(LAB_MODEL, usageOf(data)!, timestamp * 1000, { provider: 'codex' });
    expect(price).toMatchObject({ status: 'priced', nanoUsd: expect.any(Number) });
    expect((price as { nanoUsd: number }).nanoUsd).toBeGreaterThan(0);
  }

  const record = readSessionRecord(session, environment())!;
  expect(record).toMatchObject({ agent: 'codex' });
  expect(record.pid).toBeGreaterThan(1);
  expect(record.start_time).toMatch(/^\d+$/);
  const meta = JSON.parse(traceFile(session, 'meta.json')) as object;
  expect(meta).toMatchObject({ agent_name: 'openai-codex', ended_at: expect.any(Number) });
  expect(() => readFileSync(join(environment().AGENT_STRACE_HOME, 'log/hook.log'))).toThrow(
    'ENOENT',
  );

  // The rollout alone gives the same events, and nothing that the trace does not have but its frame.
  const known = new Set(events.map(({ event_id }) => event_id));
  const news = imported(session).filter(({ event_id }) => !known.has(event_id));
  expect(news.map(kind)).toEqual(['session_start', 'session_end']);
});

test('a subagent of the real Codex is a lane of its own', async () => {
  await recordedLab({
    main: [
      [
        {
          type: 'call',
          name: 'spawn_agent',
          namespace: 'multi_agent_v1',
          input: { message: 'SCENARIO:sub count files' },
        },
      ],
      [calls('exec_command', { cmd: 'sleep 2' })],
      [says('Spawned.')],
    ],
    sub: [[calls('exec_command', { cmd: 'ls | wc -l' })], [says('One.')]],
  });
  const run = await lab.run('SCENARIO:main please');

  expect(run.code, run.stderr).toBe(0);
  const session = sessionOf(run);
  await vi.waitFor(
    () => expect(traceOf(session).filter((e) => e.event_type === 'llm_response')).toHaveLength(5),
    20_000,
  );
  const events = traceOf(session);
  const start = events.find((event) => kind(event) === 'tool_call subagent')!;
  const agent = String(start.data.agent_id);
  expect(agent).toMatch(/^[0-9a-f-]{36}$/);
  const inside = events.filter(({ data }) => data.agent_id === agent);
  expect(inside.filter(({ event_type }) => event_type === 'llm_response')).toHaveLength(2);
  expect(byHook(inside)).toEqual([
    'tool_call subagent',
    'user_prompt',
    'tool_call Bash',
    'tool_result Bash',
    'tool_result subagent',
  ]);
  const spawn = result(events, session, lab.mock.answers[0]!.callIds[0]!);
  expect(spawn?.data.subagent_id).toBe(agent);

  const found = [...codexTranscripts.find({ env: {}, home: lab.home })];
  expect(found.map(({ sessionId }) => sessionId)).toEqual([session]);
  const known = new Set(events.map(({ event_id }) => event_id));
  const news = imported(session).filter(({ event_id }) => !known.has(event_id));
  expect(news.map(kind)).toEqual(['session_start', 'session_end']);
});

test('a call that another hook denied is closed from the rollout', async () => {
  await recordedLab(
    { main: [[calls('exec_command', { cmd: 'touch touched' })], [says('Not done.')]] },
    { PreToolUse: "cat >/dev/null; echo 'not here' >&2; exit 2" },
  );
  const run = await lab.run('SCENARIO:main please');

  expect(run.code, run.stderr).toBe(0);
  const session = sessionOf(run);
  const useId = lab.mock.answers[0]!.callIds[0]!;
  await vi.waitFor(() => expect(result(traceOf(session), session, useId)).toBeDefined(), 20_000);
  expect(result(traceOf(session), session, useId)).toMatchObject({
    event_type: 'error',
    data: {
      event_subtype: 'denied',
      denied_by: 'hook',
      error: expect.stringContaining('not here'),
    },
  });
  expect(byHook(traceOf(session))).not.toContain('tool_result Bash');
});

test('a fork of the real Codex copies nothing, and is billed for its own', async () => {
  await recordedLab({ main: [[says('First.')]], two: [[says('Second.')]] });
  const first = sessionOf(await lab.run('SCENARIO:main please'));
  const run = await lab.run('fork', first, 'SCENARIO:two please');

  expect(run.code, run.stderr).toBe(0);
  const fork = sessionOf(run);
  expect(fork).not.toBe(first);
  await vi.waitFor(
    () => expect(traceOf(fork).filter((e) => e.event_type === 'llm_response')).toHaveLength(1),
    20_000,
  );
  expect(kind(traceOf(fork)[0]!)).toBe('session_start fork');
  const events = imported(fork);
  expect(events[0]!.data).toMatchObject({ mode: 'import', forked_from: first });
  const responses = events.filter(({ event_type }) => event_type === 'llm_response');
  expect(responses.map(({ data }) => [data.response_id, data.copied_from])).toEqual([
    [lab.mock.answers[1]!.responseId, undefined],
  ]);
});

test('pause freezes the real Codex with what it runs, resume lets it end', async () => {
  await recordedLab({
    main: [
      [calls('exec_command', { cmd: 'for i in 1 2 3; do echo $i >> ticks; sleep 0.3; done' })],
      [says('Ticked.')],
    ],
  });
  const run = lab.start(['SCENARIO:main please']);
  await vi.waitFor(() => expect(lab.read('ticks')).toBeTruthy(), { timeout: 20_000, interval: 20 });
  const [session] = readdirSync(join(environment().AGENT_STRACE_HOME, 'sessions'))
    .map((name) => /^([0-9a-f-]{36})\.json$/.exec(name)?.[1] ?? '')
    .filter((name) => name !== '');
  const target = async () => {
    const { trace_dir: folder } = readSessionRecord(session!, environment())!;
    const verdict = await verify(folder, session!, environment());
    if (!verdict.ok) throw new Error(verdict.message);
    return verdict.target;
  };
  const paused = await pause(await target(), { env: environment() });
  expect(paused).toMatchObject({ ok: true, state: 'paused', kind: 'signals' });
  const ticks = lab.read('ticks');
  await sleep(700);
  expect(lab.read('ticks')).toBe(ticks);
  const resumed = await resume(await target(), { env: environment() });
  expect(resumed).toMatchObject({ ok: true, state: 'running' });
  expect((await run.done).code).toBe(0);
  expect(lab.read('ticks')).toBe('1\n2\n3\n');
});

test('an interrupted turn ends once', async () => {
  await recordedLab({ main: [[calls('exec_command', { cmd: 'touch begun; sleep 30' })]] });
  const run = lab.start(['SCENARIO:main please']);
  await vi.waitFor(() => expect(lab.read('begun')).toBe(''), { timeout: 20_000 });
  const session = threadOf(lab.rollouts()[0]!);
  process.kill(readSessionRecord(session, environment())!.pid!, 'SIGINT');
  await run.done;
  const useId = lab.mock.answers[0]!.callIds[0]!;
  const ends = (events: TraceEvent[]) =>
    events.filter(({ data }) => data.reason === 'interrupted' || data.error === 'interrupted');
  // Told by the hook, and again by the rollout, whose last rows come when the agent has gone.
  await vi.waitFor(() => expect(ends(traceOf(session))).toHaveLength(4), 20_000);
  const events = traceOf(session);
  expect(new Set(ends(events).map(({ event_id }) => event_id)).size).toBe(2);
  expect(result(events, session, useId)).toMatchObject({
    event_type: 'error',
    data: { is_interrupt: true, error: expect.stringContaining('aborted') },
  });
});
