/**
 * One chat of Gemini CLI, row by row → events. Pure.
 *
 * A message is written again whenever more of it is known (its calls and their results, say), and the
 * whole conversation now and then; so every event's id follows from Gemini's own ids, and of a response the
 * most that was told of it is remembered.
 */
import {
  type FileOp,
  isObject,
  type Json,
  type JsonObject,
  TRACE_VERSION,
  type TraceEvent,
} from '../../model/event.ts';
import { eventId, ids, textHash } from '../../model/ids.ts';
import { readyEvent } from '../../redact/event.ts';
import { redactText } from '../../redact/redact.ts';
import type { RowMapper, RowMapperOptions } from '../agent.ts';
import { promptId } from '../promptId.ts';
import { asObject, asString, pruned, rowTime } from '../rows.ts';
import { callsOf, type GeminiToolCall, messageText, usageOfTokens } from './chatRow.ts';
import { exitCodeOf, filesOf, isShell } from './toolResult.ts';

/** Responses that wait in a state file for more of their calls: only the last one can grow. */
const MAX_KEPT = 4;
/** Ids of calls of one response that a state file keeps. */
const MAX_CALL_IDS = 50;
/** Characters of one id, and of one text, that a state file keeps. */
const MAX_ID = 120;
const MAX_TEXT = 1000;
const MAX_IGNORED = 200;

/** What Gemini puts into a user's place. */
const NOT_A_PROMPT = /^<(session_context|hook_context)>/;
/** What is left of a conversation that was compressed. */
const SNAPSHOT = /^<state_snapshot>/;

interface Response {
  calls: string[];
  usage: JsonObject | undefined;
}

export interface ChatMapperOptions extends RowMapperOptions {
  /** Absolute path of the project's folder; empty where unknown. */
  cwd: string;
}

export class ChatMapper implements RowMapper {
  readonly ignored: Record<string, number> = {};
  readonly #options: ChatMapperOptions;
  readonly #session: string;
  readonly #agent: string;
  readonly #responses = new Map<string, Response>();
  /** Rows of prompts by the hash of their text: how often it was said. At import only. */
  readonly #prompts = new Map<string, string[]>();
  /** Seconds since the epoch. */
  #time = 0;
  #first = 0;
  #last = 0;
  #task = '';
  #lastText = '';
  #title = '';
  #rewinds = 0;

