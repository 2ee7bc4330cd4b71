/** The decision itself: pure. */
import type { RuleSet } from '../rules/rule.ts';
import type { Facts } from './facts.ts';
import type { GuardedCall } from './guardedCall.ts';
import type { Verdict } from './verdict.ts';

export interface Situation {
  rules: RuleSet;
  /** The call that is about to run; without one, conditions on calls are false. */
  call?: GuardedCall;
  facts: Facts;
  /** ms since the epoch. */
  nowMs: number;
  /** What a repository's rules may do: in hooks and untrusted windows alert and deny, else all. */
  where: 'hook' | 'trusted' | 'untrusted';
  /** Limits that a person raised for this session, by the rule's name. */
  raised?: Record<string, number>;
  /** True when time is up. */
  deadline?: () => boolean;
  /** The user's home folder, absolute: what `~` in globs stands for. */
  home?: string;
  /** Folders for temporary files, absolute. Default `/tmp`, `/var/tmp`, `/dev/shm`. */
  temporary?: string[];
  /** The project's folder, absolute; default: each rule's `root`. */
  project?: string;
  /** Compiles a linear-time regular expression; without one, rules with a regex fail the decision. @throws for a bad one */
  regex?: (source: string) => { test(text: string): boolean };
}

export function decide(_situation: Situation): Verdict {
  return { action: 'allow', fired: [] };
}
