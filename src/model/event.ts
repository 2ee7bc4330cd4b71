/**
 * One event of a trace, as it stands in `events.ndjson`: the only truth about a session.
 *
 * The top-level keys are a contract with other readers, so anything new goes into `data`, and a
 * new kind of event is an existing type with `data.event_subtype`.
 */

/** The twelve event types of the format. A file may hold others: they are kept and shown. */
export const EVENT_TYPES = [
  'session_start',
  'session_end',
  'tool_call',
  'tool_result',
  'llm_request',
  'llm_response',
  'file_read',
  'file_write',
  'decision',
  'error',
  'user_prompt',
  'assistant_response',
] as const;

/**
 * Version of the format, in `data.trace_version` of `session_start`. Traces without it were written
 * by other tools and are read as version 0.
 */
export const TRACE_VERSION = 1;

/** Values that came from JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An event as read: the known keys are of their types, unknown keys stay in `extra`. */
export interface TraceEvent {
  /** One of {@link EVENT_TYPES}, or a type of a newer version. */
  event_type: string;
  /** Seconds since the epoch, with fractions. */
  timestamp: number;
  /** 12 hex digits. Deterministic where the source has an id: see `ids.ts`. */
  event_id: string;
  session_id: string;
  /** Result or error → its call, response → its request. */
  parent_id?: string;
  /** Milliseconds, on results and errors. */
  duration_ms?: number;
  data: JsonObject;
  /** Top-level keys that this version does not know (for instance `prev_hash`). */
  extra?: JsonObject;
}

/** Where an event came from. When two sources tell of one thing, the hook's word stands. */
export type EventSource = 'hook' | 'transcript';

/**
 * `data.event_subtype`: kinds that have no event type of their own.
 *
 * | event_type         | event_subtype                                                     |
 * |--------------------|-------------------------------------------------------------------|
 * | session_start      | resume, clear, compact, fork                                      |
 * | tool_call/result   | subagent (a subagent's life; the Agent call itself is a plain call) |
 * | llm_response       | usage                                                             |
 * | assistant_response | reasoning                                                         |
 * | decision           | turn_end (the agent stopped and waits for a prompt), notification, permission, compaction, model_switch, config_change, task, elicitation, cwd, guard |
 * | error              | denied, api, recorder                                             |
 * | file_read          | instructions                                                      |
 */
export type EventSubtype =
  | 'resume'
  | 'clear'
  | 'compact'
  | 'fork'
  | 'subagent'
  | 'usage'
  | 'reasoning'
  | 'turn_end'
  | 'notification'
  | 'permission'
  | 'compaction'
  | 'model_switch'
  | 'config_change'
  | 'task'
  | 'elicitation'
  | 'cwd'
  | 'guard'
  | 'denied'
  | 'api'
  | 'recorder'
  | 'instructions';

/** What one tool call did to one file: `data.files[]` of a result. */
export interface FileOp {
  /** Absolute where the source allows it. */
  path: string;
  kind: 'read' | 'write' | 'create' | 'delete';
  /** `stat`: nobody told of it; the file was another one after the command than before. */
  source?: 'stat';
  /**
   * 1-based inclusive line ranges: the lines read, or the lines as they stand after the change.
   * Absent: the whole file. Empty: the file was touched, and no line of it is known.
   */
  ranges?: [first: number, last: number][];
  /**
   * For changes, in order: `[oldStart, oldLines, newStart, newLines]`, as in a unified diff, without
   * lines of context where the source tells them apart.
   */
  hunks?: [oldStart: number, oldLines: number, newStart: number, newLines: number][];
  /** Lines added and removed. */
  added?: number;
  removed?: number;
  /** Lines in the whole file, where known. */
  total_lines?: number;
}

/** The keys of `data` that the recorder writes and the fold reads. All are optional on disk. */
export interface EventData {
  event_subtype?: EventSubtype;
  source?: string;
  /** How this event was seen: absent means unknown (foreign traces). */
  recorded_by?: EventSource;
  /** An `AgentId`: `claude`, `codex`, `gemini`, `cursor`, `copilot`, `vscode`, `opencode`. */
  provider?: string;
  agent_id?: string;
  agent_type?: string;
  prompt_id?: string;
  cwd?: string;
  permission_mode?: string;
  tool_name?: string;
  tool_use_id?: string;
  /** Of calls and results of agents that give calls no id (Gemini, Copilot): see `callKey`. */
  call_key?: string;
  /**
   * On a hook's result: the agent's transcript knows more of this call (an exit code, the lines of an edit), and
   * its word stands.
   */
  partial?: true;
  arguments?: JsonObject;
  /** The text that the model saw, cut at 64 KB. */
  result?: string;
  error?: string;
  exit_code?: number;
  is_error?: boolean;
  files?: FileOp[];
  /** `unknown`: a command may have changed files that are not in `files`. */
  changed_files?: 'unknown';
  /** A call that ended without a result of its own was closed at this hook event. */
  closed_by?: string;
  /** Who denied a call: `hook`, `user`, `permission`, `classifier`. */
  denied_by?: string;
  /** On an Agent call's result: the subagent that it started. */
  subagent_id?: string;
  /** Of a compaction, a model switch, a task: `start`, `end`, … */
  phase?: string;
  /** On `session_start`: the session that started this one, of whichever agent. */
  parent_session_id?: string;
  /** Version of the format, on `session_start`. */
  trace_version?: number;
  /** The session that was billed for this response: a fork or resume copied it. */
  copied_from?: string;
  prompt?: string;
  text?: string;
  model?: string;
  usage?: JsonObject;
  /** Tokens that fit into the model's window, where the agent says so: on its responses. */
  context_window?: number;
  message_id?: string;
  request_id?: string;
  /** The calls that one model response asked for: its cost is theirs. */
  tool_use_ids?: string[];
  /** Counts by kind of what redaction took. */
  redacted?: Record<string, number>;
  /** Keys that were cut, with the length (UTF-16 units) and a hash of the whole. */
  truncated?: Record<string, { length: number; hash: string }>;
}
