/**
 * What Gemini CLI tells its hooks, as events. Pure.
 *
 * Gemini gives calls no id here: a call and its result have the same `call_key`. Tokens, the agent's texts and
 * calls that were denied stand in its chat only (see `chats.ts`), which is read when a turn ends.
 */
import type { FileOp, Json, JsonObject, TraceEvent } from '../../model/event.ts';
import { randomEventId } from '../../model/ids.ts';
import type { HookContext, HookRecorder, Moment } from '../agent.ts';
import { hookEvent, lookUp, restOf, startData, unknownData } from '../hookEvents.ts';
import { freePromptId } from '../promptId.ts';
import { argumentsOf, asObject, asString as str } from '../rows.ts';
import { geminiAnswerer } from './answer.ts';
import { exitCodeOf, filesOf, geminiCallKey, isShell, partsText } from './toolResult.ts';

/**
 * We never ask for these. AfterModel fires at each piece of an answer, with half of its tokens; the chat has
 * them all. What BeforeModel and BeforeToolSelection tell is the whole conversation, again and again.
 */
const IGNORED = new Set(['BeforeModel', 'AfterModel', 'BeforeToolSelection']);

const MOMENTS: Record<string, Moment> = {
  SessionStart: 'session_start',
  SessionEnd: 'session_end',
  AfterAgent: 'turn_end',
  BeforeTool: 'before_tool',
  AfterTool: 'after_tool',
};

/** Fields of every payload. */
const COMMON = new Set([
  'session_id',
  'transcript_path',
  'cwd',
  'hook_event_name',
  'timestamp',
  'stop_hook_active',
]);

export const geminiRecorder: HookRecorder = {
  agent: 'gemini',
  answerer: geminiAnswerer,
  sessionOf: (payload, env) => str(payload.session_id) || str(env.GEMINI_SESSION_ID),
  eventOf: (payload, event) => str(payload.hook_event_name) || event,
  momentOf: (event) => lookUp(MOMENTS, event),
  map: mapGeminiHook,
  toolOf(payload) {
    const name = str(payload.tool_name);
    if (name === '') return undefined;
    return {
      name,
      callId: geminiCallKey(name, payload.tool_input),
      cwd: str(payload.cwd),
      input: argumentsOf(payload.tool_input),
      ...(payload.tool_response !== undefined && { response: payload.tool_response }),
    };
  },
  cwdOf: (payload) => str(payload.cwd),
  projectOf: (_, env) => str(env.GEMINI_PROJECT_DIR) || undefined,
  transcriptOf: (payload) => str(payload.transcript_path),
  sourceOf: (payload) => str(payload.source),
};

/** The events of one hook call, in order; nothing is redacted yet. Never throws for a payload of any shape. */
export function mapGeminiHook(payload: JsonObject, context: HookContext): TraceEvent[] {
  const name = str(payload.hook_event_name) || context.event;
  if (IGNORED.has(name)) return [];
  const { sessionId, timestamp } = context;
  const frame = { provider: 'gemini', sessionId, timestamp, common: { cwd: payload.cwd } } as const;
  const event = (type: string, data: JsonObject, id: string = randomEventId()): TraceEvent =>
    hookEvent(frame, type, id, data);
  switch (name) {
    case 'SessionStart':
      return [
        event('session_start', {
          ...rest(payload),
          ...startData('gemini', payload.source, payload.transcript_path, context),
        }),
      ];
    case 'SessionEnd':
      return [event('session_end', rest(payload))];
    case 'BeforeAgent': {
      const prompt = str(payload.prompt);
      const id = freePromptId(context.sessionId, prompt, context.recorded);
      return [event('user_prompt', { ...rest(payload), prompt }, id)];
    }
    case 'AfterAgent':
      return turnEnd(payload, event);
    case 'BeforeTool':
      return [
        event('tool_call', { ...callData(payload), arguments: argumentsOf(payload.tool_input) }),
      ];
    case 'AfterTool':
      return [toolEnd(payload, event)];
    case 'Notification':
      return [event('decision', notificationData(payload))];
    case 'PreCompress':
      // `auto` fires before every request, whether anything is compressed or not.
      if (payload.trigger === 'auto') return [];
      return [event('decision', { ...rest(payload), event_subtype: 'compaction', phase: 'start' })];
    default:
      return [event('decision', unknownData(name, payload))];
  }
}

type MakeEvent = (type: string, data: JsonObject) => TraceEvent;

const rest = (payload: JsonObject): JsonObject => restOf(payload, COMMON);

function turnEnd(payload: JsonObject, event: MakeEvent): TraceEvent[] {
  const end = event('decision', { event_subtype: 'turn_end' });
  const text = str(payload.prompt_response);
  // All texts of the turn in one. The chat, read at this moment, has each in its place and with its response.
  if (text.trim() === '' || str(payload.transcript_path) !== '') return [end];
  return [end, event('assistant_response', { text, hook_event: 'after_agent' })];
}

function callData(payload: JsonObject): JsonObject {
  const tool = str(payload.tool_name);
  const server = str(asObject(payload.mcp_context)?.server_name);
  const original = str(payload.original_request_name);
  return {
    tool_name: tool,
    call_key: geminiCallKey(tool, payload.tool_input),
    ...(server !== '' && { mcp_server: server }),
    ...(original !== '' && original !== tool && { original_request_name: original }),
  };
}

function toolEnd(payload: JsonObject, event: MakeEvent): TraceEvent {
  const tool = str(payload.tool_name);
  const input = argumentsOf(payload.tool_input);
  const response = asObject(payload.tool_response);
  const content = response === undefined ? payload.tool_response : response.llmContent;
  const text = partsText(content);
  const failure = response?.error;
  if (failure !== undefined && failure !== null && failure !== false) {
    const problem = asObject(failure);
    const type = str(problem?.type);
    return event('error', {
      ...callData(payload),
      error: str(problem?.message) || str(failure) || text || 'tool call failed',
      is_error: true,
      ...(type !== '' && { error_type: type }),
    });
  }
  const display = response?.returnDisplay;
  const code = isShell(tool) ? exitCodeOf(text, display) : undefined;
  const files = filesOf({ tool, input, cwd: str(payload.cwd) }, content, display);
  return event('tool_result', {
    ...callData(payload),
    result: text,
    ...(code !== undefined && { exit_code: code }),
    ...(files.length > 0 && { files: files as (FileOp & Json)[] }),
    // The payload was too long to be looked at whole: the chat has the diff.
    ...(files.some(({ kind, hunks }) => kind === 'write' && !hunks) && { partial: true }),
  });
}

/** Texts of whole files: the edit that is asked for says them again. */
const CONTENTS = new Set(['fileDiff', 'originalContent', 'newContent']);

function notificationData(payload: JsonObject): JsonObject {
  const kept = rest(payload);
  const details = asObject(payload.details);
  if (details !== undefined) {
    const short = Object.entries(details).filter(([key]) => !CONTENTS.has(key));
    kept.details = Object.fromEntries(short);
  }
  if (payload.notification_type !== 'ToolPermission') {
    return { ...kept, event_subtype: 'notification' };
  }
  return { ...kept, event_subtype: 'permission', permission: 'requested' };
}
