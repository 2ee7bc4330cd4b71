/**
 * What Claude Code tells its hooks, as events. Pure: what it needs to know of the world is given.
 *
 * Claude's names for events and fields are its contract; whatever is not understood is kept whole as
 * `decision` + `unknown_hook`, so that a newer Claude loses nothing.
 */
import { MAX_RESULT_UNITS } from '../../model/codec.ts';
import { isObject, type Json, type JsonObject, type TraceEvent } from '../../model/event.ts';
import { ids, randomEventId } from '../../model/ids.ts';
import type { HookContext } from '../agent.ts';
import {
  hookEvent,
  lookUp,
  MARGIN,
  restOf,
  startData,
  subagentEnd,
  subagentId,
  unknownData,
} from '../hookEvents.ts';
import { argumentsOf, asString as str } from '../rows.ts';
import { exitCodeOf, filesOf } from './toolResult.ts';

/** Events that say nothing of their own, or far too much. */
const IGNORED = new Set(['MessageDisplay', 'WorktreeCreate']);

/** Fields of every payload, and those that only help Claude. */
const COMMON = new Set([
  'session_id',
  'transcript_path',
  'cwd',
  'hook_event_name',
  'prompt_id',
  'permission_mode',
  'agent_id',
  'agent_type',
  'effort',
  'scratchpad_dir',
  'stop_hook_active',
  'session_crons',
  'background_tasks',
]);

/** Events that are a `decision` of one kind, with the payload's own fields in `data`. */
const DECISIONS: Record<string, { subtype: string; more?: JsonObject }> = {
  Notification: { subtype: 'notification' },
  PermissionRequest: { subtype: 'permission', more: { permission: 'requested' } },
  PreCompact: { subtype: 'compaction', more: { phase: 'start' } },
  PostCompact: { subtype: 'compaction', more: { phase: 'end' } },
  PreModelSwitch: { subtype: 'model_switch', more: { phase: 'start' } },
  PostModelSwitch: { subtype: 'model_switch', more: { phase: 'end' } },
  ConfigChange: { subtype: 'config_change' },
  CwdChanged: { subtype: 'cwd' },
  TaskCreated: { subtype: 'task', more: { phase: 'created' } },
  TaskCompleted: { subtype: 'task', more: { phase: 'completed' } },
  TeammateIdle: { subtype: 'task', more: { phase: 'idle' } },
  Elicitation: { subtype: 'elicitation', more: { phase: 'requested' } },
  ElicitationResult: { subtype: 'elicitation', more: { phase: 'answered' } },
};

/** Their names in `data`, where the payload's would clash with the format's. */
const RENAMED: Record<string, string> = {
  tool_input: 'arguments',
  compact_summary: 'summary',
  error: 'error_type',
};

/**
 * The events of one hook call, in order. Never throws for a payload of any shape.
 *
 * Nothing is redacted yet; the longest texts are cut a little above their limit, as `data.truncated` says.
 */
export function mapClaudeHook(payload: JsonObject, context: HookContext): TraceEvent[] {
  return new Mapper(payload, context).events();
}

class Mapper {
  readonly #payload: JsonObject;
  readonly #context: HookContext;
  readonly #session: string;

  constructor(payload: JsonObject, context: HookContext) {
    this.#payload = payload;
    this.#context = context;
    this.#session = context.sessionId;
  }

