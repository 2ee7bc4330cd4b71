/** What the guard page shows, made of what is on disk and what the window knows of its sessions. Pure. */
import type { Approval } from '../../guard/approvals.ts';
import type { RuleProblem } from '../../guard/rules/rule.ts';
import type { Trip } from '../../guard/trips.ts';
import { iconOf } from '../../model/describe.ts';
import { formatDuration, formatElapsed, formatRate, formatUsd } from '../../model/format.ts';
import { cut, oneLine } from '../../model/text.ts';
import { toolKind } from '../../model/tools.ts';
import type {
  CardAct,
  GuardCard,
  GuardFact,
  GuardNotice,
  GuardProcess,
  GuardRequest,
  GuardRule,
  GuardState,
} from '../../protocol/guard.ts';
import type { GuardStatus } from '../statusText.ts';
import type { Raise } from './engine.ts';
import {
  agentOf,
  headlineOf,
  isCost,
  isGrave,
  LEFT_ALONE,
  placeOf,
  projectName,
} from './guardText.ts';

/** What the window knows of the session of a trip or a request. */
export interface SessionFacts {
  title: string;
  /** It goes on. */
  active: boolean;
  /** It is frozen or held. */
  paused: boolean;
  /** Absent: its agent can be signalled. */
  cannot?: string;
  /** Nano-dollars a minute, over the last five minutes. */
  rateNanoUsd?: number;
  /** The call that runs, or stands still. */
  current?: { tool: string; target: string; startedAtMs: number; usualMs?: number };
}

/** What a person did here, or how a request ended: shown for a moment. */
export interface Said {
  answer: 'allow' | 'deny' | 'late' | 'gone';
  atMs: number;
}

export interface StateInput {
  nowMs: number;
  trusted: boolean;
  trips: readonly Trip[];
  requests: readonly { request: Approval; here: boolean; said?: Said }[];
  problems: readonly RuleProblem[];
  stale: number;
  rules: number;
  watched: number;
  forecast?: string | undefined;
  busy: ReadonlyMap<string, CardAct>;
  failures: ReadonlyMap<string, string>;
  sessionOf(of: { session: string; traceDir: string }): SessionFacts | undefined;
  raiseOf(trip: Trip): Raise | undefined;
  /** State and parent of a process now; undefined: it is gone. */
  processNow(pid: number): { ppid: number; state: string; name: string } | undefined;
}

/** A settled card stays so long, ms. */
const SETTLED_MS = 10 * 60_000;
/** What was told, and not done within this time, is not under way any more, ms. */
const PENDING_MS = 15_000;
const MAX_NOTICES = 50;
const MAX_PROBLEMS = 10;
const MAX_CARDS = 20;
/** As stores keep it: a longer target was cut. */
const MAX_TARGET = 199;

export function guardState(input: StateInput): GuardState {
  const { trips, nowMs } = input;
  const grave = trips.filter(
    (trip) =>
      isGrave(trip) &&
      trip.state !== 'dismissed' &&
      (isOpen(trip) || nowMs - (trip.settledAt ?? 0) * 1000 < SETTLED_MS),
  );
  const mild = trips.filter((trip) => !isGrave(trip) && trip.state === 'open');
  const cards = grave.map((trip) => cardOf(trip, input)).sort((a, b) => rankOf(a) - rankOf(b));
  const { problems } = input;
  return {
    nowMs,
    trusted: input.trusted,
    cards: cards.slice(0, MAX_CARDS),
    requests: input.requests.map((one) => requestOf(one, input)),
    notices: mild.slice(0, MAX_NOTICES).map((trip) => noticeOf(trip, input)),
    moreNotices: Math.max(0, mild.length - MAX_NOTICES),
    problems: problems.slice(0, MAX_PROBLEMS).map((problem, index) => ({
      id: `problem-${index}`,
      place: problemPlace(problem),
      message: problem.message,
      ...(problem.fix !== undefined && { fix: problem.fix }),
    })),
    moreProblems: Math.max(0, problems.length - MAX_PROBLEMS),
    stale: input.stale,
    watching: {
      rules: input.rules,
      sessions: input.watched,
      ...(input.forecast !== undefined && { forecast: input.forecast }),
    },
  };
}

