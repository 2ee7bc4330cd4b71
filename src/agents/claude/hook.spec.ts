import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEvent } from '../../model/codec.ts';
import { EVENT_TYPES, type JsonObject, type TraceEvent } from '../../model/event.ts';
import { ids } from '../../model/ids.ts';
import { mapClaudeHook } from './hook.ts';

const fixtures = join(import.meta.dirname, '../../../test/fixtures/claude/hooks');

interface Capture {
  event: string;
  start_ns: string;
  payload: JsonObject;
}

function captureOf(run: string): Capture[] {
  return readFileSync(join(fixtures, `${run}.ndjson`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Capture);
}

/** Maps a whole run as the hook would, with the trace so far as its memory. */
function record(run: string): TraceEvent[] {
  const trace: TraceEvent[] = [];
  for (const { event, start_ns, payload } of captureOf(run)) {
    trace.push(...map(payload, event, Number(BigInt(start_ns) / 1000n) / 1e6, trace));
  }
  return trace;
}

const map = (payload: JsonObject, event = '', timestamp = 1, trace: TraceEvent[] = []) =>
  mapClaudeHook(payload, {
    sessionId: String(payload.session_id ?? 's'),
    event,
    timestamp,
    recorded: (id) => (trace.some(({ event_id }) => event_id === id) ? 'yes' : 'no'),
  });

/** Without what is the same everywhere. */
const short = ({ event_type, data }: TraceEvent) => {
  const { provider, recorded_by, prompt_id, cwd, permission_mode, ...rest } = data;
  return { event_type, ...rest };
};

const runs = readdirSync(fixtures).map((name) => name.replace('.ndjson', ''));

describe.each(runs)('the run %s', (run) => {
  it('gives events of the format for every hook', () => {
    const captures = captureOf(run);
    expect(captures.length).toBeGreaterThan(3);
    for (const { event, payload } of captures) {
      const events = map(payload, event);
      if (event === 'MessageDisplay') expect(events).toEqual([]);
      else if (event !== 'PostToolBatch') expect(events.length).toBeGreaterThan(0);
      for (const each of events) {
        expect(EVENT_TYPES).toContain(each.event_type);
        expect(each.event_id).toMatch(/^[0-9a-f]{12}$/);
        expect(each.data.event_subtype).not.toBe('unknown_hook');
        expect(each.data).toMatchObject({ provider: 'claude', recorded_by: 'hook' });
        expect(encodeEvent(each)).toMatch(/^[\x20-\x7e]+\n$/);
      }
    }
  });

  it('ends every call once that the model heard of', () => {
    const trace = record(run);
    const ends = trace.filter(({ event_type }) => /^(tool_result|error)$/.test(event_type));
    expect(new Set(ends.map(({ event_id }) => event_id)).size).toBe(ends.length);
    const calls = new Set(
      trace.filter(({ event_type }) => event_type === 'tool_call').map((e) => e.event_id),
    );
    for (const end of ends) expect(calls).toContain(end.parent_id);
    const heard = captureOf(run)
      .filter(({ event }) => event === 'PostToolBatch')
      .flatMap(({ payload }) => payload.tool_calls as { tool_use_id: string }[]);
    const ended = new Set(ends.map(({ event_id }) => event_id));
    for (const { tool_use_id } of heard) {
      expect(ended).toContain(ids.result(trace[0]!.session_id, tool_use_id));
    }
  });
});

it('records the run "main" as it always did', () => {
  const trace = record('main').map((event) => {
    // Ids that are random by nature would differ.
    const random = ['session_start', 'session_end', 'file_read'].includes(event.event_type);
    return { ...event, event_id: random ? 'random' : event.event_id };
  });
  expect(trace.map((event) => JSON.parse(encodeEvent(event)) as unknown)).toMatchSnapshot();
});

describe('PostToolBatch', () => {
  it('adds nothing where every call has told of its end', () => {
    for (const run of ['main', 'parread', 'fg', 'bg']) {
      expect(record(run).filter(({ data }) => 'closed_by' in data)).toEqual([]);
    }
  });

  it('closes a call that a hook denied', () => {
    expect(record('pre-deny').map(short)).toContainEqual({
      event_type: 'error',
      event_subtype: 'denied',
      tool_name: 'Bash',
      tool_use_id: 'toolu_mock000001',
      error: 'PreToolUse:Bash hook error: recorder said no',
      is_error: true,
      denied_by: 'hook',
      closed_by: 'PostToolBatch',
    });
  });

  it('closes a call that was not permitted', () => {
    expect(record('perm-default').map(short)).toContainEqual(
      expect.objectContaining({
        event_type: 'error',
        event_subtype: 'denied',
        denied_by: 'permission',
        closed_by: 'PostToolBatch',
      }),
    );
  });

  it('tells of calls that fired no hook at all', () => {
    const closed = record('bad').filter(({ data }) => 'closed_by' in data);
    expect(closed.map(({ event_type, data }) => [event_type, data.tool_name])).toEqual([
      ['tool_call', 'Bash'],
      ['error', 'Bash'],
      ['tool_call', 'Nope'],
      ['error', 'Nope'],
      ['tool_call', 'Edit'],
      ['error', 'Edit'],
    ]);
    expect(closed[5]!.data.error).toBe('String to replace not found in file.\nString: zzz');
    expect(closed.some(({ data }) => data.event_subtype === 'denied')).toBe(false);
  });

  it('calls nothing denied that it cannot know to be', () => {
    const batch = captureOf('perm-default').find(({ event }) => event === 'PostToolBatch')!;
    const events = mapClaudeHook(batch.payload, {
      sessionId: 's',
      event: '',
      timestamp: 1,
      recorded: () => 'unknown',
    });
    expect(events.map(({ event_type }) => event_type)).toEqual(['tool_result']);
  });
});

describe('results', () => {
  const result = (tool_name: string, tool_response: unknown, tool_input: unknown = {}) =>
    map({
      hook_event_name: 'PostToolUse',
      tool_name,
      tool_input,
      tool_response,
      tool_use_id: 't',
    } as JsonObject)[0]!.data;

  it('are the text that the model saw', () => {
    expect(result('Bash', { stdout: 'a', stderr: 'b', interrupted: false })).toMatchObject({
      result: 'a\nb',
      exit_code: 0,
    });
    expect(result('Bash', { stdout: '', stderr: '' }).result).toBe(
      '(Bash completed with no output)',
    );
    const file = { filePath: '/f', content: 'x\ny', numLines: 2, startLine: 7, totalLines: 90 };
    expect(result('Read', { type: 'text', file })).toMatchObject({
      result: '7\tx\n8\ty',
      files: [{ path: '/f', kind: 'read', ranges: [[7, 8]], total_lines: 90 }],
    });
    expect(result('mcp__s__t', [{ type: 'text', text: 'hi' }, { type: 'image' }]).result).toBe(
      'hi\n[image]',
    );
    expect(result('Other', { a: 1, q: 'x' }, { q: 'x' }).result).toBe('{"a":1}');
  });

  it('claim no exit code for a command that still runs, or ended oddly', () => {
    for (const more of [
      { backgroundTaskId: 'b1' },
      { interrupted: true },
      { returnCodeInterpretation: 'No matches found' },
    ]) {
      expect(result('Bash', { stdout: '', stderr: '', ...more })).not.toHaveProperty('exit_code');
    }
  });

  it('name the lines that a search showed', () => {
    const content = 'src/a.ts:3:x\nsrc/a.ts:4:y: 9:\nsrc/a.ts-5-z\nsrc/b.ts:12:z';
    const response = { mode: 'content', content, filenames: [] };
    expect(result('Grep', response, { '-n': true }).files).toEqual([
      { path: 'src/a.ts', kind: 'read', ranges: [[3, 4]] },
      { path: 'src/b.ts', kind: 'read', ranges: [[12, 12]] },
    ]);
    expect(
      result('Grep', { ...response, content: '3:x\n7:y' }, { path: '/f.ts', '-n': true }).files,
    ).toEqual([
      {
        path: '/f.ts',
        kind: 'read',
        ranges: [
          [3, 3],
          [7, 7],
        ],
      },
    ]);
  });

  it('say which subagent an Agent call started', () => {
    const call = record('fg').find(
      ({ event_type, data }) => event_type === 'tool_result' && data.tool_name === 'Agent',
    )!;
    const start = record('fg').find(({ data }) => data.event_subtype === 'subagent')!;
    expect(call.data.subagent_id).toBe(start.data.agent_id);
    expect(start.event_id).toBe(ids.subagent(start.session_id, String(start.data.agent_id)));
  });
});

it('keeps events that it does not know', () => {
  const payload = { session_id: 's', hook_event_name: 'Brandnew', cwd: '/x', what: { a: [1] } };
  expect(map(payload)[0]!.data).toMatchObject({
    event_subtype: 'unknown_hook',
    hook_event_name: 'Brandnew',
    payload: { cwd: '/x', what: { a: [1] } },
  });
});

it('takes payloads of any shape', () => {
  const names = [
    'SessionStart',
    'SessionEnd',
    'UserPromptSubmit',
    'PreToolUse',
    'PostToolUse',
    'Stop',
    'PostToolUseFailure',
    'PostToolBatch',
    'Notification',
    'PermissionRequest',
    'PermissionDenied',
    'PreCompact',
    'PostCompact',
    'StopFailure',
    'PreModelSwitch',
    'PostModelSwitch',
    'SubagentStop',
    'ConfigChange',
    'InstructionsLoaded',
    'CwdChanged',
    'TaskCreated',
    'Elicitation',
    '__proto__',
    'SubagentStart',
    'toString',
    'MessageDisplay',
  ];
  const keys = [
    'session_id',
    'cwd',
    'prompt_id',
    'agent_id',
    'tool_name',
    'tool_input',
    'tool_response',
    'tool_use_id',
    'tool_calls',
    'duration_ms',
    'error',
    'prompt',
    'last_assistant_message',
    'file_path',
    'source',
    'mcp_server',
    'reason',
    'truncated',
    '__proto__',
    'result',
    'data',
  ];
  const inner = [
    'stdout',
    'file',
    'filePath',
    'structuredPatch',
    'filenames',
    'content',
    'mode',
    'text',
    'status',
    'bashEditDiff',
    'files',
    'tool_use_id',
    'numLines',
    'startLine',
    'type',
    'backgroundTaskId',
  ];
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, '', 'content', 'Exit code 1', '<tool_use_error>', -1, 1e300),
      fc.string(),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...inner), tie('any'), { maxKeys: 6 }),
    ),
  })).any;
  const payload = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 12 });
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      payload,
      fc.constantFrom('yes', 'no', 'unknown'),
      (name, data, seen) => {
        const events = mapClaudeHook(data as JsonObject, {
          sessionId: 's',
          event: name,
          timestamp: 1,
          recorded: () => seen,
        });
        for (const event of events) {
          expect(EVENT_TYPES).toContain(event.event_type);
          expect(JSON.parse(encodeEvent(event))).toMatchObject({ session_id: 's', data: {} });
        }
      },
    ),
    { numRuns: 2000 },
  );
});
