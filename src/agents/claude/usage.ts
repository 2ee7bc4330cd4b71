/**
 * What only the transcript knows of a live session: tokens, the text between tool calls, calls
 * that failed validation (no hook fires for those), compaction and API errors.
 *
 * Pure, and small: the hook bundles it.
 */

import { cutText } from '../../model/codec.ts';
import type { Json, JsonObject, TraceEvent } from '../../model/event.ts';
import { eventId, ids, textHash } from '../../model/ids.ts';
import { readyEvent } from '../../redact/event.ts';
import { type RedactPolicy, redactText } from '../../redact/redact.ts';
import { asCount, asObject, asString, pruned, rowTime, textOf } from '../rows.ts';
import { exitCodeOf } from './toolResult.ts';

/** Open messages and calls of one file that are remembered. */
const MAX_OPEN = 64;
/** … and the messages that wait in a state file: rows of parallel calls come that far apart. */
const MAX_KEPT = 4;
/** Responses of one session that are recognised in another of its files, about 30 bytes each. */
const MAX_SEEN = 8000;
/** Longest arguments kept whole of a call whose result is not there yet: it waits in a state file. */
const MAX_PENDING_ARGUMENTS = 8000;

/** What stands in a user's place where somebody pressed Esc. */
const INTERRUPTED = /^\[Request interrupted by user/;

/** The session that a forked or resumed row was copied from; empty for the session's own rows. */
export function copiedFrom(row: JsonObject, sessionId: string): string {
  const origin = asString(asObject(row.forkedFrom)?.sessionId);
  if (origin !== '' && origin !== sessionId) return origin;
  const own = asString(row.sessionId);
  return own === sessionId ? '' : own;
}

/** Content blocks of a row's message; a plain string is one text block. */
export function blocksOf(row: JsonObject): JsonObject[] {
  const content = asObject(row.message)?.content;
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) return [];
  return content.map(asObject).filter((block) => block !== undefined);
}

/** Long strings cut, long structures left out. */
function shortened(value: Json): JsonObject {
  const short = (item: Json): Json => {
    if (typeof item === 'string') return cutText(item, 1000);
    return JSON.stringify(item).length > 1000 ? '[…]' : item;
  };
  const entries = Object.entries(asObject(value) ?? {}).slice(0, 20);
  return Object.fromEntries(entries.map(([key, item]) => [key, short(item)]));
}

/** Tokens of a Claude message in OpenTelemetry's terms; undefined where it does not count. */
export function claudeUsage(message: JsonObject): JsonObject | undefined {
  const usage = asObject(message.usage);
  if (typeof usage?.input_tokens !== 'number' || typeof usage.output_tokens !== 'number') {
    return undefined;
  }
  const lifetimes = asObject(usage.cache_creation);
  const hour = asCount(lifetimes?.ephemeral_1h_input_tokens);
  const write = Math.max(
    hour + asCount(lifetimes?.ephemeral_5m_input_tokens),
    asCount(usage.cache_creation_input_tokens),
  );
  const read = asCount(usage.cache_read_input_tokens);
  return {
    input_tokens: asCount(usage.input_tokens) + read + write,
    cache_read_input_tokens: read,
    cache_write_input_tokens: write,
    cache_write_1h_input_tokens: hour,
    output_tokens: asCount(usage.output_tokens),
    reasoning_output_tokens: asCount(asObject(usage.output_tokens_details)?.thinking_tokens),
  };
}

const total = (usage: JsonObject | undefined): number =>
  asCount(usage?.input_tokens) + asCount(usage?.output_tokens);

/** A response's message id. A row without one cannot be told from another but by its own uuid. */
const messageId = (row: JsonObject, message: JsonObject): string =>
  asString(message.id) || `row ${asString(row.uuid) || asString(row.timestamp)}`;

/** What makes one response one response, in any file that holds a copy of it. */
export const responseKey = (data: JsonObject): string =>
  `${asString(data.message_id)}\n${asString(data.request_id)}`;

/**
 * The responses told so far. The same message id with another request id is another response,
 * except on a sidechain, which replays messages under requests of its own.
 */
export class Responses<T extends { data: JsonObject }> {
  readonly #byKey = new Map<string, T>();
  readonly #keys = new Map<string, string>();

