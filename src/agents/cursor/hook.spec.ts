import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEvent } from '../../model/codec.ts';
import { describeStep } from '../../model/describe.ts';
import { EVENT_TYPES, type Json, type JsonObject, type TraceEvent } from '../../model/event.ts';
import { SessionFold } from '../../model/fold.ts';
import { toolKind } from '../../model/tools.ts';
import { readyEvent } from '../../redact/event.ts';
import { cursorRecorder } from './hook.ts';

interface Hook {
  event: string;
  payload: JsonObject;
}

/** From the documentation: see the folder's README. */
const session = readFileSync(
  join(import.meta.dirname, '../../../test/fixtures/cursor/session.hooks.ndjson'),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Hook);
const ADDRESS = 'dev@example.invalid';
const BASE = session[0]!.payload;
const SESSION = String(BASE.conversation_id);

/** A trace as the recorder writes it, and what it says of itself. */
class Trace {
  readonly events: TraceEvent[] = [];
  #time = 1_777_622_400;

  fire({ event, payload }: Hook): TraceEvent[] {
    const told = cursorRecorder.map(payload, {
      sessionId: cursorRecorder.sessionOf(payload, {}) || 's',
      event,
      timestamp: this.#time++,
      agentVersion: cursorRecorder.versionOf!(payload, {}),
      isFirst: this.events.length === 0,
      recorded: (id) => (this.events.some(({ event_id }) => event_id === id) ? 'yes' : 'no'),
      recent: (text) => this.events.filter((known) => JSON.stringify(known).includes(text)),
    });
    const written = told.map((one) => JSON.parse(encodeEvent(readyEvent(one))) as TraceEvent);
    this.events.push(...written);
    return written;
  }

  all(hooks: readonly Hook[]): this {
    for (const hook of hooks) this.fire(hook);
    return this;
  }

  /** Its steps as a person sees them. @param events in any order */
  steps(events: readonly TraceEvent[] = this.events, isWhole = false): string[] {
    const { fold, at } = folded(events);
    return Array.from({ length: fold.steps.length }, (_, place) => {
      const row = fold.steps.row(place);
      const pair = fold.columns.pair[row]!;
      const result = pair < 0 ? undefined : at[fold.columns.offset[pair]!];
      const view = describeStep(fold, place, row, at[fold.columns.offset[row]!]!, result);
      const lines = view.added === undefined ? '' : `+${view.added} -${view.removed}`;
      return [`${view.icon}:`, view.verb, view.target, view.detail, lines]
        .filter((word) => word !== '')
        .join(' ');
    }).filter((step) => isWhole || step !== 'play: Session started');
  }
}

function folded(events: readonly TraceEvent[]): { fold: SessionFold; at: TraceEvent[] } {
  const fold = new SessionFold();
  const at = events.map((event) => structuredClone(event));
  // The place in the list stands for the place in the file.
  for (const [place, event] of at.entries()) fold.add(event, place);
  return { fold, at };
}

const hook = (name: string, more: JsonObject = {}): Hook => ({
  event: name,
  payload: { ...BASE, hook_event_name: name, ...more },
});
const call = (name: string, tool: string, input: Json, id: string, more: JsonObject = {}): Hook =>
  hook(name, { tool_name: tool, tool_input: input, tool_use_id: id, ...more });
const edited = (path: string, old: string, now: string): Hook =>
  hook('afterFileEdit', { file_path: path, edits: [{ old_string: old, new_string: now }] });

