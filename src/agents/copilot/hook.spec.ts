import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CapturedHook, capturedEvents, capturedHooks } from '../../../test/copilotFixtures.ts';
import { callKey } from '../../model/callKey.ts';
import { encodeEvent } from '../../model/codec.ts';
import type { JsonObject, TraceEvent } from '../../model/event.ts';
import { asObject, asString } from '../rows.ts';
import { copilotRecorder, exitCodeIn } from './hook.ts';

function mapped({ event, env, payload }: CapturedHook): TraceEvent[] {
  return copilotRecorder.map(payload, {
    sessionId: copilotRecorder.sessionOf(payload, env),
    event,
    timestamp: 1,
    recorded: () => 'no',
  });
}

const eventsOf = (name: string): TraceEvent[] => capturedHooks(name).flatMap(mapped);

/** What an event says, without what differs between two sessions. */
function essence({ event_type, data }: TraceEvent): string {
  const words = [event_type, data.event_subtype, data.tool_name, data.exit_code, data.call_key];
  return words.filter((word) => word !== undefined).join(' ');
}

describe('the hooks of the Copilot CLI', () => {
  it('become events', () => {
    expect(eventsOf('main').map(essence)).toMatchInlineSnapshot(`
      [
        "session_start",
        "user_prompt",
        "tool_call view c5388cae4161",
        "tool_result view c5388cae4161",
        "tool_call bash 1b6553c58edf",
        "tool_call edit 33367690855e",
        "decision permission edit",
        "decision permission bash",
        "tool_result edit 33367690855e",
        "tool_result bash 0 1b6553c58edf",
        "tool_call bash 4c214368f492",
        "decision permission bash",
        "tool_result bash 1 4c214368f492",
        "decision turn_end",
        "session_end",
      ]
    `);
    const [start, prompt, call, result] = eventsOf('main');
    expect(start!.data).toMatchObject({ mode: 'copilot-hooks', source: 'new' });
    expect(prompt!.data.prompt).toBe('SCENARIO:main please');
    expect(call!.data.arguments).toEqual({ path: '/home/dev/shop/hello.txt' });
    expect(result).toMatchObject({ data: { result: 'hello world\n', partial: true } });
    expect(result!.parent_id).toBeUndefined();
  });

  it('come to the same events in the form of Claude', () => {
    // Permission was asked for in one of the two only.
    const [own, claudes] = ['main', 'pascal'].map((name) =>
      eventsOf(name)
        .filter(({ data }) => data.event_subtype !== 'permission')
        .map(essence),
    );
    expect(claudes).toEqual(own);
  });

  it.each(['main', 'pascal', 'tools', 'resumed'])(
    'name calls as the transcript does (%s)',
    (name) => {
      const inTranscript = capturedEvents(name)
        .filter(({ type }) => type === 'tool.execution_start')
        .map((row) => asObject(row.data)!)
        .map((data) => callKey(asString(data.toolName), data.arguments ?? {}));
      const inHooks = eventsOf(name).filter(({ event_type }) => event_type === 'tool_call');
      const keys = inHooks.flatMap(({ data }) => asString(data.call_key) || []);
      expect(keys.length).toBeGreaterThan(3);
      expect(keys.sort()).toEqual(inTranscript.sort());
    },
  );

  it('know the tools by which names Claude knows them', () => {
    const own = capturedHooks('nested');
    const claudes = capturedHooks('claudeSettings');
    const tools = (hooks: CapturedHook[]) =>
      hooks
        .filter(({ event }) => event.toLowerCase() === 'pretooluse')
        .map(({ payload }) => copilotRecorder.toolOf(payload)!.name);
    const differ = tools(own).flatMap((tool, at) =>
      tools(claudes)[at] === tool ? [] : [`${tool}: ${tools(claudes)[at]}`],
    );
    // Tools of other systems, which Claude's names do not tell apart.
    expect(differ).toEqual(['powershell: bash', 'rg: grep']);
  });

  it('tell the moments', () => {
    const moments = (name: string) =>
      capturedHooks(name).map(({ event, payload }) =>
        copilotRecorder.momentOf(copilotRecorder.eventOf(payload, event), payload),
      );
    expect(moments('main')).toEqual([
      'session_start',
      undefined,
      'before_tool',
      'after_tool',
      'before_tool',
      'before_tool',
      undefined,
      undefined,
      'after_tool',
      'after_tool',
      'before_tool',
      undefined,
      'after_tool',
      'turn_end',
      'session_end',
    ]);
    // A subagent's stop is no end of the turn.
    expect(moments('nested').filter((moment) => moment === 'turn_end')).toHaveLength(1);
    expect(moments('nested').filter((moment) => moment === 'subagent_end')).toHaveLength(2);
  });

  it('of a failing call say so', () => {
    const failed = eventsOf('tools').filter(
      ({ event_type, data }) => event_type === 'error' || Number(data.exit_code) > 0,
    );
    expect(failed.map(({ data }) => data.error ?? data.exit_code)).toEqual([
      3,
      "Tool 'nosuch' does not exist.",
      "Unhandled error: Error: ENOENT: no such file or directory, open '/home/dev/shop/nope.txt'",
      '"command": Required',
      "Tool 'rg' does not exist.",
    ]);
    const [error] = eventsOf('failed').filter(({ event_type }) => event_type === 'error');
    expect(error!.data).toMatchObject({
      event_subtype: 'api',
      error: expect.stringContaining('you are bad'),
    });
    expect(encodeEvent(error!)).not.toContain('pthread');
  });

  it('have the time at which they were fired, if that can be', () => {
    const [start] = capturedHooks('main');
    const at = (timestamp: number) =>
      copilotRecorder.map(start!.payload, {
        sessionId: 's',
        event: 'sessionStart',
        timestamp,
        recorded: () => 'no',
      })[0]!.timestamp;
    expect(at(1795393435.5)).toBe(1795393435.409);
    expect(at(1795399999)).toBe(1795399999);
  });

  it('of a command that has ended are the last word: the recorder knows which files it changed', () => {
    const results = eventsOf('main').filter(({ event_type }) => event_type === 'tool_result');
    expect(results.map(({ data }) => [data.tool_name, data.exit_code, data.partial])).toEqual([
      ['view', undefined, true],
      ['edit', undefined, true],
      ['bash', 0, undefined],
      ['bash', 1, undefined],
    ]);
  });

  it('have the version, the project and the transcript', () => {
    const [{ payload, env }] = capturedHooks('main') as [CapturedHook];
    expect(copilotRecorder.versionOf!(payload, env)).toBe('1.0.102');
    expect(copilotRecorder.projectOf!(payload, env)).toBe('/home/dev/shop');
    const session = asString(payload.sessionId);
    const at = (where: CapturedHook['env']) => copilotRecorder.transcriptOf!(payload, where);
    expect(at({ HOME: '/home/dev' })).toBe(
      `/home/dev/.copilot/session-state/${session}/events.jsonl`,
    );
    expect(at({ COPILOT_HOME: '/c' })).toBe(`/c/session-state/${session}/events.jsonl`);
    const stop = capturedHooks('main').at(-2)!;
    expect(copilotRecorder.transcriptOf!(stop.payload, {})).toBe(stop.payload.transcriptPath);
  });

  it('never fail, whatever they are', () => {
    const odd: JsonObject[] = [
      {},
      { sessionId: 5, toolName: {}, toolArgs: 'x', toolResult: [] },
      { session_id: 'a', hook_event_name: 'Later', news: [1] },
      { hook_event_name: 'constructor', agentId: '', toolName: '__proto__', toolArgs: null },
      { timestamp: 1e99, error: { message: 1 }, transcriptPath: '/x' },
    ];
    for (const payload of odd) {
      for (const event of [
        'preToolUse',
        'PostToolUse',
        'postToolUseFailure',
        'agentStop',
        'x',
        '',
      ]) {
        for (const made of mapped({ event, env: {}, payload })) encodeEvent(made);
        copilotRecorder.toolOf(payload);
        copilotRecorder.momentOf(event, payload);
        copilotRecorder.transcriptOf!(payload, {});
      }
    }
    const [unknown] = mapped({ event: '', env: {}, payload: odd[2]! });
    expect(unknown!.data).toMatchObject({ event_subtype: 'unknown_hook', payload: { news: [1] } });
  });
});

