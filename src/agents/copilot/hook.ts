/**
 * What the Copilot CLI tells its hooks, as events. It has two forms of payloads, by the names that its settings give the
 * events: its own (`preToolUse`, `toolName`) and Claude's (`PreToolUse`, `tool_name: "Bash"`), which it also
 * uses for a project's `.claude/settings.json`. Both come to the same events.
 *
 * Calls have no id in hooks. What its transcript tells again has an id made of the moment at which the hook was fired, which
 * the transcript knows to the millisecond (`hook.start`).
 */
import { callKey } from '../../model/callKey.ts';
import { set } from '../../model/codec.ts';
import { isObject, type Json, type JsonObject, type TraceEvent } from '../../model/event.ts';
import { eventId, randomEventId } from '../../model/ids.ts';
import type { Env, HookContext, HookRecorder, HookTool, Moment } from '../agent.ts';
import {
  absolute,
  hookEvent,
  lookUp,
  restOf,
  startData,
  subagentEnd,
  subagentId,
  unknownData,
} from '../hookEvents.ts';
import { argumentsOf, asObject, asString as str } from '../rows.ts';
import { copilotAnswerer } from './answer.ts';
import { copilotDirs, eventsPath, rootSession, sessionIn } from './places.ts';
import { ownName } from './tools.ts';

/** A hook that starts later than this after it was fired was not fired by the clock of this machine, s. */
const MAX_LATE_S = 60;

/** Claude's names of events, and Copilot's own. */
const OWN_EVENTS: Record<string, string> = {
  SessionStart: 'sessionStart',
  SessionEnd: 'sessionEnd',
  UserPromptSubmit: 'userPromptSubmitted',
  PreToolUse: 'preToolUse',
  PostToolUse: 'postToolUse',
  PostToolUseFailure: 'postToolUseFailure',
  PermissionRequest: 'permissionRequest',
  Stop: 'agentStop',
  SubagentStart: 'subagentStart',
  SubagentStop: 'subagentStop',
  PreCompact: 'preCompact',
  Notification: 'notification',
  ErrorOccurred: 'errorOccurred',
};

const MOMENTS: Record<string, Moment> = {
  sessionStart: 'session_start',
  sessionEnd: 'session_end',
  subagentStop: 'subagent_end',
  preToolUse: 'before_tool',
  postToolUse: 'after_tool',
  postToolUseFailure: 'after_tool',
};

/** Fields that the events have under the format's names, or that help nobody. */
const COMMON = new Set([
  'sessionId',
  'timestamp',
  'cwd',
  'hook_event_name',
  'hookName',
  'traceparent',
  'transcriptPath',
  'agentId',
  'agentType',
  'parentAgentId',
  'toolName',
  'toolArgs',
  'toolInput',
  'toolResult',
  'stop_hook_active',
]);

/**
 * A payload in Copilot's own form: Claude's differs in the keys. Keys that are the same in both stay as they are.
 */
function ownForm(payload: JsonObject): JsonObject {
  const own: JsonObject = {};
  for (const [key, value] of Object.entries(payload)) {
    const name = lookUp(KEYS, key) ?? key;
    // Some payloads of Claude's form have a key in either.
    if (name === key || !Object.hasOwn(payload, name)) set(own, name, value);
  }
  const result = asObject(own.toolResult);
  if (result !== undefined && 'text_result_for_llm' in result) {
    own.toolResult = {
      resultType: result.result_type ?? '',
      textResultForLlm: result.text_result_for_llm ?? '',
    };
  }
  return own;
}

const KEYS: Record<string, string> = {
  session_id: 'sessionId',
  transcript_path: 'transcriptPath',
  initial_prompt: 'initialPrompt',
  tool_name: 'toolName',
  tool_input: 'toolArgs',
  tool_args: 'toolArgs',
  tool_result: 'toolResult',
  agent_id: 'agentId',
  agent_type: 'agentType',
  agent_name: 'agentName',
  parent_agent_id: 'parentAgentId',
  stop_reason: 'stopReason',
  last_assistant_message: 'response',
  error_context: 'errorContext',
};

/** Milliseconds since the epoch at which a hook was fired, as text; empty where it does not say. */
export function firedAt(payload: JsonObject): string {
  const { timestamp } = payload;
  const ms = typeof timestamp === 'number' ? timestamp : Date.parse(str(timestamp));
  return Number.isSafeInteger(ms) && ms > 0 ? String(ms) : '';
}

