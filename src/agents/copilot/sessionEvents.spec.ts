import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { capturedEvents, capturedHooks, capturedText } from '../../../test/copilotFixtures.ts';
import { encodeEvent } from '../../model/codec.ts';
import type { Json, JsonObject, TraceEvent } from '../../model/event.ts';
import { usageOf } from '../../model/usage.ts';
import { asObject, asString } from '../rows.ts';
import { copilotRecorder } from './hook.ts';
import { copilotTranscripts } from './sessionEvents.ts';

const sessionOf = (rows: readonly JsonObject[]): string =>
  asString(asObject(rows[0]?.data)?.sessionId);

const mapperOf = (sessionId: string, live = false, state?: Json) =>
  copilotTranscripts.mapper({
    sessionId,
    file: { path: '/x', agentId: '' },
    live,
    ...(state !== undefined && { state }),
  });

function imported(rows: readonly JsonObject[], live = false): TraceEvent[] {
  const mapper = mapperOf(sessionOf(rows), live);
  return [...rows.flatMap((row) => mapper.push(row)), ...mapper.finish()];
}

const kinds = (events: readonly TraceEvent[]): string[] =>
  events.map(({ event_type, data }) =>
    [event_type, data.event_subtype ?? data.tool_name].filter(Boolean).join(' '),
  );

const find = (events: readonly TraceEvent[], type: string, facts: JsonObject): TraceEvent => {
  const found = events.find(
    ({ event_type, data }) =>
      event_type === type && Object.entries(facts).every(([key, value]) => data[key] === value),
  );
  if (found === undefined) throw new Error(`no ${type} ${JSON.stringify(facts)}`);
  return found;
};