  events(): TraceEvent[] {
    const name = str(this.#payload.hook_event_name) || this.#context.event;
    if (IGNORED.has(name)) return [];
    const decision = lookUp(DECISIONS, name);
    if (decision !== undefined) return [this.#decision(decision.subtype, decision.more)];
    switch (name) {
      case 'SessionStart':
        return [this.#sessionStart()];
      case 'SessionEnd':
        return [this.#event('session_end', randomEventId(), this.#rest())];
      case 'UserPromptSubmit':
        return [this.#prompt()];
      case 'PreToolUse':
        return [this.#call(this.#payload)];
      case 'PostToolUse':
        return [this.#result()];
      case 'PostToolUseFailure':
        return [this.#failure()];
      case 'PermissionDenied':
        return [
          this.#denied(this.#payload, str(this.#payload.reason), { denied_by: 'classifier' }),
        ];
      case 'PostToolBatch':
        return this.#batch();
      case 'Stop':
        return [this.#turnEnd(), this.#stop()];
      case 'StopFailure':
        return [this.#stopFailure(), this.#turnEnd()];
      case 'SubagentStart':
        return [this.#subagentStart()];
      case 'SubagentStop':
        return [this.#subagentStop()];
      case 'InstructionsLoaded':
        return [this.#instructions()];
      default:
        return [this.#event('decision', randomEventId(), unknownData(name, this.#payload))];
    }
  }

  #event(
    type: string,
    id: string,
    data: JsonObject,
    more: { parent_id?: string; duration_ms?: number } = {},
  ): TraceEvent {
    const { agent_id, agent_type, prompt_id, cwd, permission_mode } = this.#payload;
    const { sessionId, timestamp } = this.#context;
    const common = { agent_id, agent_type, prompt_id, cwd, permission_mode };
    return hookEvent({ provider: 'claude', sessionId, timestamp, common }, type, id, data, more);
  }

  /** The payload's own fields, under the format's names. */
  #rest(): JsonObject {
    return restOf(this.#payload, COMMON, (key) => lookUp(RENAMED, key) ?? key);
  }

  #decision(subtype: string, more: JsonObject = {}): TraceEvent {
    const rest = this.#rest();
    if ('arguments' in rest) rest.arguments = argumentsOf(rest.arguments);
    return this.#event('decision', randomEventId(), { ...rest, event_subtype: subtype, ...more });
  }

  #sessionStart(): TraceEvent {
    const { entrypoint } = this.#context;
    const { source, transcript_path } = this.#payload;
    return this.#event('session_start', randomEventId(), {
      ...this.#rest(),
      ...startData('claude', source, transcript_path, this.#context),
      ...(entrypoint !== undefined && { entrypoint }),
    });
  }

  #prompt(): TraceEvent {
    const id = str(this.#payload.prompt_id);
    return this.#event('user_prompt', id === '' ? randomEventId() : ids.prompt(this.#session, id), {
      ...this.#rest(),
      prompt: str(this.#payload.prompt),
    });
  }

  #call(from: JsonObject, more: JsonObject = {}): TraceEvent {
    const useId = str(from.tool_use_id);
    const server = this.#payload.mcp_server;
    return this.#event('tool_call', useId === '' ? randomEventId() : this.#callId(useId), {
      tool_name: str(from.tool_name),
      ...(useId !== '' && { tool_use_id: useId }),
      ...(isObject(server) && typeof server.name === 'string' && { mcp_server: server.name }),
      arguments: argumentsOf(from.tool_input),
      ...more,
    });
  }

  /** An end of a call. @param from what names the call: the payload, or one entry of a batch */
  #end(type: 'tool_result' | 'error', from: JsonObject, data: JsonObject): TraceEvent {
    const useId = str(from.tool_use_id);
    const duration = from.duration_ms;
    return this.#event(
      type,
      useId === '' ? randomEventId() : ids.result(this.#session, useId),
      {
        tool_name: str(from.tool_name),
        ...(useId !== '' && { tool_use_id: useId }),
        ...data,
      },
      {
        ...(useId !== '' && { parent_id: this.#callId(useId) }),
        ...(typeof duration === 'number' && Number.isFinite(duration) && { duration_ms: duration }),
      },
    );
  }

  #callId(useId: string): string {
    return ids.call(this.#session, useId);
  }

  #result(): TraceEvent {
    const payload = this.#payload;
    const tool = str(payload.tool_name);
    const input = argumentsOf(payload.tool_input);
    const response = payload.tool_response;
    const files = filesOf(tool, response, { input, cwd: str(payload.cwd) });
    return this.#end('tool_result', payload, {
      result: resultText(tool, input, response),
      ...resultFacts(response),
      ...(files.length > 0 && { files: files as unknown as Json }),
    });
  }

  #failure(): TraceEvent {
    const error = errorText(this.#payload.error);
    const code = exitCodeOf(error);
    return this.#end('error', this.#payload, {
      error: error || 'tool call failed',
      is_error: true,
      ...(code !== undefined && { exit_code: code }),
      ...(this.#payload.is_interrupt === true && { is_interrupt: true }),
    });
  }

  #denied(from: JsonObject, reason: string, more: JsonObject): TraceEvent {
    return this.#end('error', from, {
      event_subtype: 'denied',
      error: reason || 'denied',
      is_error: true,
      ...more,
    });
  }

