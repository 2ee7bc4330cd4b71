import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ofGuard, ofSession } from '../../../test/guardFigures.ts';
import { calls, foldOf, pricer, sessionOf } from '../../../test/randomSession.ts';
import { callKey } from '../../model/callKey.ts';
import type { TraceEvent } from '../../model/event.ts';
import { ids } from '../../model/ids.ts';
import { GuardFold } from './guardFold.ts';

const NOW = 1_700_001_000_000;

const guardOf = (events: readonly TraceEvent[]): GuardFold => {
  const fold = new GuardFold({ pricer });
  for (const event of structuredClone(events) as TraceEvent[]) fold.add(event);
  return fold;
};

describe('GuardFold', () => {
  it('says what SessionFold says, in whatever order events arrive, and however often', () => {
    fc.assert(
      fc.property(calls, fc.infiniteStream(fc.nat()), (list, random) => {
        const events = sessionOf(list);
        const want = ofSession(foldOf(events));
        expect(ofGuard(guardOf(events), NOW)).toEqual(want);
        const mixed = events
          .flatMap((event) => (random.next().value % 3 === 0 ? [event, event] : [event]))
          .map((event) => ({ event, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ event }) => event);
        expect(ofGuard(guardOf(mixed), NOW)).toEqual(want);
      }),
      { numRuns: 200 },
    );
  });

  it('goes on from what was saved as if it had not been', () => {
    fc.assert(
      fc.property(calls, fc.nat(), (list, cut) => {
        const events = sessionOf(list);
        const at = cut % (events.length + 1);
        const saved = JSON.stringify(guardOf(events.slice(0, at)).save());
        const fold = GuardFold.load(JSON.parse(saved), { pricer });
        for (const event of structuredClone(events.slice(at)) as TraceEvent[]) fold.add(event);
        const whole = guardOf(events);
        expect(ofGuard(fold, NOW)).toEqual(ofGuard(whole, NOW));
        expect(JSON.parse(JSON.stringify(fold.save()))).toEqual(
          JSON.parse(JSON.stringify(whole.save())),
        );
      }),
      { numRuns: 100 },
    );
  });
});

const SESSION = 's';
let id = 0;
const event = (
  event_type: string,
  seconds: number,
  data: TraceEvent['data'],
  rest: Partial<TraceEvent> = {},
): TraceEvent => ({
  event_type,
  timestamp: 1_700_000_000 + seconds,
  event_id: (++id).toString(16).padStart(12, '0'),
  session_id: SESSION,
  data: { recorded_by: 'hook', ...data },
  ...rest,
});

/** A command and how it ended. */
function ran(command: string, exit: number, seconds: number, tool = 'Bash'): TraceEvent[] {
  const call = event('tool_call', seconds, { tool_name: tool, arguments: { command } });
  const data = { tool_name: tool, exit_code: exit };
  return [call, event('tool_result', seconds + 1, data, { parent_id: call.event_id })];
}

const fed = (...events: TraceEvent[][]): GuardFold => guardOf(events.flat());
const at = (seconds: number): number => (1_700_000_000 + seconds) * 1000;

