/** One hook call of Cursor's, and how its events are made. */
import { cutBetween, cutKey, LONG_KEYS, MAX_RESULT_UNITS, set } from '../../model/codec.ts';
import type { JsonObject, TraceEvent } from '../../model/event.ts';
import { eventId, randomEventId } from '../../model/ids.ts';
import type { HookContext } from '../agent.ts';
import { asString as str } from '../rows.ts';
import { eventName, toolFolder, withoutAddress } from './payload.ts';

/** Text above the limit that redaction still sees: it can make a text shorter. */
const MARGIN = 8192;

/** Fields that the events have under the format's names, or that help nobody. */
const COMMON = new Set([
  'conversation_id',
  'session_id',
  'generation_id',
  'hook_event_name',
  'cursor_version',
  'workspace_roots',
  'transcript_path',
  'cwd',
  'model',
  'model_id',
  'model_params',
  'tool_name',
  'tool_input',
  'tool_output',
  'tool_response',
  'tool_use_id',
  'duration',
  'duration_ms',
  'subagent_id',
  'subagent_type',
  'tool_call_id',
  'parent_conversation_id',
]);

/** Keys of `data` that mean something else. */
const RESERVED = new Set([
  'event_subtype',
  'truncated',
  'redacted',
  'provider',
  'recorded_by',
  'agent_id',
  'files',
  'partial',
]);

export const sessionOf = (payload: JsonObject): string =>
  str(payload.conversation_id) || str(payload.session_id);

export const eventOf = (payload: JsonObject, event: string): string =>
  eventName(str(payload.hook_event_name) || event);

/** A subagent as a lane: it has the id of the call that started it, which can be of two lines. */
export const laneOf = (id: string): string => id.trim().replace(/\s+/g, '/');

export class HookTold {
  /** Without the user's address. */
  readonly payload: JsonObject;
  readonly context: HookContext;
  readonly name: string;
  readonly session: string;
  /** The turn; empty where it says none, as hooks of a subagent's life do. */
  readonly turn: string;

  constructor(payload: JsonObject, context: HookContext) {
    this.payload = withoutAddress(payload);
    this.context = context;
    this.name = eventOf(payload, context.event);
    this.session = context.sessionId;
    const turn = str(payload.generation_id);
    this.turn = turn === sessionOf(payload) ? '' : turn;
  }

  event(
    type: string,
    id: string,
    data: JsonObject,
    more: { parent_id?: string; duration_ms?: number } = {},
  ): TraceEvent {
    const cwd = toolFolder(this.payload);
    const event: TraceEvent = {
      event_type: type,
      timestamp: this.context.timestamp,
      event_id: id,
      session_id: this.session,
      ...more,
      data: {
        provider: 'cursor',
        recorded_by: 'hook',
        ...(this.turn !== '' && { prompt_id: this.turn }),
        ...(cwd !== '' && { cwd }),
        ...data,
      },
    };
    // What is far above its limit goes early, so that nothing slow runs over all of it.
    for (const key of LONG_KEYS) cutKey(event.data, key, MAX_RESULT_UNITS + MARGIN, cutBetween);
    return event;
  }

  /** The payload's other fields, in Cursor's words. */
  rest(): JsonObject {
    const rest: JsonObject = {};
    for (const [key, value] of Object.entries(this.payload)) {
      if (COMMON.has(key) || value === null || value === '') continue;
      set(rest, RESERVED.has(key) ? `payload_${key}` : key, value);
    }
    return rest;
  }

  /** The id of what a turn tells once: told by a second hook, it is the same. @param keys what tells it apart */
  once(...keys: string[]): string {
    const marks = keys.map((key) => JSON.stringify(this.payload[key] ?? null));
    return eventId(this.session, this.name, this.turn, ...marks);
  }

  duration(): { duration_ms?: number } {
    const ms = this.payload.duration ?? this.payload.duration_ms;
    return typeof ms === 'number' && Number.isFinite(ms) && ms >= 0 ? { duration_ms: ms } : {};
  }

  /** What is not understood, as a whole. */
  unknown(): TraceEvent {
    return this.event('decision', randomEventId(), {
      event_subtype: 'unknown_hook',
      hook_event_name: this.name,
      payload: this.payload,
    });
  }
}
