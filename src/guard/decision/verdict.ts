/** What was decided about a call, or about a session between calls. */
import type { Action, Rule } from '../rules/rule.ts';

/** One rule that is true. */
export interface Fired {
  rule: Rule;
  /** The rule's, as far as its scope may go here. */
  action: Action;
  /** What it is about, for people: `cost $5.02 is over $5.00`, `rm -rf /etc deletes outside the project`. */
  detail: string;
  /** Of a metric: its value and its limit. */
  value?: number;
  limit?: number;
}

export interface Verdict {
  /** The strictest of what fired; `allow`: nothing did, or nothing but alerts. */
  action: 'allow' | Exclude<Action, 'alert'>;
  /** The strictest first, alerts among them. */
  fired: Fired[];
  /** Decided for want of time or knowledge, by the person's choice of open or closed. */
  failed?: 'deadline' | 'tail' | 'error';
}
