import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TraceEvent } from './event.ts';
import { SessionFold } from './fold.ts';
import { ids } from './ids.ts';
import { summarise } from './summary.ts';
import type { Pricer } from './usage.ts';

const SESSION = 'session-1';

/** 1000 nano-dollars an input token, 5000 an output token; "free" has no price. */
const pricer: Pricer = {
  price: (model, usage) =>
    model === 'free'
      ? { status: 'unpriced', reason: 'no price for free' }
      : {
          status: 'priced',
          nanoUsd: usage.input_tokens * 1000 + usage.output_tokens * 5000,
          priceDate: '2026-01-01',
        },
  contextWindow: () => 200_000,
};

interface Call {
  outcome: 'ok' | 'fail' | 'denied' | 'open';
  tool: 'Read' | 'Edit' | 'Bash';
  input: number;
  agent: number;
  gap: number;
}

const calls = fc.array(
  fc.record({
    outcome: fc.constantFrom('ok', 'ok', 'fail', 'denied', 'open'),
    tool: fc.constantFrom('Read', 'Edit', 'Bash'),
    input: fc.integer({ min: 0, max: 3 }),
    agent: fc.integer({ min: 0, max: 2 }),
    gap: fc.integer({ min: 1, max: 5 }),
  }) as fc.Arbitrary<Call>,
  { maxLength: 40 },
);

/** A plausible session: prompts, responses with calls, results; in order. */
function sessionOf(list: readonly Call[]): TraceEvent[] {
  const events: TraceEvent[] = [];
  let time = 1_700_000_000;
  const push = (
    event_type: string,
    event_id: string,
    data: TraceEvent['data'],
    rest: Partial<TraceEvent> = {},
  ): void => {
    time += 1;
    events.push({
      event_type,
      timestamp: time,
      event_id,
      session_id: SESSION,
      data: { recorded_by: 'hook', ...data },
      ...rest,
    });
  };
  push('session_start', 'aaaaaaaaaaaa', { provider: 'claude', cwd: '/p', trace_version: 1 });
  list.forEach((call, i) => {
    if (i % 7 === 0) push('user_prompt', ids.prompt(SESSION, `p${i}`), { prompt: `do ${i}` });
    time += call.gap;
    const id = `t${i}`;
    const lane: TraceEvent['data'] = call.agent === 0 ? {} : { agent_id: `agent${call.agent}` };
    const response = { message_id: `m${i}`, request_id: `r${i}` };
    const said = (kind: string): void =>
      push('assistant_response', ids.text(SESSION, kind, '', `p${i}`, `${kind} ${i}`), {
        ...lane,
        ...response,
        recorded_by: 'transcript',
        ...(kind === 'reasoning' ? { event_subtype: kind } : {}),
        text: `${kind} ${i}`,
      });
    // A response grows as its rows are read: the same tokens, or more of them.
    const usage = (output: number, rows: number, calls: string[]): void =>
      push('llm_response', ids.usage(SESSION, `m${i}`, `r${i}`), {
        ...lane,
        ...response,
        recorded_by: 'transcript',
        model: call.input === 3 ? 'free' : 'big',
        usage: { input_tokens: 100 + i, output_tokens: output },
        row_count: rows,
        tool_use_ids: calls,
      });
    if (call.gap > 2) said('reasoning');
    if (call.gap > 3) usage(call.input, 1, []);
    if (call.gap > 4) said('text');
    if (call.gap > 2) usage(10 + call.input, 2, []);
    const texts = call.gap > 2 && call.outcome === 'open';
    usage(10 + call.input, 3, texts ? [] : [id]);
    push('tool_call', ids.call(SESSION, id), {
      ...lane,
      tool_name: call.tool,
      tool_use_id: id,
      arguments: { file_path: `/p/f${call.input}`, n: call.input },
    });
    const parent = { parent_id: ids.call(SESSION, id), duration_ms: call.gap * 100 };
    if (call.outcome === 'ok') {
      push(
        'tool_result',
        ids.result(SESSION, id),
        {
          ...lane,
          tool_name: call.tool,
          result: 'ok',
          ...(call.tool === 'Edit'
            ? {
                files: [
                  {
                    path: `/p/f${call.input}`,
                    kind: 'write',
                    ranges: [[i + 1, i + 2]],
                    hunks: [[1, 1, 1, 2]],
                    added: 2,
                    removed: 1,
                  },
                ],
              }
            : {}),
        },
        parent,
      );
    } else if (call.outcome === 'fail') {
      push(
        'error',
        ids.result(SESSION, id),
        { ...lane, tool_name: call.tool, error: 'no' },
        parent,
      );
    } else if (call.outcome === 'denied') {
      push(
        'error',
        ids.result(SESSION, id),
        { ...lane, tool_name: call.tool, error: 'no', event_subtype: 'denied' },
        parent,
      );
    }
  });
  return events;
}

function foldOf(events: readonly TraceEvent[]): SessionFold {
  const fold = new SessionFold({ pricer });
  events.forEach((event, i) => {
    fold.add(structuredClone(event), i * 100, 100);
  });
  return fold;
}

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
