/**
 * The rows of a Codex rollout → events, for the live reader and for import. Two generations of rows say the same
 * things: items (`item_completed`, `token_usage_record`) since 0.150 or so, events of their own before.
 *
 * Each thing is told by one kind of row: texts, reasoning and calls by the response's items, which every
 * version writes; prompts by events, for among the items stands what Codex says in the user's place; ends of
 * calls by the row that knows the exit code or the changed lines, else by the output.
 */
import { type Json, type JsonObject, TRACE_VERSION, type TraceEvent } from '../../model/event.ts';
import { eventId, ids } from '../../model/ids.ts';
import { readyEvent } from '../../redact/event.ts';
import { redactText } from '../../redact/redact.ts';
import type { RowMapper, RowMapperOptions } from '../agent.ts';
import { asCount, asObject, asString, pruned, rowTime, textOf } from '../rows.ts';
import { codexIds } from './codexIds.ts';
import { type Outcome, outcomeOfOutput, outputText } from './results.ts';
import { askedCall, promptText, type ToolRow, toolRow } from './rolloutItems.ts';
import { madeAt, RolloutState } from './rolloutState.ts';
import { addedTokens, codexUsage, counts } from './rolloutUsage.ts';

/** Names of row types that are counted. */
const MAX_NAMES = 200;
/** Seconds without a row after which a fork's copied rows are over, where nothing else tells. */
const COPY_PAUSE = 1;
/** Tools that the provider runs, within its response. */
const PROVIDED = /^(web_search|image_generation)$/;
/** Calls that hooks tell of. */
const HOOKED = /^(exec_command|shell|shell_command|local_shell|apply_patch|spawn_agent|mcp__.*)$/;

export class RolloutMapper implements RowMapper {
  readonly ignored: Record<string, number> = Object.create(null);
  readonly #options: RowMapperOptions;
  readonly #session: string;
  readonly #agent: string;
  readonly #state: RolloutState;
  /** The row at hand. */
  #events: TraceEvent[] = [];
  #copied = false;
  /** For the end of an import only. */
  #meta: JsonObject | undefined;
  #lastText = '';
  #firstModel = '';
  #title = '';

  constructor(options: RowMapperOptions) {
    this.#options = options;
    this.#session = options.sessionId;
    this.#agent = options.file.agentId;
    this.#state = RolloutState.from(options.state);
  }

  save(): Json {
    return this.#state.save();
  }

  push(value: Json): TraceEvent[] {
    this.#events = [];
    const row = asObject(value);
    const payload = asObject(row?.payload);
    if (row === undefined || payload === undefined) {
      this.#ignore(row === undefined ? 'not an object' : asString(row.type) || 'no type');
      return [];
    }
    const state = this.#state;
    const before = state.time;
    state.time = rowTime(row) || state.time;
    if (state.first === 0) state.first = state.time;
    this.#copied = false;
    this.#turn(payload);
    if (row.type === 'session_meta') this.#sessionMeta(payload);
    this.#copied = this.#isCopied(row, payload, state.time - before);
    this.#row(asString(row.type), payload);
    const told = this.#events;
    this.#events = [];
    const name = [row.type, payload.type ?? ''].map(asString).filter(Boolean).join('/');
    // A thread's copied beginning is told by the thread that it was copied from.
    if (this.#copied && (this.#options.live || this.#agent !== '')) {
      this.#ignore(`copied ${name}`);
      return [];
    }
    if (told.length === 0) this.#ignore(name || 'no type');
    return told;
  }