  /**
   * The end of a model message's calls. Each call that ran has told of its end by now (PostToolUse,
   * PostToolUseFailure, PermissionDenied: hooks are synchronous), so a call whose end the trace does not
   * hold never ran, and is closed here. Where the trace cannot tell, only a text that says so is
   * taken for a denial. A reader lets any other word of the same event id stand over `closed_by`.
   */
  #batch(): TraceEvent[] {
    const entries = this.#payload.tool_calls;
    const events: TraceEvent[] = [];
    if (!Array.isArray(entries)) return events;
    for (const entry of entries) {
      if (!isObject(entry) || str(entry.tool_use_id) === '') continue;
      const useId = str(entry.tool_use_id);
      if (this.#context.recorded(ids.result(this.#session, useId)) === 'yes') continue;
      const call = this.#context.recorded(this.#callId(useId));
      const by = { closed_by: 'PostToolBatch' };
      // A call that fails validation, or names no tool, fires no hook of its own.
      if (call === 'no') events.push(this.#call(entry, by));
      events.push(this.#closing(entry, call === 'yes', by));
    }
    return events;
  }

  #closing(entry: JsonObject, calledAndNeverEnded: boolean, by: JsonObject): TraceEvent {
    const text = blocksText(entry.tool_response);
    const invalid = /^<tool_use_error>([\s\S]*?)(<\/tool_use_error>)?$/.exec(text);
    if (invalid !== null)
      return this.#end('error', entry, { error: invalid[1]!, is_error: true, ...by });
    const code = exitCodeOf(text);
    if (code !== undefined) {
      return this.#end('error', entry, { error: text, is_error: true, exit_code: code, ...by });
    }
    if (/^PreToolUse:\S+ hook (error|blocked)/.test(text)) {
      return this.#denied(entry, text, { denied_by: 'hook', ...by });
    }
    if (/^The user doesn't want to (proceed|take this action)/.test(text)) {
      return this.#denied(entry, text, { denied_by: 'user', ...by });
    }
    if (calledAndNeverEnded) return this.#denied(entry, text, { denied_by: 'permission', ...by });
    return this.#end('tool_result', entry, { result: text, ...by });
  }

  /** The agent waits for a prompt now; its background tasks go on. */
  #turnEnd(): TraceEvent {
    const tasks = this.#payload.background_tasks;
    const said = str(this.#payload.last_assistant_message);
    return this.#event('decision', this.#textId('turn_end', said), {
      event_subtype: 'turn_end',
      ...(Array.isArray(tasks) && tasks.length > 0 && { background_tasks: tasks.length }),
    });
  }

  #stop(): TraceEvent {
    const text = str(this.#payload.last_assistant_message);
    return this.#event('assistant_response', this.#textId('text', text), {
      text,
      hook_event: 'stop',
    });
  }

  #stopFailure(): TraceEvent {
    const kind = str(this.#payload.error);
    const said = str(this.#payload.last_assistant_message);
    const details = errorText(this.#payload.error_details);
    // The transcript's row of the same failure has the message as its text.
    return this.#event('error', this.#textId('api', said), {
      event_subtype: 'api',
      error: said || details || kind || 'API error',
      ...(kind !== '' && { error_type: kind }),
      ...(details !== '' && said !== '' && { error_details: details }),
      is_error: true,
    });
  }

  #textId(kind: string, text: string): string {
    if (text.trim() === '') return randomEventId();
    const { agent_id: agent, prompt_id: prompt } = this.#payload;
    return ids.text(this.#session, kind, str(agent), str(prompt), text);
  }

  #subagentStart(): TraceEvent {
    const id = subagentId(this.#session, str(this.#payload.agent_id));
    return this.#event('tool_call', id, { event_subtype: 'subagent', tool_name: 'Subagent' });
  }

  #subagentStop(): TraceEvent {
    const { id, more } = subagentEnd(this.#session, str(this.#payload.agent_id));
    const transcript = str(this.#payload.agent_transcript_path);
    const data = {
      event_subtype: 'subagent',
      tool_name: 'Subagent',
      result: str(this.#payload.last_assistant_message),
      ...(transcript !== '' && { agent_transcript_path: transcript }),
    };
    return this.#event('tool_result', id, data, more);
  }

  #instructions(): TraceEvent {
    const path = str(this.#payload.file_path);
    const { file_path: _, ...rest } = this.#rest();
    return this.#event('file_read', randomEventId(), {
      ...rest,
      event_subtype: 'instructions',
      path,
      ...(path !== '' && { files: [{ path, kind: 'read' }] }),
    });
  }
}

