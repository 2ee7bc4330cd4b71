import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Json, JsonObject, TraceEvent } from '../../model/event.ts';
import { SessionFold } from '../../model/fold.ts';
import { emptyUsage } from '../../model/usage.ts';
import type { RowMapperOptions } from '../agent.ts';
import { readNewRows } from '../rowReader.ts';
import { codexRecorder } from './hook.ts';
import { RolloutMapper } from './rollout.ts';
import { codexTranscripts } from './transcripts.ts';

const root = join(import.meta.dirname, '../../..');
const fixtures = join(root, 'test/fixtures/codex');
const scratch = mkdtempSync(join(tmpdir(), 'rollout-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const rolloutsOf = (name: string): string[] => {
  const folder = join(fixtures, name, 'transcript');
  return readdirSync(folder)
    .sort()
    .map((file) => join(folder, file));
};

const rowsOf = (path: string): JsonObject[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonObject);

const threadIn = (rows: readonly JsonObject[]): string => {
  const { payload } = rows[0] as { payload: JsonObject };
  return payload.id as string;
};

function mapped(rows: readonly Json[], options: Partial<RowMapperOptions> = {}) {
  const mapper = new RolloutMapper({
    sessionId: 'session',
    file: { path: '/r', agentId: '' },
    live: false,
    ...options,
  });
  const events = rows.flatMap((row) => mapper.push(row));
  return { mapper, events, all: [...events, ...mapper.finish()] };
}

/** Without what a snapshot of one event need not repeat. */
const short = ({ event_type, data, parent_id, duration_ms }: TraceEvent): JsonObject => {
  const { provider: _, recorded_by: __, prompt_id: ___, ...rest } = data;
  return {
    event_type,
    ...(parent_id !== undefined && { child: true }),
    ...(duration_ms !== undefined && { duration_ms }),
    ...rest,
  };
};

const sum = (events: readonly TraceEvent[], key: string): number =>
  events
    .filter(({ event_type }) => event_type === 'llm_response')
    .map(({ data }) => Number((data.usage as JsonObject)[key]))
    .reduce((a, b) => a + b, 0);

const row = (type: string, payload: JsonObject, at = 0): JsonObject => ({
  timestamp: new Date(1_790_000_000_000 + at * 1000).toISOString(),
  type,
  payload,
});
const message = (type: string, payload: JsonObject = {}, at = 0): JsonObject =>
  row('event_msg', { type, ...payload }, at);
const item = (type: string, payload: JsonObject = {}, at = 0): JsonObject =>
  row('response_item', { type, ...payload }, at);

const tokens = (input: number, output: number): JsonObject => ({
  input_tokens: input,
  cached_input_tokens: 0,
  output_tokens: output,
  reasoning_output_tokens: 0,
  total_tokens: input + output,
});
const tokenCount = (total: JsonObject, last: JsonObject, at = 0): JsonObject =>
  message('token_count', { info: { total_token_usage: total, last_token_usage: last } }, at);

describe('rollouts of real sessions', () => {
  it.each(['main', 'pre-deny'])('%s', (name) => {
    const [path] = rolloutsOf(name);
    const { all, mapper } = mapped(rowsOf(path!));
    expect(all.map(short)).toMatchSnapshot();
    expect({ ...mapper.ignored }).toMatchSnapshot();
  });

  it('a subagent is a lane', () => {
    const rows = rowsOf(rolloutsOf('spawn')[1]!);
    const { all } = mapped(rows, { file: { path: '/r', agentId: threadIn(rows) } });
    expect(all.map(short)).toMatchSnapshot();
    for (const { data } of all) expect(data.agent_id).toBe(threadIn(rows));
  });

  it('every row is an event, or counted', () => {
    for (const path of ['main', 'pre-deny', 'spawn'].flatMap(rolloutsOf)) {
      const rows = rowsOf(path);
      const { mapper, silent } = countSilent(rows);
      const ignored = Object.values(mapper.ignored).reduce((a, b) => a + b, 0);
      expect(silent).toBe(ignored);
    }
  });
});

function countSilent(rows: readonly Json[]) {
  const { mapper } = mapped([]);
  const silent = rows.filter((value) => mapper.push(value).length === 0).length;
  return { mapper, silent };
}

describe('with the hooks of the same session', () => {
  const [path] = rolloutsOf('main');
  const rows = rowsOf(path!);
  const sessionId = threadIn(rows);
  const hooks = readFileSync(join(fixtures, 'main/hooks.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const { payload, start_ns: start } = JSON.parse(line) as {
        payload: JsonObject;
        start_ns: string;
      };
      const timestamp = Number(start) / 1e9;
      const recorded = () => 'unknown' as const;
      return codexRecorder.map(payload, { sessionId, event: '', timestamp, recorded });
    });

  it.each([true, false])('each thing is one event (live: %s)', (live) => {
    const { events } = mapped(rows, { sessionId, live });
    const fold = new SessionFold();
    for (const event of [...hooks, ...events]) fold.add(event);
    const steps = [];
    for (let at = 0; at < fold.steps.length; at++) steps.push(fold.steps.row(at));
    const known = new Set(hooks.map(({ event_id }) => event_id));
    const news = events.filter(({ event_id }) => !known.has(event_id));
    expect(news.map(({ event_type }) => event_type)).toEqual([
      'assistant_response',
      'llm_response',
      'llm_response',
      'llm_response',
      'llm_response',
      'llm_response',
    ]);
    expect(
      fold.toolUse.summaries().map(({ tool, calls, errors }) => ({ tool, calls, errors })),
    ).toMatchInlineSnapshot(`
      [
        {
          "calls": 4,
          "errors": 1,
          "tool": "Bash",
        },
        {
          "calls": 1,
          "errors": 0,
          "tool": "apply_patch",
        },
      ]
    `);
    expect(fold.files.summaries().map(({ path: file }) => file)).toEqual([
      '/home/dev/shop/hello.txt',
    ]);
  });
});

