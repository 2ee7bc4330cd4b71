import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callKey } from './callKey.ts';
import type { JsonObject, TraceEvent } from './event.ts';
import { SessionFold } from './fold.ts';
import { ids } from './ids.ts';
import { summarise } from './summary.ts';

const SESSION = 'a-session';
const BASE = 1_700_000_000;
let made = 0;

function event(type: string, at: number, data: JsonObject, more: Partial<TraceEvent> = {}) {
  made += 1;
  return {
    event_type: type,
    timestamp: BASE + at,
    event_id: made.toString(16).padStart(12, '0'),
    session_id: SESSION,
    ...more,
    data: { provider: 'gemini', ...data },
  } satisfies TraceEvent;
}

const TOOL = 'run_shell_command';
const key = (command: string): string => callKey(TOOL, { command });

const hookCall = (command: string, at: number) =>
  event('tool_call', at, {
    recorded_by: 'hook',
    tool_name: TOOL,
    arguments: { command },
    call_key: key(command),
  });
const hookResult = (command: string, at: number, partial = false) =>
  event('tool_result', at, {
    recorded_by: 'hook',
    tool_name: TOOL,
    call_key: key(command),
    result: 'ok',
    ...(partial && { partial: true }),
  });
const rowCall = (command: string, at: number, id: string) =>
  event(
    'tool_call',
    at,
    {
      recorded_by: 'transcript',
      tool_name: TOOL,
      arguments: { command },
      call_key: key(command),
      tool_use_id: id,
    },
    { event_id: ids.call(SESSION, id) },
  );
const rowResult = (command: string, at: number, id: string, exit: number) =>
  event(
    'tool_result',
    at,
    {
      recorded_by: 'transcript',
      tool_name: TOOL,
      call_key: key(command),
      tool_use_id: id,
      exit_code: exit,
    },
    { event_id: ids.result(SESSION, id), parent_id: ids.call(SESSION, id) },
  );
const response = (at: number, id: string, calls: string[]) =>
  event(
    'llm_response',
    at,
    {
      recorded_by: 'transcript',
      model: 'gemini-2.5-pro',
      message_id: id,
      usage: { input_tokens: 100, output_tokens: 10 },
      tool_use_ids: calls,
    },
    { event_id: ids.usage(SESSION, id, '') },
  );

const foldOf = (events: readonly TraceEvent[]): SessionFold => {
  const fold = new SessionFold();
  for (const one of events) fold.add(structuredClone(one));
  return fold;
};

const facts = (fold: SessionFold) => ({
  calls: fold.toolUse.summaries().reduce((sum, { calls }) => sum + calls, 0),
  errors: summarise(fold, { nowMs: (BASE + 100) * 1000 }).errors,
  steps: fold.steps.length,
  running: fold.running().length,
});

describe('calls without ids', () => {
  it('are one with their results and with what the transcript says of them', () => {
    const fold = foldOf([
      hookCall('make', 1),
      hookResult('make', 2),
      rowCall('make', 1.1, 'a'),
      rowResult('make', 2.1, 'a', 0),
    ]);
    expect(facts(fold)).toMatchObject({ steps: 1, running: 0 });
    expect(fold.columns.durationMs[fold.steps.row(0)]).toBeCloseTo(1000);
  });

  it('are told apart by their order where they are alike', () => {
    const fold = foldOf([
      hookCall('make', 1),
      hookCall('make', 2),
      hookCall('test', 3),
      hookResult('make', 4),
      hookResult('test', 5),
    ]);
    expect(facts(fold)).toMatchObject({ steps: 3, running: 1 });
    expect(fold.columns.durationMs[fold.steps.row(0)]).toBeCloseTo(3000);
  });

  it('let the transcript say how they ended where the hook cannot', () => {
    const events = [
      hookCall('make', 1),
      hookResult('make', 2, true),
      rowResult('make', 2, 'a', 2),
      rowCall('make', 1, 'a'),
    ];
    expect(facts(foldOf(events))).toMatchObject({ errors: 1, steps: 1 });
    // Without the mark a hook's word stands.
    expect(
      facts(foldOf([hookCall('make', 1), hookResult('make', 2), ...events.slice(2)])),
    ).toMatchObject({
      errors: 0,
      steps: 1,
    });
  });

  it('find the response that asked for them, in whatever order the three are told', () => {
    const parts = [hookCall('make', 1), rowCall('make', 1, 'a'), response(0.5, 'm1', ['a'])];
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const fold = foldOf(order.map((at) => parts[at]!));
      expect(fold.steps.length, String(order)).toBe(1);
      expect(fold.columns.response[fold.steps.row(0)], String(order)).toBeGreaterThanOrEqual(0);
    }
  });

  it('count the same in whatever order, and however often, their events come', () => {
    const command = fc.constantFrom('make', 'test', 'ls');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(command, fc.boolean(), fc.boolean()), { maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        (calls, random) => {
          const events = calls.flatMap(([name, hooked, told], at) => [
            ...(hooked ? [hookCall(name, at), hookResult(name, at + 0.5, true)] : []),
            ...(told || !hooked
              ? [rowCall(name, at, `id${at}`), rowResult(name, at + 0.5, `id${at}`, 0)]
              : []),
          ]);
          const want = facts(foldOf(events));
          const mixed = events
            .flatMap((one) => (random.next().value % 3 === 0 ? [one, one] : [one]))
            .map((one) => ({ one, at: random.next().value as number }))
            .sort((a, b) => a.at - b.at)
            .map(({ one }) => one);
          expect(facts(foldOf(mixed))).toEqual(want);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('go on from a snapshot', () => {
    const events = [
      hookCall('make', 1),
      response(0.5, 'm1', ['a']),
      hookResult('make', 2, true),
      rowCall('make', 1, 'a'),
      rowResult('make', 2, 'a', 1),
    ];
    for (let cut = 0; cut <= events.length; cut++) {
      const saved = JSON.parse(
        JSON.stringify(foldOf(events.slice(0, cut)).save(), (_, value) =>
          ArrayBuffer.isView(value) ? Array.from(value as unknown as number[]) : value,
        ),
        (_, value) => (value === null ? Number.NaN : value),
      );
      const fold = SessionFold.load(saved);
      for (const one of events.slice(cut)) fold.add(structuredClone(one));
      expect(facts(fold)).toEqual(facts(foldOf(events)));
    }
  });

  it('have a key that does not depend on the order of the input', () => {
    expect(callKey('edit', { a: 1, b: [{ d: null, c: 'x' }] })).toBe(
      callKey('edit', { b: [{ c: 'x', d: null }], a: 1 }),
    );
    expect(callKey('edit', { a: 1 })).not.toBe(callKey('edit', { a: '1' }));
    expect(callKey('edit', { a: 1 })).not.toBe(callKey('read', { a: 1 }));
  });
});
