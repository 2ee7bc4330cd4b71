import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { response, SESSION, toolResult, toolUse, user } from '../../../test/agents/claudeRows.ts';
import type { TraceEvent } from '../../model/event.ts';
import { ids } from '../../model/ids.ts';
import { usageOf } from '../../model/usage.ts';
import { TranscriptMapper } from './transcriptImport.ts';
import { claudeUsage, UsageMapper } from './usage.ts';

function read(rows: readonly unknown[], options = {}): Map<string, TraceEvent> {
  const mapper = new UsageMapper({ sessionId: SESSION, ...options });
  const events = new Map<string, TraceEvent>();
  for (const row of rows) for (const event of mapper.push(row)) events.set(event.event_id, event);
  return events;
}

const ofType = (events: Map<string, TraceEvent>, type: string) =>
  [...events.values()].filter((event) => event.event_type === type);

describe('texts of a transcript', () => {
  it('are those of the agent, not what it was told', () => {
    const blocks = [{ type: 'text', text: '<system-reminder>You are told.</system-reminder>' }];
    const events = read([
      user('go', 0),
      {
        type: 'api-request',
        uuid: 'u1',
        timestamp: '2026-11-23T00:00:01Z',
        message: { role: 'user', content: blocks },
      },
      {
        type: 'attachment',
        uuid: 'u2',
        timestamp: '2026-11-23T00:00:01Z',
        message: { content: blocks },
      },
      response({
        id: 'm1',
        request: 'r1',
        at: 2,
        output: 3,
        block: { type: 'text', text: 'Hello.' },
      }),
    ]);
    expect(ofType(events, 'assistant_response').map(({ data }) => data.text)).toEqual(['Hello.']);
  });

  it('tell of every failed call, for not every version has a hook for it', () => {
    const events = read([
      user('go', 0),
      response({ id: 'm1', request: 'r1', at: 1, output: 3, block: toolUse('t1', 'Bash', {}) }),
      user(toolResult('t1', 'Exit code 3\nboom', true), 2),
    ]);
    expect(ofType(events, 'error')).toMatchObject([
      { parent_id: ids.call(SESSION, 't1'), data: { exit_code: 3, tool_name: 'Bash' } },
    ]);
  });
});

describe('an interrupt', () => {
  it.each(['[Request interrupted by user]', '[Request interrupted by user for tool use]'])(
    'ends the turn, live as in an import: %s',
    (text) => {
      const rows = [
        user('go', 0),
        response({ id: 'm1', request: 'r1', at: 1, block: toolUse('t1', 'Bash', {}) }),
        user(toolResult('t1', 'The user does not want it', true), 2),
        user([{ type: 'text', text }], 3),
      ];
      const live = read(rows);
      const [, stopped, ...others] = ofType(live, 'error');
      expect(others).toEqual([]);
      expect(stopped?.data).toMatchObject({ error: text, is_interrupt: true });
      const [end] = ofType(live, 'decision');
      expect(end).toMatchObject({
        event_id: ids.text(SESSION, 'turn_end', '', 'prompt-1', text),
        timestamp: Date.parse('2026-11-20T10:00:03Z') / 1000,
        data: { event_subtype: 'turn_end', reason: 'interrupted', prompt_id: 'prompt-1' },
      });
      const importer = new TranscriptMapper({ sessionId: SESSION });
      const imported = rows.flatMap((row) => importer.push(row, { file: 'main' }));
      for (const event of [stopped, end]) expect(imported).toContainEqual(event);
      expect(imported.filter((event) => event.event_type === 'user_prompt')).toHaveLength(1);
    },
  );

  it('is not one where a result or a subagent quotes it', () => {
    const text = '[Request interrupted by user]';
    const quoted = read([
      user('go', 0),
      user(toolResult('t1', text), 1),
      user(`He said ${text}`, 2),
    ]);
    expect([...quoted.values()]).toEqual([]);
    expect(read([user(text, 0)], { agentId: 'a1' }).size).toBe(0);
    expect(read([user(text, 0, { isMeta: true })]).size).toBe(0);
  });
});

