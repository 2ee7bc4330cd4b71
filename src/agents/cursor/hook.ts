/**
 * What Cursor tells its hooks, as events. Pure. From its documentation of August 2026, not from sessions of our own; what
 * published payloads of 3.18 have besides (`output` of a command, `subagent_id` of a subagent that stops) is understood, too.
 *
 * A conversation is a session. A subagent works in a conversation of its own, which names no parent: in its parent's
 * session it is a lane with a beginning and an end, and what it did is a session of its own.
 */
import { callKey } from '../../model/callKey.ts';
import { type JsonObject, TRACE_VERSION, type TraceEvent } from '../../model/event.ts';
import { eventId, ids, randomEventId } from '../../model/ids.ts';
import { oneLine } from '../../model/text.ts';
import { AGENTS, type HookContext, type HookRecorder, type Moment } from '../agent.ts';
import { asString as str } from '../rows.ts';
import { cursorAnswerer } from './answer.ts';
import { call, edit, failure, olderCall, olderRead, result } from './calls.ts';
import { absolute, argumentsOf, eventName, toolFolder, toolName, workspaceOf } from './payload.ts';
import { eventOf, HookTold, laneOf, sessionOf } from './told.ts';

/**
 * A prompt begins the session where it is not known to have begun: `sessionStart` is fire-and-forget, and not there for
 * every conversation. The end of a turn is no moment: there is no transcript to read.
 */
const MOMENTS: Partial<Record<string, Moment>> = {
  sessionStart: 'session_start',
  beforeSubmitPrompt: 'session_start',
  sessionEnd: 'session_end',
  preToolUse: 'before_tool',
  postToolUse: 'after_tool',
  postToolUseFailure: 'after_tool',
};

/** We never ask for these. They are of completions while a person types, and hold whole files. */
const IGNORED = new Set(['beforeTabFileRead', 'afterTabFileEdit']);

/** Records Cursor: the editor's agent, and its command line. */
export const cursorRecorder: HookRecorder = {
  agent: 'cursor',
  answerer: cursorAnswerer,
  sessionOf,
  eventOf,
  momentOf(event) {
    const name = eventName(event);
    return Object.hasOwn(MOMENTS, name) ? MOMENTS[name] : undefined;
  },
  map: mapCursorHook,
  toolOf(payload) {
    const name = toolName(payload);
    if (name === '') return undefined;
    const input = argumentsOf(payload.tool_input);
    const response = payload.tool_output ?? payload.tool_response;
    return {
      name,
      callId: str(payload.tool_use_id) || callKey(name, input),
      cwd: toolFolder(payload),
      input,
      ...(response !== undefined && { response }),
    };
  },
  cwdOf: (payload) => workspaceOf(payload) || absolute(payload.cwd),
  projectOf: (payload, env) =>
    absolute(env.CURSOR_PROJECT_DIR) || workspaceOf(payload) || undefined,
  versionOf: (payload, env) => str(payload.cursor_version) || env.CURSOR_VERSION,
  // Its command line is a process; the editor says that a hook comes from its extension host.
  inEditor: (env) => (env.CURSOR_EXTENSION_HOST_ROLE ?? '') !== '',
};

/** The events of one hook call, in order. Never throws for a payload of any shape. */
export function mapCursorHook(payload: JsonObject, context: HookContext): TraceEvent[] {
  const told = new HookTold(payload, context);
  switch (told.name) {
    case 'sessionStart':
      return [sessionStart(told)];
    case 'sessionEnd':
      return [told.event('session_end', told.once('duration_ms', 'reason'), told.rest())];
    case 'beforeSubmitPrompt':
      return prompt(told);
    case 'preToolUse':
      // A subagent's conversation has neither a start nor a prompt.
      return told.context.isFirst ? [sessionStart(told), call(told)] : [call(told)];
    case 'postToolUse':
      return [result(told)];
    case 'postToolUseFailure':
      return [failure(told)];
    case 'afterFileEdit':
      return edit(told);
    case 'subagentStart':
      return [subagentStart(told)];
    case 'subagentStop':
      return [subagentStop(told)];
    case 'afterAgentResponse':
      return text(told, 'text', {});
    case 'afterAgentThought':
      return text(told, 'reasoning', { event_subtype: 'reasoning' });
    case 'preCompact':
      // Its end is not told: this stands for the whole of it.
      return [decision(told, 'compaction', told.once('context_tokens', 'message_count'))];
    case 'stop':
      return stop(told);
    case 'beforeShellExecution':
    case 'afterShellExecution':
      return olderCall(told, 'Shell', { command: str(told.payload.command) });
    case 'beforeMCPExecution':
    case 'afterMCPExecution': {
      const name = str(told.payload.tool_name).replace(/^MCP:/, '');
      return olderCall(told, `MCP:${name}`, argumentsOf(told.payload.tool_input));
    }
    case 'beforeReadFile':
      return olderRead(told);
    default:
      return IGNORED.has(told.name) ? [] : [told.unknown()];
  }
}