describe('older rows', () => {
  const old = [
    row('session_meta', { id: 'thread', cwd: '/p', cli_version: '0.125.0' }),
    row('turn_context', { turn_id: 't1', cwd: '/p', model: 'gpt-5', effort: 'low' }),
    message('user_message', { message: 'do it' }),
    message('agent_reasoning', { text: 'hm' }),
    item('reasoning', { summary: [{ type: 'summary_text', text: 'hm' }] }),
    item('function_call', {
      name: 'shell',
      arguments: '{"command":["bash","-lc","false"]}',
      call_id: 'c1',
    }),
    message('exec_command_end', {
      call_id: 'c1',
      command: ['bash', '-lc', 'false'],
      exit_code: 1,
      aggregated_output: 'bad',
      duration: { secs: 1, nanos: 500_000_000 },
    }),
    item('function_call_output', { call_id: 'c1', output: '{"output":"bad"}' }),
    tokenCount(tokens(100, 10), tokens(100, 10)),
    // The same sum again: a rate limit changed.
    tokenCount(tokens(100, 10), tokens(100, 10)),
    item('custom_tool_call', { name: 'apply_patch', input: 'patch', call_id: 'c2' }),
    message('patch_apply_end', {
      call_id: 'c2',
      success: true,
      stdout: 'Success',
      changes: { a: { type: 'update', unified_diff: '@@ -1 +1 @@\n-x\n+y\n' } },
    }),
    item('custom_tool_call_output', { call_id: 'c2', output: 'Success' }),
    message('mcp_tool_call_end', {
      call_id: 'c3',
      invocation: { server: 's', tool: 't', arguments: { q: 1 } },
      duration: { secs: 0, nanos: 5e6 },
      result: { Ok: { content: [{ type: 'text', text: 'got' }] } },
    }),
    message('web_search_end', { call_id: 'w1', query: 'q', action: { type: 'search' } }),
    tokenCount(tokens(300, 30), tokens(200, 20)),
    row('compacted', { message: 'short' }),
    message('context_compacted'),
    row('turn_context', { turn_id: 't2', cwd: '/p', model: 'gpt-5', effort: 'high' }),
    message('error', { message: 'overloaded', codex_error_info: 'server_overloaded' }),
    message('turn_aborted', { turn_id: 't2', reason: 'interrupted' }),
  ];

  it('say the same', () => {
    expect(mapped(old).events.map(short)).toMatchSnapshot();
  });

  it('count a sum that comes again once', () => {
    const { events } = mapped(old);
    expect([sum(events, 'input_tokens'), sum(events, 'output_tokens')]).toEqual([300, 30]);
  });

  it('begin anew where a sum does', () => {
    const { events } = mapped([
      tokenCount(tokens(500, 5), tokens(40, 4)),
      tokenCount(tokens(30, 3), tokens(30, 3)),
    ]);
    expect([sum(events, 'input_tokens'), sum(events, 'output_tokens')]).toEqual([70, 7]);
  });
});

