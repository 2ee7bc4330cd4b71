import type { FilesState } from './replayFiles.ts';

/** What a session was as of one of its steps. Nano-dollars, tokens, ms since the epoch. */
export interface ReplayState {
  step: number;
  timeMs: number;
  /** Events that the state is made of. */
  events: number;
  cost: {
    nanoUsd: number;
    ownNanoUsd: number;
    subagentNanoUsd: number;
    /** Model responses; some of them may be unpriced. */
    responses: number;
    unpriced: number;
  };
  /** All tokens so far. `input` is the whole prompt, cached tokens in it. */
  tokens: { input: number; cacheRead: number; cacheWrite: number; output: number };
  calls: number;
  edits: number;
  errors: number;
  denied: number;
  retries: number;
  prompts: number;
  /** The prompt that was worked on: its step, and what it has cost so far. */
  prompt?: { step: number; nanoUsd: number };
  files: FilesState;
  /** The main agent's window after its last response. */
  context?: {
    tokens: number;
    model: string;
    /** Tokens that fit into it, where known. */
    window?: number;
    /** Of what it is made, where known. */
    parts?: { cacheRead: number; cacheWrite: number; fresh: number; output: number };
  };
  /** Other calls that ran when this step began: begun before it, ended after it, or not ended. */
  running: { step: number; sinceMs: number }[];
  /** Subagents at work when this step began. */
  subagents: { lane: number; name: string; sinceMs: number }[];
}
