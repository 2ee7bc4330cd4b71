/** Sessions by chance, for properties that must hold of all of them. */
import fc from 'fast-check';
import type { TraceEvent } from '../src/model/event.ts';
import { SessionFold } from '../src/model/fold.ts';
import { ids } from '../src/model/ids.ts';
import type { Pricer } from '../src/model/usage.ts';

export const SESSION = 'session-1';

/** 1000 nano-dollars an input token, 5000 an output token; "free" has no price. */
export const pricer: Pricer = {
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

export interface Call {
  outcome: 'ok' | 'fail' | 'denied' | 'open';
  tool: 'Read' | 'Edit' | 'Bash';
  input: number;
  agent: number;
  gap: number;
}

export const calls = fc.array(
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
export function sessionOf(list: readonly Call[]): TraceEvent[] {
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

export function foldOf(events: readonly TraceEvent[]): SessionFold {
  const fold = new SessionFold({ pricer });
  events.forEach((event, i) => {
    fold.add(structuredClone(event), i * 100, 100);
  });
  return fold;
}
