/** What the guard is told of a hook, and says: the interface between the recorder and its part `guard`. */
import type { AgentId, Answerer, HookAnswer, HookTool } from '../agents/agent.ts';
import type { SessionRecord } from '../agents/process.ts';
import type { JsonObject, TraceEvent } from '../model/event.ts';

/** One hook of one session, recorded already. */
export interface GuardMoment {
  agent: AgentId;
  answerer: Answerer;
  known: SessionRecord;
  /** Whole: nothing of it was cut. */
  payload: JsonObject;
  /** In the agent's words. */
  event: string;
  /** How long the hook may wait for a person, ms from the process' start. */
  holdMs: number;
  /** Set-up made its failure a no. */
  closed: boolean;
  /** Of the agent's own log; empty where it has none. */
  transcript: string;
  /** Nothing may be written into the trace. */
  silent?: true;
}

export interface BeforeTool extends GuardMoment {
  tool: HookTool;
  /** As it stands in the trace; absent where it could not be recorded. */
  call: TraceEvent | undefined;
}

export interface AfterTool extends GuardMoment {
  tool: HookTool;
  /** The end as it was recorded. */
  result: TraceEvent;
}

/** The bundle `guard`. What it throws, the recorder answers by the person's choice. */
export interface GuardPart {
  /** @returns undefined: the tool may run */
  beforeTool(at: BeforeTool): HookAnswer | undefined;
  /** The same without blocking the process. @returns why the tool must not run */
  beforeToolAside(at: BeforeTool): Promise<string | undefined>;
  /** @returns undefined: the model may be asked */
  beforePrompt(at: GuardMoment): HookAnswer | undefined;
  /** @returns undefined: the settings may change */
  configChange(at: GuardMoment): HookAnswer | undefined;
  /** A call that was denied must not have ended. Never throws. */
  afterTool(at: AfterTool): void;
  /** A call ended whose beginning no hook told. Never throws. */
  unseenCall(at: AfterTool): void;
  /** Settles what waited for its end. */
  sessionEnd(at: GuardMoment): void;
  /** Where no decision can be made. @returns undefined: the person chose that the tool runs */
  failed(at: GuardMoment, error: unknown): HookAnswer | undefined;
}

/** The bundle `helper`: what a process of its own does after a hook. @param argument as `startDetached` gave it */
export interface HelperPart {
  act(argument: string | undefined): Promise<void>;
  fold(argument: string | undefined): void;
}

export interface ActTask {
  action: 'pause' | 'stop' | 'kill';
  session: string;
  /** Absolute. */
  traceDir: string;
  /** The trip that is settled by it. */
  trip: string;
  /** The hook that decided; the agent is not touched before it has ended. */
  hook?: { pid: number; startTime: string };
}
