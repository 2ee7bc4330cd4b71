/**
 * The messages between the replay page and whatever hosts it. Trace data reaches a page by these messages
 * only. The page keeps what the person wants (the step, the speed); the host tells what the session was
 * as of a step.
 */

import type { ContextSources } from '../analysis/context/contextCourse.ts';
import type { Activity, PhaseOutcome, PhaseSums } from '../analysis/phases/phase.ts';
import type { CacheBreak } from '../analysis/waste/waste.ts';
import type { WhyChain } from '../analysis/why/whyChain.ts';
import type { FileDiff } from '../model/diffLines.ts';
import type { ReplayState } from '../model/replay/replayState.ts';
import type { StepView } from '../model/step.ts';
import type { SessionStatus } from '../model/summary.ts';
import type { RowColumns, RowsRequest } from './rows.ts';

export const REPLAY_PROTOCOL = 2;

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
  /** Of the working tree, where the trace tells it. */
  branch?: string;
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

/** A phase, as the timeline and the transcript show it. */
export interface PhaseView extends PhaseSums {
  name: string;
  activity: Activity;
  outcome: PhaseOutcome;
  /** 1 for P1; 0: before the first prompt. */
  promptNumber: number;
  firstStep: number;
  lastStep: number;
  startMs: number;
  endMs: number;
  wastedNanoUsd: number;
}

/** A lane: the main agent (the first), a subagent, or an MCP server. */
export interface LaneView {
  kind: 'main' | 'subagent' | 'mcp';
  /** As in the rows' `lane`; of an MCP server the lane of none: its calls are those steps in `steps`. */
  lane: number;
  name: string;
  /** Own cost; absent for MCP servers. Nano-dollars. */
  nanoUsd?: number;
  startMs: number;
  endMs?: number;
  /** The step that started it; -1: not known. */
  spawnStep: number;
  /** Lane of the one that started it. */
  parentLane: number;
  /** MCP servers: the steps that called it, ascending. */
  steps?: Uint32Array;
}

/**
 * What the session is made of, beside its rows: sent when it changed, at most once a second. The rows carry the rest: prompts,
 * errors, denials, retries, tests, commits and compactions are flags of rows, the cumulative cost is the sum of their costs (without that of
 * prompts, which is a total).
 */
export interface Outline {
  phases: PhaseView[];
  lanes: LaneView[];
  /** Fill of the main agent's window: at which steps it was told, and what it was then, tokens. */
  context: { step: Uint32Array; tokens: Float64Array; window?: number };
  cacheBreaks: CacheBreak[];
  /** Nano-dollars. */
  wastedNanoUsd: number;
  /** What the session may cost, where a limit is set. Nano-dollars. */
  budgetNanoUsd?: number;
}

/** A note, label or bookmark on a step. */
export interface AnnotationView {
  id: string;
  /** -1: the step is not there (yet). */
  step: number;
  label: string;
  note: string;
  author: string;
  createdAtMs: number;
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
      /** What to show of the step. */
      section?: ReplaySection;
    }
  /** The session is not there, or not yet. */
  | { type: 'empty'; reason: 'gone' | 'loading' }
  | { type: 'header'; header: ReplayHeader }
  | { type: 'columns'; sessionId: string; columns: RowColumns }
  | { type: 'rows'; sessionId: string; requestId: number; from: number; rows: StepView[] }
  /** Answer to `find`: matching rows in ascending order; several messages, the last with `done`. */
  | { type: 'found'; sessionId: string; requestId: number; rows: Uint32Array; done: boolean }
  /**
   * Answer to `state`. Without a state: not known yet, ask again. Of the last question a second one comes where the
   * first had no sources yet.
   */
  | {
      type: 'state';
      sessionId: string;
      requestId: number;
      state?: ReplayState;
      /** What filled the main agent's window then, estimated; tokens. */
      sources?: ContextSources;
    }
  /** Answer to `details`. Without them: the trace was moved, or the step is no longer there. */
  | { type: 'details'; sessionId: string; requestId: number; details?: StepDetails }
  /** Also after every change of it. */
  | { type: 'outline'; sessionId: string; outline: Outline }
  /** All of them, after every change. */
  | { type: 'annotations'; sessionId: string; annotations: AnnotationView[] }
  /** Answer to `why`. Without a chain: the step is not there. */
  | { type: 'why'; sessionId: string; requestId: number; step: number; chain?: WhyChain }
  /** Answer to `range`: what these steps come to. Without sums: not known (yet). */
  | {
      type: 'range';
      sessionId: string;
      requestId: number;
      from: number;
      to: number;
      sums?: PhaseSums & { durationMs: number; filesRead: number; filesChanged: number };
    }
  /** Something was put on the clipboard. */
  | { type: 'copied'; sessionId: string; what: CopyWhat }
  /** The person wants to see this step. */
  | { type: 'goTo'; sessionId: string; step: number; section?: ReplaySection }
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
  /**
   * Opens a file of the session, by the path that a state named: as it is now, or read-only as it was after a step.
   */
  | { type: 'openFile'; sessionId: string; path: string; asOf?: number }
  /** Opens what the steps `from … to` (both inclusive) changed in all, as diffs. */
  | { type: 'openChanges'; sessionId: string; from: number; to: number }
  | { type: 'why'; sessionId: string; requestId: number; step: number }
  | { type: 'range'; sessionId: string; requestId: number; from: number; to: number }
  /** Puts the steps `from … to` (both inclusive) on the clipboard. */
  | { type: 'copy'; sessionId: string; what: CopyWhat; from: number; to: number }
  /** Makes an annotation, or changes the one of this id. */
  | {
      type: 'annotate';
      sessionId: string;
      id?: string;
      step: number;
      label: string;
      note: string;
    }
  | { type: 'removeAnnotation'; sessionId: string; id: string }
  /** The person gives the session another name; empty: that of its first prompt. */
  | { type: 'rename'; sessionId: string; title: string }
  | { type: 'command'; command: ReplayCommand };

/** The only commands a page may ask for. */
export type ReplayCommand = 'showLog' | 'chooseSession' | 'compare' | 'export' | 'explain';

/** A part of the inspector that the person asked for: why the step was done. */
export type ReplaySection = 'why';

/** The steps as Markdown, or a link that opens the first of them. */
export type CopyWhat = 'markdown' | 'link';
