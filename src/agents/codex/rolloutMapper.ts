/**
 * One rollout's rows → events, for import and for what hooks do not tell. Rows of all Codex versions since
 * 0.4x: see `rolloutItems.ts` for how they tell of a call's end.
 *
 * Pure: rows in, events out.
 */
import {
  type FileOp,
  type Json,
  type JsonObject,
  TRACE_VERSION,
  type TraceEvent,
} from '../../model/event.ts';
import { eventId, ids, textHash } from '../../model/ids.ts';
import { readyEvent } from '../../redact/event.ts';
import type { RowMapper, RowMapperOptions } from '../agent.ts';
import { asObject, asString, pruned, rowTime, textOf } from '../claude/usage.ts';
import { folderOf } from './changes.ts';
import { type Call, MapperState, short, uuidTime } from './mapperState.ts';
import {
  type Done,
  doneByEvent,
  doneByItem,
  inputOf,
  readOutput,
  scriptOf,
} from './rolloutItems.ts';
import { codexUsage, usageBetween, usageKey } from './usage.ts';

/** Longest arguments, as JSON, that wait for a call's end; and the calls that do so at once. */
const MAX_HELD = 6000;
const MAX_HELD_CALLS = 6;
/** Rows of a fork's beginning are written in one go, with no more than so many seconds between two. */
const BURST = 1;
/** The time of a prompt, in place of a turn's id. */
const NO_TURN = /^[\d.]*$/;
/** What ends a call that hooks have told of. */
const HOOKED = /^(exec_command|apply_patch|mcp__)/;

export class RolloutMapper implements RowMapper {
  readonly ignored: Record<string, number> = Object.create(null);
  readonly #session: string;
  readonly #agent: string;
  readonly #redact: boolean;
  readonly #live: boolean;
  readonly #state: MapperState;
  #events: TraceEvent[] = [];
  /** Of the row under way. */
  #turn = '';
  #from = '';
  // What only the end can tell; at import only, so it is not saved.
  #start: { time: number; meta: JsonObject; model: string } | undefined;
  #title = '';
  #said = '';
  #firstTime = 0;

  constructor(options: RowMapperOptions) {
    this.#session = options.sessionId;
    this.#agent = options.file.agentId;
    this.#redact = options.redact ?? true;
    this.#live = options.live;
    this.#state = new MapperState(options.state);
  }

  save(): Json {
    return this.#state.save();
  }

  push(value: Json): TraceEvent[] {
    this.#events = [];
    const row = asObject(value);
    // An empty line is no row.
    if (row === undefined) this.#ignore('not an object');
    else if (Object.keys(row).length > 0) this.#row(row);
    return this.#events;
  }

  #row(row: JsonObject): void {
    const state = this.#state;
    const before = state.time;
    state.time = rowTime(row) || state.time;
    this.#firstTime ||= state.time;
    // Before 0.4x, rows were the model's items themselves.
    const type = row.payload === undefined ? 'response_item' : asString(row.type);
    const payload = asObject(row.payload) ?? (row.payload === undefined ? row : {});
    const kind = asString(payload.type);
    const name = type === kind || kind === '' ? type : `${type}/${kind}`;
    if (type === 'session_meta') {
      if (!this.#meta(payload)) this.#ignore(name);
      return;
    }
    if (kind === 'task_started' || kind === 'turn_started' || type === 'turn_context') {
      this.#begin(short(payload.turn_id));
    }
    const passed = asObject(payload.internal_chat_message_metadata_passthrough);
    this.#turn = short(payload.turn_id) || short(passed?.turn_id) || state.turn;
    this.#from = this.#copiedFrom(row, payload, before);
    // In a subagent's lane they are its parent's; live, they were told where they happened.
    if (this.#from !== '' && (this.#live || this.#agent !== '')) {
      this.#ignore('copied');
      return;
    }
    const told =
      type === 'event_msg'
        ? this.#event(kind, payload)
        : type === 'response_item'
          ? this.#item(kind, payload)
          : this.#other(type, payload);
    if (!told) this.#ignore(kind === 'item_completed' ? this.#itemName(payload) : name);
  }

