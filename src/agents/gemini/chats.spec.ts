import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Json, JsonObject, TraceEvent } from '../../model/event.ts';
import type { RowMapper } from '../agent.ts';
import { ChatMapper } from './chatMapper.ts';
import { usageOfTokens } from './chatRow.ts';
import { geminiTranscripts } from './chats.ts';
import { mapGeminiHook } from './hook.ts';

const fixtures = join(import.meta.dirname, '../../../test/fixtures/gemini');
const textOf = (run: string): string =>
  readFileSync(join(fixtures, `${run}.session.jsonl`), 'utf8');
const rowsOf = (run: string): Json[] =>
  textOf(run)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);
const SESSION = '6fa6a10e-3dbc-4a7a-b472-b5cc8080e81f';

const mapper = (more: { state?: Json; live?: boolean; agentId?: string } = {}): RowMapper =>
  new ChatMapper({
    sessionId: SESSION,
    file: { path: '/p/chat.jsonl', agentId: more.agentId ?? '' },
    live: more.live ?? false,
    cwd: '/home/dev/shop',
    ...(more.state !== undefined && { state: more.state }),
  });

/** The last word on each event, by id. */
const lastWords = (events: readonly TraceEvent[]): Map<string, TraceEvent> =>
  new Map(events.map((event) => [event.event_id, event]));

const told = (rows: readonly Json[], more = {}): Map<string, TraceEvent> => {
  const chat = mapper(more);
  const events = rows.flatMap((row) => chat.push(row));
  return lastWords([...events, ...chat.finish()]);
};

const line = ({ event_type, data }: TraceEvent): string =>
  [
    event_type,
    data.event_subtype ?? data.tool_name ?? data.prompt ?? data.mode ?? data.text ?? '',
    data.exit_code === undefined ? '' : `exit ${data.exit_code}`,
    data.denied_by === undefined ? '' : `by ${data.denied_by}`,
    data.usage === undefined ? '' : JSON.stringify(Object.values(data.usage ?? {})),
    Array.isArray(data.tool_use_ids) ? `${data.tool_use_ids.length} calls` : '',
  ]
    .filter((part) => part !== '')
    .join(' ');

describe('a chat', () => {
  it('is told event by event', () => {
    expect([...told(rowsOf('main')).values()].map(line)).toMatchInlineSnapshot(`
      [
        "user_prompt SCENARIO:main please",
        "assistant_response reasoning",
        "assistant_response Reading.",
        "llm_response usage [1001,500,0,0,47,7] 1 calls",
        "tool_call read_file",
        "tool_result read_file",
        "llm_response usage [1002,500,0,0,47,7] 2 calls",
        "tool_call run_shell_command",
        "tool_result run_shell_command exit 0",
        "tool_call replace",
        "tool_result replace",
        "llm_response usage [1003,500,0,0,47,7] 3 calls",
        "tool_call read_file",
        "tool_result read_file",
        "tool_call run_shell_command",
        "tool_result run_shell_command exit 0",
        "tool_call run_shell_command",
        "tool_result run_shell_command exit 0",
        "llm_response usage [1004,500,0,0,47,7] 1 calls",
        "tool_call run_shell_command",
        "tool_result run_shell_command exit 1",
        "llm_response usage [1005,500,0,0,47,7] 1 calls",
        "tool_call write_file",
        "tool_result write_file",
        "assistant_response All done.",
        "llm_response usage [1006,500,0,0,47,7]",
        "session_start import",
        "session_end",
      ]
    `);
  });

  it('tells who denied a call', () => {
    expect([...told(rowsOf('denied')).values()].map(line)).toMatchInlineSnapshot(`
      [
        "user_prompt SCENARIO:one please",
        "llm_response usage [1001,500,0,0,47,7] 1 calls",
        "tool_call run_shell_command",
        "error denied by hook",
        "assistant_response one done",
        "llm_response usage [1002,500,0,0,47,7]",
        "session_start import",
        "session_end",
      ]
    `);
  });

  it('has the keys, results and files that the hooks have', () => {
    const facts = ({ data }: TraceEvent): JsonObject => ({
      key: data.call_key ?? '',
      result: data.result ?? '',
      exit: data.exit_code ?? -1,
      files: data.files ?? [],
    });
    const order = (a: JsonObject, b: JsonObject): number =>
      JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
    const results = (events: Iterable<TraceEvent>) =>
      [...events]
        .filter(({ event_type }) => event_type === 'tool_result')
        .map(facts)
        .sort(order);
    const hooks = readFileSync(join(fixtures, 'main.hooks.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .flatMap((text) => {
        const { event, payload } = JSON.parse(text) as { event: string; payload: JsonObject };
        return mapGeminiHook(payload, {
          sessionId: SESSION,
          event,
          timestamp: 1,
          recorded: () => 'no',
        });
      });
    expect(results(hooks)).toHaveLength(8);
    expect(results(told(rowsOf('main')).values())).toEqual(results(hooks));
    // A prompt, too, is the same event.
    const prompt = hooks.find(({ event_type }) => event_type === 'user_prompt')!;
    expect(told(rowsOf('main')).has(prompt.event_id)).toBe(true);
  });

  it('tells no prompt of a session that hooks record', () => {
    const types = [...told(rowsOf('main'), { live: true }).values()].map((e) => e.event_type);
    expect(types).not.toContain('user_prompt');
    expect(types).toContain('llm_response');
  });
});

