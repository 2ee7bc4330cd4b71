import { describe, expect, it } from 'vitest';
import { encodeEvent } from '../../model/codec.ts';
import type { JsonObject, TraceEvent } from '../../model/event.ts';
import { ids } from '../../model/ids.ts';
import { toolKind } from '../../model/tools.ts';
import { vscodeRecorder } from './hook.ts';
import { vscodeTranscripts } from './transcripts.ts';

const SESSION = '1f0c6f6e-0000-4000-8000-000000000001';
const TRANSCRIPT = `/home/dev/.config/Code/User/workspaceStorage/1/GitHub.copilot-chat/transcripts/${SESSION}.jsonl`;

/** As the source of VS Code 1.139 writes them. */
const payload = (name: string, more: JsonObject): JsonObject => ({
  timestamp: '2026-11-23T10:00:00.000Z',
  hook_event_name: name,
  session_id: SESSION,
  transcript_path: TRANSCRIPT,
  ...more,
  cwd: '/home/dev/shop',
});

const call = (tool: string, input: JsonObject, response = 'ok'): JsonObject =>
  payload('PostToolUse', {
    tool_name: tool,
    tool_input: input,
    tool_response: response,
    tool_use_id: 'call_1__vscode-1795393435',
  });

const known = new Set<string>();
function mapped(from: JsonObject, event = ''): TraceEvent[] {
  const events = vscodeRecorder.map(from, {
    sessionId: vscodeRecorder.sessionOf(from, {}),
    event,
    timestamp: 1,
    recorded: (id) => (known.has(id) ? 'yes' : 'no'),
  });
  for (const { event_id } of events) known.add(event_id);
  return events;
}

describe('the hooks of VS Code', () => {
  it('become events', () => {
    const session = [
      payload('SessionStart', { source: 'new', model: 'gpt-5', agent_type: 'agent' }),
      payload('UserPromptSubmit', { prompt: 'fix it' }),
      payload('PreToolUse', {
        tool_name: 'run_in_terminal',
        tool_input: { command: 'false', explanation: 'Fails', isBackground: false },
        tool_use_id: 'call_1__vscode-1795393435',
      }),
      call(
        'run_in_terminal',
        { command: 'false' },
        'Command produced no output\nCommand exited with code 1',
      ),
      payload('PreCompact', { trigger: 'auto' }),
      payload('SubagentStart', { agent_id: 'a1', agent_type: 'default' }),
      payload('SubagentStop', { agent_id: 'a1', agent_type: 'default', stop_hook_active: false }),
      payload('Stop', { stop_hook_active: false }),
    ];
    const events = session.flatMap((from) => mapped(from));
    expect(events.map(({ event_type, data }) => ({ event_type, ...data }))).toMatchSnapshot();
    // Under the transcript's id: an ending makes it unique in the window only.
    expect(events[3]).toMatchObject({
      event_id: ids.result(SESSION, 'call_1'),
      parent_id: events[2]!.event_id,
    });
    expect(
      session.map((from) => vscodeRecorder.momentOf(String(from.hook_event_name), from)),
    ).toEqual([
      'session_start',
      undefined,
      'before_tool',
      'after_tool',
      undefined,
      undefined,
      'subagent_end',
      'turn_end',
    ]);
    expect(vscodeRecorder.transcriptOf!(session[0]!, {})).toBe(TRANSCRIPT);
    expect(vscodeRecorder.toolOf(session[2]!)).toMatchObject({
      name: 'run_in_terminal',
      callId: 'call_1',
      cwd: '/home/dev/shop',
      input: { command: 'false', explanation: 'Fails', isBackground: false },
      subagent: false,
    });
  });

  it.each<[string, JsonObject, string, JsonObject[]]>([
    [
      'read_file',
      { filePath: '/p/a', startLine: 3, endLine: 9 },
      'read',
      [{ path: '/p/a', kind: 'read', ranges: [[3, 9]] }],
    ],
    [
      'create_file',
      { filePath: '/p/a', content: 'x\ny\n' },
      'modify',
      [{ path: '/p/a', kind: 'create', added: 2, removed: 0, total_lines: 2 }],
    ],
    [
      'replace_string_in_file',
      { filePath: '/p/a', oldString: 'x', newString: 'y' },
      'modify',
      [{ path: '/p/a', kind: 'write' }],
    ],
    [
      'multi_replace_string_in_file',
      { replacements: [{ filePath: '/p/a' }, { filePath: '/p/b' }, { filePath: '/p/a' }] },
      'modify',
      [
        { path: '/p/a', kind: 'write' },
        { path: '/p/b', kind: 'write' },
      ],
    ],
    [
      'apply_patch',
      {
        input:
          '*** Begin Patch\n*** Update File: /p/a\n@@\n-x\n+y\n*** Delete File: /p/b\n*** End Patch',
      },
      'modify',
      [
        { path: '/p/a', kind: 'write' },
        { path: '/p/b', kind: 'delete' },
      ],
    ],
  ])('tell the files of %s', (tool, input, kind, files) => {
    const [result] = mapped(call(tool, input));
    expect(result!.data.files).toEqual(files);
    expect(toolKind(tool)).toBe(kind);
  });

  it.each([
    ['run_in_terminal', 'run'],
    ['semantic_search', 'search'],
    ['list_dir', 'search'],
    ['fetch_webpage', 'web'],
    ['runSubagent', 'agent'],
    ['manage_todo_list', 'tool'],
  ])('name the tool %s, whose kind is known', (tool, kind) => {
    expect(toolKind(tool)).toBe(kind);
  });

  it('of older builds, and under the names of Copilot settings, are the same', () => {
    const old = {
      timestamp: '2026-02-01T00:00:00Z',
      sessionId: SESSION,
      hookEventName: 'UserPromptSubmit',
      prompt: 'old',
    };
    expect(vscodeRecorder.sessionOf(old, {})).toBe(SESSION);
    expect(mapped(old)).toMatchObject([
      { event_type: 'user_prompt', session_id: SESSION, data: { prompt: 'old' } },
    ]);
    expect(vscodeRecorder.eventOf({}, 'agentStop')).toBe('Stop');
    expect(vscodeRecorder.momentOf('preToolUse', {})).toBe('before_tool');
    expect(mapped({ session_id: SESSION, prompt: 'x' }, 'userPromptSubmitted')).toMatchObject([
      { event_type: 'user_prompt' },
    ]);
  });

  it('never fail, whatever they are', () => {
    for (const name of ['PreToolUse', 'PostToolUse', 'Stop', 'SubagentStop', 'x', 'constructor']) {
      for (const more of [
        {},
        { tool_input: 5, tool_response: [{}], tool_use_id: {} },
        { prompt: {} },
      ]) {
        for (const event of mapped(payload(name, more as JsonObject))) encodeEvent(event);
      }
    }
  });
});

