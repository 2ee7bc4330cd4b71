/**
 * A whole Claude Code transcript → the events of its session, for import. What the rows mean is
 * in `usage.ts` where the live reader needs it too.
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
import { eventId, ids } from '../../model/ids.ts';

import { readyEvent } from '../../redact/event.ts';
import type { RedactPolicy } from '../../redact/redact.ts';
import { asObject, asString, rowTime, textOf } from '../rows.ts';
import { isSearch } from './searchHits.ts';
import { exitCodeOf, filesOf } from './toolResult.ts';
import {
  apiErrorData,
  blocksOf,
  compactionData,
  compactionId,
  copiedFrom,
  INTERRUPTED_TURN,
  interruptId,
  interruption,
  mergeUsage,
  Responses,
  sourceOf,
  usageData,
} from './usage.ts';

/** Where a row stands. */
export interface RowContext {
  /** Path of the file, to tell one file's state from another's. */
  file: string;
  /** The subagent whose file it is; absent for the main conversation. */
  agentId?: string;
}

/** `agent-<id>.meta.json`, beside a subagent's file. */
export interface SubagentMeta {
  agentType?: string;
  description?: string;
  /** The parent's Agent call. */
  toolUseId?: string;
}

export interface TranscriptStats {
  rows: number;
  /** Rows of types that say nothing about the session's course, by type. */
  ignored: Record<string, number>;
  /** Rows that told of a response that was counted already. */
  deduplicated: number;
  /** Rows copied from another session. */
  copied: number;
}

interface FileState {
  prompt: string;
  time: number;
}

interface Call {
  name: string;
  time: number;
  /** Of a search: its result does not say where, and how, it looked. */
  input?: JsonObject;
}

