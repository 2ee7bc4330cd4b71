/**
 * opencode's messages and their parts → events. Its plugin hooks and its store tell of the same messages and
 * parts, with the same ids: so an event has one id, whoever told of it.
 *
 * Pure, and small: opencode itself loads it.
 */
import type { EventSource, Json, JsonObject, TraceEvent } from '../../model/event.ts';
import { eventId, ids } from '../../model/ids.ts';
import { asCount, asObject, asString, pruned } from '../rows.ts';
import { toolFiles } from './toolFiles.ts';

const asNumber = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

/** Bits of a time that opencode's ids keep: 2.2 years of milliseconds. */
const ID_SPAN_MS = 2 ** 36;

/**
 * When an id was given, in ms since the epoch: it begins with the time, of which the upper bits are lost.
 *
 * @param nearMs a time within a year of it
 * @returns 0 where the id is of another kind
 */
export function idTime(id: string, nearMs: number): number {
  const digits = /^[a-z]+_([0-9a-f]{12})/.exec(id)?.[1];
  if (digits === undefined || nearMs <= 0) return 0;
  const low = Math.floor(Number.parseInt(digits, 16) / 4096);
  return low + Math.round((nearMs - low) / ID_SPAN_MS) * ID_SPAN_MS;
}

/** The part of a message's id that says when it was made: the original of a copy has the copy's `time.created`. */
export function idPrefix(kind: string, timeMs: number): string {
  return `${kind}_${(Math.floor(timeMs) % ID_SPAN_MS).toString(16).padStart(9, '0')}`;
}

/** Whose events they are. */
export interface Lane {
  /** The session whose trace it is: of a subagent, the one that (in the end) started it. */
  sessionId: string;
  /** The subagent's own session; empty: the main conversation. */
  agentId: string;
  agentType?: string;
  /** The session's folder, absolute; empty where unknown. */
  cwd: string;
  recordedBy: EventSource;
  /** The session that these messages were copied from; empty: its own. */
  copiedFrom?: string;
}

interface More {
  parent?: string;
  durationMs?: number | undefined;
}

/** An event of a lane. @param timeMs ms since the epoch */
export function laneEvent(
  lane: Lane,
  type: string,
  id: string,
  timeMs: number,
  data: JsonObject,
  { parent, durationMs }: More = {},
): TraceEvent {
  return {
    event_type: type,
    timestamp: timeMs / 1000,
    event_id: id,
    session_id: lane.sessionId,
    ...(parent !== undefined && { parent_id: parent }),
    ...(durationMs !== undefined && { duration_ms: durationMs }),
    data: {
      provider: 'opencode',
      recorded_by: lane.recordedBy,
      ...pruned({
        agent_id: lane.agentId,
        agent_type: lane.agentId === '' ? '' : (lane.agentType ?? ''),
        cwd: lane.cwd,
        copied_from: lane.copiedFrom ?? '',
      }),
      ...data,
    },
  };
}

const createdOf = (info: JsonObject): number => asNumber(asObject(info.time)?.created) ?? 0;
const completedOf = (info: JsonObject): number => asNumber(asObject(info.time)?.completed) ?? 0;

/** The agent in whose name a message stands: `build`, `plan`, `general`, … */
export const agentOf = (info: JsonObject): string => asString(info.agent) || asString(info.mode);

/** The lane with what a message knows better: its folder and its agent. */
function laneOf(lane: Lane, info: JsonObject): Lane {
  const cwd = asString(asObject(info.path)?.cwd) || lane.cwd;
  return { ...lane, cwd, agentType: agentOf(info) || (lane.agentType ?? '') };
}

/** Text that a person wrote; what opencode adds for the model (files, reminders) is marked as synthetic. */
export function promptText(parts: readonly JsonObject[]): string {
  return parts
    .filter((part) => part.type === 'text' && part.synthetic !== true && part.ignored !== true)
    .map((part) => asString(part.text))
    .join('\n');
}