describe('the session of a subagent', () => {
  const subagents = capturedHooks('nested').filter(({ payload }) => payload.agentId !== undefined);
  const root = asString(capturedHooks('nested')[0]!.payload.sessionId);

  it('is the one that started it', () => {
    const first = subagents.filter(({ payload }) => payload.parentAgentId === root);
    expect(first.length).toBeGreaterThan(5);
    for (const { payload, env } of first)
      expect(copilotRecorder.sessionOf(payload, env)).toBe(root);
  });

  it('is found where a subagent started it, by what the session has written', () => {
    const home = mkdtempSync(join(tmpdir(), 'copilot-'));
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    const write = (session: string, rows: unknown[]) => {
      const path = join(home, 'session-state', session, 'events.jsonl');
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    };
    write('another', [{ type: 'session.start', data: {} }]);
    write(root, capturedEvents('nested'));
    const sessions = subagents.map(({ payload }) =>
      copilotRecorder.sessionOf(payload, { COPILOT_HOME: home }),
    );
    expect(new Set(sessions)).toEqual(new Set([root]));
  });
});

it.each([
  ['hi\n<shellId: 0 completed with exit code 0>', 0],
  ['<shellId: x-1 completed with exit code 127>\n', 127],
  ['<shellId: 0 completed with exit code 1> no more', undefined],
  ['', undefined],
])('reads the exit code of %j', (text, code) => {
  expect(exitCodeIn(text)).toBe(code);
});
