import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  codexId,
  item,
  message,
  recordedFiles,
  row,
  rowsOfFile,
  tokenCount,
  turn,
} from '../../../test/agents/codexRows.ts';
import type { Json, JsonObject, TraceEvent } from '../../model/event.ts';
import { ids } from '../../model/ids.ts';
import { addUsage, emptyUsage, usageOf } from '../../model/usage.ts';
import { type RowProgress, readNewRows } from '../rowReader.ts';
import { EventList } from '../transcriptRows.ts';
import { RolloutMapper } from './rollout.ts';

const SESSION = codexId(0);

interface Read {
  sessionId?: string;
  agentId?: string;
  live?: boolean;
}

function mapperFor({ sessionId = SESSION, agentId = '', live = false }: Read, state?: Json) {
  const file = { path: '', agentId };
  return new RolloutMapper({ sessionId, file, live, ...(state !== undefined && { state }) });
}

/** As an import has them. */
function read(rows: readonly Json[], options: Read = {}) {
  const mapper = mapperFor(options);
  const list = new EventList();
  for (const value of rows) mapper.push(value).forEach(list.add);
  if (options.live !== true) mapper.finish().forEach(list.add);
  return { events: list.inOrder(), ignored: mapper.ignored };
}

/** One line an event: what a person would look at. */
function told(events: readonly TraceEvent[]): string[] {
  return events.map(({ event_type: type, duration_ms: ms, data }) => {
    const { event_subtype: subtype, tool_use_id: id, exit_code: exit, usage, files } = data;
    const words = [type, subtype && `(${subtype})`, id, data.tool_name];
    if (data.arguments) words.push(JSON.stringify(data.arguments));
    words.push(data.prompt, data.text, data.result, data.error);
    if (usage) {
      const {
        input_tokens: input,
        cache_read_input_tokens: read,
        output_tokens: output,
      } = usage as JsonObject;
      words.push(
        String(data.model),
        `${input}/${read}/${output}`,
        `#${String(data.message_id).split(' ')[1]}`,
      );
      if (data.tool_use_ids) words.push(String(data.tool_use_ids));
    }
    if (exit !== undefined) words.push(`exit ${exit}`);
    if (files) words.push(JSON.stringify(files));
    if (ms !== undefined && type !== 'session_end') words.push(`${ms} ms`);
    return words.filter(Boolean).join(' ').replaceAll('\n', '⏎');
  });
}

const usages = (events: readonly TraceEvent[]) =>
  events.filter(({ event_type: type }) => type === 'llm_response');

function sum(events: readonly TraceEvent[]) {
  const total = emptyUsage();
  for (const { data } of usages(events)) addUsage(total, usageOf(data)!);
  return total;
}

const idIn = (path: string): string => /([0-9a-f-]{36})\.jsonl$/.exec(path)![1]!;
const recorded = (name: Parameters<typeof recordedFiles>[0], at = 0) => {
  const path = recordedFiles(name)[at]!;
  return { sessionId: idIn(path), rows: rowsOfFile(path) };
};

