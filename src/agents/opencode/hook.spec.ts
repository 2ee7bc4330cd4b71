import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Json, TraceEvent } from '../../model/event.ts';
import { SessionFold } from '../../model/fold.ts';
import { ids } from '../../model/ids.ts';
import { PluginMapper, type Told } from './hook.ts';

interface Call {
  hook: string;
  /** ms since the epoch */
  ms: number;
  input?: Json;
  output?: Json;
}

/** What a real opencode told its plugin. */
function captured(name: string): Call[] {
  const file = join(import.meta.dirname, '../../../test/fixtures/opencode', `${name}.ndjson`);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Call);
}

function mapped(calls: Call[], mapper = new PluginMapper('/home/dev/shop')): Told[] {
  return calls.flatMap(({ hook, ms, input, output }) => mapper.push(hook, input, output, ms));
}

const eventsOf = (told: Told[]): TraceEvent[] => told.flatMap(({ events }) => events);

/** One line an event: what a reader sees of it. */
function lines(events: TraceEvent[]): string[] {
  const names = new Map<string, string>();
  return events.map(({ event_type, parent_id, duration_ms, event_id, data }) => {
    const what = [event_type, data.event_subtype, data.tool_name].filter(Boolean).join(' ');
    names.set(event_id, what);
    const usage = data.usage as Record<string, number> | undefined;
    const more = {
      ...(parent_id !== undefined && { of: names.get(parent_id) }),
      ...(duration_ms !== undefined && { ms: duration_ms }),
      ...(data.agent_id !== undefined && { agent: data.agent_type }),
      ...(usage && { in: usage.input_tokens, out: usage.output_tokens, usd: data.cost_usd }),
      ...(data.exit_code !== undefined && { exit: data.exit_code }),
      ...(data.files !== undefined && { files: data.files }),
      ...(data.denied_by !== undefined && { by: data.denied_by }),
      ...(data.error !== undefined && { error: String(data.error).slice(0, 50) }),
      ...(data.permission !== undefined && { permission: data.permission }),
      ...(data.prompt !== undefined && { prompt: data.prompt }),
      ...(data.text !== undefined && { text: data.text }),
    };
    return `${what} ${JSON.stringify(more)}`;
  });
}

test('a session with a subagent', () => {
  const told = mapped(captured('main'));
  expect(new Set(told.map(({ sessionId }) => sessionId)).size).toBe(1);
  expect(lines(eventsOf(told))).toMatchSnapshot();
  expect(told.flatMap(({ moment }) => moment ?? [])).toEqual([
    'session_start',
    ...['before_tool', 'after_tool'],
    ...['before_tool', 'before_tool', 'after_tool', 'after_tool'],
    ...['before_tool', 'after_tool'],
    'before_tool',
    ...['before_tool', 'after_tool'],
    'after_tool',
    'turn_end',
  ]);
});

test('the fold pairs every call, and knows what a priced model costs', () => {
  const fold = new SessionFold();
  for (const event of eventsOf(mapped(captured('main')))) fold.add(event);
  expect(fold.duplicates).toBe(0);
  expect(fold.subagents.all()).toMatchObject([
    { type: 'general', description: 'count', calls: 1, endMs: expect.any(Number) },
  ]);
  // What opencode says of its two sessions: 0.047427 + 0.0144825, of which the last answer is told later.
  expect(fold.cost.total.usage).toMatchObject({ cache_read_input_tokens: 165_000 });
});

test('patches, refusals, wrong calls, tools that fail', () => {
  const told = mapped(captured('edges'));
  expect(lines(eventsOf(told))).toMatchSnapshot();
});

test('a fork does not tell again what it was copied from', () => {
  const events = eventsOf(mapped(captured('fork')));
  expect(lines(events)).toMatchSnapshot();
  const [start] = events;
  expect(start?.data).toMatchObject({ event_subtype: 'fork', agent_version: '1.18.33' });
});

