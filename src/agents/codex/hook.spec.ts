import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject, TraceEvent } from '../../model/event.ts';
import type { HookContext } from '../agent.ts';
import { codexRecorder } from './hook.ts';

const fixtures = join(import.meta.dirname, '../../../test/fixtures/codex');

function payloads(name: string): JsonObject[] {
  const text = readFileSync(join(fixtures, name, 'hooks.ndjson'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { payload: JsonObject }).payload);
}

const context = (payload: JsonObject, event = ''): HookContext => ({
  sessionId: codexRecorder.sessionOf(payload, {}) || 's',
  event,
  timestamp: 1000,
  recorded: () => 'unknown',
});

const map = (payload: JsonObject, event = ''): TraceEvent[] =>
  codexRecorder.map(payload, context(payload, event));

/** Without what the snapshot of one event need not repeat. */
const short = ({ event_type, data, parent_id }: TraceEvent): JsonObject => {
  const { provider: _, recorded_by: __, cwd: ___, permission_mode: ____, ...rest } = data;
  return { event_type, ...(parent_id !== undefined && { child: true }), ...rest };
};

describe('hooks of a real session', () => {
  it.each(['main', 'pre-deny', 'spawn'])('%s', (name) => {
    expect(
      payloads(name)
        .flatMap((payload) => map(payload))
        .map(short),
    ).toMatchSnapshot();
  });

  it('say nothing of exit codes, so their results give way', () => {
    const results = payloads('main')
      .flatMap((payload) => map(payload))
      .filter(({ event_type }) => event_type === 'tool_result');
    expect(results.length).toBeGreaterThan(3);
    for (const { data } of results) expect(data.partial).toBe(true);
  });
});

it('names the rollout of the session, not of a subagent', () => {
  const paths = payloads('spawn').map((payload) => codexRecorder.transcriptOf!(payload, {}));
  const [session] = payloads('spawn').map(({ session_id }) => session_id as string);
  expect(paths.filter((path) => path !== '').length).toBeGreaterThan(5);
  for (const path of paths) if (path !== '') expect(path).toContain(session);
  expect(paths).toContain('');
});

describe('other hooks', () => {
  const base = { session_id: 's', turn_id: 't', cwd: '/p' };

  it('an interruption ends the turn, as its row in the rollout does', () => {
    const events = map({ ...base, hook_event_name: 'Interrupt' });
    expect(events.map(short)).toMatchObject([
      { event_type: 'error', is_interrupt: true },
      { event_type: 'decision', event_subtype: 'turn_end', reason: 'interrupted' },
    ]);
    const [stop] = map({ ...base, hook_event_name: 'Stop' });
    expect(stop!.event_id).toBe(events[1]!.event_id);
  });

  it('tokens are left to the rollout, failures are not', () => {
    const payload = { ...base, hook_event_name: 'PostModelRequest', token_usage: {} };
    expect(map({ ...payload, status: 'completed', error: null })).toEqual([]);
    expect(map({ ...payload, status: 'failed', error: 'overloaded' }).map(short)).toMatchObject([
      { event_type: 'error', event_subtype: 'api', error: 'overloaded' },
    ]);
  });

  it('compaction, permission, and what nobody knows', () => {
    expect(map({ ...base, trigger: 'auto' }, 'PreCompact')[0]!.data).toMatchObject({
      event_subtype: 'compaction',
      phase: 'start',
      trigger: 'auto',
    });
    const asked = { ...base, tool_name: 'Bash', tool_input: { command: 'x' } };
    expect(map(asked, 'PermissionRequest')[0]!.data).toMatchObject({
      event_subtype: 'permission',
      arguments: { command: 'x' },
    });
    expect(map({ ...base, new: [1] }, 'Novel')[0]!.data).toMatchObject({
      event_subtype: 'unknown_hook',
      hook_event_name: 'Novel',
      payload: { new: [1] },
    });
  });

  it('payloads of any shape', () => {
    const events = payloads('main').map(({ hook_event_name }) => hook_event_name as string);
    const values: Json[] = [null, 7, [], {}, 'x', { __proto__: 1 }];
    for (const event of new Set([...events, 'SubagentStop', 'Interrupt', 'PostModelRequest'])) {
      for (const value of values) {
        const keys = ['tool_input', 'tool_response', 'tool_name', 'turn_id', 'agent_id', 'error'];
        const payload = Object.fromEntries(keys.map((key) => [key, value]));
        expect(map(payload, event)).toEqual(expect.any(Array));
        codexRecorder.toolOf(payload);
        codexRecorder.transcriptOf!(payload, {});
      }
    }
  });
});
