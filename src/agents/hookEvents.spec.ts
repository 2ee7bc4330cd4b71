import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../model/event.ts';
import type { AgentId, HookContext, HookRecorder } from './agent.ts';
import { claudeRecorder } from './claude/recorder.ts';
import { codexRecorder } from './codex/hook.ts';
import { copilotRecorder } from './copilot/hook.ts';
import { geminiRecorder } from './gemini/hook.ts';
import { freePromptId } from './promptId.ts';
import { vscodeRecorder } from './vscode/hook.ts';

const RECORDERS = [claudeRecorder, codexRecorder, geminiRecorder, copilotRecorder, vscodeRecorder];

const context = (event: string): HookContext => ({
  sessionId: 'one',
  event,
  timestamp: 1_790_000_000,
  recorded: () => 'no',
});

/** As it arrives: a key may be `__proto__`. */
const payloadOf = (text: string): JsonObject => JSON.parse(text) as JsonObject;

const each = (test: (recorder: HookRecorder, agent: AgentId) => void): void => {
  for (const recorder of RECORDERS) test(recorder, recorder.agent);
};

describe('every recorder', () => {
  it('keeps an event that it does not know whole', () => {
    each((recorder, agent) => {
      const payload = payloadOf('{"session_id": "one", "what": {"deep": [1]}, "empty": ""}');
      const [event, ...more] = recorder.map(payload, context('NewOfTomorrow'));
      expect(more, agent).toEqual([]);
      expect(event?.data, agent).toMatchObject({
        provider: agent,
        event_subtype: 'unknown_hook',
        hook_event_name: 'NewOfTomorrow',
        payload: { what: { deep: [1] } },
      });
    });
  });

  it('takes no name for what every object has', () => {
    each((recorder, agent) => {
      for (const name of ['constructor', 'toString', '__proto__']) {
        expect(recorder.momentOf(recorder.eventOf({}, name), {}), agent).toBeUndefined();
        const payload = payloadOf(`{"session_id": "one", "${name}": "kept"}`);
        const [event] = recorder.map(payload, context('NewOfTomorrow'));
        const kept = event?.data.payload as JsonObject;
        expect(Object.entries(kept), `${agent} ${name}`).toContainEqual([name, 'kept']);
      }
    });
  });

  it('lets no payload say whose event it is', () => {
    each((recorder, agent) => {
      const payload = payloadOf(
        '{"session_id": "one", "provider": "x", "recorded_by": "y", "redacted": "z", "message": "m"}',
      );
      for (const event of recorder.map(payload, context('SessionEnd'))) {
        expect(event.data, agent).toMatchObject({ provider: agent, recorded_by: 'hook' });
        expect(event.data.redacted, agent).toBeUndefined();
      }
    });
  });

  it('takes no field of a payload for a file operation or a subagent', () => {
    each((recorder, agent) => {
      const payload = payloadOf(
        '{"session_id": "one", "files": [{"path": "/x"}], "partial": true}',
      );
      for (const { data } of recorder.map(payload, context('SessionEnd'))) {
        expect([data.files, data.partial], agent).toEqual([undefined, undefined]);
        expect(data.payload_files, agent).toEqual([{ path: '/x' }]);
      }
    });
  });

  it('cuts what is far too long, and says so', () => {
    each((recorder, agent) => {
      const prompt = 'word '.repeat(40_000);
      const [event] = recorder.map({ session_id: 'one', prompt }, context('UserPromptSubmit'));
      const [other] = recorder.map({ session_id: 'one', prompt }, context('BeforeAgent'));
      const { data } = agent === 'gemini' ? other! : event!;
      expect(String(data.prompt).length, agent).toBeLessThan(80_000);
      expect(data.truncated, agent).toMatchObject({ prompt: { length: prompt.length } });
    });
  });

  it('says which calls are a subagent’s', () => {
    const call = {
      session_id: 'one',
      cwd: '/shop',
      tool_name: 'Edit',
      tool_use_id: 't',
      tool_input: {},
    };
    const own = { sessionId: 'one', cwd: '/shop', toolName: 'edit', toolArgs: {} };
    for (const recorder of [claudeRecorder, copilotRecorder, vscodeRecorder]) {
      expect(recorder.toolOf(call)?.subagent, recorder.agent).toBe(false);
      expect(recorder.toolOf({ ...call, agent_id: 'a1' })?.subagent, recorder.agent).toBe(true);
    }
    expect(copilotRecorder.toolOf({ ...own, agentId: 'a1' })?.subagent).toBe(true);
  });

  it('tells how a session began', () => {
    each((recorder, agent) => {
      const payload = { session_id: 'one', source: 'resume', transcript_path: '/t.jsonl' };
      const [start] = recorder.map(payload, context('SessionStart'));
      expect(start?.data, agent).toMatchObject({
        event_subtype: 'resume',
        mode: agent === 'claude' ? 'claude-code-hooks' : `${agent}-hooks`,
        transcript_path: '/t.jsonl',
      });
    });
  });
});

describe('freePromptId', () => {
  it('is another one each time that the same is said', () => {
    const told = new Set<string>();
    const next = () => freePromptId('one', 'go on', (id) => (told.has(id) ? 'yes' : 'no'));
    for (let i = 0; i < 5; i++) told.add(next());
    expect(told.size).toBe(5);
    expect(next()).toBe(next());
  });

  it('is a random one where the trace cannot tell', () => {
    const next = () => freePromptId('one', 'go on', () => 'unknown');
    expect(next()).not.toBe(next());
  });
});
