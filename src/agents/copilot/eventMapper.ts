/**
 * Rows of a Copilot session's events → events: `events.jsonl` of the Copilot CLI, and the transcripts of VS Code's
 * own agent, which have the same form and tell less.
 *
 * Pure: rows in, events out.
 */
import { callKey } from '../../model/callKey.ts';
import type { FileOp, Json, JsonObject, TraceEvent } from '../../model/event.ts';
import { eventId, ids, textHash } from '../../model/ids.ts';
import { readyEvent } from '../../redact/event.ts';
import type { RedactPolicy } from '../../redact/redact.ts';
import type { RowMapper, RowMapperOptions } from '../agent.ts';
import { promptId } from '../promptId.ts';
import { argumentsOf, asCount, asObject, asString, pruned, rowTime } from '../rows.ts';
import { firedAt, momentId } from './hook.ts';
import { callId } from './ids.ts';
import {
  MAX_CALLS,
  MAX_LANES,
  MAX_NAME,
  MAX_PERMISSIONS,
  MAX_PROMPTS,
  MAX_RESPONSES,
  MAX_SAID,
  MAX_TEXT,
  MAX_WORDS,
  remember,
  type State,
  savedState,
  shortened,
  stateOf,
} from './mapperState.ts';
import {
  compactionData,
  deniedBy,
  errorData,
  modelSwitchData,
  permissionData,
  skillData,
  startData,
  subagentEndData,
  subagentStartData,
} from './rowData.ts';
import { callFiles, filesOfResult } from './toolFiles.ts';
import { copilotUsage } from './usage.ts';

const MAX_IGNORED = 200;

/** Facts of one row, which all its events have. */
interface Row {
  type: string;
  id: string;
  agent: string;
  data: JsonObject;
}

export interface CopilotMapperOptions extends RowMapperOptions {
  provider: 'copilot' | 'vscode';
}

/** One file's rows → events. Never throws, whatever a row is. */
export class CopilotEventMapper implements RowMapper {
  readonly ignored: Record<string, number> = Object.create(null);
  readonly #session: string;
  readonly #provider: 'copilot' | 'vscode';
  readonly #redact: RedactPolicy;
  readonly #live: boolean;
  readonly #state: State;
  #events: TraceEvent[] = [];

  constructor(options: CopilotMapperOptions) {
    this.#session = options.sessionId;
    this.#provider = options.provider;
    this.#redact = options.redact ?? 'secrets';
    this.#live = options.live;
    this.#state = stateOf(options.state);
  }

  push(value: Json): TraceEvent[] {
    this.#events = [];
    const row = asObject(value);
    const data = asObject(row?.data);
    if (row === undefined || data === undefined) {
      this.#ignore(row === undefined ? 'not an object' : asString(row.type) || 'no type');
      return [];
    }
    const state = this.#state;
    state.time = rowTime(row) || state.time;
    if (state.first === 0) state.first = state.time;
    const type = asString(row.type);
    const id = asString(row.id) || `${asString(row.timestamp)} ${textHash(JSON.stringify(data))}`;
    this.#row({ type, id, agent: asString(row.agentId).slice(0, MAX_NAME), data });
    return this.#events;
  }