  finish(): TraceEvent[] {
    this.#events = [];
    this.#from = '';
    const { time } = this.#state;
    const ms = Math.max(0, Math.round((time - this.#firstTime) * 1000));
    if (this.#agent !== '') {
      if (time > 0) {
        this.#turn = '';
        const data = { event_subtype: 'subagent', ...pruned({ result: this.#said }) };
        const parent = ids.subagent(this.#session, this.#agent);
        this.#add('tool_result', ids.subagentEnd(this.#session, this.#agent), data, { parent, ms });
      }
      return this.#events;
    }
    if (this.#firstTime === 0) return this.#events;
    this.#turn = '';
    this.#begun();
    this.#add('session_end', eventId(this.#session, 'import', 'end'), {
      reason: 'import',
      duration_ms: ms,
      ...pruned({ title: this.#title }),
    });
    return this.#events;
  }

  /** The session's start; told again at the end, which knows the model. */
  #begun(): void {
    const meta = this.#start?.meta ?? {};
    const fork = asString(meta.forked_from_id);
    this.#add(
      'session_start',
      eventId(this.#session, 'import', 'start'),
      {
        trace_version: TRACE_VERSION,
        mode: 'import',
        ...pruned({
          ...(fork !== '' && { event_subtype: 'fork', forked_from: fork }),
          source: asString(meta.source) || Object.keys(asObject(meta.source) ?? {})[0] || '',
          cwd: asString(meta.cwd),
          model: this.#start?.model ?? '',
          agent_version: asString(meta.cli_version),
          git_branch: asString(asObject(meta.git)?.branch),
          entrypoint: asString(meta.originator),
          parent_session_id: parentOf(meta),
        }),
      },
      { time: this.#start?.time || this.#firstTime },
    );
  }

  #add(
    type: string,
    id: string,
    data: JsonObject,
    more: { parent?: string; ms?: number | undefined; time?: number } = {},
  ): void {
    this.#events.push(this.#make(type, id, data, more));
  }

  #make(
    type: string,
    id: string,
    data: JsonObject,
    more: { parent?: string; ms?: number | undefined; time?: number } = {},
  ): TraceEvent {
    const event: TraceEvent = {
      event_type: type,
      timestamp: more.time ?? this.#state.time,
      event_id: id,
      session_id: this.#session,
      ...(more.parent !== undefined && { parent_id: more.parent }),
      ...(more.ms !== undefined && { duration_ms: more.ms }),
      data: {
        recorded_by: 'transcript',
        provider: 'codex',
        ...data,
        ...pruned({ agent_id: this.#agent, prompt_id: this.#turn, copied_from: this.#from }),
      },
    };
    return readyEvent(event, this.#redact);
  }

  #textId(kind: string, text: string): string {
    return ids.text(this.#session, kind, this.#agent, this.#turn, text);
  }

  #ignore(name: string): void {
    const { ignored } = this;
    // A hostile file can name any number of types.
    const known = Object.hasOwn(ignored, name) || Object.keys(ignored).length < 199;
    const key = known ? name.slice(0, 100) || 'no type' : 'others';
    ignored[key] = (ignored[key] ?? 0) + 1;
  }

  #itemName(payload: JsonObject): string {
    return `item_completed/${asString(asObject(payload.item)?.type)}`;
  }

  /** The first one is the file's own; a fork's rows bring those of its ancestors along. */
  #meta(meta: JsonObject): boolean {
    const state = this.#state;
    const id = short(meta.id);
    if (state.thread !== '') {
      if (id !== state.thread && state.origin === '') state.origin = id;
      return false;
    }
    state.thread = id || this.#agent || this.#session;
    state.origin = short(meta.forked_from_id) || short(parentOf(meta));
    state.cwd = folderOf(meta.cwd).slice(0, 4096);
    const from = Number(meta.subagent_history_start_ordinal);
    if (Number.isSafeInteger(from) && from > 0) state.ownFrom = from;
    if (this.#live) return false;
    this.#start = { time: state.time, meta, model: '' };
    this.#turn = '';
    this.#from = '';
    if (this.#agent === '') this.#begun();
    else this.#task('');
    return true;
  }

  /** A subagent's life begins. */
  #task(prompt: string): void {
    const meta = this.#start?.meta ?? {};
    this.#turn = '';
    this.#add('tool_call', ids.subagent(this.#session, this.#agent), {
      event_subtype: 'subagent',
      ...pruned({
        agent_type: asString(meta.agent_role) || 'default',
        description: asString(meta.agent_nickname),
        prompt,
      }),
    });
  }

  #begin(turn: string): void {
    const state = this.#state;
    if (turn === '' || turn === state.turn) return;
    state.turn = turn;
    state.prompt = '';
    state.asked = [];
  }

  /** The session that a row was copied from; empty for rows of this thread's own. */
  #copiedFrom(row: JsonObject, payload: JsonObject, before: number): string {
    const state = this.#state;
    const { thread, origin } = state;
    const told = short(payload.thread_id);
    if (told !== '' && told !== thread && thread !== '') return short(payload.session_id) || told;
    if (origin === '') return '';
    if (Number(row.ordinal) < state.ownFrom) return origin;
    // Ids of turns and threads tell when they were made: a copy keeps its turn's.
    const made = uuidTime(this.#turn);
    const since = uuidTime(thread);
    if (made > 0 && since > 0) return made < since ? origin : '';
    state.own ||= before > 0 && state.time - before > BURST;
    return state.own ? '' : origin;
  }

  #other(type: string, payload: JsonObject): boolean {
    const state = this.#state;
    if (type === 'turn_context') return this.#context(payload);
    if (type === 'token_usage_record') {
      state.recorded = usageKey(payload.usage);
      state.total = usageKey(payload.thread_token_usage) || state.total;
      return this.#usage(codexUsage(payload.usage), asString(payload.response_id));
    }
    if (type === 'compacted' && !this.#live) {
      const at = String(state.time);
      this.#add('decision', eventId(this.#session, 'compaction', this.#agent, this.#turn, at), {
        event_subtype: 'compaction',
        phase: 'end',
        ...pruned({ summary: asString(payload.message) }),
      });
      return true;
    }
    return false;
  }

  #context(context: JsonObject): boolean {
    const state = this.#state;
    const model = short(context.model);
    const effort = short(context.effort);
    state.cwd = folderOf(context.cwd).slice(0, 4096) || state.cwd;
    const known = state.model;
    const knownEffort = state.effort;
    state.model = model || known;
    state.effort = effort;
    if (this.#start !== undefined) this.#start.model ||= model;
    if (known === '' || model === '' || (model === known && effort === knownEffort)) return false;
    const id = eventId(this.#session, 'model_switch', this.#agent, this.#turn, model, effort);
    this.#add('decision', id, {
      event_subtype: 'model_switch',
      from_model: known,
      to_model: model,
      ...pruned({ from_effort: knownEffort, to_effort: effort }),
    });
    return true;
  }