const problemPlace = ({ file, line, column }: RuleProblem): string =>
  `${placeOf({ file }, '') ?? 'flag'}:${line}:${column}`;

/**
 * What the status bar says of a session; undefined: no rule is about it.
 *
 * @param trips of this session
 */
export function guardStatus(
  trips: readonly Trip[],
  rules: number,
  paused: boolean,
  forecast: string | undefined,
): GuardStatus | undefined {
  if (rules === 0 && trips.length === 0) return undefined;
  const open = trips.filter(
    (trip) => isGrave(trip) && (trip.state === 'open' || trip.state === 'failed'),
  );
  const alarm = open.find(({ line, state }) => line === 'verify' || state === 'failed');
  const lead = alarm ?? (paused ? open[0] : undefined);
  return {
    rules,
    denied: trips.filter(({ action }) => action === 'deny' || action === 'ask').length,
    ...(lead && { lead: alarm ? 'alarm' : 'paused', reason: headlineOf(lead, false) }),
    ...(forecast !== undefined && { forecast }),
  };
}

/** Failed and ended ones want to be seen, too. */
const isOpen = ({ state, settledAt, action }: Trip): boolean =>
  state === 'open' ||
  state === 'failed' ||
  // A rule did that, no person: it stays until somebody has seen it.
  (action === 'stop' && state === 'stopped' && settledAt !== undefined) ||
  (action === 'kill' && state === 'killed' && settledAt !== undefined);

/** Alarms first, settled ones last; the order of time stays otherwise. */
function rankOf({ tone }: GuardCard): number {
  if (tone === 'alarm') return 0;
  return tone === 'settled' ? 2 : 1;
}

function ruleOf(rule: Omit<Trip['rule'], 'scope'>, action: string, project: string): GuardRule {
  const place = placeOf(rule, project);
  return {
    name: rule.name,
    text: rule.text,
    action,
    ...(rule.message !== undefined && { message: rule.message }),
    ...(place !== undefined && { place }),
  };
}

/** It was told, and whoever does it has not said yet what came of it. */
export const isPending = (trip: Trip, nowMs: number): boolean =>
  trip.state === 'open' &&
  trip.processes === undefined &&
  trip.problem === undefined &&
  nowMs - trip.at * 1000 < PENDING_MS;

function cardOf(trip: Trip, input: StateInput): GuardCard {
  const { nowMs } = input;
  const session = input.sessionOf(trip);
  const pending = isPending(trip, nowMs) && session?.paused !== true;
  const processes = processesOf(trip, input);
  const frozen = processes.filter(({ state }) => state === 'frozen').length;
  const tone = toneOf(trip);
  const problem = input.failures.get(trip.id) ?? trip.problem;
  const raise = input.raiseOf(trip);
  const can = actsOf(trip, session, input, raise !== undefined);
  const cannot = input.trusted ? session?.cannot : 'Not possible in restricted mode.';
  const busy = input.busy.get(trip.id);
  const done = doneOf(trip, session);
  return {
    id: trip.id,
    tone,
    agent: agentOf(trip),
    headline: headlineOf(trip, pending),
    title: session?.title ?? '',
    project: projectName(trip.project),
    atMs: trip.at * 1000,
    rule: ruleOf(trip.rule, trip.action, trip.project),
    detail: trip.detail,
    processes,
    processNote: processNote(trip, frozen, pending, session),
    facts: factsOf(trip, session, frozen),
    can,
    ...(cannot !== undefined && { cannot }),
    ...(raise !== undefined && { raiseTo: raise.label }),
    ...(busy !== undefined && { busy }),
    ...(done !== undefined && { done }),
    ...(problem !== undefined && { problem }),
    ...(trip.postmortem !== undefined && { postmortem: true as const }),
  };
}