/** What a person asked, or asked a subagent for: none where a message holds only what opencode wrote itself. */
export function promptEvent(
  lane: Lane,
  info: JsonObject,
  parts: readonly JsonObject[],
): TraceEvent | undefined {
  const text = promptText(parts);
  const attachments = parts
    .filter((part) => part.type === 'file')
    .map((part): Json => asString(part.filename) || asString(part.mime) || 'file');
  const commands = parts
    .filter((part) => part.type === 'subtask')
    .map((part) => `/${asString(part.command)} ${asString(part.prompt)}`.trim());
  const prompt = [text, ...commands].filter((each) => each.trim() !== '').join('\n');
  if (prompt === '' && attachments.length === 0) return undefined;
  const id = asString(info.id);
  return laneEvent(
    lane,
    'user_prompt',
    ids.prompt(lane.sessionId, id),
    createdOf(info),
    pruned({
      prompt: prompt || `[${attachments.join(', ')}]`,
      prompt_id: id,
      mode: agentOf(info),
      model: asString(asObject(info.model)?.modelID),
      attachments: attachments.length > 0 ? attachments : '',
    }),
  );
}

/** The tool that a call is of. What the model called wrongly is told as the tool `invalid`. */
export function toolOf(part: JsonObject): string {
  const tool = asString(part.tool);
  const meant = asString(asObject(asObject(part.state)?.input)?.tool);
  return tool === 'invalid' && meant !== '' ? meant : tool;
}

const startOf = (part: JsonObject, info: JsonObject): number =>
  asNumber(asObject(asObject(part.state)?.time)?.start) ??
  (idTime(asString(part.id), createdOf(info)) || createdOf(info));

/**
 * A tool's call. Its id is the part's: providers number their calls as they like, some anew in each
 * conversation, and subagents' calls stand in the same trace.
 */
export function callEvent(lane: Lane, part: JsonObject, info: JsonObject): TraceEvent {
  const id = asString(part.id);
  const input = asObject(asObject(part.state)?.input) ?? {};
  return laneEvent(
    laneOf(lane, info),
    'tool_call',
    ids.call(lane.sessionId, id),
    startOf(part, info),
    {
      tool_name: toolOf(part),
      tool_use_id: id,
      arguments: input,
      ...pruned({ call_id: asString(part.callID), prompt_id: promptIdOf(lane, info) }),
    },
  );
}

const promptIdOf = (lane: Lane, info: JsonObject): string =>
  lane.agentId === '' ? asString(info.parentID) : '';

const REJECTED = /^The user rejected permission to use this specific tool call/;
const FORBIDDEN = /^The user has specified a rule which prevents you from using this/;
const ABORTED = /^(Tool execution aborted|Aborted|The operation was aborted)/;

/** The end of a tool's call; undefined while it runs. */
export function endEvent(lane: Lane, part: JsonObject, info: JsonObject): TraceEvent | undefined {
  const state = asObject(part.state);
  const { status } = state ?? {};
  if (state === undefined || (status !== 'completed' && status !== 'error')) return undefined;
  const own = laneOf(lane, info);
  const id = asString(part.id);
  const time = asObject(state.time);
  const start = asNumber(time?.start);
  const end = asNumber(time?.end);
  const metadata = asObject(state.metadata) ?? {};
  const input = asObject(state.input) ?? {};
  const tool = toolOf(part);
  const common = {
    tool_name: tool,
    tool_use_id: id,
    ...pruned({ prompt_id: promptIdOf(lane, info), subagent_id: asString(metadata.sessionId) }),
  };
  const invalid = status === 'completed' && part.tool === 'invalid';
  const failed = status === 'error' || invalid;
  return laneEvent(
    own,
    failed ? 'error' : 'tool_result',
    ids.result(lane.sessionId, id),
    end ?? startOf(part, info),
    failed
      ? {
          ...common,
          ...failure(invalid ? asString(input.error) || state.output : state.error),
          is_error: true,
        }
      : { ...common, ...success({ tool, input, metadata, cwd: own.cwd }, state) },
    {
      parent: ids.call(lane.sessionId, id),
      durationMs: start === undefined || end === undefined ? undefined : Math.max(0, end - start),
    },
  );
}