  #usage(usage: JsonObject | undefined, responseId = ''): boolean {
    const { asked, model, tier } = this.#state;
    if (usage === undefined) return false;
    const messageId = this.#state.responded(this.#turn);
    this.#state.asked = [];
    this.#add('llm_response', ids.usage(this.#session, messageId, ''), {
      event_subtype: 'usage',
      usage,
      message_id: messageId,
      ...(asked.length > 0 && { tool_use_ids: asked }),
      ...pruned({ model, response_id: short(responseId), service_tier: tier }),
    });
    return true;
  }

  #event(kind: string, event: JsonObject): boolean {
    const state = this.#state;
    switch (kind) {
      case 'token_count':
        return this.#tokenCount(asObject(event.info));
      case 'user_message':
        return this.#prompt(asString(event.message), event);
      case 'task_complete':
      case 'turn_complete':
        return this.#turnEnd(event);
      case 'turn_aborted':
        return this.#aborted(asString(event.reason));
      case 'error':
      case 'stream_error':
        return this.#failure(event);
      case 'thread_settings_applied': {
        const settings = asObject(event.thread_settings);
        state.tier = short(settings?.service_tier);
        return false;
      }
      case 'thread_name_updated':
        this.#title = asString(event.thread_name) || this.#title;
        return false;
      case 'item_completed':
        return this.#completed(event);
      default:
        return this.#done(doneByEvent(event, state.cwd));
    }
  }

  /** Told after each response, and again when only the limits changed. */
  #tokenCount(info: JsonObject | undefined): boolean {
    const state = this.#state;
    if (info === undefined) return false;
    const total = usageKey(info.total_token_usage);
    const last = usageKey(info.last_token_usage);
    const before = state.total;
    const counted = last !== '' && last === state.recorded;
    state.recorded = '';
    state.total = total || last || before;
    if (counted || state.total === before) return false;
    return this.#usage(
      codexUsage(
        last === '' ? usageBetween(before, info.total_token_usage) : info.last_token_usage,
      ),
    );
  }

  #completed(event: JsonObject): boolean {
    const item = asObject(event.item) ?? {};
    if (item.type === 'UserMessage') return this.#prompt(userText(item.content), item);
    if (item.type === 'Plan') return this.#say('', asString(item.text));
    return this.#done(doneByItem(event, this.#state.cwd));
  }

  #prompt(text: string, message: JsonObject): boolean {
    const state = this.#state;
    const pictures = [message.images, message.local_images].flatMap((list) =>
      Array.isArray(list) ? list : [],
    ).length;
    const prompt = text.trim() === '' && pictures > 0 ? '[image]' : text;
    // Codex before 0.9x gave turns no id.
    if (prompt.trim() !== '' && NO_TURN.test(this.#turn)) {
      this.#begin(String(state.time));
      this.#turn = state.turn;
    }
    if (this.#live || prompt.trim() === '') return false;
    if (this.#agent !== '') {
      if (state.tasked) return false;
      state.tasked = true;
      this.#task(prompt);
      return true;
    }
    const turn = this.#turn || String(state.time);
    const hash = textHash(prompt.trim());
    // What is said while the agent works belongs to the same turn.
    const first = state.prompt === '' || state.prompt === hash;
    state.prompt ||= hash;
    const id = first
      ? ids.prompt(this.#session, turn)
      : eventId(this.#session, 'prompt', turn, prompt.trim());
    this.#add('user_prompt', id, { prompt });
    return true;
  }

  #turnEnd(event: JsonObject): boolean {
    const text = asString(event.last_agent_message);
    const problem = asObject(event.error);
    this.#said = text || this.#said;
    const failed = problem !== undefined && this.#failure(problem);
    // In a subagent's lane its end says so, and live the hooks do.
    if (this.#live || this.#agent !== '') return failed;
    const ms = Number(event.duration_ms);
    const more = Number.isFinite(ms) && ms >= 0 ? { turn_duration_ms: ms } : {};
    const data = { event_subtype: 'turn_end', ...more };
    this.#add('decision', this.#textId('turn_end', text), data);
    return true;
  }

  #aborted(reason: string): boolean {
    const at = this.#turn || String(this.#state.time);
    const interrupted = reason === '' || reason === 'interrupted';
    if (interrupted) {
      this.#add('error', eventId(this.#session, 'interrupt', this.#agent, at), {
        error: 'Interrupted by the user',
        is_interrupt: true,
      });
    }
    if (this.#agent !== '') return interrupted;
    const id = eventId(this.#session, 'turn_aborted', at);
    const data = { event_subtype: 'turn_end', reason: reason || 'interrupted' };
    this.#add('decision', id, data);
    return true;
  }

  #failure(event: JsonObject): boolean {
    const text = asString(event.message);
    const info = event.codex_error_info;
    const kind = asString(info) || Object.keys(asObject(info) ?? {})[0] || '';
    if (text === '' && kind === '') return false;
    this.#add('error', this.#textId('api', text || kind), {
      event_subtype: 'api',
      error: text || kind,
      ...pruned({ error_type: short(kind) }),
    });
    return true;
  }

  #say(subtype: string, text: string): boolean {
    if (text.trim() === '') return false;
    this.#add('assistant_response', this.#textId(subtype || 'text', text), {
      ...pruned({ event_subtype: subtype }),
      text,
      message_id: this.#state.response(this.#turn),
    });
    return true;
  }

  #item(kind: string, item: JsonObject): boolean {
    const id = short(item.call_id);
    switch (kind) {
      case 'message':
        return item.role === 'assistant' && this.#say('', textOf(item.content));
      case 'reasoning':
        return this.#reasoning(item);
      case 'function_call':
        return this.#call(id, toolName(item), inputOf(item.arguments));
      case 'custom_tool_call':
        return this.#call(id, short(item.name), inputOf(item.input));
      case 'tool_search_call':
        return this.#call(id, 'tool_search', inputOf(item.arguments));
      case 'local_shell_call': {
        const action = asObject(item.action) ?? {};
        const workdir = asString(action.working_directory);
        const input = pruned({ cmd: scriptOf(action.command), workdir });
        return this.#call(id, 'local_shell', input);
      }
      case 'function_call_output':
      case 'custom_tool_call_output':
        return this.#output(id, item.output);
      case 'tool_search_output':
        return this.#output(id, JSON.stringify(item.tools ?? []));
      case 'web_search_call':
      case 'image_generation_call': {
        const own = short(item.id);
        if (own === '') return false;
        const query = asObject(item.action) ?? pruned({ prompt: item.revised_prompt ?? '' });
        this.#state.ask(own);
        return this.#done({ id: own, name: kind.replace(/_call$/, ''), input: query, text: '' });
      }
      default:
        return false;
    }
  }

  #reasoning(item: JsonObject): boolean {
    const lists = [item.summary, item.content].filter(Array.isArray) as Json[][];
    // The thoughts themselves where the provider shows them, else their summary.
    const texts = lists.map((list) => list.map((part) => asString(asObject(part)?.text)));
    return this.#say('reasoning', texts.map((list) => list.join('\n\n')).sort(byLength)[0] ?? '');
  }

  #call(id: string, name: string, input: JsonObject): boolean {
    const state = this.#state;
    if (id === '') return false;
    const told = state.calls.get(id)?.told;
    const call: Call = { name, time: state.time, ...(told !== undefined && { told }) };
    const { cwd } = state;
    const data = { tool_name: name, arguments: input, tool_use_id: id, ...pruned({ cwd }) };
    const event = this.#make('tool_call', ids.call(this.#session, id), data);
    const held = [...state.calls.values()].filter((other) => other.event !== undefined).length;
    const small = this.#live && held < MAX_HELD_CALLS;
    if (small && JSON.stringify(event).length <= MAX_HELD) call.event = event;
    else this.#events.push(event);
    state.remember(id, call);
    state.ask(id);
    return true;
  }

  /** A tool's own word: exit code, edited lines. It stands over the row of what the model saw. */
  #done(done: Done | undefined): boolean {
    if (done === undefined) return false;
    const state = this.#state;
    const id = short(done.id);
    const known = state.calls.get(id);
    if (done.text === undefined) {
      // What a spawn says of itself is in its output; only the thread is news.
      if (known === undefined || !done.subagent) return false;
      known.subagent = short(done.subagent);
      return false;
    }
    const start = done.startedAtMs === undefined ? state.time : done.startedAtMs / 1000;
    if (known === undefined) {
      const data = { tool_name: done.name, arguments: done.input, tool_use_id: id };
      this.#add('tool_call', ids.call(this.#session, id), data, { time: start });
    } else if (known.event !== undefined && !HOOKED.test(done.name)) {
      this.#events.push(known.event);
    }
    state.remember(id, {
      name: known?.name ?? done.name,
      time: known?.time ?? start,
      told: 'item',
    });
    const ms = done.ms ?? (known && span(known.time, state.time));
    const denied = done.declined === true ? 'user' : '';
    this.#result(id, known?.name ?? done.name, done.text, {
      ...done,
      ms,
      denied,
      failed: done.failed === true,
    });
    return true;
  }

  #output(id: string, value: Json | undefined): boolean {
    const state = this.#state;
    if (id === '') return false;
    const call = state.calls.get(id);
    if (call?.told === 'item') return false;
    if (call?.event !== undefined) {
      this.#events.push(call.event);
      delete call.event;
    }
    const output = readOutput(value);
    const code = output.exit ?? 0;
    const failed = output.failed === true || output.denied !== undefined || code !== 0;
    const ms = output.ms ?? (call && !output.running ? span(call.time, state.time) : undefined);
    const subagent = call?.subagent || spawned(call?.name ?? '', output.text);
    this.#result(id, call?.name ?? '', output.text, {
      ms,
      ...(output.exit !== undefined && { exit: output.exit }),
      denied: output.denied ?? '',
      failed,
      ...(output.interrupted === true && { interrupted: true }),
      ...(subagent !== '' && { subagent }),
    });
    if (call !== undefined) call.told = 'output';
    return true;
  }

  #result(
    id: string,
    name: string,
    text: string,
    facts: {
      exit?: number;
      ms?: number | undefined;
      files?: FileOp[];
      failed: boolean;
      denied: string;
      interrupted?: boolean;
      subagent?: string;
    },
  ): void {
    const { exit, files, failed, denied } = facts;
    const error = failed || denied !== '';
    this.#add(
      error ? 'error' : 'tool_result',
      ids.result(this.#session, id),
      {
        ...pruned({ event_subtype: denied && 'denied', tool_name: name }),
        tool_use_id: id,
        ...(error && { is_error: true }),
        ...(facts.interrupted === true && { is_interrupt: true }),
        ...(error ? { error: text || (denied ? 'Denied' : 'Failed') } : { result: text }),
        ...(exit !== undefined && { exit_code: exit }),
        ...(files !== undefined && files.length > 0 && { files: files as (FileOp & Json)[] }),
        ...pruned({ denied_by: denied, subagent_id: facts.subagent ?? '' }),
      },
      { parent: ids.call(this.#session, id), ms: facts.ms },
    );
  }
}

/** The thread that started a thread; empty for those of people. */
export function parentOf(meta: JsonObject): string {
  const spawn = asObject(asObject(asObject(meta.source)?.subagent)?.thread_spawn);
  return asString(meta.parent_thread_id) || asString(spawn?.parent_thread_id);
}

/** MCP tools stand in a namespace since 0.15x. */
function toolName(item: JsonObject): string {
  const space = asString(item.namespace);
  const name = asString(item.name);
  if (!space.startsWith('mcp__') || name.startsWith('mcp__')) return short(name);
  return short(`${space.replace(/_*$/, '')}__${name}`);
}

const span = (from: number, to: number): number | undefined =>
  from > 0 && to >= from ? Math.round((to - from) * 1000) : undefined;

const byLength = (a: string, b: string): number => b.length - a.length;

function spawned(name: string, output: string): string {
  if (name !== 'spawn_agent') return '';
  const { agent_id: agent, thread_id: thread } = inputOf(output);
  return short(agent) || short(thread);
}

/** What a person wrote, with marks for what is no text. */
function userText(content: Json | undefined): string {
  if (!Array.isArray(content)) return asString(content);
  const parts = content.map(asObject).map((part) => asString(part?.text));
  const text = parts.join('');
  const pictures = content.some((part) => /image/i.test(asString(asObject(part)?.type)));
  return text === '' && pictures ? '[image]' : text;
}
