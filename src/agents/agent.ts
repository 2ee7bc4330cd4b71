/**
 * What an agent brings: the interfaces that the folders of `agents/` implement. An agent is recorded from
 * up to two sources: its hooks ({@link HookRecorder}), which tell things as they happen, and its own transcript
 * ({@link TranscriptSource}), which knows tokens, exit codes and sessions of the past.
 */
import type { Json, JsonObject, TraceEvent } from '../model/event.ts';
import type { RedactPolicy } from '../redact/redact.ts';

export type Env = Record<string, string | undefined>;

export const AGENT_IDS = [
  'claude',
  'codex',
  'gemini',
  'cursor',
  'copilot',
  'vscode',
  'opencode',
] as const;
export type AgentId = (typeof AGENT_IDS)[number];

export interface AgentFacts {
  /** As people call it: `Claude Code`. */
  name: string;
  /** `agent_name` in meta.json, a contract with other readers: `claude-code`. */
  traceName: string;
  /** Its command's names. */
  programs: readonly string[];
  /** It runs inside the editor, where no process of its own can be frozen; Cursor outside as well. */
  inEditor?: boolean;
}

export const AGENTS: Record<AgentId, AgentFacts> = {
  claude: { name: 'Claude Code', traceName: 'claude-code', programs: ['claude'] },
  codex: { name: 'Codex', traceName: 'openai-codex', programs: ['codex'] },
  gemini: { name: 'Gemini CLI', traceName: 'gemini-cli', programs: ['gemini'] },
  cursor: {
    name: 'Cursor',
    traceName: 'cursor-agent',
    programs: ['cursor', 'cursor-agent'],
    inEditor: true,
  },
  copilot: { name: 'Copilot CLI', traceName: 'github-copilot', programs: ['copilot'] },
  vscode: {
    name: 'VS Code agent',
    traceName: 'vscode-copilot',
    programs: ['code'],
    inEditor: true,
  },
  opencode: { name: 'opencode', traceName: 'opencode', programs: ['opencode'] },
};

export const isAgentId = (name: string): name is AgentId => Object.hasOwn(AGENTS, name);

/** What a hook's event means for the recorder, whatever the agent calls it. */
export type Moment =
  /** Its record, its process and meta.json are written. */
  | 'session_start'
  /** meta.json is closed; the transcript is read to its end. */
  | 'session_end'
  /** The agent has stopped and waits for a prompt: the transcript is read. */
  | 'turn_end'
  /** A subagent has stopped: the transcript is read. */
  | 'subagent_end'
  /** The tool runs when the hook ends: a pause holds it here. */
  | 'before_tool'
  | 'after_tool';

/** What a hook process knows besides its payload. */
export interface HookContext {
  sessionId: string;
  /** Name of the event, from the command line: for payloads that do not say. */
  event: string;
  /** Seconds since the epoch at which the agent fired the hook. */
  timestamp: number;
  /** Version of the agent, where known. */
  agentVersion?: string | undefined;
  /** Of Claude Code: `cli`, `sdk-cli`, `claude-vscode`, … */
  entrypoint?: string | undefined;
  /** The recorder sees this session for the first time. */
  isFirst?: boolean;
  /**
   * What the end of the trace holds of an event. `unknown`: not in what was read, and there was more. Reads
   * a megabyte when first asked: only for what cannot be known otherwise.
   */
  recorded: (eventId: string) => 'yes' | 'no' | 'unknown';
  /**
   * Events of the end of the trace, in order, in whose lines this text stands: for payloads that do not name the call that
   * they are about. Redacted, as they were written. Reads what `recorded` reads.
   */
  recent?: (text: string) => TraceEvent[];
}

/** A tool call in a hook, as far as the recorder looks at it itself (files that commands change). */
export interface HookTool {
  name: string;
  /** The agent's own id, or `callKey` where it has none. */
  callId: string;
  /** Absolute; empty where unknown. */
  cwd: string;
  input: JsonObject;
  /** After the call only. */
  response?: Json;
  /** A subagent calls it. */
  subagent?: boolean;
}

/** One agent's hooks. Everything here is pure, quick, and never throws for a payload of any shape. */
export interface HookRecorder {
  agent: AgentId;
  /** The session's id; empty where the payload has none. */
  sessionOf(payload: JsonObject, env: Env): string;
  /** The event in the agent's words: the payload's own, else the command line's. */
  eventOf(payload: JsonObject, event: string): string;
  /** Undefined: nothing but its events. */
  momentOf(event: string, payload: JsonObject): Moment | undefined;
  /** The events of one call, in order; nothing is redacted yet. */
  map(payload: JsonObject, context: HookContext): TraceEvent[];
  /** The call that a `before_tool` or `after_tool` is about. */
  toolOf(payload: JsonObject): HookTool | undefined;
  /** Absolute path of the session's folder, by whatever key the agent gives it; empty where it does not. */
  cwdOf(payload: JsonObject): string;
  /** The agent's project folder, where the agent names one (`CLAUDE_PROJECT_DIR` and the like). */
  projectOf?(payload: JsonObject, env: Env): string | undefined;
  /** For agents that run inside the editor and outside: whether this hook is of one inside. */
  inEditor?(env: Env): boolean;
  /** The agent's process id, where it names it. */
  pidOf?(env: Env): number | undefined;
  /** Absolute path of its transcript, where it is known; empty where not. */
  transcriptOf?(payload: JsonObject, env: Env): string;
  versionOf?(payload: JsonObject, env: Env): string | undefined;
  /** How the session began (`startup`, `resume`, …): a word of the agent's; the recorder keeps lower-case ones. */
  sourceOf?(payload: JsonObject): string;
  /** How it is told no. */
  answerer: Answerer;
}