describe('in whichever order rows come', () => {
  const plain = (events: Map<string, TraceEvent>): object =>
    Object.fromEntries([...events].sort(([a], [b]) => (a < b ? -1 : 1)));

  it('and however often, the events are the same', () => {
    const rows = rowsOf('main');
    const all = plain(told(rows));
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...rows, ...rows], { minLength: 2 * rows.length }),
        (mixed) => {
          expect(plain(told(mixed))).toEqual(all);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('and wherever reading stopped in between', () => {
    const text = textOf('main');
    const all = plain(told(rowsOf('main'), { live: true }));
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
        const events: TraceEvent[] = [];
        let state: Json | undefined;
        let chat = mapper({ live: true });
        let rest = '';
        const ends = [...cuts].sort((a, b) => a - b);
        for (const [at, end] of [...ends, text.length].entries()) {
          rest += text.slice(ends[at - 1] ?? 0, end);
          const lines = rest.split('\n');
          rest = lines.pop()!;
          for (const row of lines) events.push(...chat.push(JSON.parse(row) as Json));
          state = JSON.parse(JSON.stringify(chat.save())) as Json;
          chat = mapper({ live: true, state });
        }
        const last = mapper({ live: true, state: state! });
        expect(plain(lastWords([...events, ...last.finish()]))).toEqual(all);
      }),
      { numRuns: 50 },
    );
  });

  it('never throws, and remembers little', () => {
    const chat = mapper();
    const row = fc.record(
      {
        id: fc.oneof(fc.string(), fc.jsonValue()),
        type: fc.constantFrom('user', 'gemini', 'info', 'error', 'warning', 'x'),
        content: fc.jsonValue(),
        tokens: fc.jsonValue(),
        thoughts: fc.jsonValue(),
        toolCalls: fc.array(
          fc.record({
            id: fc.string(),
            name: fc.string(),
            args: fc.jsonValue(),
            result: fc.jsonValue(),
            status: fc.string(),
          }),
        ),
        $set: fc.jsonValue(),
        model: fc.string(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(row, fc.jsonValue()),
        (value) => void chat.push((value ?? null) as Json),
      ),
    );
    const call = (at: number) => ({ id: `${at}${'c'.repeat(100)}`, name: 'x', args: {} });
    for (let at = 0; at < 2000; at++) {
      const toolCalls = Array.from({ length: 60 }, (_, n) => call(n));
      chat.push({ id: `m${at}`, type: 'gemini', model: 'x', tokens: { input: 1 }, toolCalls });
      chat.push({ id: `u${at}`, type: 'user', content: `${at} ${'ü'.repeat(5000)}` });
    }
    expect(Buffer.byteLength(JSON.stringify(chat.save()))).toBeLessThan(65_536);
  });
});

describe('rows of other kinds', () => {
  it('rewinds, compressions, notes and errors', () => {
    const rows: Json[] = [
      { id: '1', type: 'error', content: '[API Error: quota]', timestamp: '2026-01-01T00:00:00Z' },
      { id: '2', type: 'info', content: 'Model switched', timestamp: '2026-01-01T00:00:01Z' },
      { $rewindTo: '1' },
      { id: '3', type: 'user', content: [{ text: '<state_snapshot>all</state_snapshot>' }] },
      { id: '4', type: 'gemini', content: [{ text: 'Got it.' }] },
    ];
    expect([...told(rows).values()].map(line)).toMatchInlineSnapshot(`
      [
        "error api",
        "decision notification",
        "decision notification",
        "decision compaction",
        "session_start import",
        "session_end",
      ]
    `);
  });

  it('a cancelled call, and one that the user refused', () => {
    const result = (id: string, error: string): Json => [
      { functionResponse: { id, name: 'x', response: { error } } },
    ];
    const toolCalls: Json = [
      {
        id: 'a',
        name: 'x',
        args: {},
        status: 'cancelled',
        result: result('a', '[Operation Cancelled] User did not allow tool call'),
      },
      {
        id: 'b',
        name: 'x',
        args: {},
        status: 'cancelled',
        result: result('b', '[Operation Cancelled] User cancelled tool execution.'),
      },
      { id: 'c', name: 'x', args: {}, status: 'executing' },
    ];
    const events = told([{ id: '1', type: 'gemini', model: 'm', toolCalls }]);
    const ends = [...events.values()].filter(({ event_type }) => event_type === 'error');
    expect(ends.map(({ data }) => [data.denied_by, data.is_interrupt])).toEqual([
      ['user', undefined],
      [undefined, true],
    ]);
  });

  it("a subagent's life", () => {
    const events = told(rowsOf('main').slice(2), { agentId: 'sub' });
    const life = [...events.values()].filter(({ data }) => data.event_subtype === 'subagent');
    expect(life.map(({ event_type, data }) => [event_type, data.prompt ?? data.result])).toEqual([
      ['tool_call', 'SCENARIO:main please'],
      ['tool_result', 'All done.'],
    ]);
    for (const { data } of events.values()) expect(data.agent_id).toBe('sub');
  });
});