function success(call: Parameters<typeof toolFiles>[0], state: JsonObject): JsonObject {
  const files = toolFiles(call);
  const exit = call.metadata.exit;
  return {
    result: asString(state.output),
    ...(typeof exit === 'number' && Number.isInteger(exit) && { exit_code: exit }),
    ...(files.length > 0 && { files: files as unknown as Json }),
  };
}

function failure(said: unknown): JsonObject {
  const error = asString(said) || 'tool call failed';
  const denied = REJECTED.test(error) ? 'user' : FORBIDDEN.test(error) ? 'permission' : '';
  return pruned({
    event_subtype: denied === '' ? '' : 'denied',
    denied_by: denied,
    is_interrupt: ABORTED.test(error),
    error,
  });
}

/** Text and reasoning that are finished; undefined for all else. */
export function textEvent(lane: Lane, part: JsonObject, info: JsonObject): TraceEvent | undefined {
  const end = asNumber(asObject(part.time)?.end);
  const text = asString(part.text);
  const reasoning = part.type === 'reasoning';
  if ((!reasoning && part.type !== 'text') || text.trim() === '') return undefined;
  // A text without an end is still being written; in the store it was cut off by the session's end.
  const done = end ?? completedOf(info);
  if (done === 0 || part.synthetic === true || info.role === 'user') return undefined;
  return laneEvent(
    laneOf(lane, info),
    'assistant_response',
    eventId(lane.sessionId, 'text', asString(part.id)),
    done,
    {
      ...(reasoning && { event_subtype: 'reasoning' }),
      text,
      ...pruned({ message_id: asString(info.id), prompt_id: promptIdOf(lane, info) }),
    },
  );
}

/**
 * Tokens of one answer of the model in OpenTelemetry's terms. opencode keeps cache and reasoning beside input and
 * output; where its total says that reasoning was counted in the output, it is not added again.
 */
export function usageOfTokens(tokens: JsonObject): JsonObject {
  const cache = asObject(tokens.cache);
  const read = asCount(cache?.read);
  const write = asCount(cache?.write);
  const input = asCount(tokens.input) + read + write;
  const output = asCount(tokens.output);
  const reasoning = asCount(tokens.reasoning);
  const inside = tokens.total === input + output && reasoning <= output;
  return {
    input_tokens: input,
    cache_read_input_tokens: read,
    cache_write_input_tokens: write,
    cache_write_1h_input_tokens: 0,
    output_tokens: inside ? output : output + reasoning,
    reasoning_output_tokens: reasoning,
  };
}

/**
 * What one answer of the model took, from its `step-finish` part. opencode's own cost goes along as `cost_usd`: it
 * stands where the price list knows no such model.
 *
 * @param calls ids of the calls that the answer asked for
 */
export function usageEvent(
  lane: Lane,
  part: JsonObject,
  info: JsonObject,
  calls: readonly string[],
): TraceEvent | undefined {
  const tokens = asObject(part.tokens);
  if (part.type !== 'step-finish' || tokens === undefined) return undefined;
  const message = asString(info.id) || asString(part.messageID);
  const request = asString(part.id);
  const cost = asNumber(part.cost) ?? 0;
  const own = laneOf(lane, info);
  return laneEvent(
    own,
    'llm_response',
    ids.usage(lane.sessionId, message, request),
    idTime(request, createdOf(info)) || completedOf(info) || createdOf(info),
    {
      event_subtype: 'usage',
      usage: usageOfTokens(tokens),
      ...pruned({
        model: asString(info.modelID),
        model_provider: asString(info.providerID),
        message_id: message,
        request_id: request,
        stop_reason: asString(part.reason),
        cost_usd: cost < 1e6 ? cost : 0,
        tool_use_ids: calls.length > 0 ? [...calls] : '',
        prompt_id: promptIdOf(lane, info),
      }),
    },
  );
}

