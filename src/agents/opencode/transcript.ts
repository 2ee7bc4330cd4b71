/**
 * What opencode wrote down of a session → the events of it, for import: the same events, with the same ids, that
 * the plugin tells. Pure: rows in, events out.
 */
import { type Json, type JsonObject, TRACE_VERSION, type TraceEvent } from '../../model/event.ts';
import { eventId } from '../../model/ids.ts';
import { readyEvent } from '../../redact/event.ts';
import type { RowMapper, RowMapperOptions } from '../agent.ts';
import { asObject, asString, pruned } from '../rows.ts';
import {
  agentOf,
  callEvent,
  endEvent,
  errorData,
  idTime,
  type Lane,
  laneEvent,
  messageEvents,
  promptEvent,
  promptText,
  retryEvent,
  subagentEndEvent,
  subagentEvent,
  textEvent,
  turnEndEvent,
  usageEvent,
} from './parts.ts';

/**
 * Rows, in order: the session first (`{ session, call? }`, `call` the part of the parent's call that started it),
 * then its messages with their parts (`{ info, parts, origin? }`, `origin` the session that the message was
 * copied from).
 */
export class OpencodeMapper implements RowMapper {
  readonly ignored: Record<string, number> = Object.create(null);
  readonly #options: RowMapperOptions;
  #session: JsonObject = {};
  #parentCall = '';
  /** Times in ms since the epoch. */
  #first = 0;
  #last = 0;
  #agentType = '';
  #lastText = '';
  #model = '';
  /** The last answer, where the agent may have waited for a prompt after it. */
  #answer: JsonObject | undefined;
  /** Why a compaction was made, by the message that asked for it. */
  readonly #triggers = new Map<string, string>();

  constructor(options: RowMapperOptions) {
    this.#options = options;
  }

