/**
 * What Cursor tells its hooks, as events. Pure. From its documentation of August 2026, not from sessions of our own; what
 * published payloads of 3.18 have besides (`output` of a command, `subagent_id` of a subagent that stops) is understood, too.
 *
 * A conversation is a session. A subagent works in a conversation of its own, which names no parent: in its parent's
 * session it is a lane with a beginning and an end, and what it did is a session of its own.
 */
import { callKey } from '../../model/callKey.ts';
import { cutBetween, cutKey, MAX_RESULT_UNITS, set } from '../../model/codec.ts';
import {
  type FileOp,
  type Json,
  type JsonObject,
  TRACE_VERSION,
  type TraceEvent,
} from '../../model/event.ts';
import { intendedFileOps } from '../../model/fileOps.ts';
import { eventId, ids, randomEventId, textHash } from '../../model/ids.ts';
import { oneLine } from '../../model/text.ts';
import { pathArgument, toolKind } from '../../model/tools.ts';
import { LONG_KEYS } from '../../redact/event.ts';
import { AGENTS, type HookContext, type HookRecorder, type Moment } from '../agent.ts';
import { absolutePath } from '../claude/searchHits.ts';
import { asObject, asString as str } from '../claude/usage.ts';
import { editedBy, editedFile, keptEdits } from './edits.ts';
import {
  absolute,
  argumentsOf,
  eventName,
  outputOf,
  toolFolder,
  toolName,
  withoutAddress,
  workspaceOf,
} from './payload.ts';

/** Text above the limit that redaction still sees: it can make a text shorter. */
const MARGIN = 8192;

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

const sessionOf = (payload: JsonObject): string =>
  str(payload.conversation_id) || str(payload.session_id);

const eventOf = (payload: JsonObject, event: string): string =>
  eventName(str(payload.hook_event_name) || event);

const modelOf = (payload: JsonObject): string => str(payload.model_id) || str(payload.model);

/** A subagent as a lane: it has the id of the call that started it, which can be of two lines. */
const laneOf = (id: string): string => id.trim().replace(/\s+/g, '/');

/** Records Cursor: the editor's agent, and its command line. */
export const cursorRecorder: HookRecorder = {
  agent: 'cursor',
  sessionOf,
  eventOf,
  momentOf: (event) =>
    Object.hasOwn(MOMENTS, eventName(event)) ? MOMENTS[eventName(event)] : undefined,
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
  return new Mapper(withoutAddress(payload), context).events();
}

class Mapper {
  readonly #payload: JsonObject;
  readonly #context: HookContext;
  readonly #name: string;
  readonly #session: string;
  /** The turn; empty where it says none, as hooks of a subagent's life do. */
  readonly #turn: string;

  constructor(payload: JsonObject, context: HookContext) {
    this.#payload = payload;
    this.#context = context;
    this.#name = eventOf(payload, context.event);
    this.#session = context.sessionId;
    const turn = str(payload.generation_id);
    this.#turn = turn === sessionOf(payload) ? '' : turn;
  }

