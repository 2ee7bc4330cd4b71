import { expect, it } from 'vitest';
import { describeStep } from './describe.ts';
import type { JsonObject, TraceEvent } from './event.ts';
import { SessionFold } from './fold.ts';

const said = (data: JsonObject, fold = new SessionFold()) => {
  const event: TraceEvent = {
    event_type: 'decision',
    timestamp: 1,
    event_id: '0123456789ab',
    session_id: 's-1',
    data: { event_subtype: 'guard', rule: 'budget', detail: 'cost $5.02 is over $5.00', ...data },
  };
  fold.add(event, 0);
  return describeStep(fold, 0, 0, event);
};

it.each<[JsonObject, string, string]>([
  [{ action: 'alert' }, 'Alert', 'bell'],
  [{ action: 'deny' }, 'Denied', 'circle-slash'],
  [{ action: 'kill' }, 'Killed', 'circle-slash'],
  [{ action: 'pause', outcome: 'ran' }, 'Denied, but ran', 'circle-slash'],
  [{ action: 'ask', outcome: 'allowed' }, 'Allowed by you', 'bell'],
  [{ action: 'stop', dry_run: true }, 'Would be: stopped', 'bell'],
  [{ action: 'constructor' }, 'Guard', 'circle-slash'],
])('what a rule did is a step in words: %o', (data, verb, icon) => {
  expect(said(data)).toMatchObject({
    verb,
    icon,
    target: 'cost $5.02 is over $5.00',
    rule: 'budget',
  });
});

it.each<[JsonObject, number]>([
  [{ action: 'deny', call: '4215e3243fca' }, 0],
  [{ action: 'deny', call: 'not an event of ours' }, 1],
  [{ action: 'deny', call: '4215e3243fca', outcome: 'ran' }, 1],
  [{ action: 'deny', call: '4215e3243fca', dry_run: true }, 1],
  [{ action: 'stop', call: '4215e3243fca' }, 1],
])('a denied call is one step, not two: %o', (data, steps) => {
  const fold = new SessionFold();
  said(data, fold);
  expect(fold.steps.length).toBe(steps);
});