describe('rollouts of Codex 0.169', () => {
  it('tell calls with exit codes, durations, read and edited lines, and tokens by response', () => {
    const { sessionId, rows } = recorded('main');
    const { events, ignored } = read(rows, { sessionId });
    expect(told(events)).toMatchInlineSnapshot(`
      [
        "session_start",
        "user_prompt SCENARIO:main please",
        "assistant_response (reasoning) think",
        "tool_call call_mock2 exec_command {"cmd":"cat hello.txt"}",
        "llm_response (usage) gpt-5.5 1010/800/50 #0 call_mock2",
        "tool_result call_mock2 exec_command hello world⏎ exit 0 [{"path":"/home/dev/shop/hello.txt","kind":"read"}] 2 ms",
        "tool_call call_mock3 exec_command {"cmd":"echo hi; sleep 0.5"}",
        "tool_call call_mock4 exec_command {"cmd":"echo two; sleep 0.5"}",
        "llm_response (usage) gpt-5.5 1020/800/50 #1 call_mock3,call_mock4",
        "tool_result call_mock3 exec_command hi⏎ exit 0 353 ms",
        "tool_result call_mock4 exec_command two⏎ exit 0 352 ms",
        "tool_call call_mock5 exec_command {"cmd":"echo boom >&2; exit 1"}",
        "llm_response (usage) gpt-5.5 1030/800/50 #2 call_mock5",
        "error call_mock5 exec_command boom⏎ exit 1 0 ms",
        "tool_call call_mock6 apply_patch {"command":"*** Begin Patch\\n*** Update File: hello.txt\\n@@\\n-hello world\\n+hello mars\\n*** End Patch"}",
        "llm_response (usage) gpt-5.5 1040/800/50 #3 call_mock6",
        "tool_result call_mock6 apply_patch Success. Updated the following files:⏎M hello.txt⏎ [{"path":"/home/dev/shop/hello.txt","kind":"write","hunks":[[1,1,1,1]],"added":1,"removed":1,"ranges":[[1,1]]}] 0 ms",
        "assistant_response All done.",
        "llm_response (usage) gpt-5.5 1050/800/50 #4",
        "decision (turn_end)",
        "session_end",
      ]
    `);
    expect(ignored).toMatchInlineSnapshot(`
      {
        "event_msg/item_completed": 2,
        "event_msg/task_started": 1,
        "event_msg/thread_settings_applied": 1,
        "event_msg/token_count": 5,
        "response_item/custom_tool_call_output": 1,
        "response_item/function_call_output": 4,
        "response_item/message": 3,
        "session_meta": 1,
        "turn_context": 1,
        "world_state": 1,
      }
    `);
  });

  it('link a text with the response that it is of', () => {
    const { sessionId, rows } = recorded('main');
    const { events } = read(rows, { sessionId });
    const text = events.find(({ data }) => data.text === 'All done.')!;
    const { message_id: id } = text.data;
    const response = events.find(
      ({ event_id: own }) => own === ids.usage(sessionId, String(id), ''),
    );
    expect(response?.data.response_id).toBe('resp_mock0005');
  });

  it('close a call that a hook denied', () => {
    const { sessionId, rows } = recorded('pre-deny');
    const denied = read(rows, { sessionId, live: true }).events.find(
      ({ event_type: type }) => type === 'error',
    )!;
    expect(denied.event_id).toBe(ids.result(sessionId, 'call_mock1'));
    expect(denied.parent_id).toBe(ids.call(sessionId, 'call_mock1'));
    expect(denied.data).toMatchObject({ event_subtype: 'denied', denied_by: 'hook' });
  });

  it('show a subagent in a lane of its own, from its start to its end', () => {
    const [main, sub] = recordedFiles('spawn') as [string, string];
    const sessionId = idIn(main);
    const agentId = idIn(sub);
    const spawn = read(rowsOfFile(main), { sessionId }).events.find(
      ({ data }) => data.subagent_id !== undefined,
    );
    expect(spawn?.data.subagent_id).toBe(agentId);
    const { events } = read(rowsOfFile(sub), { sessionId, agentId });
    expect(told(events)).toMatchInlineSnapshot(`
      [
        "tool_call (subagent) Subagent",
        "user_prompt SCENARIO:sub count files",
        "tool_call call_mock3 exec_command {"cmd":"ls | wc -l"}",
        "llm_response (usage) gpt-5.5 1030/800/50 #0 call_mock3",
        "tool_result call_mock3 exec_command 2⏎ exit 0 2 ms",
        "assistant_response N files",
        "llm_response (usage) gpt-5.5 1040/800/50 #1",
        "tool_result (subagent) Subagent N files 303 ms",
      ]
    `);
    for (const event of events) {
      expect(event.session_id).toBe(sessionId);
      expect(event.data.agent_id).toBe(agentId);
    }
  });

  it('count what a fork and its subagents did themselves, and nothing twice', () => {
    const files = recordedFiles('forked');
    const messages = new Set<unknown>();
    for (const path of files) {
      const rows = rowsOfFile(path);
      const meta = rows[0]!.payload as JsonObject;
      const thread = idIn(path);
      const sub = meta.parent_thread_id !== undefined;
      const sessionId = String(meta.session_id);
      const { events, ignored } = read(rows, { sessionId, agentId: sub ? thread : '' });
      const own = usages(events);
      const records = rows.filter(({ type }) => type === 'token_usage_record');
      expect(own).toHaveLength(records.length);
      for (const { data } of own) {
        expect(data.copied_from).toBeUndefined();
        messages.add(data.message_id);
      }
      const last = records.at(-1)!.payload as Record<string, JsonObject>;
      // A fork's own sum begins where its parent's ended.
      const before = meta.history_base === undefined ? 0 : 4100;
      expect(sum(events).input_tokens + before).toBe(last.thread_token_usage!.input_tokens);
      const copied = Object.entries(ignored).filter(([name]) => name.startsWith('copied'));
      expect(copied.length > 0).toBe(sub);
      expect(
        events.filter(({ event_type: type }) => type === 'user_prompt').length,
        'prompts of its own only',
      ).toBe(rows.filter(({ payload }) => hasItem(payload, 'UserMessage')).length);
    }
    expect(messages.size).toBe(16);
  });

  it('tell a fork, a compaction and an interrupt', () => {
    const main = recorded('forked', 0);
    const fork = recorded('forked', 1);
    const start = read(fork.rows, fork).events[0]!;
    expect(start.data).toMatchObject({ event_subtype: 'fork', forked_from: main.sessionId });
    const { events } = read(main.rows, main);
    const subtypes = events.map(({ data }) => data.event_subtype);
    expect(subtypes.filter((subtype) => subtype === 'compaction')).toHaveLength(1);
    const interrupted = events.filter(({ data }) => data.is_interrupt === true);
    expect(told(interrupted)).toMatchInlineSnapshot(`
      [
        "error interrupted",
      ]
    `);
    // It ended all the same, half a second later: one call, one result, and that one stands.
    expect(
      told(events.filter(({ data }) => data.tool_use_id === 'call_mock15')),
    ).toMatchInlineSnapshot(`
      [
        "tool_call call_mock15 exec_command {"cmd":"sleep 1"}",
        "tool_result call_mock15 exec_command exit 0 863 ms",
      ]
    `);
  });
});