  events(): TraceEvent[] {
    switch (this.#name) {
      case 'sessionStart':
        return [this.#sessionStart()];
      case 'sessionEnd':
        return [this.#event('session_end', this.#once('duration_ms', 'reason'), this.#rest())];
      case 'beforeSubmitPrompt':
        return this.#prompt();
      case 'preToolUse':
        return [this.#call()];
      case 'postToolUse':
        return [this.#result()];
      case 'postToolUseFailure':
        return [this.#failure()];
      case 'afterFileEdit':
        return this.#edit();
      case 'subagentStart':
        return [this.#subagentStart()];
      case 'subagentStop':
        return [this.#subagentStop()];
      case 'afterAgentResponse':
        return this.#text('text', {});
      case 'afterAgentThought':
        return this.#text('reasoning', { event_subtype: 'reasoning' });
      case 'preCompact':
        // Its end is not told: this stands for the whole of it.
        return [this.#decision('compaction', this.#once('context_tokens', 'message_count'))];
      case 'stop':
        return this.#stop();
      case 'beforeShellExecution':
      case 'afterShellExecution':
        return this.#olderCall('Shell', { command: str(this.#payload.command) });
      case 'beforeMCPExecution':
      case 'afterMCPExecution':
        return this.#olderCall(
          `MCP:${str(this.#payload.tool_name).replace(/^MCP:/, '')}`,
          argumentsOf(this.#payload.tool_input),
        );
      case 'beforeReadFile':
        return this.#olderRead();
      default:
        return IGNORED.has(this.#name) ? [] : [this.#unknown()];
    }
  }

  #event(
    type: string,
    id: string,
    data: JsonObject,
    more: { parent_id?: string; duration_ms?: number } = {},
  ): TraceEvent {
    const cwd = toolFolder(this.#payload);
    const event: TraceEvent = {
      event_type: type,
      timestamp: this.#context.timestamp,
      event_id: id,
      session_id: this.#session,
      ...more,
      data: {
        provider: 'cursor',
        recorded_by: 'hook',
        ...(this.#turn !== '' && { prompt_id: this.#turn }),
        ...(cwd !== '' && { cwd }),
        ...data,
      },
    };
    // What is far above its limit goes early, so that nothing slow runs over all of it.
    for (const key of LONG_KEYS) cutKey(event.data, key, MAX_RESULT_UNITS + MARGIN, cutBetween);
    return event;
  }

  /** The payload's other fields, in Cursor's words. */
  #rest(): JsonObject {
    const rest: JsonObject = {};
    for (const [key, value] of Object.entries(this.#payload)) {
      if (COMMON.has(key) || value === null || value === '') continue;
      set(rest, RESERVED.has(key) ? `payload_${key}` : key, value);
    }
    return rest;
  }

  /** The id of what a turn tells once: told by a second hook, it is the same. @param keys what tells it apart */
  #once(...keys: string[]): string {
    const marks = keys.map((key) => JSON.stringify(this.#payload[key] ?? null));
    return eventId(this.#session, this.#name, this.#turn, ...marks);
  }

  #decision(subtype: string, id: string): TraceEvent {
    return this.#event('decision', id, { ...this.#rest(), event_subtype: subtype });
  }

  #unknown(): TraceEvent {
    return this.#event('decision', randomEventId(), {
      event_subtype: 'unknown_hook',
      hook_event_name: this.#name,
      payload: this.#payload,
    });
  }

  #startId(): string {
    return eventId(this.#session, 'session_start');
  }

  #sessionStart(): TraceEvent {
    const { agentVersion } = this.#context;
    const model = modelOf(this.#payload);
    const transcript = absolute(this.#payload.transcript_path);
    const { prompt: _, attachments: __, ...rest } = this.#rest();
    return this.#event('session_start', this.#startId(), {
      ...rest,
      trace_version: TRACE_VERSION,
      mode: `${AGENTS.cursor.traceName}-hooks`,
      ...(model !== '' && { model }),
      ...(agentVersion !== undefined && { agent_version: agentVersion }),
      ...(transcript !== '' && { transcript_path: transcript }),
    });
  }

  #prompt(): TraceEvent[] {
    const prompt = str(this.#payload.prompt);
    const model = modelOf(this.#payload);
    const id = ids.text(this.#session, 'prompt', '', this.#turn, prompt);
    const event = this.#event('user_prompt', this.#turn === '' ? randomEventId() : id, {
      ...this.#rest(),
      prompt,
      ...(model !== '' && { model }),
    });
    const begun = this.#context.recorded(this.#startId()) !== 'no';
    return begun ? [event] : [this.#sessionStart(), event];
  }

  /** What names a call: its id, or (older versions) what it is called with. */
  #named(): { useId: string; data: JsonObject } {
    const name = toolName(this.#payload);
    const useId = str(this.#payload.tool_use_id);
    const key = callKey(name, argumentsOf(this.#payload.tool_input));
    return {
      useId,
      data: { tool_name: name, ...(useId === '' ? { call_key: key } : { tool_use_id: useId }) },
    };
  }

  #call(): TraceEvent {
    const { useId, data } = this.#named();
    return this.#event(
      'tool_call',
      useId === '' ? randomEventId() : ids.call(this.#session, useId),
      { ...this.#rest(), ...data, arguments: argumentsOf(this.#payload.tool_input) },
    );
  }

  #end(type: 'tool_result' | 'error', data: JsonObject): TraceEvent {
    const { useId, data: named } = this.#named();
    return this.#event(
      type,
      useId === '' ? randomEventId() : ids.result(this.#session, useId),
      { ...named, ...data },
      {
        ...(useId !== '' && { parent_id: ids.call(this.#session, useId) }),
        ...this.#duration(),
      },
    );
  }

  #duration(): { duration_ms?: number } {
    const ms = this.#payload.duration ?? this.#payload.duration_ms;
    return typeof ms === 'number' && Number.isFinite(ms) && ms >= 0 ? { duration_ms: ms } : {};
  }

  #result(): TraceEvent {
    const { text, exitCode, failed } = outputOf(this.#payload);
    const files = this.#files();
    const useId = str(this.#payload.tool_use_id);
    const kind = toolKind(toolName(this.#payload));
    return this.#end('tool_result', {
      ...this.#rest(),
      result: text,
      ...(exitCode !== undefined && { exit_code: exitCode }),
      ...(failed && { is_error: true }),
      ...(files.length > 0 && { files: files as unknown as Json }),
      ...(kind === 'agent' && useId !== '' && { subagent_id: laneOf(useId) }),
      // `afterFileEdit` knows the lines.
      ...(kind === 'modify' && useId !== '' && { partial: true }),
    });
  }

  #files(): FileOp[] {
    const name = toolName(this.#payload);
    const input = argumentsOf(this.#payload.tool_input);
    const ops = intendedFileOps(toolKind(name), input) ?? [];
    const cwd = toolFolder(this.#payload);
    return ops.map((op) => ({
      ...op,
      path: absolutePath(op.path, cwd),
      ...(name === 'Delete' && { kind: 'delete' as const }),
    }));
  }

  #failure(): TraceEvent {
    const { error_message: message, is_interrupt: interrupted, ...rest } = this.#rest();
    const denied = rest.failure_type === 'permission_denied';
    return this.#end('error', {
      ...rest,
      ...(denied && { event_subtype: 'denied', denied_by: 'permission' }),
      error: str(message) || 'tool call failed',
      is_error: true,
      ...(interrupted === true && { is_interrupt: true }),
    });
  }

  /** The same edit is told by the call's own hooks, too: it is that call's result. */
  #edit(): TraceEvent[] {
    const cwd = workspaceOf(this.#payload);
    const path = absolutePath(str(this.#payload.file_path), cwd);
    if (path === '') return [this.#unknown()];
    const { edits } = this.#payload;
    const data = {
      files: [editedFile(path, edits)] as unknown as Json,
      edits: keptEdits(edits),
    };
    const by = editedBy(path, this.#turn, cwd, this.#context);
    if (by === 'told') return [];
    if (by !== 'none') {
      const { tool_name = 'Write', tool_use_id: useId } = by.call.data;
      const id = str(useId);
      return [
        this.#event(
          'tool_result',
          id === '' ? randomEventId() : ids.result(this.#session, id),
          { tool_name, ...(id !== '' && { tool_use_id: id }), ...data },
          { parent_id: by.call.event_id },
        ),
      ];
    }
    const marks = [this.#turn, path, textHash(JSON.stringify(edits ?? null))];
    const call = eventId(this.#session, 'edit', ...marks);
    const named = { tool_name: 'Write' };
    return [
      this.#event('tool_call', call, { ...named, arguments: { file_path: path } }),
      this.#event(
        'tool_result',
        eventId(this.#session, 'edit', ...marks, 'result'),
        { ...named, ...data },
        { parent_id: call },
      ),
    ];
  }

  /**
   * Hooks of single tools, which have no ids. We do not ask for them, but an entry of somebody's own may be there: where the
   * call's own hook has told of it, there is nothing to add.
   */
  #olderCall(name: string, input: JsonObject): TraceEvent[] {
    const key = callKey(name, input);
    const isEnd = this.#name.startsWith('after');
    const told = (this.#context.recent?.('"tool_use_id"') ?? []).some(
      ({ event_type, data }) =>
        event_type === 'tool_call' &&
        str(data.prompt_id) === this.#turn &&
        sameCall(name, input, data),
    );
    if (told) return [];
    const named = { tool_name: name, call_key: key };
    if (!isEnd) return [this.#event('tool_call', randomEventId(), { ...named, arguments: input })];
    const given = this.#payload.output ?? this.#payload.result_json;
    const { text } = outputOf({ tool_output: given ?? '' });
    return [
      this.#event('tool_result', randomEventId(), { ...named, result: text }, this.#duration()),
    ];
  }

  /** Of a read only that it happens: its payload holds the whole file. */
  #olderRead(): TraceEvent[] {
    const cwd = workspaceOf(this.#payload);
    const path = absolutePath(str(this.#payload.file_path), cwd);
    if (path === '') return [];
    const told = (this.#context.recent?.(path.split(/[\\/]/).at(-1) ?? '') ?? []).some(
      ({ event_type, data }) =>
        event_type === 'tool_call' &&
        str(data.prompt_id) === this.#turn &&
        absolutePath(pathArgument(asObject(data.arguments) ?? {}) ?? '', cwd) === path,
    );
    return told ? [] : [this.#event('file_read', this.#once('file_path'), { path })];
  }

  #subagent(): JsonObject {
    const type = str(this.#payload.subagent_type);
    const id = this.#lane();
    return {
      event_subtype: 'subagent',
      tool_name: 'Subagent',
      ...(id !== '' && { agent_id: id }),
      ...(type !== '' && { agent_type: type }),
    };
  }

  #lane(): string {
    return laneOf(str(this.#payload.subagent_id) || str(this.#payload.tool_call_id));
  }

  #subagentStart(): TraceEvent {
    const id = this.#lane();
    const useId = str(this.#payload.tool_call_id);
    const task = str(this.#payload.task);
    return this.#event('tool_call', id === '' ? randomEventId() : ids.subagent(this.#session, id), {
      ...this.#rest(),
      ...(task !== '' && { description: oneLine(task) }),
      ...this.#subagent(),
      ...(useId !== '' && { tool_use_id: useId }),
    });
  }

  /** The documentation has no id here: then it ends a subagent, and nobody knows which. */
  #subagentStop(): TraceEvent {
    const id = this.#lane();
    const { summary, ...rest } = this.#rest();
    return this.#event(
      'tool_result',
      id === '' ? randomEventId() : ids.subagentEnd(this.#session, id),
      { ...rest, ...this.#subagent(), result: str(summary) },
      {
        ...(id !== '' && { parent_id: ids.subagent(this.#session, id) }),
        ...this.#duration(),
      },
    );
  }

  #text(kind: string, more: JsonObject): TraceEvent[] {
    const text = str(this.#payload.text);
    if (text.trim() === '') return [];
    const id = ids.text(this.#session, kind, '', this.#turn, text);
    return [
      this.#event(
        'assistant_response',
        this.#turn === '' ? randomEventId() : id,
        { ...this.#rest(), text, ...more },
        this.#duration(),
      ),
    ];
  }

  /**
   * Tokens that a real Cursor tells here stay as they are: they are sums of a turn, so no response's, and undocumented. Priced as
   * one response they would come out wrong.
   */
  #stop(): TraceEvent[] {
    const end = this.#decision('turn_end', this.#once('loop_count'));
    if (this.#payload.status !== 'error') return [end];
    const error = str(this.#payload.error_message) || 'The turn ended with an error.';
    const id = eventId(this.#session, 'turn_error', this.#turn, String(this.#payload.loop_count));
    return [this.#event('error', id, { error, is_error: true }), end];
  }
}

function sameCall(name: string, input: JsonObject, data: JsonObject): boolean {
  if (str(data.tool_name) !== name) return false;
  const args = asObject(data.arguments) ?? {};
  // Redaction may have changed the command: a call of the same turn that nobody can tell apart is the same.
  if (name === 'Shell') return str(args.command) === str(input.command) || 'redacted' in data;
  return callKey(name, args) === callKey(name, input) || 'redacted' in data;
}
