/** Sessions made for what they cost: responses with calls, caches, files, pauses and subagents. */
import fc from 'fast-check';
import type { JsonObject, TraceEvent } from '../src/model/event.ts';
import { SessionFold } from '../src/model/fold.ts';
import { ids } from '../src/model/ids.ts';
import type { Price, Pricer, Usage } from '../src/model/usage.ts';

export const SESSION = 'cost-session';
const START = 1_790_000_000;

/** Nano-dollars a token: input 1000, cache read 100, write 1250, hour write 2000, output 5000; `free` has no price. */
export const ratePricer: Pricer = {
  price: (model: string, usage: Usage): Price =>
    model === 'free'
      ? { status: 'unpriced', reason: 'no price for free' }
      : { status: 'priced', nanoUsd: nanoOf(usage), priceDate: '2026-01-01' },
  contextWindow: () => 200_000,
};

function nanoOf(usage: Usage): number {
  const { cache_read_input_tokens: read, cache_write_input_tokens: write } = usage;
  const hour = usage.cache_write_1h_input_tokens;
  const rest = usage.input_tokens - read - write;
  return (
    rest * 1000 + read * 100 + (write - hour) * 1250 + hour * 2000 + usage.output_tokens * 5000
  );
}

export interface Told {
  /** Tokens. `write` lives for 5 minutes, `hour` for one hour; the rest of `input` is not cached. */
  input: number;
  read?: number;
  write?: number;
  hour?: number;
  output?: number;
  model?: string;
  lane?: string;
  /** Ids of the calls that it asks for. */
  calls?: string[];
  more?: JsonObject;
}

/** Writes a session down, in order; `at` is in seconds from its start. */
export class Script {
  readonly events: TraceEvent[] = [];
  private count = 0;

  private push(
    at: number,
    event_type: string,
    event_id: string,
    data: JsonObject,
    rest: Partial<TraceEvent> = {},
  ): this {
    this.events.push({
      event_type,
      timestamp: START + at,
      event_id,
      session_id: SESSION,
      data: { recorded_by: 'transcript', provider: 'claude', ...data },
      ...rest,
    });
    return this;
  }

  private id(): string {
    this.count++;
    return this.count.toString(16).padStart(12, '0');
  }

  start(at: number, subtype?: string): this {
    const data = { cwd: '/p', trace_version: 1, ...(subtype ? { event_subtype: subtype } : {}) };
    return this.push(at, 'session_start', this.id(), data);
  }

  prompt(at: number, text = `prompt at ${at}`): this {
    return this.push(at, 'user_prompt', this.id(), { prompt: text });
  }

  decision(at: number, subtype: string, more: JsonObject = {}): this {
    return this.push(at, 'decision', this.id(), { event_subtype: subtype, ...more });
  }

  answer(at: number, told: Told): this {
    const { input, read = 0, write = 0, hour = 0, output = 10, model = 'm1', lane } = told;
    const message = `msg${++this.count}`;
    return this.push(at, 'llm_response', ids.usage(SESSION, message, 'r'), {
      event_subtype: 'usage',
      message_id: message,
      request_id: 'r',
      model,
      ...(lane ? { agent_id: lane } : {}),
      usage: {
        input_tokens: input,
        cache_read_input_tokens: read,
        cache_write_input_tokens: write + hour,
        cache_write_1h_input_tokens: hour,
        output_tokens: output,
      },
      tool_use_ids: told.calls ?? [],
      ...told.more,
    });
  }

  call(at: number, id: string, tool: string, args: JsonObject = {}, lane?: string): this {
    return this.push(at, 'tool_call', ids.call(SESSION, id), {
      tool_name: tool,
      tool_use_id: id,
      arguments: args,
      ...(lane ? { agent_id: lane } : {}),
    });
  }

  result(at: number, id: string, tool: string, data: JsonObject = {}, lane?: string): this {
    return this.push(
      at,
      data.error === undefined ? 'tool_result' : 'error',
      ids.result(SESSION, id),
      { tool_name: tool, tool_use_id: id, ...data, ...(lane ? { agent_id: lane } : {}) },
      { parent_id: ids.call(SESSION, id) },
    );
  }