const hasItem = (payload: Json | undefined, type: string): boolean =>
  ((payload as JsonObject).item as JsonObject | undefined)?.type === type;

describe('rollouts of older versions', () => {
  const meta = (id: string, more: JsonObject = {}) =>
    row(0, 'session_meta', { id, cwd: '/home/dev/shop', cli_version: '0.125.0', ...more });

  it('tell the same by events of their own', () => {
    const t = codexId(1);
    const { events } = read([
      meta(SESSION),
      turn(1, t),
      message(1, { type: 'user_message', message: 'go' }),
      item(2, { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] }),
      item(3, {
        type: 'function_call',
        name: 'shell',
        call_id: 'c1',
        arguments: '{"command":["bash","-lc","sed -n \'2,9p\' a.txt"]}',
      }),
      message(4, {
        type: 'exec_command_end',
        call_id: 'c1',
        command: ['bash', '-lc', "sed -n '2,9p' a.txt"],
        cwd: '/home/dev/shop',
        parsed_cmd: [{ type: 'read', cmd: "sed -n '2,9p' a.txt", name: 'a.txt', path: 'a.txt' }],
        aggregated_output: 'two\nthree\n',
        exit_code: 0,
        duration: { secs: 0, nanos: 20_000_000 },
      }),
      item(4, { type: 'function_call_output', call_id: 'c1', output: 'two\nthree\n' }),
      tokenCount(4, [100, 50, 10], [100, 50, 10]),
      item(5, {
        type: 'custom_tool_call',
        name: 'apply_patch',
        call_id: 'c2',
        input: '*** Begin Patch',
      }),
      message(6, {
        type: 'patch_apply_end',
        call_id: 'c2',
        success: true,
        stdout: 'Success.',
        stderr: '',
        changes: {
          'a.txt': {
            type: 'update',
            unified_diff: '@@ -1,4 +1,4 @@\n one\n-two\n+2\n three\n-four\n+4\n',
            move_path: null,
          },
          '/home/dev/shop/new.txt': { type: 'add', content: 'x\ny\n' },
        },
      }),
      item(6, { type: 'custom_tool_call_output', call_id: 'c2', output: 'Success.' }),
      message(7, {
        type: 'mcp_tool_call_end',
        call_id: 'c3',
        invocation: { server: 'db', tool: 'query', arguments: { sql: 'x' } },
        duration: { secs: 1, nanos: 0 },
        result: { Err: 'no such table' },
      }),
      item(8, {
        type: 'function_call_output',
        call_id: 'c4',
        output: '{"output":"boom\\n","metadata":{"exit_code":2,"duration_seconds":0.5}}',
      }),
      tokenCount(9, [300, 150, 30], [200, 100, 20]),
      item(9, {
        type: 'message',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'Done.' }],
      }),
      message(9, { type: 'agent_message', message: 'Done.' }),
      // Only limits changed.
      tokenCount(10, [300, 150, 30], [200, 100, 20]),
      // What is added counts, where the row says no more.
      tokenCount(11, [360, 190, 40]),
      message(12, { type: 'turn_aborted', turn_id: t, reason: 'interrupted' }),
    ]);
    expect(told(events)).toMatchInlineSnapshot(`
      [
        "session_start",
        "user_prompt go",
        "assistant_response (reasoning) Hm.",
        "tool_call c1 shell {"command":["bash","-lc","sed -n '2,9p' a.txt"]}",
        "tool_result c1 shell two⏎three⏎ exit 0 [{"path":"/home/dev/shop/a.txt","kind":"read","ranges":[[2,3]]}] 20 ms",
        "llm_response (usage) gpt-5.5 100/50/10 #0 c1",
        "tool_call c2 apply_patch {"command":"*** Begin Patch"}",
        "tool_result c2 apply_patch Success. [{"path":"/home/dev/shop/a.txt","kind":"write","hunks":[[2,1,2,1],[4,1,4,1]],"added":2,"removed":2,"ranges":[[2,2],[4,4]]},{"path":"/home/dev/shop/new.txt","kind":"create","added":2,"removed":0,"total_lines":2}] 1000 ms",
        "tool_call c3 mcp__db__query {"sql":"x"}",
        "error c3 mcp__db__query no such table 1000 ms",
        "error c4 boom⏎ exit 2 500 ms",
        "llm_response (usage) gpt-5.5 200/100/20 #1 c2,c3",
        "assistant_response Done.",
        "llm_response (usage) gpt-5.5 60/40/10 #2",
        "error interrupted",
        "decision (turn_end)",
        "session_end",
      ]
    `);
    expect(sum(events)).toMatchObject({ input_tokens: 360, output_tokens: 40 });
  });

  it('keep what people say again where turns have no id', () => {
    const say = (at: number) => message(at, { type: 'user_message', message: 'go on' });
    const { events } = read([meta(SESSION), say(1), say(60)]);
    expect(events.filter(({ event_type: type }) => type === 'user_prompt')).toHaveLength(2);
  });

  it('of forks that copy their parent: a response has one id in both, and the copy says whose it is', () => {
    const before = [
      turn(1, codexId(1)),
      message(1, { type: 'user_message', message: 'go' }),
      tokenCount(2, [100, 0, 10], [100, 0, 10]),
      tokenCount(3, [300, 0, 30], [200, 0, 20]),
    ];
    const parent = read([meta(SESSION), ...before]);
    const fork = codexId(100, 2);
    const again = before.map((one) => ({ ...one, timestamp: row(100, '', null).timestamp! }));
    const rows = [
      { ...meta(fork, { forked_from_id: SESSION }), timestamp: row(100, '', null).timestamp! },
      meta(SESSION),
      ...again,
      turn(120, codexId(120)),
      message(120, { type: 'user_message', message: 'and now?' }),
      tokenCount(121, [700, 0, 40], [400, 0, 10]),
    ];
    const copies = usages(read(rows, { sessionId: fork }).events);
    expect(copies.map(({ data }) => data.copied_from)).toEqual([SESSION, SESSION, undefined]);
    expect(copies.slice(0, 2).map(({ data }) => data.message_id)).toEqual(
      usages(parent.events).map(({ data }) => data.message_id),
    );
    // Live, the parent's trace has told them.
    const { events, ignored } = read(rows, { sessionId: fork, live: true });
    expect(usages(events)).toHaveLength(1);
    expect(ignored['copied event_msg/token_count']).toBe(2);
  });
});

