import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  codexId,
  message,
  recordedFiles,
  row,
  rowsOfFile,
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

  it('tell failures that hooks do not: calls that never ran, and a command that ended later', () => {
    const { sessionId, rows } = recorded('failing');
    const { events } = read(rows, { sessionId, live: true });
    const calls = events.filter(({ data }) => data.tool_use_id !== undefined);
    expect(told(calls)).toMatchInlineSnapshot(`
      [
        "tool_call call_mock1 exec_command {"nocmd":1}",
        "error call_mock1 exec_command failed to parse function arguments: missing field \`cmd\` at line 1 column 11 4 ms",
        "tool_call call_mock2 no_such_tool {"a":1}",
        "error call_mock2 no_such_tool unsupported call: no_such_tool 6 ms",
        "tool_call call_mock3 update_plan {"plan":[{"step":"a","status":"pending"}]}",
        "error call_mock3 update_plan unsupported call: update_plan 2 ms",
        "tool_call call_mock4 view_image {"path":"/home/dev/none.png"}",
        "error call_mock4 view_image unable to locate image at \`/home/dev/none.png\`: No such file or directory (os error 2) 22 ms",
        "tool_call call_mock5 apply_patch {"command":"*** Begin Patch\\n*** Update File: hello.txt\\n@@\\n-nothing like it\\n+x\\n*** End Patch"}",
        "error call_mock5 apply_patch apply_patch verification failed: Failed to find expected lines in /home/dev/shop/hello.txt:⏎nothing like it 18 ms",
        "error call_mock6 exec_command late⏎ exit 4 2860 ms",
        "tool_result call_mock7 exec_command exit 0 3855 ms",
      ]
    `);
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

  it('keep what people say again where turns have no id', () => {
    const say = (at: number) => message(at, { type: 'user_message', message: 'go on' });
    const { events } = read([meta(SESSION), say(1), say(60)]);
    expect(events.filter(({ event_type: type }) => type === 'user_prompt')).toHaveLength(2);
  });
});

describe('rows of any shape', () => {
  const all = (['main', 'pre-deny', 'spawn', 'forked', 'failing'] as const).flatMap(recordedFiles);

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
});

const counted = ({ ignored }: RolloutMapper): number =>
  Object.values(ignored).reduce((total, count) => total + count, 0);
