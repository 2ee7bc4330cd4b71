import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEvent } from '../../model/codec.ts';
import { EVENT_TYPES, type JsonObject, type TraceEvent } from '../../model/event.ts';
import { geminiRecorder, mapGeminiHook } from './hook.ts';

const fixtures = join(import.meta.dirname, '../../../test/fixtures/gemini');

const payloadsOf = (run: string): { event: string; payload: JsonObject }[] =>
  readFileSync(join(fixtures, `${run}.hooks.ndjson`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; payload: JsonObject });

const map = (payload: JsonObject, event = '', trace: TraceEvent[] = []): TraceEvent[] =>
  mapGeminiHook(payload, {
    sessionId: geminiRecorder.sessionOf(payload, {}) || 's',
    event,
    timestamp: 1,
    recorded: (id) => (trace.some(({ event_id }) => event_id === id) ? 'yes' : 'no'),
  });

const record = (run: string): TraceEvent[] => {
  const trace: TraceEvent[] = [];
  for (const { event, payload } of payloadsOf(run)) trace.push(...map(payload, event, trace));
  return trace;
};

/** One line an event: its type, and what else tells it from others. */
const line = ({ event_type, data }: TraceEvent): string =>
  [
    event_type,
    data.event_subtype ?? data.tool_name ?? data.prompt ?? data.reason ?? '',
    data.exit_code === undefined ? '' : `exit ${data.exit_code}`,
    data.files === undefined ? '' : JSON.stringify(data.files),
  ]
    .filter((part) => part !== '')
    .join(' ');

const after = (tool: string, input: JsonObject, response: JsonObject): JsonObject =>
  map({
    session_id: 's',
    cwd: '/home/dev/shop',
    hook_event_name: 'AfterTool',
    tool_name: tool,
    tool_input: input,
    tool_response: response,
  })[0]!.data;

describe('a recorded run', () => {
  it('is told event by event', () => {
    expect(record('main').map(line)).toMatchInlineSnapshot(`
      [
        "session_start",
        "user_prompt SCENARIO:main please",
        "tool_call read_file",
        "tool_result read_file [{"path":"/home/dev/shop/hello.txt","kind":"read","total_lines":1}]",
        "tool_call run_shell_command",
        "tool_result run_shell_command exit 0",
        "tool_call replace",
        "tool_result replace [{"path":"/home/dev/shop/hello.txt","kind":"write","hunks":[[1,1,1,1]],"added":1,"removed":1,"ranges":[[1,1]]}]",
        "tool_call run_shell_command",
        "tool_call read_file",
        "tool_call run_shell_command",
        "tool_result read_file [{"path":"/home/dev/shop/hello.txt","kind":"read","total_lines":1}]",
        "tool_result run_shell_command exit 0",
        "tool_result run_shell_command exit 0",
        "tool_call run_shell_command",
        "tool_result run_shell_command exit 1",
        "tool_call write_file",
        "tool_result write_file [{"path":"/home/dev/shop/new.txt","kind":"create","added":1,"removed":0,"total_lines":1}]",
        "decision turn_end",
        "session_end exit",
      ]
    `);
  });

  it('joins calls and results by their key', () => {
    const open = new Map<unknown, number>();
    for (const { event_type, data } of record('main')) {
      const step = event_type === 'tool_call' ? 1 : event_type === 'tool_result' ? -1 : 0;
      if (step !== 0) open.set(data.call_key, (open.get(data.call_key) ?? 0) + step);
    }
    expect(new Set(open.values())).toEqual(new Set([0]));
  });

  it('leaves a denied call open: only the chat knows', () => {
    expect(record('denied').map(line)).toMatchInlineSnapshot(`
      [
        "session_start",
        "user_prompt SCENARIO:one please",
        "tool_call run_shell_command",
        "decision turn_end",
        "session_end exit",
      ]
    `);
  });
});

describe('prompts', () => {
  it('said twice are two', () => {
    const trace: TraceEvent[] = [];
    const payload = { session_id: 's', hook_event_name: 'BeforeAgent', prompt: 'go on' };
    for (let i = 0; i < 3; i++) trace.push(...map(payload, '', trace));
    expect(new Set(trace.map(({ event_id }) => event_id)).size).toBe(3);
  });
});

describe('exit codes', () => {
  const shell = (llmContent: string, returnDisplay: string): unknown =>
    after('run_shell_command', { command: 'x' }, { llmContent, returnDisplay }).exit_code;
  const wrapped = (text: string): string => `<untrusted_context>\n${text}\n</untrusted_context>`;

  it('are what Gemini says below the output, not what the output says', () => {
    const end = 'Process Group PGID: 7';
    expect(shell(wrapped(`Output: boom\nExit Code: 3\n${end}`), 'boom')).toBe(3);
    expect(shell(wrapped(`Output: a\nExit Code: 3\n${end}`), 'a\nExit Code: 3')).toBe(0);
    expect(shell(wrapped(`Output: (empty)\n${end}`), '')).toBe(0);
    expect(shell(wrapped(`Output: a\nSignal: 9\n${end}`), 'a')).toBeUndefined();
    expect(shell(wrapped('Command moved to background (PID: 7).'), '')).toBeUndefined();
  });
});