function toneOf(trip: Trip): GuardCard['tone'] {
  if (trip.state === 'resumed' || trip.state === 'raised') return 'settled';
  if (trip.state === 'stopped' || trip.state === 'killed') return 'ended';
  if (trip.line === 'verify') return 'alarm';
  if (trip.state === 'failed') return 'failed';
  return trip.action === 'pause' ? 'paused' : 'ended';
}

function actsOf(
  trip: Trip,
  session: SessionFacts | undefined,
  { trusted }: StateInput,
  canRaise: boolean,
): CardAct[] {
  // Not followed by this window: its agent may be there all the same, and the brake looks.
  const active = session?.active ?? true;
  const reachable = trusted && active && session?.cannot === undefined;
  const acts: CardAct[] = [];
  const open = trip.state === 'open' || trip.state === 'failed';
  if (reachable && open) {
    if (session?.paused ?? trip.processes?.some(({ state }) => state === 'frozen') ?? false) {
      acts.push('resume');
      if (canRaise) acts.push('raise');
    }
    acts.push('stop', 'kill');
  }
  // A frozen agent stays in sight until somebody who may has let it go on.
  if (!acts.includes('resume') && (trusted || session?.paused !== true)) acts.unshift('dismiss');
  return acts;
}

const DONE: Partial<Record<Trip['state'], string>> = {
  resumed: 'Resumed',
  raised: 'Resumed, limit raised',
  stopped: 'Stopped',
  killed: 'Killed',
};

function doneOf(
  { state, settledAt }: Trip,
  session: SessionFacts | undefined,
): GuardCard['done'] | undefined {
  const text = DONE[state];
  if (text === undefined || settledAt === undefined) return undefined;
  const again = (state === 'resumed' || state === 'raised') && session?.active && !session.paused;
  return { text, atMs: settledAt * 1000, ...(again && { undo: 'pause' as const }) };
}

/** As they were reported, and as they are now. */
function processesOf(trip: Trip, { processNow }: StateInput): GuardProcess[] {
  const ends = trip.action === 'stop' || trip.action === 'kill' || !isOpen(trip);
  // What had ended before it was reached is no part of what stands still.
  const processes = (trip.processes ?? []).filter(({ state }) => ends || state !== 'gone');
  const known = new Map(processes.map((one) => [one.pid, one]));
  const now = new Map(processes.map(({ pid }) => [pid, processNow(pid)]));
  const depthOf = (pid: number, seen: number): number => {
    const parent = now.get(pid)?.ppid;
    return parent === undefined || !known.has(parent) || seen > 20
      ? 0
      : depthOf(parent, seen + 1) + 1;
  };
  const rows = processes.map((one): GuardProcess & { parent: number } => {
    const { pid, name, state } = one;
    const there = now.get(pid);
    const why = one.why;
    return {
      pid,
      name,
      parent: there?.ppid ?? 0,
      depth: depthOf(pid, 0),
      state:
        state === 'leftAlone'
          ? 'leftAlone'
          : // The number may be another program's by now.
            there === undefined || there.name !== name || there.state === 'Z'
            ? 'gone'
            : there.state === 'T'
              ? 'frozen'
              : 'running',
      ...(state === 'leftAlone' &&
        why !== undefined &&
        LEFT_ALONE[why] !== undefined && { why: LEFT_ALONE[why] }),
    };
  });
  return inTreeOrder(rows).slice(0, 60);
}

/** Each below its parent. */
function inTreeOrder(rows: readonly (GuardProcess & { parent: number })[]): GuardProcess[] {
  const ids = new Set(rows.map(({ pid }) => pid));
  const placed = new Set<number>();
  const ordered: GuardProcess[] = [];
  const place = (one: GuardProcess & { parent: number }): void => {
    if (placed.has(one.pid)) return;
    placed.add(one.pid);
    const { parent: _, ...row } = one;
    ordered.push(row);
    for (const child of rows) if (child.parent === one.pid) place(child);
  };
  for (const one of rows) if (!ids.has(one.parent) || one.depth === 0) place(one);
  for (const one of rows) place(one);
  return ordered;
}

