/**
 * Rules that tripped: `~/.agent-strace/guard/trips/<id>.json`, written by whoever saw it first (a hook, a window, `watch`), shown by
 * all windows and answered by one.
 */
import type { AgentId } from '../agents/agent.ts';
import type { Action } from './rules/rule.ts';

export interface Trip {
  version: 1;
  /** 12 hex: of the session, the rule and the limit (metrics) or the call, so that one thing trips once. */
  id: string;
  session: string;
  agent: AgentId | string;
  /** Absolute. */
  traceDir: string;
  project: string;
  rule: {
    name: string;
    text: string;
    scope: string;
    file?: string;
    line?: number;
    message?: string;
  };
  action: Action;
  /** For people: `cost $5.02 is over $5.00`. Redacted. */
  detail: string;
  value?: number;
  limit?: number;
  /** `prevent`: in a hook, before the call ran. `interrupt`: between calls. `verify`: a denied call that ran all the same. */
  line: 'prevent' | 'interrupt' | 'verify';
  /** Seconds since the epoch. */
  at: number;
  /** The call that was held, denied or (verify) ran: tool, target (redacted, at most 200 characters), its id in the trace. */
  call?: { tool: string; target: string; id: string };
  /** Told only: a dry run. */
  dryRun?: true;
  state: 'open' | 'resumed' | 'raised' | 'stopped' | 'killed' | 'dismissed' | 'failed';
  /** What was done to the processes, as the brake reported it. */
  processes?: { pid: number; name: string; state: string }[];
  /** Why nothing could be done, for people. */
  problem?: string;
  /** Absolute path of the post-mortem. */
  postmortem?: string;
  /** Seconds since the epoch. */
  settledAt?: number;
}
