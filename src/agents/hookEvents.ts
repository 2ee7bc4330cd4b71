/**
 * What the mappers of hooks share: an event as every hook's is, the payload's fields that no mapper knows, and the words
 * that mean the same for every agent. Pure, and small: the recorder loads it for every hook.
 */
import { isAbsolute } from 'node:path';
import { cutBetween, cutKey, LONG_KEYS, MAX_RESULT_UNITS, set } from '../model/codec.ts';
import { type Json, type JsonObject, TRACE_VERSION, type TraceEvent } from '../model/event.ts';
import { ids, randomEventId } from '../model/ids.ts';
import type { AgentId, HookContext } from './agent.ts';
import { asString } from './rows.ts';

/** Text above the limit that redaction still sees, in UTF-16 units: it can make a text shorter. */
export const MARGIN = 8192;

/** What is the same in all events of one hook call. */
export interface HookFrame {
  provider: AgentId;
  sessionId: string;
  /** Seconds since the epoch. */
  timestamp: number;
  /** Of `data`, where it is not empty: whose event it is, and where. */
  common: Record<string, Json | undefined>;
}

/** An event of a hook. Nothing is redacted yet; the longest texts are cut a little above their limit. */
export function hookEvent(
  { provider, sessionId, timestamp, common }: HookFrame,
  type: string,
  id: string,
  data: JsonObject,
  more: { parent_id?: string; duration_ms?: number } = {},
): TraceEvent {
  const known: JsonObject = { provider, recorded_by: 'hook' };
  for (const [key, value] of Object.entries(common)) {
    if (typeof value === 'string' && value !== '') known[key] = value;
  }
  const event: TraceEvent = {
    event_type: type,
    timestamp,
    event_id: id,
    session_id: sessionId,
    ...more,
    data: { ...known, ...data },
  };
  // What is far above its limit goes early, so that nothing slow runs over all of it.
  for (const key of LONG_KEYS) cutKey(event.data, key, MAX_RESULT_UNITS + MARGIN, cutBetween);
  return event;
}

/** Keys of `data` that mean something else there than in any payload. */
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

/**
 * The payload's own fields, under names that the format leaves free.
 *
 * @param common fields that the events have anyway, or that only help the agent
 * @param nameOf a field's name in `data`; default: its own
 */
export function restOf(
  payload: JsonObject,
  common: ReadonlySet<string>,
  nameOf: (key: string) => string = (key) => key,
): JsonObject {
  const rest: JsonObject = {};
  for (const [key, value] of Object.entries(payload)) {
    if (common.has(key) || value === null || value === '') continue;
    const name = nameOf(key);
    set(rest, RESERVED.has(name) ? `payload_${name}` : name, value);
  }
  return rest;
}

/** `data` of a hook that is not known: kept whole, so that a newer agent loses nothing. */
export function unknownData(name: string, payload: JsonObject): JsonObject {
  const { session_id: _, sessionId: __, hook_event_name: ___, ...kept } = payload;
  return { event_subtype: 'unknown_hook', hook_event_name: name, payload: kept };
}

/** `data` of a session's start, beside the payload's own fields. */
export function startData(
  agent: AgentId,
  source: Json | undefined,
  transcript: Json | undefined,
  { agentVersion }: HookContext,
): JsonObject {
  const how = asString(source);
  const path = asString(transcript);
  return {
    trace_version: TRACE_VERSION,
    ...(['resume', 'clear', 'compact', 'fork'].includes(how) && { event_subtype: how }),
    mode: agent === 'claude' ? 'claude-code-hooks' : `${agent}-hooks`,
    ...(path !== '' && { transcript_path: path }),
    ...(agentVersion !== undefined && { agent_version: agentVersion }),
  };
}

/** A subagent's start, where its id is known. */
export const subagentId = (sessionId: string, agentId: string): string =>
  agentId === '' ? randomEventId() : ids.subagent(sessionId, agentId);

/** Id of a subagent's end, and of the start that it belongs to. */
export const subagentEnd = (
  sessionId: string,
  agentId: string,
): { id: string; more: { parent_id?: string } } =>
  agentId === ''
    ? { id: randomEventId(), more: {} }
    : {
        id: ids.subagentEnd(sessionId, agentId),
        more: { parent_id: ids.subagent(sessionId, agentId) },
      };

/** What a table has of a name that a payload gave: not what every object has (`constructor`). */
export const lookUp = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** An absolute path; empty where it is none. */
export const absolute = (path: Json | undefined): string => {
  const text = asString(path);
  return isAbsolute(text) ? text : '';
};
