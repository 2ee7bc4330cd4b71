/**
 * Codex's hooks as events. A hook knows no exit code, and no line of an edit: its results are `partial`, and
 * the rollout's stand. Tokens are left to the rollout altogether, for hooks do not name the response.
 */
import { isObject, type Json, type JsonObject, type TraceEvent } from '../../model/event.ts';
import { ids, randomEventId } from '../../model/ids.ts';
import type { HookContext, HookRecorder, Moment } from '../agent.ts';
import {
  type HookFrame,
  hookEvent,
  lookUp,
  restOf,
  startData,
  subagentEnd,
  subagentId,
  unknownData,
} from '../hookEvents.ts';
import { argumentsOf, asString as str } from '../rows.ts';
import { codexAnswerer } from './answer.ts';
import { codexIds } from './codexIds.ts';
import { patchTextFiles } from './patch.ts';
import { exitCodeOf, outputText } from './results.ts';

const MOMENTS: Record<string, Moment> = {
  SessionStart: 'session_start',
  SessionEnd: 'session_end',
  Stop: 'turn_end',
  Interrupt: 'turn_end',
  SubagentStop: 'subagent_end',
  PreToolUse: 'before_tool',
  PostToolUse: 'after_tool',
};

/** Fields of every payload. */
const COMMON = new Set([
  'session_id',
  'transcript_path',
  'cwd',
  'hook_event_name',
  'turn_id',
  'permission_mode',
  'agent_id',
  'agent_type',
  'model',
  'stop_hook_active',
]);

const nameOf = (key: string): string => (key === 'tool_input' ? 'arguments' : key);

export const codexRecorder: HookRecorder = {
  agent: 'codex',
  answerer: codexAnswerer,
  sessionOf: (payload) => str(payload.session_id),
  eventOf: (payload, event) => str(payload.hook_event_name) || event,
  momentOf: (event) => lookUp(MOMENTS, event),
  map: (payload, context) => new Mapper(payload, context).events(),
  toolOf: (payload) => ({
    name: str(payload.tool_name),
    callId: str(payload.tool_use_id),
    cwd: str(payload.cwd),
    input: argumentsOf(payload.tool_input),
    ...(payload.tool_response !== undefined && { response: payload.tool_response }),
  }),
  cwdOf: ({ cwd }) => str(cwd),
  // Inside a subagent it is the subagent's: the session's is found by its id.
  transcriptOf: (payload) => {
    const path = str(payload.transcript_path);
    const session = str(payload.session_id);
    return session !== '' && path.includes(session) ? path : '';
  },
  sourceOf: ({ source }) => str(source),
};

class Mapper {
  readonly #payload: JsonObject;
  readonly #context: HookContext;
  readonly #session: string;
  readonly #agent: string;
  readonly #turn: string;
  readonly #frame: HookFrame;

  constructor(payload: JsonObject, context: HookContext) {
    this.#payload = payload;
    this.#context = context;
    this.#session = context.sessionId;
    this.#agent = str(payload.agent_id);
    this.#turn = str(payload.turn_id);
    const { agent_id, agent_type, cwd, permission_mode } = payload;
    this.#frame = {
      provider: 'codex',
      sessionId: context.sessionId,
      timestamp: context.timestamp,
      common: { agent_id, agent_type, cwd, permission_mode, prompt_id: this.#turn },
    };
  }

