/** One hook call of Cursor's, and how its events are made. */
import type { JsonObject, TraceEvent } from '../../model/event.ts';
import { eventId, randomEventId } from '../../model/ids.ts';
import type { HookContext } from '../agent.ts';
import { hookEvent, restOf } from '../hookEvents.ts';
import { asString as str } from '../rows.ts';
import { eventName, toolFolder, withoutAddress } from './payload.ts';

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
    const frame = {
      provider: 'cursor' as const,
      sessionId: this.session,
      timestamp: this.context.timestamp,
      common: { prompt_id: this.turn, cwd: toolFolder(this.payload) },
    };
    return hookEvent(frame, type, id, data, more);
  }

  /** The payload's other fields, in Cursor's words. */
  rest(): JsonObject {
    return restOf(this.payload, COMMON);
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