describe('the transcripts of VS Code', () => {
  let n = 0;
  const row = (type: string, data: JsonObject): JsonObject => ({
    type,
    data,
    id: `row${n++}`,
    timestamp: '2026-11-23T10:00:00.000Z',
    parentId: null,
  });
  const rows = [
    row('session.start', {
      sessionId: SESSION,
      version: 1,
      producer: 'copilot-agent',
      copilotVersion: '0.67.0',
      vscodeVersion: '1.139.1',
      startTime: '2026-11-23T09:59:59.000Z',
    }),
    row('user.message', { content: 'go on', attachments: [] }),
    row('assistant.turn_start', { turnId: '0.0' }),
    row('assistant.message', {
      messageId: 'm1',
      content: 'Looking.',
      toolRequests: [
        { toolCallId: 'call_2', name: 'read_file', arguments: '{}', type: 'function' },
      ],
      reasoningText: 'Hm.',
    }),
    row('tool.execution_start', {
      toolCallId: 'call_2',
      toolName: 'read_file',
      arguments: { filePath: '/p/a' },
    }),
    row('tool.execution_complete', { toolCallId: 'call_2', success: false }),
    row('assistant.turn_end', { turnId: '0.0' }),
    row('user.message', { content: 'go on', attachments: [] }),
    row('assistant.message', { messageId: 'm2', content: 'Done.', toolRequests: [] }),
  ];
  const imported = (live: boolean): TraceEvent[] => {
    const mapper = vscodeTranscripts.mapper({
      sessionId: SESSION,
      file: { path: TRANSCRIPT, agentId: '' },
      live,
    });
    return [...rows.flatMap((from) => mapper.push(from)), ...mapper.finish()];
  };

  it('tell calls that failed, for which no hook fires', () => {
    expect(
      imported(true).map(({ event_type, data }) => `${event_type} ${data.tool_name ?? data.text}`),
    ).toEqual([
      'assistant_response Hm.',
      'assistant_response Looking.',
      'tool_call read_file',
      'error read_file',
      'assistant_response Done.',
    ]);
    expect(imported(true).every(({ data }) => data.provider === 'vscode')).toBe(true);
  });

  it('have the prompts that hooks told, once', () => {
    const prompts = imported(false).filter(({ event_type }) => event_type === 'user_prompt');
    const hooks = [1, 2].flatMap(() => mapped(payload('UserPromptSubmit', { prompt: 'go on' })));
    expect(prompts.map(({ event_id }) => event_id)).toEqual(hooks.map(({ event_id }) => event_id));
    expect(new Set(prompts.map(({ event_id }) => event_id)).size).toBe(2);
  });
});