/** `stop`: it is denied, and the session shall end. */
export type AnswerKind = 'deny' | 'ask' | 'stop';

/** What a hook prints and exits with. */
export interface HookAnswer {
  stdout: string;
  exitCode: number;
}

/** How an agent is told no: its dialect. Everything here is pure. */
export interface Answerer {
  /** Its hooks can end the session: else it is denied, and somebody else ends it. */
  canStop: boolean;
  /** Its hooks can deny a prompt, before the model is asked. Event names, as {@link HookRecorder.eventOf} gives them. */
  promptEvents: readonly string[];
  /** It has a prompt of its own that a hook can bring up, and, as far as is known, a person in front of it. */
  canAsk(payload: JsonObject, env: Env): boolean;
  /**
   * @param reason plain text of one line, for the agent and its person
   * @param event in the agent's words
   */
  answer(kind: AnswerKind, reason: string, event: string): HookAnswer;
}

/** Where agents keep their files: injected by tests. */
export interface AgentPlaces {
  env?: Env;
  /** Default: this user's. */
  home?: string;
  /** The agent's own folders, named by a person, in place of the usual ones. */
  dirs?: readonly string[];
}

/** A session that an agent wrote down itself. */
export interface TranscriptFile {
  agent: AgentId;
  /** Absolute path: of a file, or of a database that holds many sessions. */
  path: string;
  sessionId: string;
  /** The project as people may know it: a folder's name or path. */
  project: string;
  /** The folder that the session worked in, absolute; empty where it does not say. */
  cwd: string;
  /** Seconds since the epoch; 0 where unknown. */
  startedAt: number;
  /** Milliseconds since the epoch. */
  createdAtMs: number;
  /** Milliseconds since the epoch of the last write; bytes: both tell whether it changed. */
  modifiedAtMs: number;
  bytes: number;
  /** Its beginning was copied from another session. */
  forked?: boolean;
  /** The session that started this one, where it is another agent's or a thread of its own. */
  parentId?: string;
}

/** One file of a session: the main conversation's, or a subagent's. */
export interface SessionFile {
  path: string;
  /** Empty: the main conversation. */
  agentId: string;
}

export interface RowMapperOptions {
  sessionId: string;
  file: SessionFile;
  /** Default `'secrets'`. */
  redact?: RedactPolicy | undefined;
  /** Hooks record this session too: only what they cannot tell is wanted. */
  live: boolean;
  /** What {@link RowMapper.save} gave. */
  state?: Json;
}

/**
 * One file's rows → events, ready to be written (see `readyEvent`), with the ids of `ids.ts`: told twice,
 * or by a hook too, it is the same event. Never throws, whatever a row is.
 */
export interface RowMapper {
  push(row: Json): TraceEvent[];
  /** What only the end of a file can tell; at import only. */
  finish(): TraceEvent[];
  /** What is needed to go on after the last row. JSON, at most 64 KB, whatever the session. */
  save(): Json;
  /** Rows of types that say nothing about the session's course, by type: at most 200 names. */
  readonly ignored: Record<string, number>;
}

/** One agent's transcripts. */
export interface TranscriptSource {
  agent: AgentId;
  /** Sessions of this machine; reads the beginnings of files only. In any order. */
  find(places?: AgentPlaces): Iterable<TranscriptFile>;
  /**
   * The session in a file that a person named, where it is one of this agent's; undefined where not. Looks at
   * the beginning of the file. A database may hold many: the one named `#id` behind the path, or the latest.
   */
  recognise(path: string): TranscriptFile | undefined;
  /** All files of a session, the main one first. */
  filesOf(transcript: TranscriptFile): SessionFile[];
  /**
   * The files of a session that runs, from what its trace says (hostile: it may name any file). Only plain files of ours
   * where this agent keeps its transcripts, reached by no link below that, and of this session; else none.
   */
  liveFilesOf(sessionId: string, transcriptPath: string, places?: AgentPlaces): SessionFile[];
  mapper(options: RowMapperOptions): RowMapper;
  /**
   * The rows of a file that is not JSON Lines (compressed, a database, one JSON document); undefined for
   * an entry that cannot be read.
   * @throws Error with a message for people
   */
  rowsOf?(transcript: TranscriptFile, file: SessionFile): Iterable<Json | undefined>;
}