  finish(): TraceEvent[] {
    const state = this.#state;
    if (state.first === 0) return [];
    this.#events = [];
    this.#copied = false;
    const took = Math.max(0, Math.round((state.time - state.first) * 1000));
    if (this.#agent !== '') {
      this.#add(
        'tool_result',
        ids.subagentEnd(this.#session, this.#agent),
        {
          event_subtype: 'subagent',
          tool_name: 'Subagent',
          agent_type: state.agentType,
          result: this.#lastText,
        },
        { parent_id: ids.subagent(this.#session, this.#agent), duration_ms: took },
      );
      return this.#events;
    }
    const meta = this.#meta;
    const git = asObject(meta?.git);
    this.#add(
      'session_start',
      eventId(this.#session, 'import', 'start'),
      {
        trace_version: TRACE_VERSION,
        mode: 'import',
        model: this.#firstModel,
        cwd: asString(meta?.cwd),
        agent_version: asString(meta?.cli_version),
        git_branch: asString(git?.branch),
        entrypoint: asString(meta?.originator),
        model_provider: asString(meta?.model_provider),
        ...(asString(meta?.forked_from_id) !== '' && { event_subtype: 'fork' }),
        forked_from: asString(meta?.forked_from_id),
        parent_session_id: parentOf(meta),
      },
      { timestamp: state.first },
    );
    this.#add('session_end', eventId(this.#session, 'import', 'end'), {
      reason: 'import',
      duration_ms: took,
      title: this.#title,
    });
    return this.#events;
  }