describe('rows of any shape', () => {
  const all = (['main', 'pre-deny', 'spawn', 'forked'] as const).flatMap(recordedFiles);

  it('in two goes, cut at any byte, are the same as in one', () => {
    const dir = mkdtempSync(join(tmpdir(), 'agent-strace-codex-'));
    try {
      for (const path of all) {
        const bytes = readFileSync(path);
        const copy = join(dir, basename(path));
        const options = { sessionId: idIn(path), live: true };
        const whole = read(rowsOfFile(path), options).events;
        fc.assert(
          fc.property(fc.integer({ min: 0, max: bytes.length }), (at) => {
            const events = new EventList();
            let progress: RowProgress | undefined;
            let state: Json | undefined;
            for (const end of [at, bytes.length]) {
              writeFileSync(copy, bytes.subarray(0, end));
              const got = readNewRows(copy, progress, 1e9, (resumed) =>
                mapperFor(options, resumed ? state : undefined),
              )!;
              got.events.forEach(events.add);
              progress = got.progress;
              // It waits in a file.
              state = JSON.parse(JSON.stringify(got.taker.save())) as Json;
            }
            expect(events.inOrder()).toEqual(whole);
          }),
          { numRuns: 25 },
        );
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('never throw, and each one is an event or counted', () => {
    const rows = all.flatMap(rowsOfFile);
    const types = [...new Set(rows.map(({ type }) => String(type)))];
    const kinds = [...new Set(rows.map(({ payload }) => String((payload as JsonObject).type)))];
    const any = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
    const hostile = fc.record({
      timestamp: fc.oneof(any, fc.constant('2026-01-01T00:00:00Z')),
      type: fc.constantFrom(...types),
      payload: fc.oneof(
        any,
        fc.record(
          {
            type: fc.constantFrom(...kinds),
            call_id: any,
            item: any,
            output: any,
            info: any,
            id: any,
          },
          { requiredKeys: ['type'] },
        ),
      ),
    });
    // A real row with one value gone wrong.
    const wrong = fc.tuple(fc.constantFrom(...rows), any, fc.nat()).map(([one, value, at]) => {
      const payload = { ...(one.payload as JsonObject) };
      const keys = Object.keys(payload);
      payload[keys[at % keys.length]!] = value;
      return { ...one, payload };
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(any, hostile, wrong), { maxLength: 30 }), (values) => {
        for (const live of [false, true]) {
          const mapper = mapperFor({ live });
          for (const value of values) {
            const before = counted(mapper);
            const events = mapper.push(value as Json);
            if (events.length === 0) expect(counted(mapper)).toBe(before + 1);
          }
          mapper.finish();
        }
      }),
      { numRuns: 300 },
    );
  });

  it('leave a state of at most 64 KB', () => {
    const mapper = mapperFor({ live: true });
    const long = 'x'.repeat(20_000);
    mapper.push(row(0, 'session_meta', { id: long, cwd: long, forked_from_id: long }));
    for (let n = 0; n < 150; n++) {
      const call = { type: 'function_call', name: long, call_id: `${n}${long}`, arguments: long };
      mapper.push({ ...turn(n, `${n}${long}`, `${n}${long}`) });
      mapper.push(item(n, call));
      mapper.push(message(n, { type: 'patch_apply_end', call_id: `p${n}${long}`, changes: {} }));
      mapper.push(tokenCount(n, [n, 0, n]));
    }
    expect(JSON.stringify(mapper.save()).length).toBeLessThanOrEqual(64 * 1024);
  });
});

const counted = ({ ignored }: RolloutMapper): number =>
  Object.values(ignored).reduce((total, count) => total + count, 0);

const root = fileURLToPath(new URL('../../..', import.meta.url));
const real = join(process.env.AGENT_STRACE_REAL ?? join(root, '..', 'shared', 'real'), 'codex');
const reals = existsSync(real) ? readdirSync(real).filter((name) => name.endsWith('.jsonl')) : [];
if (reals.length === 0) {
  console.warn('No real Codex sessions there (AGENT_STRACE_REAL names their folder): not read.');
}

describe.skipIf(reals.length === 0)('real sessions', () => {
  it.each(reals)('%s: no row is lost, and tokens come to its own last sum', (name) => {
    const rows = rowsOfFile(join(real, name));
    for (const live of [false, true]) {
      const mapper = mapperFor({ live });
      const events = rows.flatMap((value) => {
        const before = counted(mapper);
        const got = mapper.push(value);
        expect(got.length > 0 || counted(mapper) === before + 1).toBe(true);
        return got;
      });
      const last = rows.findLast(({ payload }) => (payload as JsonObject).type === 'token_count');
      const info = (last!.payload as JsonObject).info as Record<string, JsonObject>;
      const total = info.total_token_usage!;
      expect(sum(events)).toMatchObject({
        input_tokens: total.input_tokens,
        cache_read_input_tokens: total.cached_input_tokens,
        output_tokens: total.output_tokens,
        reasoning_output_tokens: total.reasoning_output_tokens,
      });
    }
  });
});