/** The id of what a hook and the transcript's row of that hook both tell. */
export const momentId = (session: string, event: string, ms: string): string =>
  ms === '' ? randomEventId() : eventId(session, 'hook', event, ms);

/** How a command ended: its last line says it. */
export function exitCodeIn(text: string): number | undefined {
  const code = /<shellId: [^>\n]{1,40} completed with exit code (-?\d{1,10})>\s*$/.exec(
    text.slice(-200),
  )?.[1];
  return code === undefined ? undefined : Number(code);
}

const toolName = (own: JsonObject): string =>
  ownName(str(own.toolName), own.toolArgs ?? own.toolInput ?? null);

const keyOf = (own: JsonObject): string => callKey(toolName(own), own.toolArgs ?? {});

/** The events of one hook call, in order. Never throws for a payload of any shape. */
function mapCopilotHook(payload: JsonObject, context: HookContext): TraceEvent[] {
  const name = eventOf(payload, context.event);
  return new Mapper(ownForm(payload), name, context).events();
}

function eventOf(payload: JsonObject, event: string): string {
  const name = str(payload.hook_event_name) || str(payload.hookName) || event;
  return lookUp(OWN_EVENTS, name) ?? name;
}

class Mapper {
  readonly #payload: JsonObject;
  readonly #name: string;
  readonly #context: HookContext;
  readonly #session: string;
  readonly #time: number;
  /** The subagent that it happens in; empty in the main conversation. */
  readonly #agent: string;

  constructor(own: JsonObject, name: string, context: HookContext) {
    this.#payload = own;
    this.#name = name;
    this.#context = context;
    this.#session = context.sessionId;
    this.#agent = str(own.agentId);
    // Hooks of one moment start in any order: Copilot knows when it fired them, if its clock is ours.
    const fired = Number(firedAt(own)) / 1000;
    const near = Math.abs(fired - context.timestamp) < MAX_LATE_S;
    this.#time = near ? fired : context.timestamp;
  }

