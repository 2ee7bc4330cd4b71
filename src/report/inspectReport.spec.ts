import fc from 'fast-check';
import { expect, it } from 'vitest';
import { analysed } from '../../test/analysed.ts';
import { calls, foldOf, SESSION, sessionOf } from '../../test/randomSession.ts';
import type { TraceEvent } from '../model/event.ts';
import { inspectedStep } from './inspectReport.ts';
import { entriesOf } from './timelineReport.ts';

/** How the steps came out, in a timeline and each inspected. */
function outcomes(events: readonly TraceEvent[]): { timeline: string[]; inspected: string[] } {
  const session = analysed(foldOf(events), events);
  const { length } = session.fold.steps;
  return {
    timeline: [...entriesOf(session, 0, length - 1)].map(({ status }) => status),
    inspected: Array.from({ length }, (_, step) => inspectedStep(session, step)!.outcome),
  };
}

/** What a timeline calls what came out so; in it answers are `ok`, too. */
const STATUS: Record<string, readonly string[]> = {
  ok: ['ok'],
  failed: ['fail'],
  denied: ['denied'],
  running: ['running'],
  none: ['info', 'ok'],
};

it('says of each step what the timeline says', () => {
  fc.assert(
    fc.property(calls, (list) => {
      const { timeline, inspected } = outcomes(sessionOf(list));
      for (const [step, status] of timeline.entries()) {
        expect(STATUS[inspected[step]!]).toContain(status);
      }
    }),
  );
});

it('says that tests failed whose command hides it', () => {
  const at = (second: number, type: string, id: string, data: TraceEvent['data']): TraceEvent => ({
    event_type: type,
    timestamp: 1_700_000_000 + second,
    event_id: id,
    session_id: SESSION,
    ...(type === 'tool_result' ? { parent_id: 'call' } : {}),
    data: { recorded_by: 'hook', tool_name: 'Bash', ...data },
  });
  const events = [
    at(1, 'tool_call', 'call', { arguments: { command: 'go test ./... | tail -5' } }),
    at(2, 'tool_result', 'result', { result: '--- FAIL: TestRanks (0.07s)\nFAIL' }),
  ];
  expect(outcomes(events)).toEqual({ timeline: ['fail'], inspected: ['failed'] });
});