const decision = (told: HookTold, subtype: string, id: string): TraceEvent =>
  told.event('decision', id, { ...told.rest(), event_subtype: subtype });

const modelIn = ({ payload }: HookTold): JsonObject => {
  const model = str(payload.model_id) || str(payload.model);
  return model === '' ? {} : { model };
};

const startId = ({ session }: HookTold): string => eventId(session, 'session_start');

function sessionStart(told: HookTold): TraceEvent {
  const { agentVersion } = told.context;
  const transcript = absolute(told.payload.transcript_path);
  const { composer_mode: mode, is_background_agent: background } = told.payload;
  return told.event('session_start', startId(told), {
    ...(typeof mode === 'string' && { composer_mode: mode }),
    ...(background === true && { is_background_agent: true }),
    trace_version: TRACE_VERSION,
    mode: `${AGENTS.cursor.traceName}-hooks`,
    ...modelIn(told),
    ...(agentVersion !== undefined && { agent_version: agentVersion }),
    ...(transcript !== '' && { transcript_path: transcript }),
  });
}

function prompt(told: HookTold): TraceEvent[] {
  const said = str(told.payload.prompt);
  const id = ids.text(told.session, 'prompt', '', told.turn, said);
  const event = told.event('user_prompt', told.turn === '' ? randomEventId() : id, {
    ...told.rest(),
    prompt: said,
    ...modelIn(told),
  });
  const begun = told.context.recorded(startId(told)) !== 'no';
  return begun ? [event] : [sessionStart(told), event];
}

const laneIn = ({ payload }: HookTold): string =>
  laneOf(str(payload.subagent_id) || str(payload.tool_call_id));

function subagent(told: HookTold): JsonObject {
  const type = str(told.payload.subagent_type);
  const id = laneIn(told);
  return {
    event_subtype: 'subagent',
    tool_name: 'Subagent',
    ...(id !== '' && { agent_id: id }),
    ...(type !== '' && { agent_type: type }),
  };
}

function subagentStart(told: HookTold): TraceEvent {
  const id = laneIn(told);
  const useId = str(told.payload.tool_call_id);
  const task = str(told.payload.task);
  return told.event('tool_call', id === '' ? randomEventId() : ids.subagent(told.session, id), {
    ...told.rest(),
    ...(task !== '' && { description: oneLine(task) }),
    ...subagent(told),
    ...(useId !== '' && { tool_use_id: useId }),
  });
}

/** The documentation has no id here: then it ends a subagent, and nobody knows which. */
function subagentStop(told: HookTold): TraceEvent {
  const id = laneIn(told);
  const { summary, ...rest } = told.rest();
  return told.event(
    'tool_result',
    id === '' ? randomEventId() : ids.subagentEnd(told.session, id),
    { ...rest, ...subagent(told), result: str(summary) },
    { ...(id !== '' && { parent_id: ids.subagent(told.session, id) }), ...told.duration() },
  );
}

function text(told: HookTold, kind: string, more: JsonObject): TraceEvent[] {
  const said = str(told.payload.text);
  if (said.trim() === '') return [];
  const id = told.turn === '' ? randomEventId() : ids.text(told.session, kind, '', told.turn, said);
  const data = { ...told.rest(), text: said, ...more };
  return [told.event('assistant_response', id, data, told.duration())];
}

/**
 * Tokens that a real Cursor tells here stay as they are: they are sums of a turn, so no response's, and undocumented. Priced as
 * one response they would come out wrong.
 */
function stop(told: HookTold): TraceEvent[] {
  const end = decision(told, 'turn_end', told.once('loop_count'));
  const { status, error_message: message, loop_count: loops } = told.payload;
  if (status !== 'error') return [end];
  const id = eventId(told.session, 'turn_error', told.turn, JSON.stringify(loops ?? null));
  const error = str(message) || 'The turn ended with an error.';
  return [told.event('error', id, { error, is_error: true }), end];
}