  events(): TraceEvent[] {
    const payload = this.#payload;
    switch (this.#name) {
      case 'sessionStart':
        return [this.#sessionStart()];
      case 'sessionEnd':
        return [this.#event('session_end', this.#id(), this.#rest())];
      case 'userPromptSubmitted':
        // A subagent's is its task: the call that started it has it.
        if (this.#agent !== '') return [];
        return [this.#event('user_prompt', this.#id(), this.#rest())];
      case 'userPromptTransformed':
        return [];
      case 'preToolUse':
        return [this.#call()];
      case 'postToolUse':
        return [this.#result()];
      case 'postToolUseFailure':
        return [this.#failure()];
      case 'permissionRequest':
        return [this.#decision('permission', { permission: 'requested', ...this.#asked() })];
      case 'notification':
        return [this.#decision('notification')];
      case 'preCompact':
        return [this.#decision('compaction', { phase: 'start' })];
      case 'agentStop':
        return this.#agent === '' ? [this.#decision('turn_end', {}, this.#id())] : [];
      case 'subagentStart':
        return [this.#subagentStart()];
      case 'subagentStop':
        return [this.#subagentStop()];
      case 'errorOccurred':
        return [this.#error()];
      default:
        return [this.#event('decision', randomEventId(), unknownData(this.#name, payload))];
    }
  }

  #id(): string {
    return momentId(this.#session, this.#name, firedAt(this.#payload));
  }

  #event(
    type: string,
    id: string,
    data: JsonObject,
    more: { parent_id?: string } = {},
  ): TraceEvent {
    const { cwd, agentType } = this.#payload;
    const frame = {
      provider: 'copilot',
      sessionId: this.#session,
      timestamp: this.#time,
      common: { agent_id: this.#agent, ...(this.#agent !== '' && { agent_type: agentType }), cwd },
    } as const;
    return hookEvent(frame, type, id, data, more);
  }

  /** The payload's other fields, by the format's way of naming them. */
  #rest(): JsonObject {
    return restOf(this.#payload, COMMON, (key) =>
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    );
  }

  #decision(subtype: string, more: JsonObject = {}, id = randomEventId()): TraceEvent {
    return this.#event('decision', id, { ...this.#rest(), event_subtype: subtype, ...more });
  }

  #sessionStart(): TraceEvent {
    const { source, transcriptPath } = this.#payload;
    return this.#event('session_start', this.#id(), {
      ...this.#rest(),
      ...startData('copilot', source, transcriptPath, this.#context),
    });
  }

  #call(): TraceEvent {
    return this.#event('tool_call', randomEventId(), {
      tool_name: toolName(this.#payload),
      call_key: keyOf(this.#payload),
      arguments: argumentsOf(this.#payload.toolArgs),
    });
  }

  /**
   * The transcript knows more of most calls: lines of files, the subagent. Of a command whose end is known it does not, and
   * the recorder has looked at the files that it changed.
   */
  #end(type: 'tool_result' | 'error', data: JsonObject): TraceEvent {
    return this.#event(type, randomEventId(), {
      tool_name: toolName(this.#payload),
      call_key: keyOf(this.#payload),
      ...data,
      ...(data.exit_code === undefined && { partial: true }),
    });
  }

  #result(): TraceEvent {
    const result = asObject(this.#payload.toolResult);
    const text = str(result?.textResultForLlm);
    const exit = exitCodeIn(text);
    return this.#end('tool_result', {
      result: text,
      ...(exit !== undefined && { exit_code: exit }),
    });
  }

  #failure(): TraceEvent {
    const text = messageOf(this.#payload.error);
    const exit = exitCodeIn(text);
    return this.#end('error', {
      error: text || 'tool call failed',
      is_error: true,
      ...(exit !== undefined && { exit_code: exit }),
    });
  }

  #asked(): JsonObject {
    return {
      tool_name: toolName(this.#payload),
      arguments: argumentsOf(this.#payload.toolInput ?? this.#payload.toolArgs),
    };
  }

  #subagentStart(): TraceEvent {
    return this.#event('tool_call', subagentId(this.#session, this.#agent), {
      ...this.#rest(),
      event_subtype: 'subagent',
      tool_name: 'Subagent',
    });
  }

  #subagentStop(): TraceEvent {
    const { response, ...rest } = this.#rest();
    const { id, more } = subagentEnd(this.#session, this.#agent);
    const data = { event_subtype: 'subagent', tool_name: 'Subagent', result: str(response) };
    return this.#event('tool_result', id, { ...rest, ...data }, more);
  }

  #error(): TraceEvent {
    const { error, ...rest } = this.#rest();
    const context = str(this.#payload.errorContext);
    return this.#event('error', this.#id(), {
      ...rest,
      ...(context === 'model_call' && { event_subtype: 'api' }),
      error: messageOf(error) || 'error',
      is_error: true,
    });
  }
}

/** An error's words: its stack is of the agent's own code. */
function messageOf(error: Json | undefined): string {
  if (typeof error === 'string') return error;
  return isObject(error) ? str(error.message) || str(error.name) : '';
}

function sessionOf(payload: JsonObject, env: Env): string {
  const own = ownForm(payload);
  const named = sessionIn(str(own.transcriptPath));
  if (named !== '') return named;
  const session = str(own.sessionId);
  const agent = str(own.agentId);
  const parent = str(own.parentAgentId);
  // Hooks of a subagent bear its own id in the place of the session's.
  return agent !== '' && agent === session && parent !== '' ? rootSession(parent, env) : session;
}

function toolOf(payload: JsonObject): HookTool | undefined {
  const own = ownForm(payload);
  const name = toolName(own);
  if (name === '') return undefined;
  return {
    name,
    callId: keyOf(own),
    cwd: cwdOf(own),
    input: argumentsOf(own.toolArgs),
    subagent: str(own.agentId) !== '',
    ...(own.toolResult !== undefined && { response: own.toolResult }),
  };
}

const cwdOf = (payload: JsonObject): string => absolute(payload.cwd);

/** Records the GitHub Copilot CLI. */
export const copilotRecorder: HookRecorder = {
  agent: 'copilot',
  answerer: copilotAnswerer,
  sessionOf,
  eventOf,
  momentOf: (event, payload) => {
    const name = eventOf({}, event);
    if (name !== 'agentStop') return lookUp(MOMENTS, name);
    return str(ownForm(payload).agentId) === '' ? 'turn_end' : undefined;
  },
  map: mapCopilotHook,
  toolOf,
  cwdOf,
  projectOf: (_, env) => env.COPILOT_PROJECT_DIR || env.CLAUDE_PROJECT_DIR,
  transcriptOf: (payload, env) => {
    const named = absolute(ownForm(payload).transcriptPath);
    if (named !== '') return named;
    const session = sessionOf(payload, env);
    return session === '' ? '' : eventsPath(copilotDirs({ env })[0]!, session);
  },
  versionOf: (_, env) => env.COPILOT_CLI_BINARY_VERSION,
  sourceOf: (payload) => str(payload.source),
};