test('a session that goes on in another process is resumed', () => {
  const calls = captured('edges');
  const prompt = calls.findIndex(({ hook }) => hook === 'chat.message');
  const [start, second] = eventsOf(mapped(calls.slice(prompt)));
  expect(start?.data).toMatchObject({ event_subtype: 'resume', source: 'resume' });
  expect(second?.event_type).toBe('user_prompt');
});

test('what is told again and again is told once', () => {
  const calls = captured('main').flatMap((call) => [call, call]);
  const once = eventsOf(mapped(captured('main')));
  const count = (events: TraceEvent[]) =>
    events.filter(({ event_type }) => event_type !== 'decision').length;
  expect(count(eventsOf(mapped(calls)))).toBe(count(once));
});

test('one call id for many calls: each is its own', () => {
  const mapper = new PluginMapper('/p');
  const sessionID = 'ses_1';
  const event = (type: string, properties: Json): Call => ({
    hook: 'event',
    ms: 2000,
    input: { type, properties },
  });
  const part = (id: string, state: Json): Call =>
    event('message.part.updated', {
      part: { id, sessionID, messageID: 'msg_1', type: 'tool', tool: 'bash', callID: 'c', state },
    });
  const call = (id: string, command: string): Call[] => [
    part(id, { status: 'pending', input: {} }),
    {
      hook: 'tool.execute.before',
      ms: 2000,
      input: { tool: 'bash', sessionID, callID: 'c' },
      output: { args: { command } },
    },
    part(id, { status: 'completed', input: { command }, output: command, metadata: { exit: 0 } }),
  ];
  const info = { id: 'msg_1', sessionID, role: 'assistant', time: { created: 1000 } };
  const events = eventsOf(
    mapped(
      [event('message.updated', { info }), ...call('prt_a', 'one'), ...call('prt_b', 'two')],
      mapper,
    ),
  );
  expect(
    events.slice(1).map(({ event_id, data }) => [event_id, data.result ?? data.arguments]),
  ).toEqual([
    [ids.call(sessionID, 'prt_a'), { command: 'one' }],
    [ids.result(sessionID, 'prt_a'), 'one'],
    [ids.call(sessionID, 'prt_b'), { command: 'two' }],
    [ids.result(sessionID, 'prt_b'), 'two'],
  ]);
});

test('a call whose part never ends is told by its hook at the end of the turn', () => {
  const calls = captured('main').filter(
    ({ input }) => !JSON.stringify(input ?? null).includes('"status":"completed"'),
  );
  const results = eventsOf(mapped(calls)).filter(({ data }) => data.exit_code !== undefined);
  expect(results.map(({ data }) => data.exit_code).sort()).toEqual([0, 0, 1]);
});

test('stopped, compacted, retried, of a newer version', () => {
  const sessionID = 'ses_1';
  const event = (type: string, properties: Json): Call => ({
    hook: 'event',
    ms: 9000,
    input: { type, properties },
  });
  const answer = (more: Record<string, Json>): Call =>
    event('message.updated', {
      info: { sessionID, role: 'assistant', agent: 'build', time: { created: 5000 }, ...more },
    });
  const user = { id: 'msg_0', sessionID, role: 'user', time: { created: 1000 } };
  const compaction = { id: 'prt_0', sessionID, messageID: 'msg_0', type: 'compaction', auto: true };
  const events = eventsOf(
    mapped([
      {
        hook: 'chat.message',
        ms: 1000,
        input: {},
        output: { message: user, parts: [{ type: 'text', text: 'Do it' }] },
      },
      event('message.updated', { info: user }),
      event('message.part.updated', { part: compaction }),
      answer({ id: 'msg_1', parentID: 'msg_0', summary: true, time: { created: 1, completed: 2 } }),
      answer({ id: 'msg_2', parentID: 'msg_0' }),
      event('session.status', {
        sessionID,
        status: { type: 'retry', attempt: 1, message: 'Overloaded' },
      }),
      answer({
        id: 'msg_2',
        parentID: 'msg_0',
        error: { name: 'MessageAbortedError', data: { message: 'Aborted' } },
      }),
      event('session.error', { sessionID, error: { name: 'MessageAbortedError' } }),
      event('session.idle', { sessionID }),
      event('session.dreamed', { sessionID, of: 'sheep' }),
    ]),
  );
  expect(events.slice(2).map(({ event_type, data }) => [event_type, data])).toMatchObject([
    ['decision', { event_subtype: 'compaction', trigger: 'auto' }],
    ['error', { event_subtype: 'api', error: 'Overloaded', retry: 1 }],
    ['error', { is_interrupt: true, error: 'Aborted' }],
    ['decision', { event_subtype: 'turn_end', reason: 'interrupted' }],
    ['decision', { event_subtype: 'unknown_hook', payload: { of: 'sheep' } }],
  ]);
});