/** Texts that stand in a user's place in the transcript but that no user wrote. */
const NOT_A_PROMPT = /^<(local-command-stdout|local-command-stderr|local-command-caveat|bash-)/;
const COMMAND = /<command-name>([^<]*)<\/command-name>/;
const COMMAND_ARGS = /<command-args>([^<]*)<\/command-args>/;
/** What the model is told when a person says no; older rows have no other mark of it. */
const REFUSED = /^(The user doesn't want to|Permission to use |User rejected )/;
/** Row types that carry the session's course. All others are counted. */
const USED_TYPES = new Set(['user', 'assistant', 'system', 'attachment']);
const TITLE_KEYS: Record<string, string> = {
  summary: 'summary',
  'custom-title': 'customTitle',
  'ai-title': 'aiTitle',
};

/** The whole of a session: main file and subagents' files go through one mapper, in any order. */
export class TranscriptMapper {
  readonly stats: TranscriptStats = {
    rows: 0,
    ignored: Object.create(null),
    deduplicated: 0,
    copied: 0,
  };
  readonly sessionId: string;
  readonly #redact: RedactPolicy;
  readonly #files = new Map<string, FileState>();
  readonly #responses = new Responses<TraceEvent>();
  readonly #calls = new Map<string, Call>();
  readonly #prompts = new Set<string>();
  readonly #subagents = new Map<string, { first: number; last: number; lastText: string }>();
  readonly #metas = new Map<string, SubagentMeta>();
  #first: { time: number; row: JsonObject } | undefined;
  #last = 0;
  #title = '';
  #costState: JsonObject | undefined;

  constructor(options: { sessionId: string; redact?: RedactPolicy | undefined }) {
    this.sessionId = options.sessionId;
    this.#redact = options.redact ?? 'secrets';
  }

  /** What is known of a subagent beside its file; before its rows. */
  describe(agentId: string, meta: SubagentMeta): void {
    this.#metas.set(agentId, meta);
  }

  /**
   * The events of one row. An event told again (a response's later rows) replaces the one with
   * the same id. Never throws, whatever the row is.
   */
  push(value: unknown, context: RowContext): TraceEvent[] {
    const row = asObject(value);
    this.stats.rows += 1;
    const type = asString(row?.type);
    const billed = asObject(asObject(row?.message)?.usage) !== undefined;
    if (row === undefined || !(USED_TYPES.has(type) || billed)) {
      this.#note(row, type);
      return [];
    }
    const state = this.#state(context.file);
    state.time = rowTime(row) || state.time;
    if (state.time > 0) {
      this.#last = Math.max(this.#last, state.time);
      const main = context.agentId === undefined;
      if (main && (this.#first === undefined || state.time < this.#first.time)) {
        this.#first = { time: state.time, row };
      }
    }
    const agentId = context.agentId ?? asString(row.agentId);
    const from = copiedFrom(row, this.sessionId);
    if (from !== '') this.stats.copied += 1;
    const at = new RowEvents(this, row, state, agentId, from, this.#redact);
    if (agentId !== '') this.#subagent(at, agentId, row);
    if (type === 'user') this.#user(at);
    else if (type === 'system') this.#system(at);
    else if (type === 'attachment') this.#attachment(at);
    else this.#assistant(at);
    return at.events;
  }

  /** Events that only the end of the files can tell: the session's start and end, subagents' ends. */
  finish(): TraceEvent[] {
    const events: TraceEvent[] = [];
    const add = (type: string, time: number, id: string, data: JsonObject, more = {}): void => {
      const event: TraceEvent = {
        event_type: type,
        timestamp: time,
        event_id: id,
        session_id: this.sessionId,
        ...more,
        data: { recorded_by: 'transcript', provider: 'claude', ...data },
      };
      events.push(readyEvent(event, this.#redact));
    };
    for (const [agentId, life] of this.#subagents) {
      add(
        'tool_result',
        life.last,
        ids.subagentEnd(this.sessionId, agentId),
        {
          event_subtype: 'subagent',
          agent_id: agentId,
          ...kept({ agent_type: this.#metas.get(agentId)?.agentType, result: life.lastText }),
        },
        {
          parent_id: ids.subagent(this.sessionId, agentId),
          duration_ms: Math.max(0, Math.round((life.last - life.first) * 1000)),
        },
      );
    }
    if (this.#first === undefined) return events;
    const { time, row } = this.#first;
    add('session_start', time, eventId(this.sessionId, 'import', 'start'), {
      trace_version: TRACE_VERSION,
      mode: 'import',
      ...kept({
        cwd: row.cwd,
        agent_version: row.version,
        git_branch: row.gitBranch,
        entrypoint: row.entrypoint,
        permission_mode: row.permissionMode,
      }),
    });
    const cost = this.#costState?.totalCostUSD;
    add('session_end', this.#last, eventId(this.sessionId, 'import', 'end'), {
      reason: 'import',
      duration_ms: Math.max(0, Math.round((this.#last - time) * 1000)),
      ...kept({ title: this.#title }),
      // The agent's own sum, to hold ours against.
      ...(typeof cost === 'number' && { agent_cost_usd: cost }),
    });
    return events;
  }

  #state(file: string): FileState {
    let state = this.#files.get(file);
    if (state === undefined) {
      state = { prompt: '', time: 0 };
      this.#files.set(file, state);
    }
    return state;
  }

  #ignore(name: string): void {
    const { ignored } = this.stats;
    // A hostile file can name any number of types.
    const known = Object.hasOwn(ignored, name) || Object.keys(ignored).length < 200;
    const key = known ? name.slice(0, 100) : 'others';
    ignored[key] = (ignored[key] ?? 0) + 1;
  }

  /** Rows that are no part of the course, but say something of the whole. */
  #note(row: JsonObject | undefined, type: string): void {
    this.#ignore(row === undefined ? 'not an object' : type || 'no type');
    if (row === undefined) return;
    const title = Object.hasOwn(TITLE_KEYS, type) ? TITLE_KEYS[type] : undefined;
    if (title !== undefined) this.#title = asString(row[title]) || this.#title;
    if (type === 'cost-state') this.#costState = row;
  }

  #subagent(at: RowEvents, agentId: string, row: JsonObject): void {
    const life = this.#subagents.get(agentId);
    const text = textOf(
      blocksOf(row)
        .filter((block) => block.type === 'text')
        .map((block): Json => block),
    );
    const lastText = row.type === 'assistant' ? text : '';
    if (life !== undefined) {
      life.first = Math.min(life.first, at.state.time);
      life.last = Math.max(life.last, at.state.time);
      life.lastText = lastText || life.lastText;
      return;
    }
    this.#subagents.set(agentId, { first: at.state.time, last: at.state.time, lastText });
    const meta = this.#metas.get(agentId);
    const parent = asString(meta?.toolUseId);
    at.add(
      'tool_call',
      ids.subagent(this.sessionId, agentId),
      {
        event_subtype: 'subagent',
        agent_id: agentId,
        ...kept({
          agent_type: meta?.agentType ?? asString(row.attributionAgent),
          description: meta?.description,
          prompt: row.type === 'user' ? text : '',
          parent_tool_use_id: parent,
        }),
      },
      parent === '' ? undefined : ids.call(this.sessionId, parent),
    );
  }

  #user(at: RowEvents): void {
    const { row, state } = at;
    state.prompt = asString(row.promptId) || state.prompt;
    const texts: string[] = [];
    for (const block of blocksOf(row)) {
      if (block.type === 'tool_result') this.#result(at, block);
      else if (block.type === 'text') texts.push(asString(block.text));
      else texts.push(`[${asString(block.type) || 'block'}]`);
    }
    const text = texts.join('\n');
    if (row.isCompactSummary === true) {
      const id = eventId(this.sessionId, 'compaction', asString(row.uuid));
      at.add('decision', id, { event_subtype: 'compaction', summary: text });
      return;
    }
    // A subagent's first user row is its task, told by its start.
    if (text.trim() === '' || row.isMeta === true || at.agentId !== '') return;
    if (NOT_A_PROMPT.test(text)) return;
    if (interruption(row) !== '') {
      at.add('error', interruptId(this.sessionId, row), { error: text, is_interrupt: true });
      at.add('decision', at.textId('turn_end', text), INTERRUPTED_TURN);
      return;
    }
    const promptId = asString(row.promptId) || asString(row.uuid) || String(state.time);
    state.prompt = promptId;
    const again = this.#prompts.has(promptId);
    this.#prompts.add(promptId);
    const command = COMMAND.exec(text)?.[1];
    const args = COMMAND_ARGS.exec(text)?.[1] ?? '';
    at.add(
      'user_prompt',
      again
        ? eventId(this.sessionId, 'prompt', promptId, asString(row.uuid))
        : ids.prompt(this.sessionId, promptId),
      {
        prompt: command === undefined ? text : `${command} ${args}`.trim(),
        ...kept({ permission_mode: row.permissionMode, source: row.promptSource }),
      },
    );
  }

  #result(at: RowEvents, block: JsonObject): void {
    const { row } = at;
    const useId = asString(block.tool_use_id);
    if (useId === '') return;
    const call = this.#calls.get(useId);
    const tool = call?.name ?? '';
    const text = textOf(block.content);
    const failed = block.is_error === true;
    const response = asObject(row.toolUseResult);
    const facts = { input: call?.input, cwd: asString(row.cwd) };
    const files = failed ? [] : filesOf(tool, row.toolUseResult, facts);
    const permission = asObject(row.permissionDecision);
    const denied =
      failed &&
      (permission?.decision === 'reject' || row.toolDenialKind !== undefined || REFUSED.test(text));
    const took = durationOf(response, call, at.state.time);
    at.add(
      failed ? 'error' : 'tool_result',
      ids.result(this.sessionId, useId),
      {
        ...(denied && { event_subtype: 'denied' }),
        ...kept({ tool_name: tool }),
        tool_use_id: useId,
        ...(failed && { is_error: true }),
        ...(failed
          ? { error: text.replace(/^<tool_use_error>|<\/tool_use_error>$/g, '') }
          : { result: text }),
        ...outcomeOf(response, failed, text),
        ...(files.length > 0 && { files: files as (FileOp & Json)[] }),
        ...kept({
          denied_by: denied ? permission?.source : undefined,
          task_id: response?.backgroundTaskId,
          subagent_id: response?.agentId,
          return_code_interpretation: response?.returnCodeInterpretation,
        }),
      },
      ids.call(this.sessionId, useId),
      took,
    );
  }

  #assistant(at: RowEvents): void {
    const { row, state } = at;
    const message = asObject(row.message) ?? {};
    if (row.isApiErrorMessage === true) {
      const text = textOf(message.content);
      at.add('error', at.textId('api', text), apiErrorData(row, text));
      return;
    }
    if (message.model === '<synthetic>') return;
    const calls: string[] = [];
    const data = usageData(row);
    const source = sourceOf(data);
    for (const block of blocksOf(row)) {
      const text = asString(block.text) || asString(block.thinking);
      if (block.type === 'tool_use' && asString(block.id) !== '') {
        calls.push(asString(block.id));
        this.#call(at, block);
      } else if (block.type === 'text' && text.trim() !== '') {
        at.add('assistant_response', at.textId('text', text), { text, ...source });
      } else if (block.type === 'thinking' && text.trim() !== '') {
        const said = { event_subtype: 'reasoning', text, ...source };
        at.add('assistant_response', at.textId('reasoning', text), said);
      }
    }
    if (data === undefined) return;
    const before = this.#responses.find(data);
    if (before !== undefined) this.stats.deduplicated += 1;
    const event = mergeUsage(before, this.sessionId, state.time, data, calls);
    const prompt = asString(before?.data.prompt_id) || state.prompt;
    Object.assign(event.data, kept({ prompt_id: prompt, copied_from: at.from }));
    if (at.agentId !== '' && event.data.agent_id === undefined && before === undefined) {
      event.data.agent_id = at.agentId;
    }
    this.#responses.put(event, before);
    at.push(event);
  }

  #call(at: RowEvents, block: JsonObject): void {
    const useId = asString(block.id);
    const name = asString(block.name);
    const input = asObject(block.input) ?? {};
    at.add('tool_call', ids.call(this.sessionId, useId), {
      tool_name: name,
      arguments: input,
      tool_use_id: useId,
      ...kept({ cwd: at.row.cwd }),
    });
    this.#calls.set(useId, {
      name,
      time: at.state.time,
      ...((name === 'Grep' || isSearch(asString(input.command))) && { input }),
    });
  }

  #system(at: RowEvents): void {
    const { row } = at;
    const uuid = asString(row.uuid) || asString(row.timestamp);
    if (row.subtype === 'compact_boundary') {
      at.add('decision', compactionId(this.sessionId, row), compactionData(row));
    } else if (row.subtype === 'api_error') {
      const error = asObject(row.error);
      const message =
        asString(asObject(asObject(error?.error)?.error)?.message) ||
        asString(error?.message) ||
        asString(row.error) ||
        'API error';
      at.add('error', eventId(this.sessionId, 'api', uuid), {
        event_subtype: 'api',
        error: message,
        ...numbers({ status: error?.status, retry: row.retryAttempt, max_retries: row.maxRetries }),
      });
    } else if (row.subtype === 'model_refusal_fallback') {
      at.add('decision', eventId(this.sessionId, 'model_switch', uuid), {
        event_subtype: 'model_switch',
        ...kept({
          from_model: row.originalModel,
          to_model: row.fallbackModel,
          reason: row.apiRefusalCategory,
        }),
      });
    } else {
      this.#ignore(`system/${asString(row.subtype)}`);
    }
  }

  #attachment(at: RowEvents): void {
    const attachment = asObject(at.row.attachment);
    if (attachment?.type === 'queued_command' && at.agentId === '') {
      // What a user typed while the agent was at work.
      const prompt = asString(attachment.prompt) || textOf(attachment.prompt);
      const id = eventId(this.sessionId, 'prompt', asString(at.row.uuid) || String(at.state.time));
      if (prompt.trim() !== '') at.add('user_prompt', id, { prompt, source: 'queue' });
      return;
    }
    const files = attachment?.type === 'instructions' ? attachment.files : undefined;
    if (!Array.isArray(files)) {
      this.#ignore(`attachment/${asString(attachment?.type)}`);
      return;
    }
    for (const item of files) {
      const path = asString(asObject(item)?.path);
      if (path === '') continue;
      at.add('file_read', eventId(this.sessionId, 'instructions', at.agentId, path), {
        event_subtype: 'instructions',
        path,
        ...kept({ memory_type: asObject(item)?.type }),
      });
    }
  }
}

