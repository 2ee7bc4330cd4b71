/** What an audit of a session found: held against a policy after the fact. */

/** A call, or an event that tells of a file. */
export interface AuditedCall {
  /** Its place among the session's steps, 1-based. */
  step: number;
  /** Seconds since the epoch. */
  at: number;
  /** As the agent names it. */
  tool: string;
  /** The agent's own id of the call, else that of its event. */
  call: string;
  /** `event_id` in the trace. */
  event: string;
  /** Set where a subagent made it. */
  agent_id?: string;
}

/** Something that a rule of the policy is about. */
export interface AuditFinding extends AuditedCall {
  rule: string;
  /** Of the policy; absent: a rule of the guard. */
  file?: string;
  /** 1-based. */
  line?: number;
  /** For people. */
  detail: string;
  kind: 'read' | 'write' | 'command' | 'host';
  /** What it is about, as far as it is known: absolute paths. */
  path?: string;
  command?: string;
  host?: string;
}

/** A file that holds secrets by its purpose. */
export interface SensitiveTouch extends AuditedCall {
  path: string;
  access: 'read' | 'write' | 'delete' | 'unknown';
  /** Steps of the session that touched it so; the first is the one above. */
  times: number;
}

export interface DeniedCall extends AuditedCall {
  /** `guard`, or whom the agent names: `hook`, `user`, `permission`. */
  by: string;
  /** What it was to do: a command, a path. */
  target: string;
  rule?: string;
}

/** A denied call that ran all the same. */
export interface RanCall extends DeniedCall {
  /** What shows that it ran. */
  proof: string;
}

/** A command whose words do not say what it does. */
export interface UnreadCommand extends AuditedCall {
  reason: string;
  text: string;
}

export interface SessionAudit {
  session_id: string;
  title: string;
  agent: string;
  cwd: string;
  /** Seconds since the epoch. */
  started_at: number;
  /** Calls and events about files that were looked at. */
  checked: number;
  violations: AuditFinding[];
  /** May break the policy, as far as can be told. */
  unclear: AuditFinding[];
  sensitive: SensitiveTouch[];
  denied: DeniedCall[];
  ran: RanCall[];
  unreadable: UnreadCommand[];
  /** How many of each list are left out of it. */
  more: Record<AuditList, number>;
}

export const AUDIT_LISTS = [
  'violations',
  'unclear',
  'sensitive',
  'denied',
  'ran',
  'unreadable',
] as const;
export type AuditList = (typeof AUDIT_LISTS)[number];

/** Whether a session broke its policy, or did what it was denied. */
export const hasViolations = ({ violations, ran }: SessionAudit): boolean =>
  violations.length > 0 || ran.length > 0;