  #ignore(name: string): void {
    const known = Object.hasOwn(this.ignored, name) || Object.keys(this.ignored).length < MAX_NAMES;
    const key = known ? name.slice(0, 100) : 'others';
    this.ignored[key] = (this.ignored[key] ?? 0) + 1;
  }

  #add(
    type: string,
    id: string,
    data: JsonObject,
    more: { parent_id?: string; duration_ms?: number; timestamp?: number } = {},
  ): void {
    const event: TraceEvent = {
      event_type: type,
      timestamp: this.#state.time,
      event_id: id,
      session_id: this.#session,
      ...more,
      data: {
        recorded_by: 'transcript',
        provider: 'codex',
        ...withoutEmpty(data),
        ...pruned({
          agent_id: this.#agent,
          prompt_id: this.#state.turn,
          copied_from: this.#copied ? this.#state.origin : '',
        }),
      },
    };
    this.#events.push(readyEvent(event, this.#options.redact));
  }

  /** The turn that a row is of: its own word, else that of the rows before it. */
  #turn(payload: JsonObject): void {
    const passed = asObject(payload.internal_chat_message_metadata_passthrough);
    const turn = asString(payload.turn_id) || asString(passed?.turn_id);
    if (turn === '' || turn === this.#state.turn) return;
    this.#state.turn = turn.slice(0, 128);
    this.#state.compactions = 0;
  }

  #sessionMeta(meta: JsonObject): void {
    const state = this.#state;
    const id = asString(meta.id);
    state.rowsOf = id.slice(0, 128);
    if (state.thread !== '') {
      // The copied beginning of a fork holds the beginning of the thread that it was made from.
      if (id === state.thread) return;
      state.copying = true;
      state.origin ||= id.slice(0, 128);
      return;
    }
    state.thread = id.slice(0, 128);
    state.origin = (asString(meta.forked_from_id) || parentOf(meta)).slice(0, 128);
    state.cwd = asString(meta.cwd).slice(0, 4096);
    const start = meta.subagent_history_start_ordinal;
    if (typeof start === 'number') state.ownOrdinal = start;
    this.#meta = meta;
    if (this.#agent === '') return;
    const spawn = asObject(asObject(asObject(meta.source)?.subagent)?.thread_spawn);
    const role = asString(meta.agent_role) || asString(spawn?.agent_role) || 'default';
    state.agentType = role.slice(0, 200);
    this.#add('tool_call', ids.subagent(this.#session, this.#agent), {
      event_subtype: 'subagent',
      tool_name: 'Subagent',
      agent_type: state.agentType,
      description: asString(meta.agent_nickname),
    });
  }

  /** @param pause seconds since the row before */
  #isCopied(row: JsonObject, payload: JsonObject, pause: number): boolean {
    const state = this.#state;
    if (state.origin === '' || row.type === 'session_meta') return state.copying;
    if (state.ownOrdinal >= 0 && typeof row.ordinal === 'number') {
      return row.ordinal < state.ownOrdinal;
    }
    const thread = asString(payload.thread_id);
    if (thread !== '' && row.type === 'token_usage_record') return thread !== state.thread;
    // Turns that are older than the thread are another thread's.
    const [turn, made] = [madeAt(state.turn), madeAt(state.thread)];
    if (turn !== undefined && made !== undefined) state.copying = turn < made;
    else if (pause > COPY_PAUSE) state.copying = false;
    return state.copying;
  }

  #row(type: string, payload: JsonObject): void {
    if (type === 'response_item') this.#item(payload);
    else if (type === 'event_msg') this.#message(payload);
    else if (type === 'token_usage_record') this.#usageRecord(payload);
    else if (type === 'turn_context') this.#turnContext(payload);
    else if (type === 'compacted') this.#compacted(payload);
  }

  #textId(kind: string, text: string): string {
    return ids.text(this.#session, kind, this.#agent, this.#state.turn, text);
  }

  /** What the model said or asked for, and what it was answered. */
  #item(item: JsonObject): void {
    const type = asString(item.type);
    if (type === 'message') {
      const text = textOf(item.content);
      if (item.role !== 'assistant' || text.trim() === '') return;
      this.#lastText = text;
      this.#add('assistant_response', this.#textId('text', text), {
        text,
        phase: asString(item.phase),
        message_id: this.#state.response,
      });
    } else if (type === 'reasoning') {
      const text = [item.summary, item.content].map(textOf).filter(Boolean).join('\n\n');
      if (text.trim() === '') return;
      const id = this.#textId('reasoning', text);
      const message_id = this.#state.response;
      this.#add('assistant_response', id, { event_subtype: 'reasoning', text, message_id });
    } else if (type.endsWith('_output')) {
      this.#output(item);
    } else {
      const call = askedCall(item);
      if (call !== undefined) this.#call(call.id, call.name, call.input);
    }
  }

  /** @param inner not asked for by a response itself */
  #call(id: string, name: string, input: JsonObject, inner = false): void {
    const known = this.#state.calls.has(id);
    // Newer versions tell a response's tokens before its calls run: what a script calls comes too late for it.
    const asked = !inner || !this.#state.records || PROVIDED.test(name);
    this.#state.call(id, name, asked);
    if (known) return;
    if (this.#options.live && !inner && HOOKED.test(name)) {
      const json = JSON.stringify(input);
      this.#state.hold(id, (this.#options.redact ?? true) ? redactText(json, {}) : json);
    } else this.#tellCall(id, name, input);
  }

  #tellCall(id: string, name: string, input: JsonObject, more: { timestamp?: number } = {}): void {
    const data = { tool_name: name, arguments: input, tool_use_id: id, cwd: this.#state.cwd };
    this.#add('tool_call', ids.call(this.#session, id), data, more);
  }

  #output(item: JsonObject): void {
    const id = asString(item.call_id);
    if (id === '') return;
    const call = this.#state.calls.get(id);
    const output = item.type === 'tool_search_output' ? (item.tools ?? null) : item.output;
    const outcome = outcomeOfOutput(output);
    const { failed, exitCode, deniedBy } = outcome;
    if (call?.input !== undefined && failed && exitCode === undefined && deniedBy === undefined) {
      // No hook fires for a call whose arguments are wrong.
      this.#tellCall(id, call.name, inputIn(call.input), { timestamp: call.time });
    }
    if (!this.#state.told.has(id) || deniedBy !== undefined) {
      const spawned = call?.name === 'spawn_agent' ? agentIn(outcome.text) : '';
      this.#end(id, call?.name ?? '', outcome, { subagent_id: spawned });
    }
    // What a command that goes on has printed so far is no end.
    if (outcome.running) return;
    this.#state.calls.delete(id);
    // A command that a person stopped may end, and say so, after that.
    this.#state.tell(id);
  }

  #end(id: string, name: string, outcome: Outcome, more: JsonObject = {}): void {
    const { text, exitCode, failed, deniedBy, interrupted, files } = outcome;
    const start = this.#state.calls.get(id)?.time ?? 0;
    const since = start > 0 ? Math.round((this.#state.time - start) * 1000) : -1;
    const took = outcome.durationMs ?? (since >= 0 ? since : undefined);
    this.#add(
      failed ? 'error' : 'tool_result',
      ids.result(this.#session, id),
      {
        tool_name: name,
        tool_use_id: id,
        ...(deniedBy !== undefined && { event_subtype: 'denied', denied_by: deniedBy }),
        ...(failed
          ? { error: text || (exitCode === undefined ? 'failed' : `exit code ${exitCode}`) }
          : { result: text }),
        ...(failed && { is_error: true }),
        ...(interrupted === true && { is_interrupt: true }),
        ...(exitCode !== undefined && { exit_code: exitCode }),
        ...(files !== undefined && { files: files as unknown as Json }),
        ...pruned(more),
      },
      {
        parent_id: ids.call(this.#session, id),
        ...(took !== undefined && { duration_ms: took }),
      },
    );
  }

  /** A row that knows more of a call's end than its output says. */
  #toolRow({ id, name, input, outcome }: ToolRow, payload: JsonObject): void {
    const known = this.#state.calls.get(id);
    // Asked for inside another call (a script of the model's), or run by the provider.
    if (known === undefined && !this.#state.told.has(id)) this.#call(id, name, input, true);
    const [start, end] = [payload.started_at_ms, payload.completed_at_ms];
    const took = typeof start === 'number' && typeof end === 'number' ? end - start : -1;
    this.#end(id, known?.name ?? name, {
      ...outcome,
      ...(took >= 0 && { durationMs: Math.max(took, outcome.durationMs ?? 0) }),
    });
    if (known === undefined) this.#state.calls.delete(id);
    this.#state.tell(id);
  }

  #message(payload: JsonObject): void {
    const type = asString(payload.type);
    const item = type === 'item_completed' ? asObject(payload.item) : undefined;
    const tool = toolRow(item ?? payload, this.#state.cwd);
    if (tool !== undefined) {
      this.#toolRow(tool, payload);
      return;
    }
    switch (item === undefined ? type : `item ${asString(item.type)}`) {
      case 'user_message':
      case 'item UserMessage':
        this.#prompt(promptText(item ?? payload));
        break;
      case 'item Plan': {
        const text = asString(item?.text);
        if (text.trim() === '') break;
        this.#add('assistant_response', this.#textId('text', text), { text, phase: 'plan' });
        break;
      }
      case 'task_started':
        this.#windowIs(payload.model_context_window);
        break;
      case 'token_count':
        this.#tokenCount(payload);
        break;
      case 'task_complete':
      case 'turn_complete':
        this.#turnEnd({ duration_ms: payload.duration_ms ?? '' });
        break;
      case 'turn_aborted':
        this.#aborted(asString(payload.reason) || 'interrupted');
        break;
      case 'error':
      case 'stream_error':
        this.#apiError(payload);
        break;
      case 'thread_settings_applied':
        this.#state.tier = asString(asObject(payload.thread_settings)?.service_tier).slice(0, 100);
        break;
      case 'thread_name_updated':
        this.#title = asString(payload.thread_name) || this.#title;
        break;
      case 'thread_rolled_back':
        this.#notice(`${Number(payload.num_turns) || 0} turns rolled back`);
        break;
      default:
    }
  }

  #prompt(prompt: string): void {
    if (prompt.trim() === '') return;
    // Older versions give turns no id, and people say "go on" more than once.
    if (/^\d*(\.\d+)?$/.test(this.#state.turn)) this.#state.turn = String(this.#state.time);
    this.#add('user_prompt', this.#textId('prompt', prompt), { prompt });
  }

  #turnEnd(more: JsonObject): void {
    // A subagent's turns end nothing for the person who waits.
    if (this.#agent !== '') return;
    const { turn } = this.#state;
    const id = codexIds.turnEnd(this.#session, this.#agent, turn || String(this.#state.time));
    this.#add('decision', id, { event_subtype: 'turn_end', ...more });
  }

  #aborted(reason: string): void {
    const turn = this.#state.turn || String(this.#state.time);
    this.#add('error', codexIds.interrupt(this.#session, this.#agent, turn), {
      error: reason,
      is_interrupt: true,
    });
    this.#turnEnd({ reason });
  }

  #apiError(payload: JsonObject): void {
    const text = asString(payload.message) || 'API error';
    const info = payload.codex_error_info;
    this.#add('error', this.#textId('api', text), {
      event_subtype: 'api',
      error: text,
      error_type: typeof info === 'string' ? info : outputText(info),
      is_error: true,
    });
  }

  #notice(message: string): void {
    const { turn, time } = this.#state;
    const id = codexIds.notice(this.#session, this.#agent, turn, `${message} ${time}`);
    this.#add('decision', id, { event_subtype: 'notification', message });
  }

  #compacted(payload: JsonObject): void {
    const { turn } = this.#state;
    const nth = String(this.#state.compactions++);
    this.#add('decision', codexIds.compaction(this.#session, this.#agent, turn, nth), {
      event_subtype: 'compaction',
      summary: asString(payload.message),
    });
  }

  #turnContext(payload: JsonObject): void {
    const state = this.#state;
    state.cwd = asString(payload.cwd).slice(0, 4096) || state.cwd;
    const model = asString(payload.model).slice(0, 200);
    const settings = asObject(asObject(payload.collaboration_mode)?.settings);
    const effort = (asString(payload.effort) || asString(settings?.reasoning_effort)).slice(0, 100);
    const changed = state.model !== '' && (model !== state.model || effort !== state.effort);
    if (changed && model !== '') {
      this.#add('decision', codexIds.modelSwitch(this.#session, this.#agent, state.turn), {
        event_subtype: 'model_switch',
        from_model: state.model,
        to_model: model,
        from_effort: state.effort,
        to_effort: effort,
      });
    }
    state.model = model || state.model;
    this.#firstModel ||= state.model;
    state.effort = effort;
  }

  #usageRecord(payload: JsonObject): void {
    const parts = counts(payload.usage);
    this.#state.records = true;
    this.#state.total = counts(payload.thread_token_usage) ?? this.#state.total;
    if (parts === undefined) return;
    this.#usage(parts, asString(payload.response_id).slice(0, 200));
  }

  #tokenCount(payload: JsonObject): void {
    const info = asObject(payload.info);
    this.#windowIs(info?.model_context_window);
    const total = counts(info?.total_token_usage);
    if (total === undefined || this.#state.records) return;
    const parts = addedTokens(total, this.#state.total, counts(info?.last_token_usage));
    this.#state.total = total;
    if (parts === undefined || parts.every((part) => part === 0)) return;
    this.#usage(parts);
  }

  #windowIs(tokens: Json | undefined): void {
    const window = asCount(tokens);
    if (window > 0) this.#state.window = window;
  }

  #usage(parts: readonly number[], responseId = ''): void {
    const asked = [...this.#state.asked];
    const messageId = this.#state.response;
    this.#state.asked.clear();
    this.#state.responded();
    this.#add('llm_response', ids.usage(this.#session, messageId, ''), {
      event_subtype: 'usage',
      model: this.#state.model,
      usage: codexUsage(parts),
      message_id: messageId,
      response_id: responseId,
      ...(this.#state.window > 0 && { context_window: this.#state.window }),
      effort: this.#state.effort,
      service_tier: this.#state.tier,
      ...(asked.length > 0 && { tool_use_ids: asked }),
    });
  }
}

/** The thread that started this one; empty for a person's own. */
export function parentOf(meta: JsonObject | undefined): string {
  const source = asObject(asObject(meta?.source)?.subagent);
  const spawn = asObject(source?.thread_spawn);
  return asString(meta?.parent_thread_id) || asString(spawn?.parent_thread_id);
}

/** Without empty texts; a false, a 0 and an empty result say something. */
function withoutEmpty(data: JsonObject): JsonObject {
  const said = Object.entries(data).filter(
    ([key, value]) => value !== '' || key === 'result' || key === 'error',
  );
  return Object.fromEntries(said);
}

function inputIn(json: string): JsonObject {
  try {
    return asObject(JSON.parse(json)) ?? {};
  } catch {
    // What redaction took was a part of the JSON.
    return {};
  }
}

/** The thread that a spawned agent got. */
const agentIn = (text: string): string =>
  /"agent_id":\s*"([0-9a-f-]{36})"/i.exec(text.slice(0, 2000))?.[1] ?? '';
