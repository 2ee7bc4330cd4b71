/**
 * The messages between the replay page and whatever hosts it. Trace data reaches a page by these messages
 * only. The page keeps what the person wants (the step, the speed); the host tells what the session was
 * as of a step.
 */

import type { FileDiff } from '../model/diffLines.ts';
import type { ReplayState } from '../model/replay/replayState.ts';
import type { StepView } from '../model/step.ts';
import type { SessionStatus } from '../model/summary.ts';
import type { RowColumns, RowsRequest } from './rows.ts';

export const REPLAY_PROTOCOL = 1;

/** Times real time; `max` is as fast as frames come. */
export const REPLAY_SPEEDS = [0.5, 1, 2, 4, 8, 16, 'max'] as const;
export type ReplaySpeed = (typeof REPLAY_SPEEDS)[number];

/** The whole session, at most four times a second. */
export interface ReplayHeader {
  sessionId: string;
  /** The host's clock when this was sent, ms since the epoch. */
  nowMs: number;
  title: string;
  agent: string;
  /** The dearest first. */
  models: string[];
  workspace: string;
  status: SessionStatus;
  startedAtMs: number;
  endedAtMs?: number;
  durationMs: number;
  cost: { nanoUsd: number; estimatedNanoUsd: number; unpriced: number; unknown?: true };
  counts: { events: number; calls: number; errors: number; denied: number; files: number };
  /** Lines that could not be read. */
  badLines: number;
  lanes: string[];
}

/** One step in full, as far as a page can show it. Plain text, cut where it is long. */
export interface StepDetails {
  step: number;
  /** The call's arguments, or what else the event says, as JSON. */
  input: string;
  /** What came of it; absent: nothing yet, or nothing at all. */
  output?: string;
  /** The input is a text (a prompt, an answer), no JSON. */
  prose: boolean;
  failed: boolean;
  denied: boolean;
  exitCode?: number;
  /** Who denied it, and by which rule. */
  deniedBy?: string;
  rule?: string;
  diff?: FileDiff;
  /** Of all edits of this file, which one this is. 1-based. */
  editOfFile?: number;
  /** The model response that the step is part of. */
  response?: {
    model: string;
    /** Absent: no price is known. */
    nanoUsd?: number;
    /** Calls that share its cost. */
    calls: number;
    input: number;
    cacheRead: number;
    cacheWrite: number;
    output: number;
  };
  /** Something was cut here, or by the recorder. */
  cut: boolean;
}

export type ToReplayPage =
  /** First, and after every `ready`. */
  | {
      type: 'start';
      version: number;
      sessionId: string;
      speed: ReplaySpeed;
      skipIdle: boolean;
      /** Step to open at; absent: where the person was, or the start. */
      step?: number;
    }
  /** The session is not there, or not yet. */
  | { type: 'empty'; reason: 'gone' | 'loading' }
  | { type: 'header'; header: ReplayHeader }
  | { type: 'columns'; sessionId: string; columns: RowColumns }
  | { type: 'rows'; sessionId: string; requestId: number; from: number; rows: StepView[] }
  /** Answer to `find`: matching rows in ascending order; several messages, the last with `done`. */
  | { type: 'found'; sessionId: string; requestId: number; rows: Uint32Array; done: boolean }
  /** Answer to `state`. Without a state: not known yet, ask again. */
  | { type: 'state'; sessionId: string; requestId: number; state?: ReplayState }
  /** Answer to `details`. Without them: the trace was moved, or the step is no longer there. */
  | { type: 'details'; sessionId: string; requestId: number; details?: StepDetails }
  /** The person wants to see this step. */
  | { type: 'goTo'; sessionId: string; step: number }
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
      action?: { command: ReplayCommand; title: string };
    };

export type FromReplayPage =
  | { type: 'ready'; version: number }
  | (RowsRequest & { sessionId: string })
  | { type: 'find'; sessionId: string; requestId: number; text: string; from: number }
  | { type: 'state'; sessionId: string; requestId: number; step: number }
  | { type: 'details'; sessionId: string; requestId: number; step: number }
  /** Opens the step: its diff, its file or the event itself; or shows it in the event stream. */
  | { type: 'open'; sessionId: string; step: number; what: 'diff' | 'file' | 'event' | 'stream' }
  /** Opens a file of the session, by the path that a state named. */
  | { type: 'openFile'; sessionId: string; path: string }
  | { type: 'command'; command: ReplayCommand };

/** The only commands a page may ask for. */
export type ReplayCommand = 'showLog' | 'chooseSession';