  events(): TraceEvent[] {
    const name = str(this.#payload.hook_event_name) || this.#context.event;
    switch (name) {
      case 'SessionStart':
        return [this.#sessionStart()];
      case 'SessionEnd':
        return [this.#event('session_end', randomEventId(), this.#rest())];
      case 'UserPromptSubmit':
        return [this.#prompt()];
      case 'PreToolUse':
        return [this.#call()];
      case 'PostToolUse':
        return [this.#result()];
      case 'PermissionRequest':
        return [this.#decision('permission', { permission: 'requested' })];
      case 'PreCompact':
        return [this.#decision('compaction', { phase: 'start' })];
      case 'PostCompact':
        return [this.#decision('compaction', { phase: 'end' })];
      case 'Stop':
        return [this.#turnEnd(), ...this.#lastText()];
      case 'Interrupt':
        return this.#interrupt();
      case 'SubagentStart':
        return [this.#subagentStart()];
      case 'SubagentStop':
        return [this.#subagentStop()];
      case 'PreModelRequest':
        return [];
      case 'PostModelRequest':
        return this.#modelError();
      default:
        return [this.#event('decision', randomEventId(), unknownData(name, this.#payload))];
    }
  }

  #event(
    type: string,
    id: string,
    data: JsonObject,
    more: { parent_id?: string } = {},
  ): TraceEvent {
    return hookEvent(this.#frame, type, id, data, more);
  }

  /** The payload's own fields, under the format's names. */
  #rest(): JsonObject {
    return restOf(this.#payload, COMMON, nameOf);
  }

  #decision(subtype: string, more: JsonObject = {}): TraceEvent {
    const rest = this.#rest();
    if ('arguments' in rest) rest.arguments = argumentsOf(rest.arguments);
    return this.#event('decision', randomEventId(), { ...rest, event_subtype: subtype, ...more });
  }

  #sessionStart(): TraceEvent {
    const { source, model, transcript_path: transcript } = this.#payload;
    return this.#event('session_start', randomEventId(), {
      ...this.#rest(),
      ...startData('codex', source, transcript, this.#context),
      ...(str(model) !== '' && { model: str(model) }),
    });
  }

  #prompt(): TraceEvent {
    const prompt = str(this.#payload.prompt);
    const id = this.#textId('prompt', prompt);
    return this.#event('user_prompt', id, { ...this.#rest(), prompt });
  }

  #call(): TraceEvent {
    const useId = str(this.#payload.tool_use_id);
    return this.#event(
      'tool_call',
      useId === '' ? randomEventId() : ids.call(this.#session, useId),
      {
        tool_name: str(this.#payload.tool_name),
        ...(useId !== '' && { tool_use_id: useId }),
        arguments: argumentsOf(this.#payload.tool_input),
      },
    );
  }

  #result(): TraceEvent {
    const payload = this.#payload;
    const useId = str(payload.tool_use_id);
    const tool = str(payload.tool_name);
    const result = outputText(payload.tool_response);
    const patch = tool === 'apply_patch' ? str(argumentsOf(payload.tool_input).command) : '';
    const code = patch === '' ? undefined : exitCodeOf(result);
    const failed = (code ?? 0) !== 0;
    const files = patch === '' || failed ? [] : patchTextFiles(patch, str(payload.cwd));
    return this.#event(
      failed ? 'error' : 'tool_result',
      useId === '' ? randomEventId() : ids.result(this.#session, useId),
      {
        tool_name: tool,
        ...(useId !== '' && { tool_use_id: useId }),
        ...(failed ? { error: result, is_error: true } : { result }),
        ...(code !== undefined && { exit_code: code }),
        ...(files.length > 0 && { files: files as unknown as Json }),
        partial: true,
      },
      useId === '' ? {} : { parent_id: ids.call(this.#session, useId) },
    );
  }

  #turnEnd(): TraceEvent {
    return this.#event('decision', this.#turnId('turnEnd'), { event_subtype: 'turn_end' });
  }

  #lastText(): TraceEvent[] {
    const text = str(this.#payload.last_assistant_message);
    if (text.trim() === '') return [];
    return [
      this.#event('assistant_response', this.#textId('text', text), { text, hook_event: 'stop' }),
    ];
  }

  #interrupt(): TraceEvent[] {
    return [
      this.#event('error', this.#turnId('interrupt'), {
        error: 'interrupted',
        is_interrupt: true,
      }),
      this.#event('decision', this.#turnId('turnEnd'), {
        event_subtype: 'turn_end',
        reason: 'interrupted',
      }),
    ];
  }

  /** Only failures: tokens are the rollout's, which names the response. */
  #modelError(): TraceEvent[] {
    const { error, status } = this.#payload;
    const said = typeof error === 'string' ? error : isObject(error) ? outputText(error) : '';
    if (said === '' && (str(status) === '' || status === 'completed')) return [];
    const text = said || `model request ${str(status)}`;
    return [
      this.#event('error', this.#textId('api', text), {
        event_subtype: 'api',
        error: text,
        is_error: true,
      }),
    ];
  }

  #subagentStart(): TraceEvent {
    return this.#event('tool_call', subagentId(this.#session, this.#agent), {
      event_subtype: 'subagent',
      tool_name: 'Subagent',
    });
  }

  #subagentStop(): TraceEvent {
    const transcript = str(this.#payload.agent_transcript_path);
    const { id, more } = subagentEnd(this.#session, this.#agent);
    return this.#event(
      'tool_result',
      id,
      {
        event_subtype: 'subagent',
        tool_name: 'Subagent',
        result: str(this.#payload.last_assistant_message),
        ...(transcript !== '' && { agent_transcript_path: transcript }),
      },
      more,
    );
  }

  #textId(kind: string, text: string): string {
    if (text.trim() === '') return randomEventId();
    return ids.text(this.#session, kind, this.#agent, this.#turn, text);
  }

  #turnId(kind: 'turnEnd' | 'interrupt'): string {
    if (this.#turn === '') return randomEventId();
    return codexIds[kind](this.#session, this.#agent, this.#turn);
  }
}
