/**
 * The messages between the event stream page and whatever hosts it (the VS Code view, later the
 * shared HTML file and the collector's page). Trace data reaches a page by these messages only.
 *
 * The page keeps no domain data of its own: the host sends full snapshots of the small things
 * (sessions, header) and columns of the big one (the rows), and answers row requests by number.
 */

import type { StepView } from '../model/step.ts';
import type { SessionStatus } from '../model/summary.ts';
import type { RowColumns, RowsRequest } from './rows.ts';

export const STREAM_PROTOCOL = 1;

/** One row of the session switcher. */
export interface SessionTab {
  id: string;
  /** `Claude Code`, `Codex`, … */
  agent: string;
  workspace: string;
  /** What it is about (its first prompt), to tell sessions of one workspace apart. */
  title?: string;
  status: SessionStatus;
  startedAtMs: number;
  endedAtMs?: number;
  nanoUsd: number;
  /** Estimated part, shown apart with `~`. */
  estimatedNanoUsd: number;
  unpriced: number;
  /** Nothing tells what was billed: `nanoUsd` is 0, and not said. */
  unknown?: true;
}

export interface ModelCost {
  model: string;
  /** Model responses. */
  responses: number;
  /** Absent: no price is known. */
  nanoUsd?: number;
  inputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
}

/** Whether and how a session's agent can be paused and stopped. */
export interface ControlInfo {
  kind: /** Its whole process tree can be frozen, and stopped. */
    | 'signals'
    /** It is held before its next tool call: this agent cannot be frozen. */
    | 'cooperative'
    | 'none';
  /** Why not, for people. */
  reason?: string;
  paused: boolean;
}

/** The numbers above the list: a full snapshot, at most four a second. */
export interface StreamHeader {
  sessionId: string;
  /** The host's clock when this was sent, ms since the epoch: a page elsewhere may run ahead of it. */
  nowMs: number;
  title: string;
  agent: string;
  workspace: string;
  status: SessionStatus;
  startedAtMs: number;
  endedAtMs?: number;
  cost: {
    nanoUsd: number;
    /** Nano-dollars a minute over the last five minutes; absent when ended. */
    rateNanoUsd?: number;
    estimatedNanoUsd: number;
    ownNanoUsd: number;
    subagentNanoUsd: number;
    models: ModelCost[];
    priced: number;
    deduplicated: number;
    estimated: number;
    unpriced: number;
    /** Nothing tells what was billed: `nanoUsd` is 0, and not said. */
    unknown?: true;
    /** Models without a price, by name. */
    unpricedModels: string[];
    /** `2026-11-20`. */
    priceDate?: string;
  };
  /** Absent: no budget is set. */
  budgetNanoUsd?: number;
  control: ControlInfo;
  context?: {
    tokens: number;
    window?: number;
    /** Where the agent compacts its context by itself, tokens. */
    compactAtTokens?: number;
  };
  /** When the prompt cache goes cold, ms since the epoch. Absent: nothing is cached. */
  cacheColdAtMs?: number;
  /** Lifetime of that cache, ms: the meter's full width. */
  cacheTtlMs?: number;
  current?: {
    /** The row of the running call. */
    row: number;
    icon: StepView['icon'];
    tool: string;
    target: string;
    startedAtMs: number;
    /** Median of this tool's earlier calls, ms. */
    usualMs?: number;
  };
  /** The model works: since when, ms since the epoch. */
  thinkingSinceMs?: number;
  /** The agent waits for an answer (status `waiting`): since when, ms since the epoch. */
  waitingSinceMs?: number;
  counts: {
    events: number;
    calls: number;
    errors: number;
    denied: number;
    edits: number;
    prompts: number;
    badLines: number;
  };
  lanes: { id: string; name: string }[];
}

/** The chips above the list. */
export type StreamFilter = 'all' | 'tools' | 'errors' | 'denied' | 'edits';

export type ToStreamPage =
  | {
      type: 'sessions';
      version: number;
      sessions: SessionTab[];
      selected?: string;
      /** The person chose it, here or elsewhere: what a page remembers does not count. */
      chosen?: boolean;
    }
  /** No session at all: the page shows its empty state. */
  | { type: 'empty'; reason: 'noSession' | 'noFolder' | 'untrusted' }
  | { type: 'header'; header: StreamHeader }
  | { type: 'columns'; sessionId: string; columns: RowColumns }
  /** Answer to `rows`: the words of rows `from …`; `requestId` as asked. */
  | { type: 'rows'; sessionId: string; requestId: number; from: number; rows: StepView[] }
  /** Answer to `find`: matching rows in ascending order; several messages, the last with `done`. */
  | { type: 'found'; sessionId: string; requestId: number; rows: Uint32Array; done: boolean }
  /** While a big session is read. */
  | {
      type: 'progress';
      sessionId: string;
      readEvents: number;
      readBytes: number;
      totalBytes: number;
    }
  | {
      type: 'error';
      message: string;
      detail?: string;
      action?: { command: StreamCommand; title: string };
    };

export type FromStreamPage =
  | { type: 'ready'; version: number }
  | { type: 'select'; sessionId: string }
  | (RowsRequest & { sessionId: string })
  /** Which rows from `from` on have this text, whatever its case? A later `find` ends an earlier one. */
  | { type: 'find'; sessionId: string; requestId: number; text: string; from: number }
  /** Shows a step in the replay. */
  | { type: 'open'; sessionId: string; row: number }
  /** Opens what a step is about: its file at the line, else the event itself. */
  | { type: 'openFile'; sessionId: string; row: number }
  /** `sessionId`: whose agent is meant; needed to pause, resume and stop. */
  | { type: 'command'; command: StreamCommand; sessionId?: string };

/** The only commands a page may ask for. */
export type StreamCommand =
  | 'setUp'
  | 'showLog'
  | 'openFolder'
  | 'manageTrust'
  | 'pause'
  | 'resume'
  | 'stop';