describe('files', () => {
  const read = (llmContent: unknown, input: JsonObject = { file_path: 'a.ts' }): unknown =>
    after('read_file', input, { llmContent: llmContent as string, returnDisplay: '' }).files;
  const part = (lines: string, text: string): string =>
    `\nIMPORTANT: The file content has been truncated.\nStatus: Showing lines ${lines} total lines.\nAction: To read more\n\n--- FILE CONTENT (truncated) ---\n${text}`;
  const path = '/home/dev/shop/a.ts';

  it('that were read whole or in part', () => {
    expect(read('one\ntwo\n')).toEqual([{ path, kind: 'read', total_lines: 2 }]);
    expect(read(part('3-4 of 9', 'c\nd'))).toEqual([{ path, kind: 'read', ranges: [[3, 4]] }]);
    // The 9th line is the nothing behind the last line break.
    expect(read(part('7-9 of 9', 'g\nh\n'))).toEqual([
      { path, kind: 'read', total_lines: 8, ranges: [[7, 8]] },
    ]);
    expect(read({ inlineData: { mimeType: 'image/png', data: 'AAAA' } })).toEqual([
      { path, kind: 'read', ranges: [] },
    ]);
  });

  it('of which several were read at once', () => {
    const content = [
      '--- /p/a.ts ---\n\none\n--- /p/fake.ts ---\n\n\n\n',
      '--- /p/b.ts ---\n\ntwo\n\n\n',
    ];
    const data = after('read_many_files', { include: ['*'] }, { llmContent: content });
    expect(data.files).toEqual([
      { path: '/p/a.ts', kind: 'read' },
      { path: '/p/b.ts', kind: 'read' },
    ]);
  });

  it('of which a search showed lines', () => {
    const llmContent =
      'Found 2 matches for pattern "x" in path ".":\n---\nFile: src/a.ts\nL3: x = 1\nL4- y\nL9: x\n---\nFile: b.ts\nL1: File: fake.ts\n---';
    expect(after('grep_search', { pattern: 'x' }, { llmContent }).files).toEqual([
      {
        path: '/home/dev/shop/src/a.ts',
        kind: 'read',
        ranges: [
          [3, 4],
          [9, 9],
        ],
      },
      { path: '/home/dev/shop/b.ts', kind: 'read', ranges: [[1, 1]] },
    ]);
  });

  it('whose edit says no diff that can be read', () => {
    const returnDisplay = { fileDiff: '@@ -x\n+', filePath: '/p/a.ts', fileName: 'a.ts' };
    expect(after('replace', {}, { llmContent: 'ok', returnDisplay })).toMatchObject({
      files: [{ path: '/p/a.ts', kind: 'write' }],
      partial: true,
    });
  });
});

describe('what else is told', () => {
  it('a failed tool is an error', () => {
    const [event] = map({
      hook_event_name: 'AfterTool',
      tool_name: 'read_file',
      tool_input: { file_path: 'no' },
      tool_response: {
        llmContent: 'Could not read file',
        error: { type: 'file_not_found', message: 'File not found: /p/no' },
      },
    });
    expect(event).toMatchObject({
      event_type: 'error',
      data: { error: 'File not found: /p/no', is_error: true, error_type: 'file_not_found' },
    });
  });

  it('a question for permission, without the texts of files', () => {
    const [event] = map({
      hook_event_name: 'Notification',
      notification_type: 'ToolPermission',
      message: 'Tool Confirm requires editing',
      details: {
        type: 'edit',
        fileName: 'a',
        fileDiff: '…',
        originalContent: '…',
        newContent: '…',
      },
    });
    expect(event!.data).toMatchObject({
      event_subtype: 'permission',
      permission: 'requested',
      details: { type: 'edit', fileName: 'a' },
    });
    expect(JSON.stringify(event)).not.toContain('…');
  });

  it('the answer, where no chat will tell it', () => {
    const payload = { hook_event_name: 'AfterAgent', prompt_response: 'Done.' };
    expect(map(payload).map(line)).toEqual(['decision turn_end', 'assistant_response']);
    expect(map({ ...payload, transcript_path: '/p/chat.jsonl' }).map(line)).toEqual([
      'decision turn_end',
    ]);
  });

  it('what is not known is kept whole', () => {
    expect(map({ hook_event_name: 'AfterParty', guests: [1] })[0]!.data).toMatchObject({
      event_subtype: 'unknown_hook',
      hook_event_name: 'AfterParty',
      payload: { guests: [1] },
    });
  });
});

it('never throws, and tells events of the format', () => {
  const events = fc.constantFrom(
    ...['SessionStart', 'SessionEnd', 'BeforeAgent', 'AfterAgent', 'BeforeTool', 'AfterTool'],
    ...['Notification', 'PreCompress', 'AfterModel', 'Other', ''],
  );
  const keys = fc.constantFrom(
    ...['tool_name', 'tool_input', 'tool_response', 'prompt', 'prompt_response', 'details'],
    ...[
      'cwd',
      'source',
      'trigger',
      'mcp_context',
      'transcript_path',
      'session_id',
      'event_subtype',
    ],
  );
  const tools = fc.constantFrom('read_file', 'replace', 'grep_search', 'read_many_files', 'x');
  fc.assert(
    fc.property(events, tools, fc.dictionary(keys, fc.jsonValue()), (event, tool, fields) => {
      const payload = { tool_name: tool, ...fields } as JsonObject;
      geminiRecorder.toolOf(payload);
      for (const told of map(payload, event)) {
        expect(EVENT_TYPES).toContain(told.event_type);
        expect(encodeEvent(told).length).toBeGreaterThan(0);
      }
    }),
  );
});
