import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calls, foldOf, pricer, sessionOf } from '../../../test/randomSession.ts';
import type { TraceEvent } from '../../model/event.ts';
import type { SessionFold } from '../../model/fold.ts';
import { GuardFold } from './guardFold.ts';

const NOW = 1_700_001_000_000;

/** What the two folds must agree on. */
function ofSession(fold: SessionFold): Record<string, number> {
  const files = fold.files.summaries();
  const { total } = fold.cost;
  return {
    nano: total.nanoUsd,
    tokens: total.usage.input_tokens + total.usage.output_tokens,
    calls: fold.counts.calls,
    errors: fold.counts.errors,
    retries: fold.retries.retries,
    subagents: fold.subagents.all().length,
    files: files.filter(({ writes }) => writes > 0).length,
    lines: files.reduce((sum, { added, removed }) => sum + added + removed, 0),
  };
}

function ofGuard(fold: GuardFold): Record<string, number> {
  const value = (name: Parameters<GuardFold['metric']>[0]): number => fold.metric(name, NOW) ?? 0;
  return {
    nano: Math.round(value('cost_usd') * 1e9),
    tokens: value('tokens'),
    calls: value('tool_calls'),
    errors: value('errors'),
    retries: value('retries'),
    subagents: value('subagents'),
    files: value('files_modified'),
    lines: value('lines_changed'),
  };
}

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
        expect(ofGuard(guardOf(events))).toEqual(want);
        const mixed = events
          .flatMap((event) => (random.next().value % 3 === 0 ? [event, event] : [event]))
          .map((event) => ({ event, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ event }) => event);
        expect(ofGuard(guardOf(mixed))).toEqual(want);
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
        expect(ofGuard(fold)).toEqual(ofGuard(whole));
        expect(JSON.parse(JSON.stringify(fold.save()))).toEqual(
          JSON.parse(JSON.stringify(whole.save())),
        );
      }),
      { numRuns: 100 },
    );
  });
});