describe('the events of a Copilot session', () => {
  const tools = imported(capturedEvents('tools'));

  it('become those of a trace', () => {
    expect(kinds(imported(capturedEvents('main')))).toMatchInlineSnapshot(`
      [
        "session_start",
        "user_prompt",
        "assistant_response",
        "llm_response usage",
        "tool_call view",
        "tool_result view",
        "llm_response usage",
        "tool_call bash",
        "tool_call edit",
        "tool_result edit",
        "tool_result bash",
        "llm_response usage",
        "tool_call bash",
        "tool_result bash",
        "assistant_response",
        "llm_response usage",
        "decision turn_end",
        "session_end",
      ]
    `);
  });

  it('have exit codes, and the lines of files', () => {
    const files = (tool: string) => find(tools, 'tool_result', { tool_name: tool }).data.files;
    expect(files('view')).toEqual([
      { path: '/home/dev/shop/long.txt', kind: 'read', ranges: [[3, 7]] },
    ]);
    expect(files('edit')).toEqual([
      {
        path: '/home/dev/shop/hello.txt',
        kind: 'write',
        hunks: [[2, 2, 2, 1]],
        ranges: [[2, 2]],
        added: 1,
        removed: 2,
      },
    ]);
    expect(files('create')).toEqual([
      { path: '/home/dev/shop/new.txt', kind: 'create', added: 2, removed: 0, total_lines: 2 },
    ]);
    // A folder's names are no lines.
    const views = tools.filter(
      ({ event_type, data }) => event_type === 'tool_result' && data.tool_name === 'view',
    );
    expect(views.map(({ data }) => 'files' in data)).toEqual([true, false]);
    const codes = tools.flatMap(({ data }) => data.exit_code ?? []);
    expect(codes).toEqual([3, 0]);
  });

  it('have tokens: the prompt with what was cached, and the calls that it made', () => {
    const responses = tools.filter(({ event_type }) => event_type === 'llm_response');
    expect(responses).toHaveLength(10);
    const [first] = responses;
    expect(first!.data).toMatchObject({
      model: 'claude-sonnet-4.5',
      usage: {
        input_tokens: 1207,
        cache_read_input_tokens: 0,
        cache_write_input_tokens: 1200,
        output_tokens: 40,
        reasoning_output_tokens: 0,
      },
      message_id: expect.stringMatching(/^msg_/),
      request_id: expect.stringMatching(/^req_/),
    });
    expect(first!.duration_ms).toBe(34);
    expect(first!.data).not.toHaveProperty('agent_cost_usd');
    const called = responses.flatMap(({ data }) => (data.tool_use_ids ?? []) as string[]);
    const calls = tools.filter(
      ({ event_type, data }) => event_type === 'tool_call' && data.event_subtype === undefined,
    );
    expect(called).toEqual(calls.map(({ data }) => data.tool_use_id));
  });

  it.each(['tools', 'nested'])(
    'come to the sums that Copilot writes down at the end (%s)',
    (name) => {
      const rows = capturedEvents(name);
      const end = asObject(rows.find(({ type }) => type === 'session.shutdown')!.data)!;
      const own = asObject(asObject(asObject(end.modelMetrics)!['claude-sonnet-4.5'])!.usage);
      const sum = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
      for (const { event_type, data } of imported(rows)) {
        if (event_type !== 'llm_response') continue;
        const usage = usageOf(data)!;
        sum.inputTokens += usage.input_tokens;
        sum.outputTokens += usage.output_tokens;
        sum.cacheReadTokens += usage.cache_read_input_tokens;
        sum.cacheWriteTokens += usage.cache_write_input_tokens;
      }
      expect(sum).toEqual(own);
    },
  );

  it('have what is only said to the person', () => {
    expect(find(tools, 'assistant_response', { event_subtype: 'reasoning' }).data.text).toBe(
      'let me look',
    );
    expect(find(tools, 'assistant_response', { text: 'Reading.' })).toBeDefined();
  });

  it('know who said no', () => {
    expect(find(tools, 'error', { event_subtype: 'denied' }).data).toMatchObject({
      tool_name: 'bash',
      denied_by: 'hook',
      error: 'Denied by preToolUse hook: not today',
    });
    const denied = imported(capturedEvents('denied')).filter(
      ({ event_type, data }) => event_type === 'error' && data.event_subtype === 'denied',
    );
    expect(denied.map(({ data }) => [data.tool_name, data.denied_by])).toEqual([
      ['edit', 'permission'],
      ['create', 'permission'],
      ['bash', 'hook'],
      ['bash', 'permission'],
    ]);
    const asked = { event_subtype: 'permission', tool_name: 'create' };
    expect(find(imported(capturedEvents('denied')), 'decision', asked).data).toMatchObject({
      permission: 'denied',
      decision_source: 'unattended_fallback',
    });
  });

  it('tell subagents apart, also those of subagents', () => {
    const events = imported(capturedEvents('nested'));
    const starts = events.filter(
      ({ event_type, data }) => event_type === 'tool_call' && data.event_subtype === 'subagent',
    );
    expect(starts.map(({ data }) => data.agent_name)).toEqual(['counter', 'deep']);
    const [outer, inner] = starts.map(({ data }) => data.agent_id);
    expect(
      find(events, 'tool_call', { tool_name: 'bash', agent_id: inner! }).data.arguments,
    ).toMatchObject({
      command: 'echo deep',
    });
    expect(
      find(events, 'tool_result', { tool_name: 'task', agent_id: outer! }).data.subagent_id,
    ).toBe(inner);
    const end = find(events, 'tool_result', { event_subtype: 'subagent', agent_id: inner! });
    expect(end).toMatchObject({ data: { result: 'Deep.' }, duration_ms: expect.any(Number) });
    // A task is no prompt of a person.
    expect(events.filter(({ event_type }) => event_type === 'user_prompt')).toHaveLength(1);
  });

  it('go on after a resume', () => {
    const events = imported(capturedEvents('resumed'));
    const course = events.filter(
      ({ event_type, data }) =>
        /session|prompt/.test(event_type) || data.event_subtype === 'turn_end',
    );
    expect(kinds(course)).toEqual([
      'session_start',
      'user_prompt',
      'decision turn_end',
      'session_end',
      'session_start resume',
      'user_prompt',
      'decision turn_end',
      'session_end',
    ]);
    expect(find(events, 'session_start', {}).data).toMatchObject({
      mode: 'import',
      cwd: '/home/dev/shop',
      model: 'claude-sonnet-4.5',
      agent_version: '1.0.102',
    });
  });

  it('tell what hooks have told under the same ids', () => {
    for (const name of ['main', 'pascal', 'tools', 'resumed', 'failed']) {
      const hooks = capturedHooks(name).flatMap(({ event, env, payload }) =>
        copilotRecorder.map(payload, {
          sessionId: copilotRecorder.sessionOf(payload, env),
          event,
          timestamp: 1,
          recorded: () => 'no',
        }),
      );
      const course = (events: TraceEvent[]) =>
        events
          .filter(
            ({ event_type, data }) =>
              /^(session_|user_prompt)/.test(event_type) ||
              /^(turn_end|subagent|api)$/.test(asString(data.event_subtype)),
          )
          .map(({ event_type, event_id }) => `${event_type} ${event_id}`)
          .sort();
      expect(course(imported(capturedEvents(name)))).toEqual(course(hooks));
    }
  });

  it('tell of a running session only what hooks do not', () => {
    const live = imported(capturedEvents('tools'), true);
    expect(kinds(live).filter((kind) => /session|prompt|turn_end/.test(kind))).toEqual([]);
    const rest = (events: TraceEvent[]) =>
      events.filter(({ event_type }) => /tool|llm|assistant/.test(event_type));
    expect(rest(live)).toEqual(rest(tools));
    // Without hooks of ours in it, nobody else tells the prompt.
    const rows = capturedEvents('tools').filter(({ type }) => type !== 'hook.start');
    expect(kinds(imported(rows, true))).toContain('user_prompt');
  });

  it('of rows that were not captured', () => {
    let n = 0;
    const row = (type: string, data: JsonObject): JsonObject => ({
      type,
      data,
      id: `row${n++}`,
      timestamp: '2026-11-23T00:00:00.000Z',
    });
    const events = imported([
      row('session.start', { sessionId: 's', producer: 'copilot-agent' }),
      row('session.model_change', {
        previousModel: 'gpt-5',
        newModel: 'claude-opus-4.5',
        source: 'model_picker',
      }),
      row('session.mode_changed', { previousMode: 'interactive', newMode: 'plan' }),
      row('session.compaction_complete', {
        success: true,
        preCompactionTokens: 90_000,
        postCompactionTokens: 9000,
        summaryContent: 'So far …',
        trigger: 'threshold',
      }),
      row('session.error', { errorType: 'query', message: '500 oops', statusCode: 500 }),
      row('skill.invoked', { name: 'docx', path: '/s/SKILL.md', content: '…' }),
      row('session.usage_record', {
        usage: {
          model: 'gpt-5',
          inputTokens: 10,
          outputTokens: 20,
          reasoningTokens: 15,
          cost: 0.33,
          copilotUsage: { totalNanoAiu: 5e9 },
          apiCallId: 'a',
          accounting: { sourceSessionId: 'before' },
        },
      }),
      row('abort', { reason: 'user_initiated' }),
      row('session.later', {}),
    ]);
    expect(events.map(({ event_type, data }) => ({ event_type, ...data }))).toMatchSnapshot();
  });
});