describe('a session of Cursor', () => {
  it('is shown as what happened', () => {
    const trace = new Trace().all(session);
    expect(trace.steps(trace.events, true)).toMatchInlineSnapshot(`
      [
        "play: Session started",
        "account: Page the list, and test it.",
        "thinking: The list is cut one too late.",
        "file: Read src/list.js 10–29",
        "search: Grep slice",
        "edit: Write src/page.js +2 -0",
        "edit: Write src/list.js failed",
        "edit: Write src/list.js +3 -2",
        "terminal: npm test exit 1",
        "terminal: npm test",
        "circle-slash: Denied git push",
        "plug: MCP:search_issues paging",
        "edit: Delete old.js",
        "robot: generalPurpose Explore the checkout",
        "archive: Context compacted auto",
        "comment: Paging works; the tests pass.",
        "debug-stop: Session ended user_close",
      ]
    `);
  });

  it('is told event by event', () => {
    const { events } = new Trace().all(session);
    const told = events.map(({ event_type, duration_ms, parent_id, data }) => {
      const { provider, recorded_by, cwd, ...rest } = data;
      expect({ provider, recorded_by, cwd }).toEqual({
        provider: 'cursor',
        recorded_by: 'hook',
        cwd: '/home/dev/shop',
      });
      return JSON.stringify({ event_type, duration_ms, of: parent_id && 'its call', ...rest });
    });
    expect(told.join('\n').replaceAll(String(BASE.generation_id), 'G')).toMatchSnapshot();
    expect(events.every(({ event_type }) => EVENT_TYPES.includes(event_type as never))).toBe(true);
  });

  it('has its moments', () => {
    expect(
      Object.fromEntries(session.map(({ event }) => [event, cursorRecorder.momentOf(event, {})])),
    ).toEqual({
      sessionStart: 'session_start',
      beforeSubmitPrompt: 'session_start',
      afterAgentThought: undefined,
      preToolUse: 'before_tool',
      postToolUse: 'after_tool',
      postToolUseFailure: 'after_tool',
      afterFileEdit: undefined,
      subagentStart: undefined,
      subagentStop: undefined,
      preCompact: undefined,
      afterAgentResponse: undefined,
      stop: undefined,
      sessionEnd: 'session_end',
    });
    expect(cursorRecorder.momentOf('constructor', {})).toBe(undefined);
  });

  it('begins with a prompt where its start was not told, and once where it was', () => {
    const starts = (hooks: Hook[]) =>
      new Trace().all(hooks).events.filter(({ event_type }) => event_type === 'session_start');
    const told = starts(session);
    const late = starts(session.slice(1));
    expect(told).toHaveLength(1);
    expect(late).toHaveLength(1);
    expect(late[0]!.event_id).toBe(told[0]!.event_id);
    expect(late[0]!.data).toMatchObject({ model: 'claude-opus-4-7', agent_version: '3.18.25' });
    expect(late[0]!.data).not.toHaveProperty('prompt');
    // A subagent's conversation begins with a call.
    const [start, first] = new Trace().fire(call('preToolUse', 'Read', { file_path: 'a' }, 'r1'));
    expect(start!.event_type).toBe('session_start');
    expect(start!.data).not.toHaveProperty('tool_name');
    expect(first!.event_type).toBe('tool_call');
  });

  it('that is told twice, or in any order, is the same session', () => {
    const once = new Trace().all(session);
    const twice = new Trace().all(session.flatMap((one) => [one, one]));
    expect(twice.steps()).toEqual(once.steps());
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...once.events], { minLength: once.events.length }),
        (events) => {
          expect(once.steps(events)).toEqual(once.steps());
        },
      ),
      { numRuns: 100 },
    );
  });

  it('has a subagent as a lane, and the call that started it', () => {
    const { fold } = folded(new Trace().all(session).events);
    expect(fold.subagents.all()).toMatchObject([
      { id: 'call-7/fc_7', type: 'generalPurpose', toolUseId: 'call-7\nfc_7', calls: 0 },
    ]);
    expect(fold.subagents.all()[0]!.endMs).toBeGreaterThan(0);
    expect(fold.running()).toEqual([]);
  });

  it('is the parent that a subagent names', () => {
    const [start] = session.filter(({ event }) => event === 'subagentStart');
    expect(cursorRecorder.sessionOf(start!.payload, {})).toBe(SESSION);
  });
});