  push(value: Json): TraceEvent[] {
    const row = asObject(value);
    const session = asObject(row?.session);
    const info = asObject(row?.info);
    if (row !== undefined && session !== undefined) {
      this.#session = session;
      this.#parentCall = asString(row.call);
      this.#agentType = asString(session.agent);
      return [];
    }
    if (row === undefined || info === undefined) {
      this.#ignore(row === undefined ? 'not an object' : 'no message');
      return [];
    }
    const parts = (Array.isArray(row.parts) ? row.parts : [])
      .map(asObject)
      .filter((part) => part !== undefined);
    this.#note(info);
    const lane = this.#lane(asString(row.origin));
    const events =
      info.role === 'user' ? this.#user(lane, info, parts) : this.#assistant(lane, info, parts);
    return events.map((event) => readyEvent(event, this.#options.redact));
  }

  finish(): TraceEvent[] {
    const lane = this.#lane('');
    const events = this.#turnEnd();
    const { sessionId } = lane;
    if (lane.agentId !== '') {
      if (this.#first > 0) {
        events.push(subagentEndEvent(lane, this.#first, this.#last, this.#lastText));
      }
    } else if (this.#first > 0) {
      const title = asString(this.#session.title);
      events.push(
        laneEvent(lane, 'session_start', eventId(sessionId, 'import', 'start'), this.#first, {
          trace_version: TRACE_VERSION,
          mode: 'import',
          ...pruned({ agent_version: asString(this.#session.version), model: this.#model }),
        }),
        laneEvent(lane, 'session_end', eventId(sessionId, 'import', 'end'), this.#last, {
          reason: 'import',
          duration_ms: Math.max(0, this.#last - this.#first),
          ...pruned({ title: /^New session - /.test(title) ? '' : title }),
        }),
      );
    }
    return events.map((event) => readyEvent(event, this.#options.redact));
  }

  /** Sessions are read whole. */
  save(): Json {
    return null;
  }

  #lane(copiedFrom: string): Lane {
    const { sessionId, file } = this.#options;
    return {
      sessionId,
      agentId: file.agentId,
      agentType: this.#agentType,
      cwd: asString(this.#session.directory),
      recordedBy: 'transcript',
      copiedFrom,
    };
  }

  #ignore(name: string): void {
    const known = Object.hasOwn(this.ignored, name) || Object.keys(this.ignored).length < 200;
    const key = known ? name.slice(0, 100) : 'others';
    this.ignored[key] = (this.ignored[key] ?? 0) + 1;
  }

  #note(info: JsonObject): void {
    const time = asObject(info.time);
    for (const at of [time?.created, time?.completed]) {
      if (typeof at !== 'number' || !Number.isFinite(at) || at <= 0) continue;
      if (this.#first === 0 || at < this.#first) this.#first = at;
      this.#last = Math.max(this.#last, at);
    }
    this.#agentType = agentOf(info) || this.#agentType;
    this.#model ||= asString(info.modelID);
  }

  #user(lane: Lane, info: JsonObject, parts: JsonObject[]): TraceEvent[] {
    const compaction = parts.find(({ type }) => type === 'compaction');
    if (compaction !== undefined) {
      this.#triggers.set(asString(info.id), compaction.auto === true ? 'auto' : 'manual');
    }
    if (lane.agentId !== '') {
      const at = asObject(info.time)?.created;
      if (this.#first !== at || typeof at !== 'number') return [];
      const description = asString(this.#session.title).replace(/ \(@\S+ subagent\)$/, '');
      const told = { description, prompt: promptText(parts), parentCall: this.#parentCall };
      return [subagentEvent(lane, at, told)];
    }
    const prompt = promptEvent(lane, info, parts);
    // What opencode asks itself (to go on after a compaction) ends no turn.
    return prompt === undefined ? [] : [...this.#turnEnd(), prompt];
  }

  /** At the next prompt, or at the end of the session. */
  #turnEnd(): TraceEvent[] {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer === undefined || this.#options.file.agentId !== '') return [];
    const done = asObject(answer.time)?.completed;
    const over = answer.error !== undefined || asString(answer.finish) !== 'tool-calls';
    if (typeof done !== 'number' || !over) return [];
    return [turnEndEvent(this.#lane(''), answer, done)];
  }

  #assistant(lane: Lane, info: JsonObject, parts: JsonObject[]): TraceEvent[] {
    this.#answer = lane.copiedFrom === '' ? info : undefined;
    const events: TraceEvent[] = [];
    let calls: string[] = [];
    for (const part of parts) {
      switch (part.type) {
        case 'tool': {
          if (asString(part.id) === '') break;
          calls.push(asString(part.id));
          events.push(callEvent(lane, part, info));
          events.push(...present(endEvent(lane, part, info)));
          break;
        }
        case 'text':
        case 'reasoning':
          if (part.type === 'text') this.#lastText = asString(part.text) || this.#lastText;
          events.push(...present(textEvent(lane, part, info)));
          break;
        case 'step-finish':
          events.push(...present(usageEvent(lane, part, info, calls)));
          calls = [];
          break;
        case 'retry': {
          const attempt = typeof part.attempt === 'number' ? part.attempt : 0;
          const created = asObject(info.time)?.created;
          const at = asObject(part.time)?.created;
          const timeMs =
            typeof at === 'number'
              ? at
              : idTime(asString(part.id), typeof created === 'number' ? created : 0);
          const error = errorData(asObject(part.error) ?? {});
          events.push(retryEvent(lane, asString(info.id), attempt, timeMs, error));
          break;
        }
        default:
          this.#ignore(asString(part.type) || 'no type');
      }
    }
    events.push(...this.#tokensOfOldAnswer(lane, info, parts));
    const trigger = this.#triggers.get(asString(info.parentID)) ?? '';
    events.push(...messageEvents(lane, info, trigger));
    return events;
  }

  /** Answers without steps (of the oldest versions) have their tokens in the message. */
  #tokensOfOldAnswer(lane: Lane, info: JsonObject, parts: JsonObject[]): TraceEvent[] {
    if (parts.some(({ type }) => type === 'step-finish')) return [];
    const tokens = asObject(info.tokens);
    const cache = asObject(tokens?.cache);
    const any = [tokens?.input, tokens?.output, cache?.read, cache?.write].some(Boolean);
    if (tokens === undefined || !any) return [];
    const calls = parts.filter(({ type }) => type === 'tool').map(({ id }) => asString(id));
    const step = { type: 'step-finish', id: '', tokens, cost: info.cost ?? 0 };
    return present(usageEvent(lane, step, info, calls));
  }
}

const present = (event: TraceEvent | undefined): TraceEvent[] =>
  event === undefined ? [] : [event];