function processNote(
  trip: Trip,
  frozen: number,
  pending: boolean,
  session: SessionFacts | undefined,
): string {
  if (pending) return 'waiting for its hook to end';
  if (frozen > 0) return 'nothing was killed, no work is lost';
  if (trip.processes === undefined) {
    if (session?.paused) return 'held before its next tool: it cannot be frozen';
    return trip.problem === undefined ? 'none is known' : 'none was touched';
  }
  return trip.processes.some(({ state }) => state === 'frozen') ? 'they go on' : '';
}

/** Facts only; what is guessed has a `~`. */
function factsOf(trip: Trip, session: SessionFacts | undefined, frozen: number): GuardFact[] {
  const facts: GuardFact[] = [];
  const { call, line, value, limit } = trip;
  if (line === 'verify') {
    facts.push({
      icon: 'warning',
      text: 'This call was denied, and ran all the same:',
      ...(call && { code: call.target || call.tool }),
    });
    facts.push({
      icon: 'warning',
      text: `The rule ${trip.rule.name} had said no: ${oneLine(trip.detail, 200)}`,
    });
    if (frozen > 0)
      facts.push({ icon: 'ok', text: 'Its agent stands still: nothing more comes of it' });
    return facts;
  }
  if (line === 'prevent' && call) {
    facts.push({
      icon: 'denied',
      text: '1 tool call held before it ran:',
      code: call.target || call.tool,
    });
  }
  const current = session?.current;
  if (current && frozen > 0 && current.startedAtMs <= trip.at * 1000) {
    const ran = formatElapsed(trip.at * 1000 - current.startedAtMs);
    const usual = current.usualMs === undefined ? '' : ` of ~${formatDuration(current.usualMs)}`;
    facts.push({
      icon: 'run',
      text: `${cut(current.tool, 40)} held at ${ran}${usual}`,
      ...(current.target && { code: current.target }),
    });
  }
  if (session?.rateNanoUsd !== undefined && frozen > 0) {
    facts.push({
      icon: 'cost',
      text: `${formatRate(session.rateNanoUsd)} is not spent: its rate of the last 5 minutes`,
    });
  }
  if (value !== undefined && limit !== undefined && isCost(trip) && trip.state !== 'failed') {
    const over = value - limit;
    facts.push({
      icon: 'ok',
      text:
        over > 0
          ? `Held ${formatUsd(over * 1e9)} over the limit of ${formatUsd(limit * 1e9)}`
          : `Held at the limit of ${formatUsd(limit * 1e9)}`,
    });
  } else {
    facts.push({ icon: 'ok', text: oneLine(trip.detail, 200) });
  }
  return facts;
}

function requestOf(
  { request, here, said }: StateInput['requests'][number],
  { sessionOf }: StateInput,
): GuardRequest {
  const { call, rule } = request;
  return {
    id: request.id,
    agent: agentOf(request),
    icon: iconOf(toolKind(call.tool)),
    tool: call.tool,
    target: call.target || call.tool,
    ...(call.text !== undefined && { text: call.text }),
    ...(call.text?.endsWith('…') && { cut: true as const }),
    ...(call.text === undefined &&
      (call.target.length >= MAX_TARGET || call.target.endsWith('…')) && { cut: true as const }),
    detail: request.detail,
    rule: ruleOf(rule, 'ask', request.project),
    title: sessionOf(request)?.title ?? '',
    project: projectName(request.project),
    here,
    atMs: request.at * 1000,
    untilMs: request.until * 1000,
    ...(said && { answered: said }),
  };
}

function noticeOf(trip: Trip, { sessionOf }: StateInput): GuardNotice {
  const { call } = trip;
  return {
    id: trip.id,
    kind: trip.action === 'alert' || trip.dryRun ? 'alert' : 'denied',
    agent: agentOf(trip),
    icon: iconOf(toolKind(call?.tool ?? '')),
    target: call ? call.target || call.tool : '',
    detail: trip.detail,
    rule: ruleOf(trip.rule, trip.action, trip.project),
    title: sessionOf(trip)?.title ?? '',
    atMs: trip.at * 1000,
    ...(trip.dryRun && { dryRun: true as const }),
  };
}