describe('an edit', () => {
  const path = '/home/dev/shop/a.js';
  const input = { file_path: path };
  const pre = call('preToolUse', 'Write', input, 'w1');
  const post = call('postToolUse', 'Write', input, 'w1', { tool_output: '{"success":true}' });
  const edit = edited(path, 'a\nb\nc\n', 'a\nB\nc\nd\n');

  it.each([
    ['before its result', [pre, edit, post]],
    ['after its result', [pre, post, edit]],
    ['twice', [pre, edit, edit, post]],
    ['of a relative path', [call('preToolUse', 'Write', { path: 'a.js' }, 'w1'), edit, post]],
    ['without a result', [pre, edit]],
  ])('that is told %s is one step', (_, hooks) => {
    expect(new Trace().all(hooks).steps()).toEqual(['edit: Write a.js +2 -1']);
  });

  it('is a step without a call of its own, from a Cursor that has no hooks of calls', () => {
    const trace = new Trace().all([edit, edit]);
    expect(trace.steps()).toEqual(['edit: Write a.js +2 -1']);
    // Another turn's is another.
    trace.fire({ ...edit, payload: { ...edit.payload, generation_id: 'g2' } });
    expect(trace.steps()).toHaveLength(2);
  });

  it('is not taken for that of a call that failed, nor for that of another turn', () => {
    const failed = call('postToolUseFailure', 'Write', input, 'w1', { error_message: 'not found' });
    const [, again, end] = [
      pre,
      call('preToolUse', 'Write', input, 'w2'),
      call('postToolUse', 'Write', input, 'w2'),
    ];
    expect(new Trace().all([pre, failed, again, edit, end]).steps()).toEqual([
      'edit: Write a.js failed',
      'edit: Write a.js +2 -1',
    ]);
    const next = { ...edit, payload: { ...edit.payload, generation_id: 'g2' } };
    expect(new Trace().all([pre, next]).steps()).toEqual([
      'edit: Write a.js',
      'edit: Write a.js +2 -1',
    ]);
  });

  it('keeps its result where nothing more is told', () => {
    const { fold } = folded(new Trace().all([pre, post]).events);
    expect(fold.files.summaries()).toMatchObject([{ path, writes: 1, added: 0, removed: 0 }]);
  });

  it.each<[string, Json, [number, number] | undefined]>([
    ['a new file', [{ old_string: '', new_string: 'a\nb\n' }], [2, 0]],
    ['a word', [{ old_string: 'foo', new_string: 'bar' }], [1, 1]],
    ['lines behind one that stays', [{ old_string: 'x', new_string: 'x\ny\nz' }], [2, 0]],
    ['lines that go', [{ old_string: 'a\nb\n', new_string: 'a\n' }], [0, 1]],
    [
      'several',
      [
        { old_string: 'a', new_string: 'b' },
        { old_string: 'c', new_string: 'd' },
      ],
      [2, 2],
    ],
    ['none', [], undefined],
    ['nonsense', [{ old_string: 5 }], undefined],
    ['no list', 'x', undefined],
  ])('of %s has its lines', (what, edits, lines) => {
    const [, result] = new Trace().fire(hook('afterFileEdit', { file_path: path, edits }));
    expect(result!.data.files).toEqual([
      {
        path,
        kind: 'write',
        // Where it is, is known of a whole file only.
        ...(what !== 'a new file' && { ranges: [] }),
        ...(lines && { added: lines[0], removed: lines[1] }),
      },
    ]);
  });
});

describe('hooks of single tools, which we do not ask for,', () => {
  const command = hook('beforeShellExecution', { command: 'ls', cwd: '', sandbox: false });
  const done = hook('afterShellExecution', { command: 'ls', output: 'a.js', duration: 12 });
  const asked = hook('beforeMCPExecution', {
    tool_name: 'find',
    tool_input: '{"q":1}',
    command: 'x',
  });
  const answered = hook('afterMCPExecution', {
    tool_name: 'find',
    tool_input: '{"q":1}',
    result_json: '{"content":"y"}',
  });
  const read = hook('beforeReadFile', {
    file_path: '/home/dev/shop/a.js',
    content: 'SECRET FILE',
    attachments: [],
  });

  it('tell what no hook of a call tells', () => {
    const trace = new Trace().all([command, done, asked, answered, read]);
    expect(trace.steps()).toEqual(['terminal: ls', 'plug: MCP:find', 'file: Read a.js']);
    expect(trace.events[1]).toMatchObject({ duration_ms: 12, data: { result: 'a.js' } });
    expect(JSON.stringify(trace.events)).not.toContain('SECRET FILE');
  });

  it('add nothing to a call that is told', () => {
    const trace = new Trace().all([
      call('preToolUse', 'Shell', { command: 'ls' }, 's1'),
      command,
      done,
      call('postToolUse', 'Shell', { command: 'ls' }, 's1', {
        tool_output: '{"exitCode":0,"stdout":"a.js"}',
      }),
      call('preToolUse', 'MCP:find', { q: 1 }, 'm1'),
      asked,
      answered,
      call('preToolUse', 'Read', { file_path: 'a.js' }, 'r1'),
      read,
    ]);
    expect(trace.events.map(({ event_type }) => event_type)).toEqual([
      'session_start',
      'tool_call',
      'tool_result',
      'tool_call',
      'tool_call',
    ]);
  });

  it('are left out where they are about completions', () => {
    const tab = { file_path: '/home/dev/shop/a.js', content: 'x', edits: [] };
    expect(
      new Trace().all([hook('beforeTabFileRead', tab), hook('afterTabFileEdit', tab)]).events,
    ).toEqual([]);
  });

  it('that are not known are kept', () => {
    const [event] = new Trace().fire(hook('afterDream', { sheep: [1, 2] }));
    expect(event).toMatchObject({
      event_type: 'decision',
      data: {
        event_subtype: 'unknown_hook',
        hook_event_name: 'afterDream',
        payload: { sheep: [1, 2] },
      },
    });
  });
});

