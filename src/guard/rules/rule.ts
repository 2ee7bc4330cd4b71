/**
 * What a rule is, whichever file or flag it was written in: the one form that hooks, the editor and `watch` decide by.
 * JSON: compiled rules are kept as they stand here.
 */

import type { OpaqueReason } from '../shell/reading.ts';

/** From the mildest to the strictest: of several rules that trip, the strictest action is taken. */
export const ACTIONS = ['alert', 'ask', 'deny', 'pause', 'stop', 'kill'] as const;

/**
 * - `alert`: says so, and lets it happen
 * - `ask`: a person decides; no answer means no
 * - `deny`: this call does not run, the session goes on
 * - `pause`: this call does not run, the agent and what it runs are frozen
 * - `stop`: this call does not run, the agent is asked to end
 * - `kill`: this call does not run, the agent and what it runs are killed
 */
export type Action = (typeof ACTIONS)[number];

/** Who wrote a rule. What a repository brings may only alert and deny; nothing of it takes a user's rule away. */
export type Scope = 'builtin' | 'user' | 'repo';

/** What a session has come to. All are of the whole session, its subagents included. */
export const METRICS = [
  /** What its usage costs, USD. Unpriced usage does not count, and trips an alert. */
  'cost_usd',
  /** USD an hour, over the last ten minutes. */
  'cost_per_hour',
  /** Input (with what is cached) and output. */
  'tokens',
  /** Of the main agent's context window, 0–100. */
  'context_pct',
  /** Distinct files. */
  'files_modified',
  /** Added and removed. */
  'lines_changed',
  /** Since the session's start. */
  'duration_minutes',
  /** Since its last event, while it is at work: waiting for a person does not count. */
  'idle_minutes',
  'tool_calls',
  'errors',
  /** Calls that failed in a row. */
  'consecutive_errors',
  /** Runs of a test command that failed in a row. */
  'consecutive_test_failures',
  'retries',
  /** Started so far. */
  'subagents',
  /** 0: the main agent; 1: what it started. */
  'subagent_depth',
  /** What the project's sessions cost in the last seven days, this one included, USD. */
  'project_cost_7d',
] as const;
export type Metric = (typeof METRICS)[number];

export type Operator = '>' | '>=' | '<' | '<=' | '==' | '!=';

/** A glob, or a linear-time regular expression (RE2). */
export type TextPattern = { glob: string } | { regex: string };

/** What a call does to a path. `delete` and `create` are writes, too. */
export type Access = 'read' | 'write' | 'delete' | 'any';

/** True or false of a session at a moment, with or without a call that is about to run. */
export type Condition =
  | { kind: 'metric'; metric: Metric; op: Operator; value: number }
  /** The same call (tool and input) `calls` times among the last `window`, this one included. */
  | { kind: 'loop'; calls: number; window: number }
  /** A sequence of 2 to `length` different calls, `repeats` times back to back. */
  | { kind: 'sequence'; length: number; repeats: number }
  /**
   * The call touches a path that matches. Globs: `*`, `**`, `?`, `{a,b}`; one without a slash matches the name in any
   * folder, one that begins with `/` or `~` is absolute, others are relative to `root`. Through shell commands, too.
   */
  | {
      kind: 'path';
      access: Access;
      patterns: TextPattern[];
      /**
       * Only what is known to be read or written: no words given to programs of which it is not known what they do with them, and
       * no looking for names in the project.
       */
      known?: true;
    }
  /** The call touches a path outside the project and the system's folders for temporary files. */
  | { kind: 'outside'; access: Access }
  /**
   * The call runs a program that matches, however it is disguised. A glob is words: `rm -rf *`, `git push --force`; flags
   * match in any order and spelling (`-r -f`, `-fr`), other words in their order; what the pattern does not name may be there, too.
   * A regex is tried on the command as it stands and on each program's words, joined by spaces.
   */
  | {
      kind: 'command';
      patterns: TextPattern[];
      /** For what is allowed: the pattern's words are the first ones, so that `git status` is no `git push origin status`. */
      first?: true;
    }
  /**
   * The call runs a command that hides what it does (`python -c` that writes, `eval`, unparsable; not `make`, which runs what
   * lies in a file). With `reasons`: for one of these only.
   */
  | { kind: 'opaque'; reasons?: OpaqueReason[] }
  | { kind: 'tool'; patterns: TextPattern[] }
  /** Globs over a host's name: `*.example.com` also matches the host itself below it, not `example.com`. */
  | { kind: 'host'; patterns: TextPattern[] }
  /** The call's MCP server. */
  | { kind: 'mcp_server'; patterns: TextPattern[] }
  /** The call sends a secret out: to the network, or to an MCP server. */
  | { kind: 'secret' }
  | { kind: 'and' | 'or'; of: Condition[] }
  | { kind: 'not'; of: Condition };

/** A condition that says something of a call: without one it is false. */
export const CALL_KINDS: ReadonlySet<Condition['kind']> = new Set([
  'path',
  'outside',
  'command',
  'opaque',
  'tool',
  'host',
  'mcp_server',
  'secret',
]);

export interface Rule {
  /** Unique in its set: the name that its author gave it, or one made of what it says. */
  name: string;
  when: Condition;
  action: Action;
  scope: Scope;
  /** As its author wrote it, or in the same language: `cost_usd > 5`. */
  text: string;
  /** Why, for people and for the agent. */
  message?: string;
  /** Absolute path and 1-based line; absent: built in or a flag. */
  file?: string;
  line?: number;
  /** The folder that relative patterns are of, absolute. */
  root: string;
  /** Nobody can switch it off while the guard is on. */
  fixed?: true;
}

/** A mistake in a file or flag of rules. */
export interface RuleProblem {
  /** Absolute path; empty: a flag. */
  file: string;
  /** 1-based. */
  line: number;
  column: number;
  /** What is wrong. */
  message: string;
  /** What to write instead. */
  fix?: string;
}

/** Budgets of `.agent-strace.yaml`: also rules, and what forecasts and the status bar go by. */
export interface Budget {
  /** USD in seven days, of the project. */
  weekly?: number;
  /** USD, of one session. */
  perSession?: number;
  /** Share of the weekly budget from which on it warns, and stops. Defaults 0.8 and 1. */
  warnAt: number;
  stopAt: number;
}

/** All that a session is decided by. */
export interface RuleSet {
  rules: Rule[];
  problems: RuleProblem[];
  /** Of these files the last good version is in force. */
  stale: string[];
  budget?: Budget;
  /** Nothing is done, all is told. */
  dryRun?: boolean;
}

/** The strictest of two actions. */
export const stricter = (a: Action, b: Action): Action =>
  ACTIONS.indexOf(a) >= ACTIONS.indexOf(b) ? a : b;

/** Whether a condition asks for something, anywhere in it. @param about of one that is not made of others */
export function asks(when: Condition, about: (condition: Condition) => boolean): boolean {
  switch (when.kind) {
    case 'not':
      return asks(when.of, about);
    case 'and':
    case 'or':
      return when.of.some((one) => asks(one, about));
    default:
      return about(when);
  }
}
