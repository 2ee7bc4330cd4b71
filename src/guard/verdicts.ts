/**
 * What was said of a session's calls: `~/.agent-strace/guard/verdicts/<session>.ndjson`. One line, one write; the hook that
 * decides writes it before it answers, and whoever verifies reads it.
 */
import type { Action } from './rules/rule.ts';

export interface CallVerdict {
  /** Seconds since the epoch. */
  at: number;
  /** The agent's own id of the call, or `callKey` where it has none: then the n-th call of a key has the n-th verdict. */
  call: string;
  /** `event_id` of the `tool_call` in the trace, where it is known. */
  event?: string;
  tool: string;
  /** `deny`: it was told not to run it. */
  said: 'allow' | 'deny';
  /** Of the rule that said so. */
  action?: Action;
  rule?: string;
  /** Of the {@link Trip}. */
  trip?: string;
  /** What the call was about, redacted, at most 200 characters. */
  target?: string;
}
