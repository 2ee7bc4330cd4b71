/**
 * Questions to a person about one call: `~/.agent-strace/guard/asked/<id>.json`, answered by `<id>.answer` beside it. The hook waits;
 * no answer means no.
 */
import type { AgentId } from '../agents/agent.ts';

export interface Approval {
  version: 1;
  /** 12 hex. */
  id: string;
  session: string;
  agent: AgentId | string;
  traceDir: string;
  project: string;
  rule: { name: string; text: string; file?: string; line?: number; message?: string };
  detail: string;
  call: { tool: string; target: string; id: string };
  /** Seconds since the epoch. */
  at: number;
  /** … and when it is denied for want of an answer: before the agent's own hook timeout. */
  until: number;
  /** The hook that waits: gone, nobody waits. */
  pid: number;
  startTime: string;
}
export type Answer = 'allow' | 'deny';