describe('metrics', () => {
  it('counts failures in a row, denials aside, until a call goes well', () => {
    const denied = event(
      'error',
      9,
      { event_subtype: 'denied', tool_name: 'Bash' },
      { parent_id: 'ffffffffffff' },
    );
    expect(fed(ran('a', 1, 1), ran('b', 1, 3), [denied]).metric('consecutive_errors', NOW)).toBe(2);
    expect(fed(ran('a', 1, 1), ran('b', 0, 3)).metric('consecutive_errors', NOW)).toBe(0);
    const many = Array.from({ length: 400 }, (_, i) => ran(`a${i}`, 1, i));
    expect(fed(...many).metric('consecutive_errors', NOW)).toBe(400);
  });

  it('counts failed test runs in a row, whatever runs between them', () => {
    const fold = fed(
      ran('npm test', 1, 1),
      ran('ls', 0, 3),
      ran('npx vitest run src', 1, 5),
      ran('go test ./... | tail -3', 0, 7),
    );
    expect(fold.metric('consecutive_test_failures', NOW)).toBe(2);
    for (const one of ran('pytest -q', 0, 9)) fold.add(one);
    expect(fold.metric('consecutive_test_failures', NOW)).toBe(0);
  });

  it('is idle while at work, and not while a person is waited for', () => {
    const start = [
      event('session_start', 0, {}),
      event('user_prompt', 1, { prompt: 'x' }),
      event('tool_call', 2, { tool_name: 'Bash', arguments: {} }),
    ];
    expect(fed(start).metric('idle_minutes', at(302))).toBe(5);
    const asks = event('decision', 3, { notification_type: 'permission_prompt' });
    expect(fed(start, [asks]).metric('idle_minutes', at(302))).toBeUndefined();
    const ends = event('decision', 3, { event_subtype: 'turn_end' });
    expect(fed(start, [ends]).metric('idle_minutes', at(302))).toBeUndefined();
  });

  it('measures the time since the session was begun or taken up again', () => {
    const first = [event('session_start', 0, {}), event('session_end', 60, {})];
    const resumed = event('session_start', 86_400, { event_subtype: 'resume' });
    expect(fed(first).metric('duration_minutes', at(120))).toBe(2);
    expect(fed(first, [resumed]).metric('duration_minutes', at(86_460))).toBe(1);
    const compacted = event('session_start', 30, { event_subtype: 'compact' });
    const begun = event('session_start', 0, {});
    expect(fed([begun, compacted]).metric('duration_minutes', at(60))).toBe(1);
  });

  it('knows the rate of the last ten minutes, and the cost of the last seven days', () => {
    const response = (seconds: number): TraceEvent =>
      event('llm_response', seconds, {
        model: 'm',
        usage: { input_tokens: 1e6, output_tokens: 0 },
      });
    const start = event('session_start', 0, {});
    const fold = fed([start, response(10), response(3600)]);
    // A dollar each, as the test's prices are.
    expect(fold.metric('cost_usd', at(3600))).toBe(2e15 / 1e9 / 1e6);
    expect(fold.metric('cost_per_hour', at(3630))).toBe(6);
    expect(fold.metric('cost_per_hour', at(7200))).toBe(0);
    fold.others = () => 10;
    expect(fold.metric('project_cost_7d', at(3630))).toBe(12);
    expect(fold.metric('project_cost_7d', at(8 * 86_400))).toBe(10);
    expect(fold.metric('context_pct', at(3630))).toBe(100);
  });

  it('knows nothing of money without a price, and names the model', () => {
    const usage = { input_tokens: 5, output_tokens: 5 };
    const fold = fed([event('llm_response', 1, { model: 'free', usage })]);
    expect(fold.metric('cost_usd', NOW)).toBeUndefined();
    expect(fold.metric('tokens', NOW)).toBe(10);
    expect(fold.unpriced).toEqual(['free']);
    expect(fed().metric('cost_usd', NOW)).toBeUndefined();
  });

  it('knows how deep subagents are', () => {
    const call = (agent: string, use: string): TraceEvent => ({
      ...event('tool_call', 1, {
        tool_name: 'Agent',
        tool_use_id: use,
        ...(agent && { agent_id: agent }),
      }),
      event_id: ids.call(SESSION, use),
    });
    const life = (agent: string, use: string): TraceEvent =>
      event('tool_call', 2, { event_subtype: 'subagent', agent_id: agent, tool_use_id: use });
    const fold = fed([call('', 'u1'), life('a', 'u1')]);
    expect(fold.metric('subagent_depth', NOW)).toBe(1);
    for (const one of [call('a', 'u2'), life('b', 'u2')]) fold.add(one);
    expect(fold.metric('subagent_depth', NOW)).toBe(2);
    expect(fold.metric('subagents', NOW)).toBe(2);
  });
});