describe('a fork', () => {
  const PARENT = '01a20000-0000-7000-8000-000000000001';
  const CHILD = '01a20009-0000-7000-8000-000000000002';
  const parent = [
    row('session_meta', { id: PARENT, cwd: '/p' }),
    row('turn_context', { turn_id: '01a20001-0000-7000-8000-00000000000a', model: 'gpt-5' }),
    message('user_message', { message: 'first' }),
    tokenCount(tokens(100, 10), tokens(100, 10)),
  ];
  const child = [
    row('session_meta', { id: CHILD, forked_from_id: PARENT, cwd: '/p' }, 100),
    ...parent.map((value) => ({ ...value, timestamp: row('x', {}, 100).timestamp! })),
    row('turn_context', { turn_id: '01a2000a-0000-7000-8000-00000000000b', model: 'gpt-5' }, 101),
    message('user_message', { message: 'second' }, 101),
    tokenCount(tokens(250, 25), tokens(150, 15), 102),
  ];

  it('marks what was copied, with the ids of the parent', () => {
    const first = mapped(parent).events.filter(({ event_type }) => event_type === 'llm_response');
    const { events } = mapped(child);
    expect(events.map(({ event_type, data }) => [event_type, data.copied_from ?? 'own'])).toEqual([
      ['user_prompt', PARENT],
      ['llm_response', PARENT],
      ['user_prompt', 'own'],
      ['llm_response', 'own'],
    ]);
    expect(events[1]!.data.message_id).toBe(first[0]!.data.message_id);
    expect(events[3]!.data.usage).toMatchObject({ input_tokens: 150, output_tokens: 15 });
  });

  it('leaves copied rows to the parent where it is recorded itself', () => {
    const { events, mapper } = mapped(child, { live: true });
    expect(events.map(({ event_type }) => event_type)).toEqual(['user_prompt', 'llm_response']);
    expect(events[1]!.data.usage).toMatchObject({ input_tokens: 150 });
    expect(mapper.ignored['copied event_msg/token_count']).toBe(1);
  });

  it('knows the copied rows of a subagent by their ordinals', () => {
    const meta = { id: CHILD, parent_thread_id: PARENT, subagent_history_start_ordinal: 2 };
    const usage = (response: string) => ({ response_id: response, usage: tokens(1, 1) });
    const { events } = mapped(
      [
        { ...row('session_meta', meta), ordinal: 0 },
        { ...row('token_usage_record', usage('r1')), ordinal: 1 },
        { ...row('token_usage_record', usage('r2')), ordinal: 2 },
      ],
      { file: { path: '/r', agentId: CHILD } },
    );
    expect(events.map(({ data }) => data.response_id)).toEqual([undefined, 'r2']);
  });
});