  values(): T[] {
    return [...this.#byKey.values()];
  }

  /** The response that a row with this data tells of again. */
  find(data: JsonObject): T | undefined {
    const exact = this.#byKey.get(responseKey(data));
    if (exact !== undefined) return exact;
    const other = this.#byKey.get(this.#keys.get(asString(data.message_id)) ?? '');
    const side = data.is_sidechain === true || other?.data.is_sidechain === true;
    return side ? other : undefined;
  }

  /** Puts `next` in the place of `before`; forgets the oldest beyond `max`. */
  put(next: T, before?: T, max = Number.POSITIVE_INFINITY): void {
    if (before !== undefined) this.#byKey.delete(responseKey(before.data));
    const key = responseKey(next.data);
    this.#byKey.set(key, next);
    this.#keys.set(asString(next.data.message_id), key);
    forgetOldest(this.#byKey, max);
    forgetOldest(this.#keys, 2 * max);
  }
}

/**
 * Whether the second of two records of one response replaces the first: a row of the main
 * conversation wins over a sidechain's replay, then the larger total wins, then the later row.
 */
export function replaces(next: JsonObject, before: JsonObject): boolean {
  const side = Number(next.is_sidechain === true) - Number(before.is_sidechain === true);
  if (side !== 0) return side < 0;
  return total(asObject(next.usage)) >= total(asObject(before.usage));
}

/** The `data` of one row's usage; undefined where the row has none, or it is not a model's. */
export function usageData(row: JsonObject): JsonObject | undefined {
  const message = asObject(row.message);
  if (message === undefined) return undefined;
  const usage = claudeUsage(message);
  const model = asString(message.model);
  if (usage === undefined || model === '<synthetic>') return undefined;
  const raw = asObject(message.usage) ?? {};
  const cost = row.costUSD;
  return pruned({
    event_subtype: 'usage',
    recorded_by: 'transcript',
    provider: 'claude',
    model,
    usage,
    message_id: messageId(row, message),
    request_id: asString(row.requestId),
    stop_reason: asString(message.stop_reason),
    agent_id: asString(row.agentId),
    is_sidechain: row.isSidechain === true,
    speed: asString(raw.speed),
    service_tier: asString(raw.service_tier),
    inference_geo: asString(raw.inference_geo),
    web_search_requests: asCount(asObject(raw.server_tool_use)?.web_search_requests),
    // Rows that a subscription paid for say 0: that is no price.
    agent_cost_usd: typeof cost === 'number' && cost > 0 && cost < 1e6 ? cost : '',
  });
}

/** The response that a text is of. */
export const sourceOf = (usage: JsonObject | undefined): JsonObject =>
  pruned({ message_id: usage?.message_id ?? '', request_id: usage?.request_id ?? '' });

/**
 * The responses told so far in any file of one session: `<event id> <sidechain: 1 or 0> <tokens>` by the
 * hash of the message id. Bounded; ids only, so that it stays small.
 */
export type Seen = Map<string, string>;

/** What a mapper must remember between two reads of one file. JSON. */
export interface UsageState {
  prompt: string;
  time: number;
  messages: TraceEvent[];
  calls: TraceEvent[];
}

export interface UsageMapperOptions {
  sessionId: string;
  /** The subagent whose file this is. */
  agentId?: string;
  state?: UsageState;
  /** Shared by the files of a session: a response that two of them hold is told once. */
  seen?: Seen;
  /** False: secrets stay. */
  redact?: RedactPolicy | undefined;
}

/** Rows of one transcript file in, events out. An event told again replaces the one before it. */
export class UsageMapper {
  /** Rows that were copied from another session and left to it. */
  copied = 0;
  readonly #session: string;
  readonly #agent: string;
  readonly #redact: RedactPolicy;
  readonly #responses = new Responses<TraceEvent>();
  readonly #calls = new Map<string, TraceEvent>();
  readonly #seen: Seen;
  #prompt = '';
  #time = 0;

  constructor(options: UsageMapperOptions) {
    this.#session = options.sessionId;
    this.#seen = options.seen ?? new Map();
    this.#agent = options.agentId ?? '';
    this.#redact = options.redact ?? 'secrets';
    const { state } = options;
    if (state === undefined) return;
    this.#prompt = state.prompt;
    this.#time = state.time;
    for (const event of state.messages) this.#responses.put(event);
    for (const event of state.calls) this.#calls.set(asString(event.data.tool_use_id), event);
  }

  /** Goes to a file: as an event does, without secrets. */
  state(): UsageState {
    return {
      prompt: redactText(this.#prompt, {}, this.#redact),
      time: this.#time,
      messages: this.#responses
        .values()
        .slice(-MAX_KEPT)
        .map((event) => readyEvent(event, this.#redact)),
      calls: [...this.#calls.values()],
    };
  }

  /** Never throws, whatever the row is. */
  push(value: unknown): TraceEvent[] {
    const row = asObject(value);
    if (row === undefined) return [];
    if (copiedFrom(row, this.#session) !== '') {
      this.copied += 1;
      return [];
    }
    this.#time = rowTime(row) || this.#time;
    if (row.type === 'user') return this.#user(row);
    if (row.type === 'system') return this.#system(row);
    return asObject(row.message) === undefined ? [] : this.#assistant(row);
  }

  #event(type: string, id: string, data: JsonObject, parent?: string): TraceEvent {
    return {
      event_type: type,
      timestamp: this.#time,
      event_id: id,
      session_id: this.#session,
      ...(parent !== undefined && { parent_id: parent }),
      data: pruned({
        recorded_by: 'transcript',
        provider: 'claude',
        ...data,
        agent_id: this.#agent,
        prompt_id: this.#prompt,
      }),
    };
  }

  #emit(type: string, id: string, data: JsonObject, parent?: string): TraceEvent {
    return readyEvent(this.#event(type, id, data, parent), this.#redact);
  }

  #user(row: JsonObject): TraceEvent[] {
    this.#prompt = asString(row.promptId) || this.#prompt;
    const events: TraceEvent[] = [];
    const said = this.#agent === '' ? interruption(row) : '';
    if (said !== '') {
      // No hook fires at Esc: without the turn's end the agent would seem to think for ever.
      events.push(
        this.#emit('error', interruptId(this.#session, row), { error: said, is_interrupt: true }),
        this.#emit('decision', this.#textId('turn_end', said), INTERRUPTED_TURN),
      );
    }
    for (const block of blocksOf(row)) {
      const id = asString(block.tool_use_id);
      if (block.type !== 'tool_result' || id === '') continue;
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      const text = textOf(block.content);
      if (block.is_error !== true) continue;
      // No hook fires for an invalid call, and not every Claude has one for failures: this row tells.
      const invalid = text.startsWith('<tool_use_error>');
      if (invalid && call !== undefined) events.push(call);
      const exit = exitCodeOf(text);
      events.push(
        this.#emit(
          'error',
          ids.result(this.#session, id),
          {
            tool_name: call?.data.tool_name ?? '',
            tool_use_id: id,
            is_error: true,
            error: text.replace(/^<tool_use_error>|<\/tool_use_error>$/g, ''),
            ...(exit !== undefined && { exit_code: exit }),
          },
          ids.call(this.#session, id),
        ),
      );
    }
    return events;
  }

  #system(row: JsonObject): TraceEvent[] {
    if (row.subtype !== 'compact_boundary') return [];
    return [this.#emit('decision', compactionId(this.#session, row), compactionData(row))];
  }

  #assistant(row: JsonObject): TraceEvent[] {
    if (row.isApiErrorMessage === true) {
      const text = textOf(asObject(row.message)?.content);
      return [this.#emit('error', this.#textId('api', text), apiErrorData(row, text))];
    }
    const events: TraceEvent[] = [];
    const calls: string[] = [];
    const data = usageData(row);
    if (asString(asObject(row.message)?.model) === '<synthetic>') return events;
    // Other rows hold messages, too (requests, reminders): only their usage counts.
    for (const block of row.type === 'assistant' ? blocksOf(row) : []) {
      const text = asString(block.text) || asString(block.thinking);
      if (block.type === 'tool_use' && asString(block.id) !== '') {
        calls.push(asString(block.id));
        this.#pending(block);
      } else if (/^(text|thinking)$/.test(asString(block.type)) && text.trim() !== '') {
        const subtype = block.type === 'text' ? '' : 'reasoning';
        const id = this.#textId(subtype || 'text', text);
        const said = { event_subtype: subtype, text, ...sourceOf(data) };
        events.push(this.#emit('assistant_response', id, said));
      }
    }
    if (data !== undefined) events.push(...this.#usage(data, calls));
    return events;
  }

  #textId(kind: string, text: string): string {
    return ids.text(this.#session, kind, this.#agent, this.#prompt, text);
  }

  #pending(block: JsonObject): void {
    const id = asString(block.id);
    const input = asObject(block.input) ?? {};
    const event = this.#emit('tool_call', ids.call(this.#session, id), {
      tool_name: asString(block.name),
      tool_use_id: id,
      arguments: input,
    });
    const size = JSON.stringify(event.data.arguments).length;
    if (size > MAX_PENDING_ARGUMENTS) {
      event.data.arguments = shortened(event.data.arguments ?? {});
      event.data.truncated = {
        arguments: { length: size, hash: textHash(JSON.stringify(input)) },
      };
    }
    this.#calls.set(id, event);
    forgetOldest(this.#calls, MAX_OPEN);
  }

  #usage(data: JsonObject, calls: string[]): TraceEvent[] {
    const before = this.#responses.find(data);
    const event = mergeUsage(before, this.#session, this.#time, data, calls);
    const more = {
      prompt_id: before?.data.prompt_id ?? this.#prompt,
      agent_id: this.#agent || (event.data.agent_id ?? ''),
    };
    event.data = { ...event.data, ...pruned(more) };
    const key = textHash(asString(data.message_id));
    const [id = '', wasSide, tokens] = this.#seen.get(key)?.split(' ') ?? [];
    const side = Number(event.data.is_sidechain === true || this.#agent !== '');
    const sum = total(asObject(event.data.usage));
    // Same rule as within one file: a sidechain replays messages under requests of its own.
    if (side + Number(wasSide) > 0) event.event_id = id;
    if (event.event_id === id && (side - Number(wasSide) || Number(tokens) - sum) > 0) return [];
    this.#responses.put(event, before, MAX_OPEN);
    this.#seen.delete(key);
    this.#seen.set(key, `${event.event_id} ${side} ${sum}`);
    forgetOldest(this.#seen, MAX_SEEN);
    return [readyEvent(event, this.#redact)];
  }
}

/** The usage event of a response, from its rows so far and one more of them. */
export function mergeUsage(
  before: TraceEvent | undefined,
  sessionId: string,
  time: number,
  data: JsonObject,
  calls: readonly string[],
): TraceEvent {
  const known = Array.isArray(before?.data.tool_use_ids) ? before.data.tool_use_ids : [];
  const next = before === undefined || replaces(data, before.data) ? data : before.data;
  const merged = [...new Set([...known, ...calls])];
  return {
    event_type: 'llm_response',
    timestamp: before === undefined ? time : Math.min(before.timestamp, time),
    event_id:
      before?.event_id ??
      ids.usage(sessionId, asString(data.message_id), asString(data.request_id)),
    session_id: sessionId,
    data: {
      ...next,
      // Rows that told of this response: all but one of them are deduplicated.
      row_count: asCount(before?.data.row_count) + 1,
      ...(merged.length > 0 && { tool_use_ids: merged }),
    },
  };
}

/** The text of a user's row that says that the agent was stopped; empty for all others. */
export function interruption(row: JsonObject): string {
  if (row.isMeta === true || row.isCompactSummary === true) return '';
  const text = textOf(blocksOf(row).filter((block) => block.type !== 'tool_result'));
  return INTERRUPTED.test(text) ? text : '';
}

export const interruptId = (sessionId: string, row: JsonObject): string =>
  eventId(sessionId, 'interrupt', asString(row.uuid) || asString(row.timestamp));
export const INTERRUPTED_TURN: JsonObject = { event_subtype: 'turn_end', reason: 'interrupted' };

export function compactionId(sessionId: string, row: JsonObject): string {
  return eventId(sessionId, 'compaction', asString(row.uuid) || asString(row.timestamp));
}

export function compactionData(row: JsonObject): JsonObject {
  const meta = asObject(row.compactMetadata);
  return pruned({
    event_subtype: 'compaction',
    trigger: asString(meta?.trigger),
    pre_tokens: asCount(meta?.preTokens),
    post_tokens: asCount(meta?.postTokens),
  });
}

export function apiErrorData(row: JsonObject, text: string): JsonObject {
  const kind = asString(row.error);
  return pruned({
    event_subtype: 'api',
    error: text || kind || 'API error',
    error_type: kind,
    status: asCount(row.apiErrorStatus),
  });
}

function forgetOldest(map: Map<string, unknown>, max: number): void {
  if (map.size > max) map.delete(map.keys().next().value as string);
}