describe('a file that grows', () => {
  it.each(['main', 'nested', 'resumed', 'denied'])(
    'gives the same events, wherever it was cut (%s)',
    (name) => {
      const whole = imported(capturedEvents(name));
      const session = sessionOf(capturedEvents(name));
      const bytes = Buffer.from(capturedText(name));
      fc.assert(
        fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (cuts) => {
          const events: TraceEvent[] = [];
          let state: Json | undefined;
          let rest = Buffer.alloc(0);
          const ends = [...cuts.sort((a, b) => a - b), bytes.length];
          for (const [at, end] of ends.entries()) {
            const mapper = mapperOf(session, false, state);
            const text = Buffer.concat([rest, bytes.subarray(ends[at - 1] ?? 0, end)]);
            const last = text.lastIndexOf(0x0a) + 1;
            rest = text.subarray(last);
            for (const line of text.toString('utf8', 0, last).split('\n').filter(Boolean)) {
              events.push(...mapper.push(JSON.parse(line) as Json));
            }
            state = JSON.parse(JSON.stringify(mapper.save())) as Json;
            if (at === ends.length - 1) events.push(...mapper.finish());
          }
          expect(events).toEqual(whole);
        }),
        { numRuns: 25 },
      );
    },
  );

  it('keeps its state small, whatever stands in it', () => {
    const long = '\u0001'.repeat(20_000);
    const mapper = mapperOf('s');
    for (let n = 0; n < 100; n++) {
      const id = `${n}${long}`;
      mapper.push({ type: `t${n}`, data: {}, id });
      mapper.push({ type: 'session.start', data: { context: { cwd: long }, selectedModel: long } });
      mapper.push({
        type: 'tool.execution_start',
        data: { toolCallId: id, toolName: long, arguments: { path: long } },
      });
      mapper.push({
        type: 'permission.completed',
        data: { toolCallId: id, result: { kind: long } },
      });
      mapper.push({ type: 'subagent.started', data: { toolCallId: id }, agentId: id });
      mapper.push({ type: 'assistant.message', data: { content: long }, agentId: id });
      mapper.push({
        type: 'hook.start',
        data: { hookType: 'userPromptSubmitted', input: { prompt: id, timestamp: n + 1 } },
      });
      mapper.push({
        type: 'session.usage_record',
        data: { usage: { inputTokens: 1, model: long, apiCallId: id } },
      });
      if (n % 20 === 0) expect(JSON.stringify(mapper.save()).length).toBeLessThan(65_536);
    }
    expect(JSON.stringify(mapper.save()).length).toBeLessThan(65_536);
    expect(Object.keys(mapper.ignored).length).toBeLessThanOrEqual(200);
  });

  it('takes nothing of a state for what it is not', () => {
    // What throws where a text or a number is made of it.
    const odd = { toString: 1, valueOf: 1 };
    const said = capturedEvents('denied');
    for (const state of [
      { time: odd },
      { first: odd },
      { prompts: [[odd, odd]] },
      { said: { a: odd } },
    ]) {
      const mapper = mapperOf('s', true, state as Json);
      for (const row of said) mapper.push(row);
    }
    const denied = said.find(({ type }) => type === 'tool.execution_complete')!;
    const { toolCallId } = denied.data as { toolCallId: string };
    const mapper = mapperOf('s', false, { permissions: { [toolCallId]: odd } } as Json);
    for (const row of said.filter(({ type }) => type !== 'permission.completed')) mapper.push(row);
    expect(mapper.finish()).toBeDefined();
  });

  it('is read whatever its rows and its state are', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.jsonValue(),
            fc.record({
              type: fc.constantFrom(
                ...new Set(capturedEvents('nested').map(({ type }) => asString(type))),
              ),
              data: fc.oneof(
                fc.jsonValue(),
                fc.dictionary(
                  fc.constantFrom(
                    'toolCallId',
                    'result',
                    'error',
                    'usage',
                    'input',
                    'content',
                    'fileEdits',
                    'toolRequests',
                    'apiCallId',
                    'arguments',
                  ),
                  fc.oneof(fc.jsonValue(), fc.constantFrom('a', '__proto__')),
                ),
              ),
            }),
          ),
          { maxLength: 20 },
        ),
        fc.oneof(
          fc.jsonValue(),
          fc.dictionary(
            fc.constantFrom(
              'calls',
              'lanes',
              'prompts',
              'said',
              'permissions',
              'responses',
              'start',
              'turnEnd',
              'held',
              'time',
            ),
            fc.jsonValue(),
          ),
        ),
        (rows, state) => {
          const mapper = mapperOf('s', false, state as Json);
          for (const row of rows) for (const event of mapper.push(row as Json)) encodeEvent(event);
          mapper.save();
          for (const event of mapper.finish()) encodeEvent(event);
        },
      ),
    );
  });

  it('holds no secret in its state', () => {
    const secret = `ghp_${'a1B2'.repeat(9)}`;
    const mapper = mapperOf('s');
    mapper.push({ type: 'subagent.started', data: { toolCallId: 'a' }, agentId: 'x' });
    mapper.push({ type: 'assistant.message', data: { content: secret }, agentId: 'x' });
    mapper.push({
      type: 'tool.execution_start',
      data: { toolCallId: 'b', toolName: 'view', arguments: { path: `/p/${secret}` } },
    });
    expect(JSON.stringify(mapper.save())).not.toContain(secret);
  });
});