describe('calls', () => {
  it.each<[string, JsonObject, JsonObject]>([
    [
      'as documented',
      { tool_output: '{"exitCode":3,"stdout":"out","stderr":"err"}' },
      { result: 'out\nerr', exit_code: 3 },
    ],
    [
      'as 3.18 tells it',
      { tool_output: '{"output":"out\\n","exitCode":0}' },
      { result: 'out\n', exit_code: 0 },
    ],
    [
      'cut in the middle',
      { tool_output: '{"output":"ou… cut …","exitCode":2}'.replace('"ou', '"ou"') },
      { exit_code: 2 },
    ],
    ['that is no JSON', { tool_output: 'plain words' }, { result: 'plain words' }],
    ['of another form', { tool_output: '{"a":1}' }, { result: '{"a":1}' }],
    ['under the name that Claude gives it', { tool_response: { stdout: 'x' } }, { result: 'x' }],
    ['that is none', {}, { result: '' }],
  ])('have a result %s', (_, more, expected) => {
    const [event] = new Trace().fire(call('postToolUse', 'Shell', { command: 'x' }, 's1', more));
    expect(event!.data).toMatchObject(expected);
    if (!('exit_code' in expected)) expect(event!.data).not.toHaveProperty('exit_code');
  });

  it('of Claude names are those of Cursor', () => {
    const claudes = (name: string, more: JsonObject): Hook => ({
      event: name,
      payload: { ...BASE, hook_event_name: name, ...more },
    });
    const shell = { tool_name: 'Bash', tool_input: { command: 'ls' }, tool_use_id: 's1' };
    const write = { tool_name: 'Edit', tool_input: { file_path: 'a.js' }, tool_use_id: 'w1' };
    const trace = new Trace().all([
      claudes('SessionStart', {}),
      claudes('UserPromptSubmit', { prompt: 'go' }),
      claudes('PreToolUse', shell),
      claudes('PostToolUse', { ...shell, tool_output: '{"exitCode":0,"stdout":""}' }),
      claudes('PreToolUse', write),
      claudes('Stop', { status: 'completed' }),
    ]);
    expect(trace.steps()).toEqual(['account: go', 'terminal: ls', 'edit: Write a.js']);
    expect(cursorRecorder.toolOf({ ...BASE, ...shell })).toEqual({
      name: 'Shell',
      callId: 's1',
      cwd: '/home/dev/shop',
      input: { command: 'ls' },
    });
    expect(cursorRecorder.momentOf('PreToolUse', {})).toBe('before_tool');
  });

  it('without an id are joined by what they were called with', () => {
    const shell = { tool_name: 'Shell', tool_input: { command: 'ls' } };
    const trace = new Trace().all([
      hook('preToolUse', shell),
      hook('postToolUse', { ...shell, tool_output: '{"exitCode":1}' }),
    ]);
    expect(trace.steps()).toEqual(['terminal: ls exit 1']);
  });

  it.each([
    ['Shell', 'run'],
    ['Read', 'read'],
    ['Write', 'modify'],
    ['StrReplace', 'modify'],
    ['Delete', 'modify'],
    ['Grep', 'search'],
    ['SemanticSearch', 'search'],
    ['Task', 'agent'],
    ['MCP:find', 'mcp'],
  ])('of %s have their kind', (tool, kind) => {
    expect(toolKind(tool)).toBe(kind);
  });

  it('work in the folder that they say, else in the first of the workspace', () => {
    const cwd = (more: JsonObject): string =>
      cursorRecorder.toolOf({ tool_name: 'Shell', ...more })!.cwd;
    expect(cwd({ tool_input: { working_directory: '/p/web' }, workspace_roots: ['/p'] })).toBe(
      '/p/web',
    );
    expect(cwd({ tool_input: { cwd: '' }, cwd: '', workspace_roots: ['', 'p', '/p', '/q'] })).toBe(
      '/p',
    );
    expect(cwd({ workspace_roots: [] })).toBe('');
    expect(cursorRecorder.cwdOf({ workspace_roots: ['/p'], cwd: '/p/web' })).toBe('/p');
    expect(cursorRecorder.projectOf!({ workspace_roots: ['/p'] }, { CURSOR_PROJECT_DIR: '' })).toBe(
      '/p',
    );
    expect(cursorRecorder.projectOf!({}, { CURSOR_PROJECT_DIR: '/q' })).toBe('/q');
  });
});