  subagent(at: number, lane: string, type: string, startedBy: string): this {
    return this.push(
      at,
      'tool_call',
      ids.subagent(SESSION, lane),
      { event_subtype: 'subagent', agent_id: lane, agent_type: type },
      startedBy === '' ? {} : { parent_id: ids.call(SESSION, startedBy) },
    );
  }

  fold(pricer: Pricer = ratePricer, events: readonly TraceEvent[] = this.events): SessionFold {
    const fold = new SessionFold({ pricer });
    for (const event of events) {
      fold.add(structuredClone(event), this.events.indexOf(event) * 1000, 400);
    }
    return fold;
  }
}

export const TOOLS = ['Read', 'Edit', 'Bash', 'mcp__github__list', 'mcp__jira__get', 'Grep'];

interface Turn {
  pause: number;
  prompt: boolean;
  compacted: boolean;
  mark: '' | 'start' | 'resume' | 'settings';
  lane: number;
  model: number;
  grown: number;
  hit: number;
  calls: { tool: number; input: number; outcome: number; missing: boolean }[];
}

export const turns: fc.Arbitrary<Turn[]> = fc.array(
  fc.record({
    pause: fc.constantFrom(1, 1, 1, 20, 400, 4000),
    prompt: fc.boolean(),
    compacted: fc.constantFrom(false, false, false, false, true),
    mark: fc.constantFrom('', '', '', 'start', 'resume', 'settings'),
    lane: fc.integer({ min: 0, max: 2 }),
    model: fc.integer({ min: 0, max: 5 }),
    grown: fc.integer({ min: 1, max: 9000 }),
    hit: fc.constantFrom(0, 0.3, 1, 1, 1),
    calls: fc.array(
      fc.record({
        tool: fc.integer({ min: 0, max: TOOLS.length - 1 }),
        input: fc.integer({ min: 0, max: 2 }),
        outcome: fc.integer({ min: 0, max: 3 }),
        missing: fc.constantFrom(false, false, false, true),
      }),
      { maxLength: 4 },
    ),
  }),
  { maxLength: 25 },
);

/** A plausible session with all that costs may be wasted on. */
export function scriptOf(list: readonly Turn[]): Script {
  const script = new Script().start(0);
  let at = 1;
  const prompts = [20_000, 20_000, 20_000];
  const held = [0, 0, 0];
  script.subagent(1, 'agent1', 'Explore', 'c0-0').subagent(1, 'agent2', 'Plan', '');
  for (const [i, turn] of list.entries()) {
    at += turn.pause;
    const lane = turn.lane === 0 ? undefined : `agent${turn.lane}`;
    if (turn.mark === 'settings') script.decision(at, 'config_change');
    else if (turn.mark !== '') script.start(at, turn.mark === 'start' ? undefined : turn.mark);
    if (turn.prompt) script.prompt(at);
    if (turn.compacted) {
      script.decision(at, 'compaction', lane ? { agent_id: lane } : {});
      prompts[turn.lane] = 20_000;
    }
    const input = prompts[turn.lane]! + turn.grown;
    const read = Math.min(Math.floor(held[turn.lane]! * turn.hit), input);
    const calls = turn.calls.map((_, k) => `c${i}-${k}`);
    script.answer(++at, {
      input,
      read,
      write: input - read,
      output: turn.grown % 97,
      model: turn.model === 5 ? 'free' : turn.model === 4 ? 'm2' : 'm1',
      ...(lane ? { lane } : {}),
      calls,
    });
    prompts[turn.lane] = input;
    held[turn.lane] = input;
    for (const [k, call] of turn.calls.entries()) {
      if (call.missing) continue;
      const tool = TOOLS[call.tool]!;
      const id = calls[k]!;
      script.call(++at, id, tool, { file_path: `/p/f${call.input}` }, lane);
      if (call.outcome === 3) continue;
      const path = `/p/f${call.input}`;
      const kind = tool === 'Edit' ? 'write' : 'read';
      const files = [{ path, kind }, ...(call.outcome === 1 ? [{ path: '/p/g', kind }] : [])];
      const touches = tool === 'Read' || tool === 'Edit';
      const data =
        call.outcome === 2 ? { error: 'no' } : { result: 'ok', ...(touches && { files }) };
      script.result(at + 0.5, id, tool, data as JsonObject, lane);
    }
  }
  return script;
}
