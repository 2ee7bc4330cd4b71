import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calls, foldOf, pricer, SESSION, sessionOf } from '../../test/randomSession.ts';
import type { TraceEvent } from './event.ts';
import { SessionFold } from './fold.ts';
import { ids } from './ids.ts';
import { summarise } from './summary.ts';

/** All that must not depend on the order of arrival. */
function totals(fold: SessionFold): unknown {
  const { cost, ...summary } = summarise(fold, { nowMs: 1_700_000_500_000 });
  const { current, ...rest } = summary;
  const money = cost;
  const files = fold.files
    .summaries()
    .map((file) => ({
      ...file,
      ops: fold.files.opsOf(file.path).map(({ row: _row, ...op }) => op),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const steps: unknown[] = [];
  for (let at = 0; at < fold.steps.length; at++) {
    const row = fold.steps.row(at);
    steps.push([
      fold.columns.timeMs[row],
      fold.columns.kind[row],
      // Which rows are hidden was checked by their being in the list.
      fold.columns.flags[row],
      fold.columns.durationMs[row],
      fold.stepNanoUsd(row),
    ]);
  }
  return {
    rest,
    currentTool: current?.tool,
    money: { ...money, models: [...money.models].sort((a, b) => (a.model < b.model ? -1 : 1)) },
    files,
    phases: fold.phases.all().map(({ row: _, ...phase }) => phase),
    tools: fold.toolUse.summaries().map(({ medianMs: _, ...tool }) => tool),
    subagents: fold.subagents
      .all()
      .map(({ lane: _, ...agent }) => agent)
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    steps,
  };
}

describe('SessionFold', () => {
  it('has the same totals in whatever order events arrive, and however often', () => {
    fc.assert(
      fc.property(calls, fc.infiniteStream(fc.nat()), (list, random) => {
        const events = sessionOf(list);
        const want = totals(foldOf(events));
        const mixed = events
          .flatMap((event) => (random.next().value % 3 === 0 ? [event, event] : [event]))
          .map((event) => ({ event, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ event }) => event);
        expect(totals(foldOf(mixed))).toEqual(want);
      }),
      { numRuns: 300 },
    );
  });

  it('goes on from a snapshot as if it had never stopped', () => {
    fc.assert(
      fc.property(calls, fc.nat({ max: 200 }), (list, cut) => {
        const events = sessionOf(list);
        const at = Math.min(cut, events.length);
        const saved = JSON.parse(JSON.stringify(foldOf(events.slice(0, at)).save(), typed));
        const fold = SessionFold.load(revive(saved), { pricer });
        events.slice(at).forEach((event, i) => {
          fold.add(structuredClone(event), (at + i) * 100, 100);
        });
        expect(totals(fold)).toEqual(totals(foldOf(events)));
      }),
      { numRuns: 150 },
    );
  });

  it('keeps the larger of two records of one response, whichever comes first', () => {
    const usage = (output: number): TraceEvent => ({
      event_type: 'llm_response',
      timestamp: 1_700_000_000,
      event_id: ids.usage(SESSION, 'm', 'r'),
      session_id: SESSION,
      data: {
        recorded_by: 'transcript',
        model: 'big',
        usage: { input_tokens: 100, output_tokens: output },
      },
    });
    for (const order of [
      [1, 267],
      [267, 1],
      [1, 267, 267, 1],
    ]) {
      const { cost } = summarise(foldOf(order.map(usage)), { nowMs: 0 });
      expect(cost.nanoUsd).toBe(100 * 1000 + 267 * 5000);
      expect(cost.responses).toBe(1);
    }
  });

  it('lets the result that a hook saw stand over the closing of the call', () => {
    const call = sessionOf([{ outcome: 'open', tool: 'Bash', input: 0, agent: 0, gap: 1 }]);
    const parent = { parent_id: ids.call(SESSION, 't0'), event_id: ids.result(SESSION, 't0') };
    const base = { timestamp: 1_700_000_100, session_id: SESSION };
    const closed: TraceEvent = {
      ...base,
      ...parent,
      event_type: 'error',
      data: { recorded_by: 'hook', event_subtype: 'denied', closed_by: 'PostToolBatch' },
    };
    const result: TraceEvent = {
      ...base,
      ...parent,
      event_type: 'tool_result',
      data: { recorded_by: 'hook', result: 'fine' },
    };
    for (const events of [
      [...call, closed, result],
      [result, ...call, closed],
      [closed, result, ...call],
    ]) {
      const summary = summarise(foldOf(events), { nowMs: 0 });
      expect([summary.denied, summary.errors]).toEqual([0, 0]);
      expect(summary.current).toBeUndefined();
    }
    expect(summarise(foldOf([...call, closed]), { nowMs: 0 }).denied).toBe(1);
  });

  it('knows the tokens of every response, also where a better version told them after later ones', () => {
    const response = (id: string, usage?: TraceEvent['data']['usage']): TraceEvent => ({
      event_type: 'llm_response',
      timestamp: 1_700_000_000,
      event_id: id,
      session_id: SESSION,
      data: { recorded_by: 'transcript', model: 'big', message_id: id, ...(usage && { usage }) },
    });
    const usage = { input_tokens: 10, output_tokens: 1 };
    const later = ['00000000000b', '00000000000c', '00000000000d'];
    const fold = new SessionFold({ pricer });
    fold.add(response('00000000000a'));
    for (const id of later) fold.add(response(id, usage));
    expect(fold.add(response('00000000000a', { ...usage, input_tokens: 70 }))).toBe('replaced');
    const rows = [0, 1, 2, 3];
    expect(rows.map((row) => fold.cost.usageOfRow(row)?.input_tokens)).toEqual([70, 10, 10, 10]);
    expect(fold.add(response('00000000000c', { ...usage, input_tokens: 80 }))).toBe('replaced');
    expect(fold.cost.total.usage.input_tokens).toBe(170);
  });

  it('never shows an unpriced response as $0', () => {
    const fold = foldOf(sessionOf([{ outcome: 'ok', tool: 'Bash', input: 3, agent: 0, gap: 1 }]));
    const { cost } = summarise(fold, { nowMs: 0 });
    expect(cost.unpriced).toBe(1);
    expect(cost.models[0]?.reason).toBe('no price for free');
    expect(Number.isNaN(fold.stepNanoUsd(fold.steps.row(fold.steps.length - 1)))).toBe(true);
  });
});

function typed(_key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    return Array.from(value as unknown as ArrayLike<number>, (n) => (Number.isNaN(n) ? 'NaN' : n));
  }
  return value;
}

function revive(saved: {
  columns: Record<string, unknown[]>;
}): Parameters<typeof SessionFold.load>[0] {
  for (const [name, values] of Object.entries(saved.columns)) {
    saved.columns[name] = values.map((n) => (n === 'NaN' ? Number.NaN : n));
  }
  return saved as never;
}
