/**
 * The messages between the guard page (the card of what tripped, the inbox of what waits) and its host. All of it is
 * small: the host sends whole snapshots. Texts may hold anything that a trace or a repository's rule file says; the page
 * shows them as text.
 */
import type { StepIcon } from '../model/step.ts';

export const GUARD_PROTOCOL = 1;

/** What a person can do about a rule that tripped. */
export type CardAct = 'resume' | 'raise' | 'pause' | 'stop' | 'kill' | 'dismiss';

export interface GuardRule {
  name: string;
  /** In the language of rules: `cost_usd > 5`. */
  text: string;
  action: string;
  /** Why, by its author. */
  message?: string;
  /** Where it stands, `.watch-rules.yaml:12`; absent: built in, or a flag. */
  place?: string;
}

export interface GuardProcess {
  pid: number;
  name: string;
  /** Below how many others of the list. */
  depth: number;
  state: 'frozen' | 'running' | 'gone' | 'leftAlone';
  /** Why it was left alone, for people. */
  why?: string;
}

/** One thing that is known of what was prevented, or (verify) of what was not. */
export interface GuardFact {
  icon: 'denied' | 'run' | 'cost' | 'ok' | 'warning';
  text: string;
  /** In the code font, below it: what the call was about. */
  code?: string;
}

/** A rule that tripped, and what has become of it. */
export interface GuardCard {
  id: string;
  tone: /** Frozen, or about to be. */
    | 'paused'
    /** Stopped or killed. */
    | 'ended'
    /** A denied call ran all the same. */
    | 'alarm'
    /** Nothing could be done. */
    | 'failed'
    /** A person has settled it. */
    | 'settled';
  agent: string;
  /** One line: who, what, why. */
  headline: string;
  /** Of the session. */
  title: string;
  project: string;
  atMs: number;
  rule: GuardRule;
  /** What the rule saw: `cost $5.02 is over $5.00`. */
  detail: string;
  processes: GuardProcess[];
  /** What to say of them as a whole. */
  processNote: string;
  facts: GuardFact[];
  can: CardAct[];
  /** Why nothing can be done here, for people. */
  cannot?: string;
  /** What `raise` raises to: `$10`. */
  raiseTo?: string;
  /** Under way. */
  busy?: CardAct;
  /** What a person did, here or elsewhere. */
  done?: { text: string; atMs: number; undo?: CardAct };
  /** What went wrong, for people. */
  problem?: string;
  postmortem?: true;
}

/** A call that waits for an answer. */
export interface GuardRequest {
  id: string;
  agent: string;
  icon: StepIcon;
  tool: string;
  /** Command or path: one line. */
  target: string;
  /** The call in full, where it is known. */
  text?: string;
  /** More of it is not known here. */
  cut?: true;
  detail: string;
  rule: GuardRule;
  title: string;
  project: string;
  /** Of this window's folders. */
  here: boolean;
  atMs: number;
  /** From then on it is denied. */
  untilMs: number;
  answered?: { answer: 'allow' | 'deny' | 'late' | 'gone'; atMs: number };
}

/** A call that was denied, or a rule that only tells: nothing is to be done about it. */
export interface GuardNotice {
  id: string;
  kind: 'denied' | 'alert';
  agent: string;
  icon: StepIcon;
  target: string;
  detail: string;
  rule: GuardRule;
  title: string;
  atMs: number;
  dryRun?: true;
}

export interface GuardProblem {
  id: string;
  /** `.watch-rules.yaml:12:5` */
  place: string;
  message: string;
  fix?: string;
}

export interface GuardState {
  /** The host's clock, ms since the epoch. */
  nowMs: number;
  /** False: restricted mode, nothing can be allowed or done from here. */
  trusted: boolean;
  cards: GuardCard[];
  requests: GuardRequest[];
  notices: GuardNotice[];
  /** More of them than are sent. */
  moreNotices: number;
  problems: GuardProblem[];
  moreProblems: number;
  /** Files of which the last good version is in force. */
  stale: number;
  /** How many rules are in force here; `sessions` that are watched now. */
  watching: { rules: number; sessions: number; forecast?: string };
}

export type ToGuardPage =
  | { type: 'state'; version: number; state: GuardState }
  /** Moves to a card or a request, and opens it. */
  | { type: 'show'; id: string };

export type FromGuardPage =
  | { type: 'ready'; version: number }
  | { type: 'act'; id: string; act: CardAct }
  | { type: 'answer'; id: string; answer: 'allow' | 'deny' }
  /** Shows where the rule stands that this card, request, notice or problem is about. */
  | { type: 'openRule'; id: string }
  | { type: 'openPostmortem'; id: string }
  /** Replay of the session that it is about, at the call where that is known. */
  | { type: 'openSession'; id: string }
  | { type: 'dismissNotices' }
  | { type: 'command'; command: 'openRules' | 'showLog' | 'manageTrust' };
