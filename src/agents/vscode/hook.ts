/**
 * What VS Code's own agent tells its hooks, as events. Its payloads have the form of Claude's, with tools of its own; older
 * builds wrote some keys in another way. Events are those of Claude's form, then.
 *
 * From VS Code's documentation and the source of 1.139, not from sessions of real people.
 */
import { set } from '../../model/codec.ts';
import type { Json, JsonObject, TraceEvent } from '../../model/event.ts';
import type { HookContext, HookRecorder, Moment } from '../agent.ts';
import { mapClaudeHook } from '../claude/hook.ts';
import { callId } from '../copilot/ids.ts';
import { absolute, lookUp } from '../hookEvents.ts';
import { freePromptId } from '../promptId.ts';
import { argumentsOf, asString as str } from '../rows.ts';
import { vscodeAnswerer } from './answer.ts';
import { filesOfCall, terminalExit } from './tools.ts';

/** Keys of older builds. */
const KEYS: Record<string, string> = {
  sessionId: 'session_id',
  hookEventName: 'hook_event_name',
  transcriptPath: 'transcript_path',
  toolName: 'tool_name',
  toolInput: 'tool_input',
  toolResponse: 'tool_response',
  toolUseId: 'tool_use_id',
};

const EVENTS: Record<string, string> = {
  sessionStart: 'SessionStart',
  sessionEnd: 'SessionEnd',
  userPromptSubmitted: 'UserPromptSubmit',
  preToolUse: 'PreToolUse',
  postToolUse: 'PostToolUse',
  preCompact: 'PreCompact',
  subagentStart: 'SubagentStart',
  subagentStop: 'SubagentStop',
  agentStop: 'Stop',
};

const MOMENTS: Record<string, Moment> = {
  SessionStart: 'session_start',
  SessionEnd: 'session_end',
  PreToolUse: 'before_tool',
  PostToolUse: 'after_tool',
  SubagentStop: 'subagent_end',
  Stop: 'turn_end',
};

function snakeForm(payload: JsonObject): JsonObject {
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(payload)) {
    const name = lookUp(KEYS, key) ?? key;
    if (name === key || !Object.hasOwn(payload, name)) set(out, name, value);
  }
  // The ending makes it unique in the window; the transcript has it without.
  if (typeof out.tool_use_id === 'string') out.tool_use_id = callId(out.tool_use_id);
  return out;
}

/** The event by VS Code's name: a command of Copilot's settings names it in Copilot's way. */
function eventOf(payload: JsonObject, event: string): string {
  const name = str(payload.hook_event_name) || str(payload.hookEventName) || event;
  return lookUp(EVENTS, name) ?? name;
}

/** The events of one hook call, in order. Never throws for a payload of any shape. */
function mapVscodeHook(payload: JsonObject, context: HookContext): TraceEvent[] {
  const own = snakeForm(payload);
  own.hook_event_name = eventOf(payload, context.event);
  const { timestamp: _, ...rest } = own;
  return mapClaudeHook(rest, context)
    .filter(({ event_type, data }) => event_type !== 'assistant_response' || data.text !== '')
    .map((event) => asVscodes(event, own, context));
}

function asVscodes(event: TraceEvent, own: JsonObject, context: HookContext): TraceEvent {
  const data: JsonObject = { ...event.data, provider: 'vscode' };
  switch (event.event_type) {
    case 'session_start':
      data.mode = 'vscode-hooks';
      break;
    case 'user_prompt':
      return {
        ...event,
        event_id: freePromptId(context.sessionId, str(data.prompt), context.recorded),
        data,
      };
    case 'tool_result': {
      if (data.event_subtype === 'subagent') break;
      const files = filesOfCall(str(own.tool_name), argumentsOf(own.tool_input));
      delete data.exit_code;
      const code = terminalExit(str(data.result));
      if (code !== undefined) data.exit_code = code;
      if (files.length > 0) data.files = files as unknown as Json;
      break;
    }
  }
  return { ...event, data };
}

/** Records VS Code's own agent. */
export const vscodeRecorder: HookRecorder = {
  agent: 'vscode',
  answerer: vscodeAnswerer,
  sessionOf: (payload) => str(snakeForm(payload).session_id),
  eventOf,
  momentOf: (event) => lookUp(MOMENTS, eventOf({}, event)),
  map: mapVscodeHook,
  toolOf: (payload) => {
    const own = snakeForm(payload);
    const name = str(own.tool_name);
    const id = str(own.tool_use_id);
    if (name === '' || id === '') return undefined;
    return {
      name,
      callId: id,
      cwd: absolute(own.cwd),
      input: argumentsOf(own.tool_input),
      subagent: str(own.agent_id) !== '',
      ...(own.tool_response !== undefined && { response: own.tool_response }),
    };
  },
  cwdOf: (payload) => absolute(payload.cwd),
  // A hook without a folder of its own runs in the one that is open.
  projectOf: (payload) => absolute(payload.cwd) || undefined,
  transcriptOf: (payload) => absolute(snakeForm(payload).transcript_path),
  sourceOf: (payload) => str(payload.source),
};
