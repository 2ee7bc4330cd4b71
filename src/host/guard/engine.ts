/** What the window needs of the guard, and no more: the rest of the window does not know where it is kept. */
import type { Answer, Approval } from '../../guard/approvals.ts';
import type { Outcome } from '../../guard/control.ts';
import type { RuleSet } from '../../guard/rules/rule.ts';
import type { Trip } from '../../guard/trips.ts';

/** What a limit is raised to for one session. */
export interface Raise {
  value: number;
  /** `$10`, `40`. */
  label: string;
}

export type TripAct = 'resume' | 'raise' | 'pause' | 'stop' | 'kill';

export interface GuardedSession {
  id: string;
  /** Absolute. */
  traceDir: string;
  /** Absolute: whose rules hold. */
  project: string;
}

/** Follows one session for rules that no call trips: cost, time, idleness; and that denied calls did not run. */
export interface SessionGuard {
  /** Never throws. @returns how the budget will hold, for people: `at this rate $5.00 in 6 minutes` */
  tick(nowMs: number): Promise<string | undefined>;
  close(): void;
}

export interface GuardEngine {
  /** Newest first. */
  trips(): Trip[];
  /** Of all live agents of this user, those that wait now, oldest first. */
  requests(): Approval[];
  /** @returns false: nobody waits any more @throws in words for people */
  answer(id: string, answer: Answer): boolean;
  /** A person has seen it. @throws in words for people */
  dismiss(trip: Trip): void;
  /** The agent was resumed by somebody, somehow: its rule asks again at the next step. Never throws. */
  settleResumed(trip: Trip): Promise<void>;
  raiseOf(trip: Trip): Raise | undefined;
  /** @returns undefined: nothing was to be done to processes */
  act(act: TripAct, trip: Trip, graceMs: number): Promise<Outcome | undefined>;
  /** This window shows questions. @returns how to say that it does no more */
  listen(): () => void;
  /** @returns undefined: no rule is in force there */
  guard(session: GuardedSession): SessionGuard | undefined;
  rules(project: string): RuleSet;
  /** What rules let one session cost, USD; undefined: there is no such rule. Never throws. */
  budgetOf(session: GuardedSession): number | undefined;
  /** Takes away what is long over. Never throws. */
  sweep(): void;
}