it("tokens: thoughts and tools' prompts are counted once, wherever Gemini counts them", () => {
  const of = (tokens: JsonObject): unknown => {
    const { input_tokens, output_tokens, reasoning_output_tokens } = usageOfTokens(tokens)!;
    return [input_tokens, output_tokens, reasoning_output_tokens];
  };
  expect(of({ input: 100, output: 40, thoughts: 7, tool: 0, total: 147 })).toEqual([100, 47, 7]);
  expect(of({ input: 100, output: 40, thoughts: 7, tool: 0, total: 140 })).toEqual([100, 40, 7]);
  expect(of({ input: 100, output: 40, thoughts: 0, tool: 9, total: 149 })).toEqual([109, 40, 0]);
  expect(of({ input: 100, output: 40, thoughts: 0, tool: 9, total: 140 })).toEqual([100, 40, 0]);
  expect(usageOfTokens(null)).toBeUndefined();
});

describe('where chats are', () => {
  let home: string;
  let chats: string;
  const places = () => ({ env: {}, home });
  const name = 'session-2026-11-23T00-29-6fa6a10e.jsonl';

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'gemini-'));
    chats = join(home, '.gemini/tmp/shop/chats');
    mkdirSync(chats, { recursive: true });
    writeFileSync(join(chats, name), textOf('main'));
    writeFileSync(
      join(home, '.gemini/projects.json'),
      JSON.stringify({ projects: { '/home/dev/shop': 'shop' } }),
    );
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('finds them with their folder and their subagents', () => {
    mkdirSync(join(chats, SESSION));
    writeFileSync(join(chats, SESSION, 'abc.jsonl'), '');
    const [found, ...others] = geminiTranscripts.find(places());
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      agent: 'gemini',
      sessionId: SESSION,
      cwd: '/home/dev/shop',
      startedAt: Date.parse('2026-11-23T00:29:41.096Z') / 1000,
    });
    const files = [
      { path: join(chats, name), agentId: '' },
      { path: join(chats, SESSION, 'abc.jsonl'), agentId: 'abc' },
    ];
    expect(geminiTranscripts.filesOf(found!)).toEqual(files);
    expect(geminiTranscripts.liveFilesOf(SESSION, join(chats, name), places())).toEqual(files);
  });

  it('reads a document of an older version', () => {
    const path = join(chats, 'session-2025-10-01T00-00-11111111.json');
    const head = { sessionId: 'old', projectHash: 'x', startTime: '2025-10-01T00:00:00Z' };
    const messages = rowsOf('main').filter((row) => 'type' in (row as object));
    writeFileSync(path, JSON.stringify({ ...head, messages }, null, 2));
    const found = geminiTranscripts.recognise(path)!;
    expect(found.sessionId).toBe('old');
    const rows = [...geminiTranscripts.rowsOf!(found, { path, agentId: '' })];
    expect(rows).toEqual([head, ...messages]);
    writeFileSync(path, '{"sessionId":"old","projectHash":"x","mess');
    expect(() => [...geminiTranscripts.rowsOf!(found, { path, agentId: '' })]).toThrow('no whole');
  });

  it('trusts no path that a trace names', () => {
    const live = (path: string, session = SESSION): unknown =>
      geminiTranscripts.liveFilesOf(session, path, places());
    const outside = join(home, name);
    writeFileSync(outside, textOf('main'));
    const link = join(chats, 'session-link.jsonl');
    symlinkSync(outside, link);
    symlinkSync(home, join(home, '.gemini/tmp/linked'));
    mkdirSync(join(home, 'chats'));
    writeFileSync(join(home, 'chats', name), textOf('main'));
    for (const path of [outside, link, join(home, '.gemini/tmp/linked/chats', name), '', 'x']) {
      expect(live(path), path).toEqual([]);
    }
    expect(live(join(chats, name), 'another')).toEqual([]);
    expect(live(join(chats, name), '../x')).toEqual([]);
  });

  it('takes nothing else for a chat', () => {
    const path = join(home, 'x.jsonl');
    for (const text of ['', '{}', '{"sessionId":"a"}', textOf('main').slice(0, 20)]) {
      writeFileSync(path, text);
      expect(geminiTranscripts.recognise(path)).toBeUndefined();
    }
    expect(geminiTranscripts.recognise(join(home, 'nowhere'))).toBeUndefined();
  });
});