/** An error of opencode's, in words. */
export function errorData(error: JsonObject): JsonObject {
  const more = asObject(error.data);
  const name = asString(error.name);
  return pruned({
    error: asString(more?.message) || asString(error.message) || name || 'error',
    error_type: name,
    status: asCount(more?.statusCode),
  });
}

export const isAbort = (info: JsonObject): boolean =>
  asObject(info.error)?.name === 'MessageAbortedError';

/** What the state of an answer tells beside its parts: that it failed, was stopped, or was a compaction. */
export function messageEvents(lane: Lane, info: JsonObject, compactedBy: string): TraceEvent[] {
  const own = laneOf(lane, info);
  const id = asString(info.id);
  const events: TraceEvent[] = [];
  const done = completedOf(info) || createdOf(info);
  const error = asObject(info.error);
  if (error !== undefined) {
    const aborted = isAbort(info);
    const data = errorData(error);
    events.push(
      laneEvent(own, 'error', eventId(lane.sessionId, aborted ? 'interrupt' : 'api', id), done, {
        ...data,
        ...(aborted ? { is_interrupt: true } : { event_subtype: 'api' }),
        message_id: id,
      }),
    );
  } else if (info.summary === true && completedOf(info) > 0) {
    events.push(
      laneEvent(own, 'decision', eventId(lane.sessionId, 'compaction', id), done, {
        event_subtype: 'compaction',
        ...pruned({ trigger: compactedBy }),
      }),
    );
  }
  return events;
}

/** A failed request that opencode makes again. @param timeMs ms since the epoch */
export function retryEvent(
  lane: Lane,
  messageId: string,
  attempt: number,
  timeMs: number,
  error: JsonObject,
): TraceEvent {
  return laneEvent(
    lane,
    'error',
    eventId(lane.sessionId, 'retry', messageId, String(attempt)),
    timeMs,
    { event_subtype: 'api', ...error, ...pruned({ retry: attempt }) },
  );
}

/** The agent waits for a prompt. @param info its last answer */
export function turnEndEvent(lane: Lane, info: JsonObject, timeMs: number): TraceEvent {
  return laneEvent(
    laneOf(lane, info),
    'decision',
    eventId(lane.sessionId, 'turn_end', asString(info.id)),
    timeMs,
    { event_subtype: 'turn_end', ...(isAbort(info) && { reason: 'interrupted' }) },
  );
}

/** A subagent begins. @param parentCall id of the call that started it; empty where unknown */
export function subagentEvent(
  lane: Lane,
  timeMs: number,
  told: { description: string; prompt: string; parentCall: string },
): TraceEvent {
  const { parentCall, ...rest } = told;
  return laneEvent(
    lane,
    'tool_call',
    ids.subagent(lane.sessionId, lane.agentId),
    timeMs,
    {
      event_subtype: 'subagent',
      tool_name: 'Subagent',
      ...pruned({ ...rest, tool_use_id: parentCall }),
    },
    parentCall === '' ? {} : { parent: ids.call(lane.sessionId, parentCall) },
  );
}

/** A subagent has ended. Times in ms since the epoch. */
export function subagentEndEvent(
  lane: Lane,
  startMs: number,
  endMs: number,
  result: string,
): TraceEvent {
  return laneEvent(
    lane,
    'tool_result',
    ids.subagentEnd(lane.sessionId, lane.agentId),
    endMs,
    { event_subtype: 'subagent', tool_name: 'Subagent', ...pruned({ result }) },
    {
      parent: ids.subagent(lane.sessionId, lane.agentId),
      durationMs: startMs > 0 ? Math.max(0, endMs - startMs) : undefined,
    },
  );
}