describe('usage of a transcript', () => {
  it('counts a response once, by its row of the larger total, with all its calls', () => {
    const events = read([
      user('go', 0),
      response({
        id: 'm1',
        request: 'r1',
        at: 1,
        output: 3,
        block: { type: 'thinking', thinking: 'hm' },
      }),
      response({ id: 'm1', request: 'r1', at: 2, output: 3, block: toolUse('t1', 'Read', {}) }),
      response({ id: 'm1', request: 'r1', at: 3, output: 70, block: toolUse('t2', 'Bash', {}) }),
      response({
        id: 'm1',
        request: 'r1',
        at: 4,
        output: 9,
        block: { type: 'text', text: 'late' },
      }),
    ]);
    const [usage, ...others] = ofType(events, 'llm_response');
    expect(others).toEqual([]);
    expect(usage).toMatchObject({
      event_id: ids.usage(SESSION, 'm1', 'r1'),
      timestamp: Date.parse('2026-11-20T10:00:01Z') / 1000,
      data: {
        event_subtype: 'usage',
        recorded_by: 'transcript',
        model: 'claude-sonnet-4-20250514',
        message_id: 'm1',
        request_id: 'r1',
        stop_reason: 'end_turn',
        prompt_id: 'prompt-1',
        tool_use_ids: ['t1', 't2'],
        usage: { input_tokens: 10, output_tokens: 70 },
      },
    });
  });

  it('has every bucket in OpenTelemetry’s terms', () => {
    const message = response({ id: 'm', input: 7, read: 100, write5m: 20, write1h: 3, output: 50 })
      .message as never;
    expect(claudeUsage(message)).toEqual({
      input_tokens: 130,
      cache_read_input_tokens: 100,
      cache_write_input_tokens: 23,
      cache_write_1h_input_tokens: 3,
      output_tokens: 50,
      reasoning_output_tokens: 0,
    });
    const flat = { usage: { input_tokens: 1, output_tokens: 1, cache_creation_input_tokens: 9 } };
    expect(claudeUsage(flat)).toMatchObject({
      input_tokens: 10,
      cache_write_input_tokens: 9,
      cache_write_1h_input_tokens: 0,
    });
    expect(claudeUsage({ usage: { input_tokens: '1', output_tokens: 1 } })).toBeUndefined();
  });

  it('keeps what a price needs to know', () => {
    const [event] = ofType(
      read([
        response({
          id: 'm1',
          usage: {
            speed: 'fast',
            service_tier: 'priority',
            inference_geo: 'us',
            server_tool_use: { web_search_requests: 2 },
          },
          more: { costUSD: 0.5 },
        }),
      ]),
      'llm_response',
    );
    expect(event?.data).toMatchObject({
      speed: 'fast',
      service_tier: 'priority',
      inference_geo: 'us',
      web_search_requests: 2,
      agent_cost_usd: 0.5,
    });
  });

  it('lets the main conversation win over a sidechain’s replay, in either order', () => {
    const main = response({ id: 'm1', request: 'r', output: 20 });
    const side = response({ id: 'm1', request: 'r', output: 900, sidechain: true, agentId: 'a1' });
    for (const rows of [
      [main, side],
      [side, main],
    ]) {
      const [event, ...others] = ofType(read(rows), 'llm_response');
      expect(others).toEqual([]);
      expect(event?.data.is_sidechain).toBeUndefined();
      expect(event?.data.usage).toMatchObject({ output_tokens: 20 });
    }
  });

  it('leaves copied rows to the session they come from', () => {
    const mapper = new UsageMapper({ sessionId: SESSION });
    expect(mapper.push(response({ id: 'm1', session: 'other' }))).toEqual([]);
    const forked = response({ id: 'm2', more: { forkedFrom: { sessionId: 'other' } } });
    expect(mapper.push(forked)).toEqual([]);
    expect(mapper.copied).toBe(2);
    expect(mapper.push(response({ id: 'm3' }))).not.toEqual([]);
  });

  it('does not price what no model said', () => {
    const events = read([
      response({ id: 'm1', model: '<synthetic>' }),
      response({
        id: 'm2',
        model: '<synthetic>',
        block: { type: 'text', text: 'API Error: 529 Overloaded' },
        more: { isApiErrorMessage: true, error: 'server_error', apiErrorStatus: 529 },
      }),
    ]);
    expect(ofType(events, 'llm_response')).toEqual([]);
    expect([...events.values()]).toMatchObject([
      {
        event_type: 'error',
        data: {
          event_subtype: 'api',
          error: 'API Error: 529 Overloaded',
          error_type: 'server_error',
          status: 529,
        },
      },
    ]);
  });

  it('tells text, reasoning and compaction', () => {
    const events = read([
      user('go', 0),
      response({ id: 'm1', block: { type: 'text', text: ' Reading the file. ' } }),
      response({ id: 'm1', block: { type: 'thinking', thinking: 'I should', signature: 'x' } }),
      response({ id: 'm1', block: { type: 'thinking', thinking: '', signature: 'x' } }),
      {
        type: 'system',
        subtype: 'compact_boundary',
        uuid: 'c1',
        timestamp: '2026-11-20T10:01:00Z',
        sessionId: SESSION,
        compactMetadata: { trigger: 'auto', preTokens: 180_000, postTokens: 9000 },
      },
    ]);
    expect(ofType(events, 'assistant_response').map((event) => event.data)).toMatchObject([
      { text: ' Reading the file. ', message_id: 'm1' },
      { text: 'I should', event_subtype: 'reasoning' },
    ]);
    expect(ofType(events, 'assistant_response')[0]?.event_id).toBe(
      ids.text(SESSION, 'text', '', 'prompt-1', 'Reading the file.'),
    );
    expect(ofType(events, 'decision')[0]?.data).toMatchObject({
      event_subtype: 'compaction',
      trigger: 'auto',
      pre_tokens: 180_000,
      post_tokens: 9000,
    });
  });

  it('tells the calls that fail validation, and the failure of others', () => {
    const file = new URL(
      '../../../test/fixtures/claude/transcripts/bad/fcc5fecb-19fc-4827-903e-8f83aea72ffa.jsonl',
      import.meta.url,
    );
    const rows = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const sessionId = 'fcc5fecb-19fc-4827-903e-8f83aea72ffa';
    const events = read(rows, { sessionId });
    const calls = ofType(events, 'tool_call');
    const names = calls.map((event) => event.data.tool_name);
    expect(names).toEqual(['Bash', 'Nope', 'Edit']);
    const errors = ofType(events, 'error');
    const invalid = errors.filter(({ parent_id }) =>
      calls.some((call) => call.event_id === parent_id),
    );
    expect(invalid.map(({ parent_id }) => parent_id)).toEqual(
      calls.map(({ event_id }) => event_id),
    );
    expect(errors).toHaveLength(4);
    expect(invalid[1]?.data.error).toBe('Error: No such tool available: Nope');
    expect(ofType(events, 'llm_response')).toHaveLength(2);
  });

  it('takes secrets out before it cuts, and keeps ids of the whole text', () => {
    const token = `gh${'p_'}${'aB3dE5gH7jK9'.repeat(3)}`;
    const text = `${'x'.repeat(65_500)} ${token}`;
    const rows = [
      user('go', 0),
      response({ id: 'm1', block: { type: 'text', text } }),
      response({ id: 'm2', block: toolUse('t1', 'Bash', { cmd: `echo ${token}` }) }),
      user(toolResult('t1', `<tool_use_error>bad ${token}</tool_use_error>`, true), 2),
    ];
    const mapper = new UsageMapper({ sessionId: SESSION });
    const events = rows.slice(0, 3).flatMap((row) => mapper.push(row));
    expect(JSON.stringify(mapper.state())).not.toContain(token);
    events.push(...mapper.push(rows[3]));
    expect(JSON.stringify(events)).not.toContain(token.slice(0, 8));
    expect(events[0]?.event_id).toBe(ids.text(SESSION, 'text', '', 'prompt-1', text));
    expect(events[0]?.data).toMatchObject({ redacted: { 'github-token': 1 } });
    expect(events.at(-2)?.data.arguments).toEqual({ cmd: 'echo [REDACTED:github-token]' });
  });

  const rows = fc.array(
    fc.record({
      id: fc.constantFrom('m1', 'm2', 'm3', 'm4'),
      output: fc.nat({ max: 50 }),
      read: fc.nat({ max: 3 }),
      sidechain: fc.boolean(),
    }),
    { minLength: 1, maxLength: 30 },
  );
  const sum = (events: Map<string, TraceEvent>): number[] => {
    const usages = ofType(events, 'llm_response').map((event) => usageOf(event.data));
    return usages.reduce((total, usage) => {
      const { input_tokens = 0, output_tokens = 0 } = usage ?? {};
      return [(total[0] ?? 0) + input_tokens + output_tokens, (total[1] ?? 0) + 1];
    }, [] as number[]);
  };

  it('sums the same whatever the order of rows and however often they come', () => {
    fc.assert(
      fc.property(rows, fc.infiniteStream(fc.nat()), (specs, random) => {
        const all = specs.map((spec, at) => response({ ...spec, request: `r-${spec.id}`, at }));
        const shuffled = [...all, ...all.slice(0, all.length / 2)]
          .map((row) => ({ row, key: random.next().value }))
          .sort((a, b) => a.key - b.key)
          .map(({ row }) => row);
        expect(sum(read(shuffled))).toEqual(sum(read(all)));
      }),
    );
  });

  it('never throws', () => {
    const junk = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          type: fc.constantFrom('user', 'assistant', 'system', 'attachment', 7, null),
          message: fc.oneof(
            fc.jsonValue(),
            fc.record({
              id: fc.jsonValue(),
              usage: fc.oneof(
                fc.jsonValue(),
                fc.dictionary(
                  fc.constantFrom('input_tokens', 'output_tokens', 'cache_creation'),
                  fc.jsonValue(),
                ),
              ),
              content: fc.array(
                fc.dictionary(
                  fc.constantFrom(
                    'type',
                    'text',
                    'id',
                    'tool_use_id',
                    'input',
                    'content',
                    '__proto__',
                  ),
                  fc.oneof(fc.jsonValue(), fc.constantFrom('tool_use', 'tool_result', 'text')),
                ),
              ),
            }),
          ),
          timestamp: fc.jsonValue(),
          subtype: fc.jsonValue(),
          uuid: fc.jsonValue(),
          isApiErrorMessage: fc.boolean(),
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(fc.array(junk), (values) => {
        for (const event of read(values).values()) {
          expect(Number.isFinite(event.timestamp)).toBe(true);
          JSON.stringify(event);
        }
      }),
      { numRuns: 500 },
    );
  });
});