  finish(): TraceEvent[] {
    this.#events = [];
    if (this.#live) return this.#events;
    this.#release();
    this.#begun();
    this.#endTurn();
    if (this.#state.open) {
      this.#end('import', eventId(this.#session, 'import', 'end'), { reason: 'import' });
    }
    return this.#events;
  }

  save(): Json {
    return savedState(this.#state, this.#redact);
  }

  #row(row: Row): void {
    const { data, agent } = row;
    if (row.type !== 'assistant.message') this.#release();
    switch (row.type) {
      case 'session.start':
      case 'session.resume':
        this.#start(row);
        return;
      case 'hook.start':
        this.#hook(row);
        return;
      case 'hook.end':
      case 'session.permissions_changed':
      case 'system.message':
      case 'assistant.turn_start':
      case 'subagent.configured':
        this.#ignore(row.type);
        return;
      case 'session.context_changed':
        this.#state.cwd = asString(data.cwd).slice(0, MAX_TEXT) || this.#state.cwd;
        this.#ignore(row.type);
        return;
    }
    this.#begun();
    switch (row.type) {
      case 'user.message':
        this.#prompt(row);
        break;
      case 'assistant.message':
        this.#message(row);
        break;
      case 'assistant.reasoning':
        this.#reasoning(agent, asString(data.content));
        break;
      case 'assistant.turn_end':
        break;
      case 'session.usage_record':
        this.#usage(row);
        break;
      case 'tool.execution_start':
        this.#call(row);
        break;
      case 'tool.execution_complete':
        this.#result(row);
        break;
      case 'permission.requested':
        break;
      case 'permission.completed':
        this.#permission(row);
        break;
      case 'subagent.started':
        this.#subagentStart(row);
        break;
      case 'subagent.completed':
      case 'subagent.failed':
        this.#subagentEnd(row);
        break;
      case 'session.compaction_complete':
      case 'session.truncation':
        this.#compaction(row);
        break;
      case 'session.model_change':
        this.#modelSwitch(row);
        break;
      case 'session.mode_changed':
        this.#add('decision', this.#id(row), agent, {
          event_subtype: 'config_change',
          from_mode: asString(data.previousMode),
          to_mode: asString(data.newMode),
        });
        break;
      case 'session.error':
        this.#error(row);
        break;
      case 'abort':
        this.#abort(row);
        break;
      case 'skill.invoked':
        this.#add('file_read', this.#id(row), agent, skillData(data));
        break;
      case 'session.shutdown':
        this.#shutdown(row);
        break;
      default:
        this.#ignore(row.type || 'no type');
    }
  }

  #ignore(name: string): void {
    const known = Object.hasOwn(this.ignored, name);
    const key =
      known || Object.keys(this.ignored).length < MAX_IGNORED - 1 ? name.slice(0, 100) : 'others';
    this.ignored[key] = (this.ignored[key] ?? 0) + 1;
  }

  #id(row: Row): string {
    return eventId(this.#session, row.type, row.id);
  }

  #event(type: string, id: string, agent: string, data: JsonObject): TraceEvent {
    return {
      event_type: type,
      timestamp: this.#state.time,
      event_id: id,
      session_id: this.#session,
      data: pruned({
        recorded_by: 'transcript',
        provider: this.#provider,
        ...data,
        agent_id: agent,
      }),
    };
  }

  #add(
    type: string,
    id: string,
    agent: string,
    data: JsonObject,
    more: { timestamp?: number; parent_id?: string; duration_ms?: number } = {},
  ): void {
    const event = { ...this.#event(type, id, agent, data), ...more };
    this.#events.push(readyEvent(event, this.#redact));
  }

  /** Only at import: hooks tell of the session's course as it happens. */
  #start(row: Row): void {
    const { data } = row;
    const context = asObject(data.context);
    const state = this.#state;
    state.cwd = asString(context?.cwd).slice(0, MAX_TEXT) || state.cwd;
    const again = row.type === 'session.resume';
    // A session that goes on without having ended was cut off.
    this.#begun();
    state.start = {
      time: (!again && Date.parse(asString(data.startTime)) / 1000) || state.time,
      id: again ? this.#id(row) : eventId(this.#session, 'import', 'start'),
      data: shortened(startData(data, again, state.cwd)),
    };
  }

  /** The session's start is told by now. */
  #begun(): void {
    const { start } = this.#state;
    if (start === undefined) return;
    this.#state.start = undefined;
    this.#state.open = true;
    if (this.#live) return;
    this.#add('session_start', start.id, '', start.data, { timestamp: start.time });
  }

  /** What hooks were told, they have told: at import the same event comes of it. */
  #hook({ data }: Row): void {
    const input = asObject(data.input);
    if (input === undefined) return;
    const type = asString(data.hookType);
    const ms = firedAt(input);
    const state = this.#state;
    const inMain = asString(input.agentId) === '';
    if (type === 'sessionStart' && state.start !== undefined && ms !== '') {
      state.start.id = momentId(this.#session, type, ms);
      this.#begun();
    } else if (type === 'userPromptSubmitted' && inMain && ms !== '') {
      state.prompts.push([textHash(asString(input.prompt)), ms]);
      if (state.prompts.length > MAX_PROMPTS) state.prompts.shift();
    } else if (type === 'agentStop' && inMain && ms !== '') {
      state.turnEnd = { time: state.time, id: momentId(this.#session, type, ms) };
      this.#endTurn();
    } else if (type === 'sessionEnd' && ms !== '') state.ended = ms;
    else if (type === 'errorOccurred' && ms !== '') this.#hookError(input, ms);
  }

  #hookError(input: JsonObject, ms: string): void {
    const model = input.errorContext === 'model_call';
    if (model) this.#state.failed = true;
    if (this.#live) return;
    const error = asObject(input.error);
    this.#add('error', momentId(this.#session, 'errorOccurred', ms), asString(input.agentId), {
      ...(model && { event_subtype: 'api' }),
      error: asString(error?.message) || asString(input.error) || 'error',
      is_error: true,
    });
  }

  #endTurn(): void {
    const { turnEnd } = this.#state;
    this.#state.turnEnd = undefined;
    if (turnEnd === undefined || this.#live) return;
    const { id, time: timestamp } = turnEnd;
    this.#add('decision', id, '', { event_subtype: 'turn_end' }, { timestamp });
  }

  #prompt(row: Row): void {
    const { data, agent } = row;
    this.#endTurn();
    this.#state.failed = false;
    // A subagent's task: the call that started it has it.
    if (agent !== '') return;
    const prompt = asString(data.content);
    const hash = textHash(prompt);
    const { prompts } = this.#state;
    const at = prompts.findIndex(([known]) => known === hash);
    const [told] = at < 0 ? [] : prompts.splice(at, 1);
    if (told !== undefined && this.#live) return;
    if (prompt.trim() === '') return;
    const delivery = asString(data.delivery);
    const id =
      told === undefined
        ? this.#promptId(row)
        : momentId(this.#session, 'userPromptSubmitted', told[1]);
    // VS Code does not write down that it ran hooks.
    if (this.#live && this.#provider === 'vscode') return;
    this.#add('user_prompt', id, '', {
      prompt,
      source: asString(data.source) || (delivery === 'idle' ? '' : delivery),
      agent_mode: asString(data.agentMode),
    });
  }

  #promptId({ id, data }: Row): string {
    if (this.#provider !== 'vscode') {
      return ids.prompt(this.#session, asString(data.messageId) || id);
    }
    const { said } = this.#state;
    const hash = textHash(asString(data.content).trim());
    const nth = (said[hash] ?? 0) + 1;
    remember(said, hash, nth, MAX_SAID);
    return promptId(this.#session, asString(data.content), nth);
  }

  #message(row: Row): void {
    const { data, agent } = row;
    const text = asString(data.content);
    const api = asString(data.apiCallId);
    this.#reasoning(agent, asString(data.reasoningText), api);
    if (text.trim() !== '') {
      this.#add('assistant_response', this.#id(row), agent, { text, message_id: api });
    }
    const lane = this.#state.lanes[agent];
    if (lane !== undefined && text.trim() !== '') lane.words = text.slice(0, MAX_WORDS);
    const requests = Array.isArray(data.toolRequests) ? data.toolRequests : [];
    const calls = requests.map((item) => callId(asObject(item)?.toolCallId)).filter(Boolean);
    this.#responseCalls(api, calls);
    // Nothing more to do: the turn ends here, if nobody makes it go on.
    if (agent === '') {
      const id = eventId(this.#session, 'turn_end', row.id);
      this.#state.turnEnd = calls.length === 0 ? { time: this.#state.time, id } : undefined;
    }
  }

  #reasoning(agent: string, text: string, api = ''): void {
    if (text.trim() === '') return;
    // The text stands in rows of its own, too.
    const id = ids.text(this.#session, 'reasoning', agent, '', text);
    const data = { event_subtype: 'reasoning', text, message_id: api };
    this.#add('assistant_response', id, agent, data);
  }

  #usage(row: Row): void {
    const facts = copilotUsage(asObject(row.data.usage), this.#session, row.agent !== '');
    if (facts === undefined) {
      this.#ignore('session.usage_record without tokens');
      return;
    }
    const message = asString(facts.data.message_id) || `row ${row.id}`;
    const event = this.#event(
      'llm_response',
      ids.usage(this.#session, message, asString(facts.data.request_id)),
      row.agent,
      { ...facts.data, message_id: message },
    );
    if (facts.durationMs !== undefined) event.duration_ms = facts.durationMs;
    const { responses } = this.#state;
    responses.push({ ...event, data: shortened(event.data) });
    if (responses.length > MAX_RESPONSES) responses.shift();
    this.#state.held = true;
  }

  /** The calls of a response are told right after its tokens; later, and it is told again. */
  #responseCalls(api: string, calls: string[]): void {
    const { responses, held } = this.#state;
    const at = api === '' ? -1 : responses.findIndex(({ data }) => data.message_id === api);
    const [event] = at < 0 ? [] : responses.splice(at, 1);
    if (event === undefined || !held || at < responses.length) this.#release();
    else this.#state.held = false;
    if (event === undefined || (!held && calls.length === 0)) return;
    if (calls.length > 0) event.data = { ...event.data, tool_use_ids: calls };
    this.#events.push(readyEvent(event, this.#redact));
  }

  /** Tells a response that was kept back. */
  #release(): void {
    const { held, responses } = this.#state;
    const event = responses.at(-1);
    this.#state.held = false;
    if (held && event !== undefined) this.#events.push(readyEvent(event, this.#redact));
  }

  #call(row: Row): void {
    const { data, agent } = row;
    const id = callId(data.toolCallId);
    if (id === '') return;
    const tool = asString(data.toolName).slice(0, MAX_NAME);
    const args = argumentsOf(data.arguments);
    const key = callKey(tool, data.arguments ?? {});
    const { time, calls, cwd } = this.#state;
    remember(calls, id, { tool, key, time, files: callFiles(tool, args) }, MAX_CALLS);
    this.#add('tool_call', ids.call(this.#session, id), agent, {
      tool_name: tool,
      arguments: args,
      tool_use_id: id,
      call_key: key,
      mcp_server: asString(data.mcpServerName),
      cwd,
    });
  }

  #result(row: Row): void {
    const { data, agent } = row;
    const id = callId(data.toolCallId);
    if (id === '') return;
    const state = this.#state;
    const call = state.calls[id];
    delete state.calls[id];
    const decided = state.permissions[id] ?? '';
    delete state.permissions[id];
    const exit = asObject(data.shellExecution)?.exitCode;
    const files = filesOfResult(call?.tool ?? '', call?.files ?? {}, data);
    const failed = data.success === false;
    const error = asObject(data.error);
    const message = asString(error?.message);
    const denied = failed && /^(denied|rejected)$/.test(asString(error?.code));
    const since = call === undefined || call.time === 0 ? -1 : state.time - call.time;
    this.#add(
      failed ? 'error' : 'tool_result',
      ids.result(this.#session, id),
      agent,
      {
        ...(denied && { event_subtype: 'denied', denied_by: deniedBy(message, decided) }),
        tool_name: call?.tool ?? '',
        tool_use_id: id,
        call_key: call?.key ?? '',
        ...(failed
          ? { error: message || 'tool call failed', is_error: true }
          : { result: asString(asObject(data.result)?.content) }),
        files: files as (FileOp & Json)[],
        subagent_id: call?.started ?? '',
      },
      {
        parent_id: ids.call(this.#session, id),
        // Waiting for a permission is counted, too.
        ...(since >= 0 && { duration_ms: Math.round(since * 1000) }),
      },
    );
    const event = this.#events.at(-1)!;
    // Zero says something here.
    if (Number.isSafeInteger(exit)) event.data.exit_code = exit as number;
    if (files.length === 0) delete event.data.files;
  }

  #permission(row: Row): void {
    const { data } = row;
    const kind = asString(asObject(data.result)?.kind).slice(0, MAX_NAME);
    const id = callId(data.toolCallId);
    const source = asString(data.decisionSource);
    if (id !== '') {
      remember(this.#state.permissions, id, `${kind} ${source}`, MAX_PERMISSIONS);
    }
    const tool = this.#state.calls[id]?.tool ?? '';
    this.#add('decision', this.#id(row), row.agent, permissionData(kind, source, tool, id));
  }

  #subagentStart(row: Row): void {
    const { data } = row;
    const parent = callId(data.toolCallId);
    const agent = row.agent || parent;
    if (agent === '') return;
    const { lanes, calls, time } = this.#state;
    remember(lanes, agent, { first: time, words: '' }, MAX_LANES);
    const call = calls[parent];
    if (call !== undefined) call.started = agent;
    this.#add(
      'tool_call',
      ids.subagent(this.#session, agent),
      agent,
      subagentStartData(data, parent),
      parent === '' ? {} : { parent_id: ids.call(this.#session, parent) },
    );
  }

  #subagentEnd(row: Row): void {
    const { data } = row;
    const agent = row.agent || callId(data.toolCallId);
    if (agent === '') return;
    const lane = this.#state.lanes[agent];
    delete this.#state.lanes[agent];
    const ms = data.durationMs;
    this.#add(
      'tool_result',
      ids.subagentEnd(this.#session, agent),
      agent,
      subagentEndData(data, row.type === 'subagent.failed', lane?.words ?? ''),
      {
        parent_id: ids.subagent(this.#session, agent),
        ...(typeof ms === 'number' && ms >= 0 && { duration_ms: ms }),
      },
    );
  }

  #compaction(row: Row): void {
    const cut = row.type === 'session.truncation';
    this.#add('decision', this.#id(row), row.agent, compactionData(row.data, cut));
  }

  #modelSwitch(row: Row): void {
    const data = modelSwitchData(row.data);
    if (data === undefined) this.#ignore(row.type);
    else this.#add('decision', this.#id(row), row.agent, data);
  }

  #error(row: Row): void {
    if (this.#state.failed) this.#state.failed = false;
    else this.#add('error', this.#id(row), row.agent, errorData(row.data));
  }

  /** No hook fires when a person stops the agent. */
  #abort(row: Row): void {
    this.#state.turnEnd = undefined;
    const said = `interrupted: ${asString(row.data.reason) || 'abort'}`;
    this.#add('error', this.#id(row), row.agent, { error: said, is_interrupt: true });
    const id = eventId(this.#session, 'turn_end', row.id);
    if (row.agent !== '') return;
    this.#add('decision', id, '', { event_subtype: 'turn_end', reason: 'interrupted' });
  }

  #shutdown(row: Row): void {
    this.#endTurn();
    const { ended } = this.#state;
    this.#end(
      asString(row.data.shutdownType),
      ended === undefined ? this.#id(row) : momentId(this.#session, 'sessionEnd', ended),
      { total_premium_requests: asCount(row.data.totalPremiumRequests) },
    );
  }

  #end(reason: string, id: string, more: JsonObject): void {
    const { time, first } = this.#state;
    this.#state.open = false;
    this.#state.ended = undefined;
    if (this.#live) return;
    const duration = Math.max(0, Math.round((time - first) * 1000));
    this.#add('session_end', id, '', { reason, duration_ms: duration, ...more });
  }
}