test('an error is told once, of an answer or without one', () => {
  const sessionID = 'ses_1';
  const error = (message: string): Json => ({ name: 'APIError', data: { message } });
  const said = (type: string, properties: Record<string, Json>): Call => ({
    hook: 'event',
    ms: 9000,
    input: { type, properties: { sessionID, ...properties } },
  });
  const answer = { id: 'msg_1', sessionID, role: 'assistant', time: { created: 5000 } };
  const failed = said('message.updated', { info: { ...answer, error: error('Too many') } });
  const idle = said('session.idle', {});
  const errors = (calls: Call[]) =>
    eventsOf(mapped(calls))
      .filter(({ event_type }) => event_type === 'error')
      .map(({ data }) => data.error);
  const alone = said('session.error', { error: error('Too many') });
  const other = said('session.error', { error: error('No such model') });
  expect(errors([failed, alone, idle])).toEqual(['Too many']);
  expect(errors([said('message.updated', { info: answer }), alone, failed, idle])).toEqual([
    'Too many',
  ]);
  expect(errors([failed, idle, other, idle, idle])).toEqual(['Too many', 'No such model']);
  // The turn ends when its answer has been told to its end.
  const late = [said('message.updated', { info: answer }), alone, idle, failed, idle];
  const prompt: Call = {
    hook: 'chat.message',
    ms: 4000,
    output: { message: { id: 'msg_0', sessionID, time: { created: 4000 } }, parts: [] },
  };
  const kinds = (calls: Call[]) => eventsOf(mapped(calls)).map(({ event_type }) => event_type);
  const whole = ['session_start', 'error', 'decision', 'session_end'];
  expect(kinds([prompt, ...late, { hook: 'dispose', ms: 9000 }])).toEqual(whole);
  // It never is: the end of the process ends it.
  expect(kinds([prompt, ...late.slice(0, 3), { hook: 'dispose', ms: 9000 }])).toEqual(whole);
});

test('nothing that it is told makes it throw', () => {
  const values: Json[] = [null, 1, 'x', [], {}, { type: 'message.part.updated' }];
  const holes: Json[] = [
    { type: 'message.part.updated', properties: { part: { sessionID: 's', messageID: 1 } } },
    {
      type: 'message.updated',
      properties: { sessionID: 's', info: { id: 'm', role: 'assistant' } },
    },
    { type: 'session.created', properties: { info: { id: 's', parentID: 's' } } },
    { type: 'session.idle', properties: { sessionID: 's' } },
    { type: 'permission.asked', properties: { sessionID: 's', patterns: 1, tool: 'x' } },
    { message: { sessionID: 's', id: 'm' }, parts: [null, 1, { type: 'text', text: 5 }] },
  ];
  const mapper = new PluginMapper('/p');
  const hooks = ['event', 'chat.message', 'tool.execute.before', 'tool.execute.after', 'dispose'];
  for (const hook of hooks) {
    for (const first of [...values, ...holes]) {
      for (const second of [...values, ...holes]) mapper.push(hook, first, second, 1);
    }
  }
  const loop = (id: string, parentID: string): Json => ({
    type: 'session.created',
    properties: { info: { id, parentID } },
  });
  mapper.push('event', loop('a', 'b'), undefined, 1);
  mapper.push('event', loop('b', 'a'), undefined, 1);
  const call = { sessionID: 'a', callID: 'c', tool: 'bash' };
  expect(mapper.push('tool.execute.before', call, { args: {} }, 1)).not.toEqual([]);
});