describe('where sessions are', () => {
  let home: string;
  const main = sessionOf(capturedEvents('main'));
  const put = (path: string, text: string): string => {
    const file = join(home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  const events = (id: string) => `.copilot/session-state/${id}/events.jsonl`;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'copilot-'));
    put(events(main), capturedText('main'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('finds them', () => {
    put(events('old'), '{"type":"user.message","data":{}}\n');
    put('.copilot/session-state/old/workspace.yaml', 'id: old\ncwd: "/home/dev/old shop"\n');
    put(events('empty'), '');
    put('.copilot/session-state/none/workspace.yaml', 'cwd: /x\n');
    const found = [...copilotTranscripts.find({ home, env: {} })];
    expect(found.map(({ sessionId, cwd, project }) => ({ sessionId, cwd, project }))).toEqual([
      { sessionId: main, cwd: '/home/dev/shop', project: 'shop' },
      { sessionId: 'old', cwd: '/home/dev/old shop', project: 'old shop' },
    ]);
    expect(found[0]!.startedAt).toBe(Date.parse('2026-11-23T00:23:55.280Z') / 1000);
    const moved = [
      ...copilotTranscripts.find({
        home: '/nowhere',
        env: { COPILOT_HOME: join(home, '.copilot') },
      }),
    ];
    expect(moved).toEqual(found);
  });

  it('knows one by its file', () => {
    expect(copilotTranscripts.recognise(join(home, events(main)))?.sessionId).toBe(main);
    const copy = put('copy.jsonl', capturedText('main'));
    expect(copilotTranscripts.recognise(copy)?.sessionId).toBe(main);
    expect(copilotTranscripts.recognise(put(events('fork'), capturedText('main')))).toMatchObject({
      sessionId: 'fork',
      forked: true,
    });
    expect(copilotTranscripts.recognise(put('other.jsonl', '{"type":"user"}\n'))).toBeUndefined();
    const editors = capturedText('main').replace(
      '"copilotVersion"',
      '"vscodeVersion":"1.139.1","copilotVersion"',
    );
    expect(copilotTranscripts.recognise(put('vscode.jsonl', editors))).toBeUndefined();
  });

  it('follows only files of its own', () => {
    const live = (id: string, path: string) =>
      copilotTranscripts.liveFilesOf(id, path, { home, env: {} });
    const path = join(home, events(main));
    expect(live(main, path)).toEqual([{ path, agentId: '' }]);
    expect(live('other', path)).toEqual([]);
    expect(live(main, put(`elsewhere/session-state/${main}/events.jsonl`, 'x'))).toEqual([]);
    expect(live(main, join(home, `.copilot/session-state/${main}/other.jsonl`))).toEqual([]);
    const target = put('secret', 'x');
    mkdirSync(join(home, '.copilot/session-state/link'));
    symlinkSync(target, join(home, events('link')));
    expect(live('link', join(home, events('link')))).toEqual([]);
    put('away/events.jsonl', 'x');
    symlinkSync(join(home, 'away'), join(home, '.copilot/session-state/folder'));
    expect(live('folder', join(home, events('folder')))).toEqual([]);
  });
});