describe('loops', () => {
  const call = (command: string, seconds: number): TraceEvent =>
    event('tool_call', seconds, { tool_name: 'Bash', arguments: { command } });
  const key = (command: string): string => callKey('Bash', { command });

  it('counts a call among the last ones, itself once, whether it is recorded by then or not', () => {
    const before = [call('a', 1), call('b', 2), call('a', 3)];
    const next = call('a', 4);
    expect(fed(before).repeats(key('a'), 10)).toBe(3);
    expect(fed(before).repeats(key('a'), 2)).toBe(2);
    expect(fed(before).repeats(key('c'), 10)).toBe(1);
    for (const events of [before, [...before, next], [...before, next, call('z', 5)]]) {
      const fold = fed(events);
      fold.deciding(next);
      expect(fold.repeats('whatever the hook has', 10)).toBe(3);
      expect(fold.metric('tool_calls', NOW)).toBe(events.includes(next) ? events.length : 4);
    }
  });

  it('knows a call by what was recorded, secrets taken out', () => {
    const recorded = event('tool_call', 1, {
      tool_name: 'Bash',
      arguments: { command: 'curl -H "x: [REDACTED:token]"' },
    });
    const fold = fed([recorded]);
    fold.deciding({ ...recorded, event_id: 'abcdefabcdef' });
    expect(fold.repeats(key('curl -H "x: the real one"'), 10)).toBe(2);
  });

  it('finds sequences that repeat', () => {
    const list = 'xabcabcab'.split('').map((name, i) => call(name, i));
    expect(fed(list).sequence(key('c'), 3)).toBe(3);
    expect(fed(list).sequence(key('z'), 3)).toBe(0);
    expect(fed(list).sequence(undefined, 3)).toBe(2);
    expect(fed('aaaa'.split('').map((name, i) => call(name, i))).sequence(key('a'), 3)).toBe(0);
  });
});

describe('its size', () => {
  const EVENTS = 1_000_000;
  it('is at most 64 KB saved, however long and hostile the session', () => {
    const fold = new GuardFold({ pricer });
    let largest = 0;
    for (let i = 0; i < EVENTS; i++) {
      // Every third is of an agent without ids, each in a lane and on a file of its own.
      const keyed = i % 3 === 0;
      const common = { agent_id: `agent-${i}`, ...(keyed && { call_key: `k${i}` }) };
      const rest = { timestamp: 1_700_000_000 + i * 7.9 };
      const kind = i % 4;
      if (kind === 0)
        fold.add({
          ...event('tool_call', 0, {
            ...common,
            tool_name: 'Agent',
            arguments: { prompt: `p${i}` },
          }),
          ...rest,
        });
      else if (kind === 1)
        fold.add({
          ...event(
            'tool_result',
            0,
            {
              ...common,
              tool_name: 'Agent',
              tool_use_id: `t${i}`,
              is_error: i % 8 === 1,
              subagent_id: `agent-${i + 7}`,
              files: [{ path: `/p/${i}`, kind: 'write', added: 3, removed: 1 }],
            },
            { parent_id: id.toString(16).padStart(12, '0') },
          ),
          ...rest,
        });
      else if (kind === 2)
        fold.add({
          ...event('llm_response', 0, {
            ...common,
            model: i % 5 === 0 ? 'free' : `model-${i}`,
            usage: { input_tokens: i, output_tokens: i },
          }),
          ...rest,
        });
      else
        fold.add({ ...event('decision', 0, { ...common, event_subtype: 'permission' }), ...rest });
      if (i % 250_000 === 249_999)
        largest = Math.max(largest, Buffer.byteLength(JSON.stringify(fold.save())));
    }
    expect(largest).toBeLessThanOrEqual(65_536);
    expect(fold.metric('tool_calls', NOW)).toBe(EVENTS / 4);
    expect(fold.metric('lines_changed', NOW)).toBe(EVENTS);
    expect(fold.metric('files_modified', NOW)).toBeGreaterThan(EVENTS / 10);
    expect(fold.unpriced).toEqual(['free']);
  }, 120_000);
});