/** One row's events, with what they all have. */
class RowEvents {
  readonly events: TraceEvent[] = [];
  readonly row: JsonObject;
  readonly state: FileState;
  readonly agentId: string;
  readonly from: string;
  readonly #mapper: TranscriptMapper;
  readonly #redact: RedactPolicy;

  constructor(
    mapper: TranscriptMapper,
    row: JsonObject,
    state: FileState,
    agentId: string,
    from: string,
    redact: RedactPolicy,
  ) {
    this.#mapper = mapper;
    this.row = row;
    this.state = state;
    this.agentId = agentId;
    this.from = from;
    this.#redact = redact;
  }

  textId(kind: string, text: string): string {
    return ids.text(this.#mapper.sessionId, kind, this.agentId, this.state.prompt, text);
  }

  add(type: string, id: string, data: JsonObject, parentId?: string, durationMs?: number): void {
    const event: TraceEvent = {
      event_type: type,
      timestamp: this.state.time,
      event_id: id,
      session_id: this.#mapper.sessionId,
      ...(parentId !== undefined && { parent_id: parentId }),
      ...(durationMs !== undefined && { duration_ms: durationMs }),
      data: {
        recorded_by: 'transcript',
        provider: 'claude',
        ...data,
        ...kept({ agent_id: this.agentId, prompt_id: this.state.prompt, copied_from: this.from }),
      },
    };
    this.push(event);
  }

  push(event: TraceEvent): void {
    this.events.push(readyEvent(event, this.#redact));
  }
}

/** The entries that are texts with something in them. */
function kept(values: Record<string, unknown>): JsonObject {
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === 'string' && value !== '') out[key] = value;
  }
  return out;
}

function numbers(values: Record<string, unknown>): JsonObject {
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === 'number' && Number.isFinite(value)) out[key] = value;
  }
  return out;
}

/** How a command ended. A code that only means "nothing found" is told in words, not as a number. */
function outcomeOf(response: JsonObject | undefined, failed: boolean, text: string): JsonObject {
  const code = failed ? exitCodeOf(text) : undefined;
  if (code !== undefined) return { exit_code: code };
  if (failed || response === undefined || !('stdout' in response)) return {};
  if (response.interrupted === true) return { is_interrupt: true };
  const open = response.backgroundTaskId ?? response.returnCodeInterpretation;
  return open === undefined ? { exit_code: 0 } : {};
}

/**
 * Milliseconds that the call took: the tool's own word, else from the call's row to the result's,
 * in which waiting for a permission is counted too.
 */
function durationOf(
  response: JsonObject | undefined,
  call: Call | undefined,
  time: number,
): number | undefined {
  for (const key of ['durationMs', 'totalDurationMs']) {
    const value = response?.[key];
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  }
  if (call === undefined || call.time === 0 || time < call.time) return undefined;
  return Math.round((time - call.time) * 1000);
}