describe('a turn that ends', () => {
  it('with an error says so', () => {
    const trace = new Trace().all([hook('stop', { status: 'error', loop_count: 0 })]);
    expect(trace.steps()).toEqual(['error: Error The turn ended with an error.']);
  });

  it('keeps the tokens that it tells, and bills nobody for them', () => {
    const trace = new Trace().all(session);
    const end = trace.events.find(({ data }) => data.event_subtype === 'turn_end');
    expect(end!.data).toMatchObject({ input_tokens: 14490, cache_read_tokens: 11554 });
    expect(trace.events.some(({ event_type }) => event_type === 'llm_response')).toBe(false);
  });
});

describe('the user’s address', () => {
  it('is in no event, wherever it stands', () => {
    const nested = { user_email: ADDRESS, deep: [{ userEmail: ADDRESS, note: `by ${ADDRESS}` }] };
    const names = [
      ...new Set(session.map(({ event }) => event)),
      'afterDream',
      'beforeShellExecution',
      'afterShellExecution',
      'beforeMCPExecution',
      'afterMCPExecution',
      'beforeReadFile',
      'workspaceOpen',
    ];
    for (const name of names) {
      const events = new Trace().fire(
        hook(name, {
          ...nested,
          prompt: `I am ${ADDRESS}`,
          text: `You are ${ADDRESS}`,
          command: `echo ${ADDRESS}`,
          output: ADDRESS,
          tool_name: 'Shell',
          tool_input: { command: 'env', [ADDRESS]: nested },
          tool_output: JSON.stringify({ output: `CURSOR_USER_EMAIL=${ADDRESS}`, exitCode: 0 }),
          error_message: ADDRESS,
          summary: ADDRESS,
          file_path: `/home/${ADDRESS}/a`,
          edits: [{ old_string: 'a', new_string: ADDRESS }],
        }),
      );
      expect(events.length, name).toBeGreaterThan(0);
      const text = JSON.stringify(events);
      expect(text, name).not.toContain(ADDRESS);
      expect(text, name).not.toMatch(/user_?email"/i);
    }
  });

  it('is left out where it is null or nonsense, and takes nothing else away', () => {
    for (const user_email of [null, '', 'a', 5, {}] as Json[]) {
      const [, prompt] = new Trace().fire(
        hook('beforeSubmitPrompt', { user_email, prompt: 'a cat' }),
      );
      expect(prompt!.data.prompt).toBe('a cat');
      expect(prompt!.data).not.toHaveProperty('user_email');
    }
  });
});

describe('nothing that a payload can be', () => {
  const names = [
    ...new Set(session.map(({ event }) => event)),
    'beforeShellExecution',
    'afterMCPExecution',
    'beforeReadFile',
    'x',
    '__proto__',
    '',
  ];

  it('makes the recorder fail, or its event unreadable', () => {
    const keys = [...new Set(session.flatMap(({ payload }) => Object.keys(payload)))];
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.dictionary(
          fc.constantFrom(...keys, '__proto__', 'event_subtype', 'files'),
          fc.jsonValue(),
        ),
        (event, payload) => {
          const trace = new Trace();
          trace.all([
            { event, payload: payload as JsonObject },
            { event, payload: payload as JsonObject },
          ]);
          cursorRecorder.toolOf(payload as JsonObject);
          cursorRecorder.cwdOf(payload as JsonObject);
          cursorRecorder.momentOf(
            cursorRecorder.eventOf(payload as JsonObject, event),
            payload as JsonObject,
          );
          folded(trace.events);
        },
      ),
      { numRuns: 300 },
    );
  });
});

it('runs in the editor where its extension host says so', () => {
  expect(cursorRecorder.inEditor!({ CURSOR_EXTENSION_HOST_ROLE: 'local' })).toBe(true);
  expect(cursorRecorder.inEditor!({ CURSOR_VERSION: '3.18' })).toBe(false);
});