function errorText(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : blocksText(value);
}

/** The text of content blocks, as the model sees them; other values as JSON. */
function blocksText(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  if (content === undefined || content === null) return '';
  if (!Array.isArray(content)) return JSON.stringify(content);
  const parts = content.map((block) => {
    if (!isObject(block)) return typeof block === 'string' ? block : JSON.stringify(block);
    if (typeof block.text === 'string') return block.text;
    // Images and the like: megabytes of base64 that nobody reads.
    return typeof block.type === 'string' ? `[${block.type}]` : JSON.stringify(block);
  });
  return parts.join('\n');
}

/**
 * The text that the model saw for a structured response, where it follows from it; for Edit and Write
 * the first sentence of what Claude says.
 */
function resultText(tool: string, input: JsonObject, response: Json | undefined): string {
  if (!isObject(response)) return blocksText(response);
  if ('stdout' in response || 'stderr' in response) return shellText(response);
  const { file, filePath } = response;
  if (isObject(file) && typeof file.content === 'string' && 'numLines' in file) {
    return numbered(file.content, file.startLine);
  }
  if (isObject(file) && typeof response.type === 'string') return `[${response.type}]`;
  if (typeof filePath === 'string' && ('structuredPatch' in response || tool === 'Write')) {
    return response.type === 'create'
      ? `File created successfully at: ${filePath}`
      : `The file ${filePath} has been updated successfully.`;
  }
  if (Array.isArray(response.filenames)) return searchText(response);
  if (response.status === 'async_launched') {
    return `Async agent launched successfully.\nagentId: ${str(response.agentId)}`;
  }
  for (const key of ['result', 'content', 'text', 'message', 'output']) {
    const value = response[key];
    if (typeof value === 'string' || Array.isArray(value)) return blocksText(value);
  }
  // Claude echoes the input in some responses; the call has it already.
  const rest = Object.entries(response).filter(([key, value]) => input[key] !== value);
  return rest.length === 0 ? '' : JSON.stringify(Object.fromEntries(rest));
}

function shellText(response: JsonObject): string {
  const task = str(response.backgroundTaskId);
  if (task !== '') return `Command running in background with ID: ${task}.`;
  if (response.isImage === true) return '[image]';
  const parts = [str(response.stdout), str(response.stderr)].filter((part) => part !== '');
  return parts.join('\n') || '(Bash completed with no output)';
}

function numbered(content: string, start: Json | undefined): string {
  const first = typeof start === 'number' && Number.isSafeInteger(start) ? start : 1;
  // No line number is worth numbering what will be cut away.
  const shown = content.slice(0, MAX_RESULT_UNITS + MARGIN * 2);
  const text = shown
    .split('\n')
    .map((line, i) => `${first + i}\t${line}`)
    .join('\n');
  return shown.length === content.length ? text : text + content.slice(shown.length);
}

function searchText(response: JsonObject): string {
  if (typeof response.content === 'string' && response.content !== '') return response.content;
  const names = (response.filenames as Json[]).filter((name) => typeof name === 'string');
  return names.length === 0 ? 'No files found' : names.join('\n');
}

/** What a response says besides its text. */
function resultFacts(response: Json | undefined): JsonObject {
  if (!isObject(response)) return {};
  const facts: JsonObject = {};
  if ('stdout' in response && response.backgroundTaskId === undefined) {
    // PostToolUse fires for commands that succeeded; a code that only means "nothing found" is told in words.
    if (response.interrupted === true) facts.is_interrupt = true;
    else if (typeof response.returnCodeInterpretation === 'string') {
      facts.return_code_interpretation = response.returnCodeInterpretation;
    } else facts.exit_code = 0;
  }
  if (typeof response.backgroundTaskId === 'string') facts.task_id = response.backgroundTaskId;
  if (typeof response.agentId === 'string') {
    // Which subagent an Agent call started: only its result says so.
    facts.subagent_id = response.agentId;
    for (const [key, name] of [
      ['status', 'subagent_status'],
      ['resolvedModel', 'subagent_model'],
      ['totalTokens', 'subagent_total_tokens'],
    ] as const) {
      const value = response[key];
      if (typeof value === 'string' || typeof value === 'number') facts[name] = value;
    }
  }
  if (response.userModified === true) facts.user_modified = true;
  return facts;
}