  constructor(options: ChatMapperOptions) {
    this.#options = options;
    this.#session = options.sessionId;
    this.#agent = options.file.agentId;
    const state = asObject(options.state);
    if (state === undefined) return;
    const number = (value: unknown): number => (Number.isFinite(value) ? (value as number) : 0);
    this.#time = number(state.time);
    this.#first = number(state.first);
    this.#last = number(state.last);
    this.#rewinds = number(state.rewinds);
    this.#task = asString(state.task);
    this.#lastText = asString(state.lastText);
    this.#title = asString(state.title);
    for (const item of Array.isArray(state.responses) ? state.responses : []) {
      const [id, calls, usage] = Array.isArray(item) ? item : [];
      if (typeof id !== 'string' || !Array.isArray(calls)) continue;
      this.#responses.set(id, {
        calls: calls.filter((call) => typeof call === 'string'),
        usage: asObject(usage),
      });
    }
    for (const item of Array.isArray(state.prompts) ? state.prompts : []) {
      const [hash, rows] = Array.isArray(item) ? item : [];
      if (typeof hash !== 'string' || !Array.isArray(rows)) continue;
      this.#prompts.set(
        hash,
        rows.filter((row) => typeof row === 'string'),
      );
    }
  }

  save(): Json {
    const safe = (text: string): string =>
      redactText(text, {}, this.#options.redact).slice(0, MAX_TEXT);
    return {
      time: this.#time,
      first: this.#first,
      last: this.#last,
      rewinds: this.#rewinds,
      task: safe(this.#task),
      lastText: safe(this.#lastText),
      title: safe(this.#title),
      responses: [...this.#responses]
        .slice(-MAX_KEPT)
        .filter(([id]) => id.length <= MAX_ID)
        .map(([id, { calls, usage }]) => [
          id,
          calls.filter((call) => call.length <= MAX_ID).slice(-MAX_CALL_IDS),
          usage ?? null,
        ]),
      prompts: [...this.#prompts].slice(-200).map(([hash, rows]) => [hash, rows.slice(-4)]),
    };
  }

  push(value: Json): TraceEvent[] {
    const events: TraceEvent[] = [];
    const row = asObject(value);
    if (row === undefined) this.#ignore('not an object');
    else this.#row(row, events);
    return events.map((event) => readyEvent(event, this.#options.redact));
  }

  finish(): TraceEvent[] {
    if (this.#first === 0) return [];
    const took = Math.max(0, Math.round((this.#last - this.#first) * 1000));
    const events: TraceEvent[] = [];
    if (this.#agent !== '') {
      const end = this.#event(
        this.#last,
        'tool_result',
        ids.subagentEnd(this.#session, this.#agent),
        {
          event_subtype: 'subagent',
          tool_name: 'Subagent',
          result: this.#lastText,
        },
      );
      const parent_id = ids.subagent(this.#session, this.#agent);
      events.push({ ...end, parent_id, duration_ms: took });
    } else {
      events.push(
        this.#event(this.#first, 'session_start', eventId(this.#session, 'import', 'start'), {
          trace_version: TRACE_VERSION,
          mode: 'import',
          cwd: this.#options.cwd,
        }),
        this.#event(this.#last, 'session_end', eventId(this.#session, 'import', 'end'), {
          reason: 'import',
          duration_ms: took,
          title: this.#title,
        }),
      );
    }
    return events.map((event) => readyEvent(event, this.#options.redact));
  }

  #row(row: JsonObject, events: TraceEvent[]): void {
    if (typeof row.$rewindTo === 'string') {
      this.#rewinds += 1;
      const id = eventId(this.#session, 'rewind', this.#agent, row.$rewindTo, `${this.#rewinds}`);
      const data = { event_subtype: 'notification', notification_type: 'rewind' };
      // What was rewound did happen, and was paid for.
      events.push(this.#event(this.#time, 'decision', id, { ...data, message_id: row.$rewindTo }));
      return;
    }
    if (typeof row.id === 'string' && row.id !== '') {
      this.#message(row, row.id, events);
      return;
    }
    const update = asObject(row.$set);
    if (update === undefined && typeof row.sessionId !== 'string') {
      this.#ignore(asString(row.type) || 'no type');
      return;
    }
    const meta = update ?? row;
    this.#title = asString(meta.summary) || this.#title;
    const start = rowTime({ timestamp: meta.startTime ?? '' });
    if (start > 0) this.#seen(start);
    for (const item of Array.isArray(meta.messages) ? meta.messages : []) {
      const message = asObject(item);
      if (typeof message?.id === 'string') this.#message(message, message.id, events);
    }
  }

  #message(row: JsonObject, id: string, events: TraceEvent[]): void {
    const time = rowTime(row) || this.#time;
    this.#time = time;
    if (time > 0) this.#seen(time);
    const text = messageText(row.content);
    switch (row.type) {
      case 'user':
        this.#user(row, id, text, events);
        break;
      case 'gemini':
        this.#gemini(row, id, text, events);
        break;
      case 'error':
        if (text.trim() === '') break;
        events.push(
          this.#event(time, 'error', eventId(this.#session, 'row', this.#agent, id), {
            event_subtype: 'api',
            error: text,
            is_error: true,
          }),
        );
        break;
      case 'info':
      case 'warning':
        if (text.trim() === '') break;
        events.push(
          this.#event(time, 'decision', eventId(this.#session, 'row', this.#agent, id), {
            event_subtype: 'notification',
            notification_type: row.type,
            message: text,
          }),
        );
        break;
      default:
        this.#ignore(asString(row.type) || 'no type');
    }
  }

  #user(row: JsonObject, id: string, text: string, events: TraceEvent[]): void {
    const said = text.trim();
    if (said === '' || NOT_A_PROMPT.test(said)) return;
    if (SNAPSHOT.test(said)) {
      events.push(
        this.#event(this.#time, 'decision', eventId(this.#session, 'compaction', this.#agent, id), {
          event_subtype: 'compaction',
          summary: text,
        }),
      );
      return;
    }
    if (this.#agent !== '') {
      // A subagent's task: its start.
      if (this.#task === '') this.#task = text;
      events.push(this.#subagentStart());
      return;
    }
    if (this.#options.live) return;
    const hash = textHash(said);
    const rows = this.#prompts.get(hash) ?? [];
    this.#prompts.set(hash, rows);
    const key = textHash(id);
    let nth = rows.indexOf(key) + 1;
    if (nth === 0) nth = rows.push(key);
    // What was typed, without the files that Gemini put behind it.
    const prompt = messageText(row.displayContent) || text;
    events.push(
      this.#event(this.#time, 'user_prompt', promptId(this.#session, text, nth), { prompt }),
    );
  }

  #gemini(row: JsonObject, id: string, text: string, events: TraceEvent[]): void {
    const time = this.#time;
    const tokens = usageOfTokens(row.tokens);
    const calls = callsOf(row);
    const model = asString(row.model);
    // After a compression Gemini puts words into its own mouth.
    if (model === '' && tokens === undefined && calls.length === 0) {
      this.#ignore('gemini without a model');
      return;
    }
    const source = { message_id: id };
    for (const [at, item] of (Array.isArray(row.thoughts) ? row.thoughts : []).entries()) {
      const thought = asObject(item);
      const subject = asString(thought?.subject);
      const words = [subject && `**${subject}**`, asString(thought?.description)];
      const said = words.filter((part) => part !== '').join('\n');
      if (said.trim() === '') continue;
      const own = rowTime({ timestamp: thought?.timestamp ?? '' }) || time;
      const key = eventId(this.#session, 'reasoning', this.#agent, id, `${at}`);
      const data = { event_subtype: 'reasoning', text: said, ...source };
      events.push(this.#event(own, 'assistant_response', key, data));
    }
    if (text.trim() !== '') {
      this.#lastText = text;
      const key = eventId(this.#session, 'text', this.#agent, id);
      events.push(this.#event(time, 'assistant_response', key, { text, ...source }));
    }
    if (this.#agent !== '' && this.#task === '') events.push(this.#subagentStart());
    for (const call of calls) this.#call(call, calls.length, events);
    this.#usage(id, model, tokens, calls, events);
  }

  /** The response, with all that was ever told of it. */
  #usage(
    id: string,
    model: string,
    tokens: JsonObject | undefined,
    calls: readonly GeminiToolCall[],
    events: TraceEvent[],
  ): void {
    const before = this.#responses.get(id);
    const usage = tokens === undefined ? before?.usage : larger(tokens, before?.usage);
    const all = [...new Set([...(before?.calls ?? []), ...calls.map((call) => call.id)])];
    this.#responses.delete(id);
    this.#responses.set(id, { calls: all, usage });
    if (usage === undefined) return;
    events.push(
      this.#event(this.#time, 'llm_response', ids.usage(this.#session, id, ''), {
        event_subtype: 'usage',
        model,
        usage,
        message_id: id,
        ...(all.length > 0 && { tool_use_ids: all }),
      }),
    );
  }

  #call(call: GeminiToolCall, ofMany: number, events: TraceEvent[]): void {
    const { id, tool, input, key, text, display } = call;
    const name = { tool_name: tool, tool_use_id: id, call_key: key };
    const callId = ids.call(this.#session, id);
    events.push(this.#event(this.#time, 'tool_call', callId, { ...name, arguments: input }));
    if (call.state === 'open') return;
    const ended = call.endedAt || this.#time;
    this.#seen(ended);
    const outcome: JsonObject = {};
    if (call.state === 'ok') {
      const code = isShell(tool) ? exitCodeOf(text, display) : undefined;
      const files = filesOf({ tool, input, cwd: this.#options.cwd }, text, display);
      if (code !== undefined) outcome.exit_code = code;
      if (files.length > 0) outcome.files = files as (FileOp & Json)[];
      if (call.agentId !== '') outcome.subagent_id = call.agentId;
    } else {
      outcome.is_error = true;
      if (call.deniedBy !== '') {
        outcome.event_subtype = 'denied';
        outcome.denied_by = call.deniedBy;
      } else if (call.state === 'cancelled') outcome.is_interrupt = true;
    }
    const type = call.state === 'ok' ? 'tool_result' : 'error';
    const end = this.#event(ended, type, ids.result(this.#session, id), {
      ...name,
      ...outcome,
    });
    end.data[type === 'error' ? 'error' : 'result'] = text;
    end.parent_id = callId;
    // Calls of one response are told when the last has ended, and waiting for a permission is in it.
    if (ofMany === 1 && this.#time > 0 && ended >= this.#time) {
      end.duration_ms = Math.round((ended - this.#time) * 1000);
    }
    events.push(end);
  }

  #subagentStart(): TraceEvent {
    const id = ids.subagent(this.#session, this.#agent);
    return this.#event(this.#first || this.#time, 'tool_call', id, {
      event_subtype: 'subagent',
      tool_name: 'Subagent',
      prompt: this.#task,
    });
  }

  #event(timestamp: number, type: string, id: string, data: JsonObject): TraceEvent {
    return {
      event_type: type,
      timestamp,
      event_id: id,
      session_id: this.#session,
      data: {
        provider: 'gemini',
        recorded_by: 'transcript',
        ...texts(data),
        ...pruned({ agent_id: this.#agent }),
      },
    };
  }

  #seen(time: number): void {
    this.#first = this.#first === 0 ? time : Math.min(this.#first, time);
    this.#last = Math.max(this.#last, time);
  }

  #ignore(name: string): void {
    // A hostile file can name any number of types.
    const known =
      Object.hasOwn(this.ignored, name) || Object.keys(this.ignored).length < MAX_IGNORED;
    const key = known && name !== '__proto__' ? name.slice(0, 100) : 'others';
    this.ignored[key] = (this.ignored[key] ?? 0) + 1;
  }
}

/** Without empty texts. */
const texts = (data: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(data).filter(([, value]) => value !== ''));

const total = (usage: JsonObject): number =>
  Number(usage.input_tokens) + Number(usage.output_tokens);

const larger = (next: JsonObject, before: JsonObject | undefined): JsonObject =>
  isObject(before) && total(before) > total(next) ? before : next;