describe('reading in two goes', () => {
  const path = rolloutsOf('main')[0]!;
  const bytes = readFileSync(path);
  const begin = (state?: Json) => () =>
    new RolloutMapper({
      sessionId: 's',
      file: { path, agentId: '' },
      live: true,
      ...(state !== undefined && { state }),
    });
  const file = join(scratch, 'rollout.jsonl');
  const whole = (): TraceEvent[] => {
    writeFileSync(file, bytes);
    return readNewRows(file, undefined, 1e9, begin())!.events;
  };

  it('gives the same events, wherever the file ended at first', () => {
    const want = whole();
    expect(want.length).toBeGreaterThan(10);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length }), (cut) => {
        writeFileSync(file, bytes.subarray(0, cut));
        const first = readNewRows(file, undefined, 1e9, begin())!;
        const state = JSON.parse(JSON.stringify(first.taker.save())) as Json;
        writeFileSync(file, bytes);
        const second = readNewRows(file, first.progress, 1e9, begin(state))!;
        expect([...first.events, ...second.events]).toEqual(want);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps little, whatever the rows are', () => {
    const long = 'x'.repeat(5000);
    const rows = Array.from({ length: 300 }, (_, i) => [
      row('session_meta', { id: `${long}${i}`, forked_from_id: long, cwd: long }),
      row('turn_context', { turn_id: `${i}${long}`, model: long, effort: long, cwd: long }),
      item('function_call', { name: long, call_id: `${i}${long}`, arguments: long }),
      message('thread_settings_applied', { thread_settings: { service_tier: long } }),
      message('exec_command_end', { call_id: `e${i}${long}`, exit_code: 0 }),
    ]).flat();
    const { mapper } = mapped(rows);
    expect(JSON.stringify(mapper.save()).length).toBeLessThan(65_536);
    expect(Object.keys(mapper.ignored).length).toBeLessThanOrEqual(201);
  });
});

it('survives rows and states of any shape', () => {
  const types = ['session_meta', 'response_item', 'event_msg', 'turn_context', 'compacted'];
  const kinds = [
    'token_count user_message item_completed exec_command_end patch_apply_end mcp_tool_call_end',
    'function_call function_call_output custom_tool_call message reasoning local_shell_call error',
    'CommandExecution FileChange WebSearch McpToolCall turn_aborted thread_rolled_back',
  ].flatMap((names) => names.split(' '));
  const keys = 'id call_id item info changes output content summary duration result usage turn_id';
  const payload = fc.record({
    type: fc.constantFrom(...kinds),
    ...Object.fromEntries(keys.split(' ').map((key) => [key, fc.jsonValue()])),
  });
  const any = fc.oneof(fc.jsonValue(), fc.record({ type: fc.constantFrom(...types), payload }));
  fc.assert(
    fc.property(fc.array(any), fc.jsonValue(), (rows, state) => {
      const { all } = mapped(rows as Json[], { state: state as Json });
      for (const event of all) expect(event.event_id).toMatch(/^[0-9a-f]{12}$/);
    }),
  );
});

const real = process.env.AGENT_STRACE_REAL ?? join(root, '..', 'shared', 'real');
const realRollouts = existsSync(join(real, 'codex'))
  ? readdirSync(join(real, 'codex')).map((name) => join(real, 'codex', name))
  : [];
if (realRollouts.length === 0) {
  console.warn('No real rollouts there (AGENT_STRACE_REAL names their folder): not read.');
}

it.skipIf(realRollouts.length === 0)('real rollouts lose no row, and no token', () => {
  for (const path of realRollouts) {
    const transcript = codexTranscripts.recognise(path)!;
    const rows = [...codexTranscripts.rowsOf!(transcript, { path, agentId: '' })];
    const { mapper, silent } = countSilent(rows as Json[]);
    expect(silent).toBe(Object.values(mapper.ignored).reduce((a, b) => a + b, 0));
    const { all } = mapped(rows as Json[], { sessionId: transcript.sessionId });
    const last = rows
      .map((value) => (value as JsonObject).payload as JsonObject | undefined)
      .findLast((payload) => payload?.type === 'token_count' && payload.info !== null);
    const total = (last!.info as JsonObject).total_token_usage as JsonObject;
    expect({
      input_tokens: sum(all, 'input_tokens'),
      cached_input_tokens: sum(all, 'cache_read_input_tokens'),
      output_tokens: sum(all, 'output_tokens'),
      reasoning_output_tokens: sum(all, 'reasoning_output_tokens'),
    }).toEqual({
      input_tokens: total.input_tokens,
      cached_input_tokens: total.cached_input_tokens,
      output_tokens: total.output_tokens,
      reasoning_output_tokens: total.reasoning_output_tokens,
    });
    expect(sum(all, 'input_tokens')).toBeGreaterThan(emptyUsage().input_tokens);
  }
});
