import {
  formatCount,
  formatCountdown,
  formatDay,
  formatElapsed,
  formatKnownUsd,
  formatPercent,
  formatTokens,
  formatUsd,
  MISSING,
  plural,
} from '../model/format.ts';
import {
  isActive,
  isCostKnown,
  type SessionStatus,
  type SessionSummary,
} from '../model/summary.ts';
import { cut } from '../model/text.ts';
import { visibleText } from '../model/visibleText.ts';
import type { ControlInfo } from '../protocol/stream.ts';
import { commandUri, markdown, markdownCode, withoutIcons } from './plainText.ts';
import { toolName } from './streamHeader.ts';

/** One session as the status bar sees it. */
export interface StatusSession {
  key: string;
  workspace: string;
  summary: SessionSummary;
  /** Command or path of the call that runs now. */
  target?: string;
  /** Whether its agent can be paused and stopped; absent: it cannot. */
  control?: ControlInfo;
  /** Absent: no rule is about it. */
  guard?: GuardStatus;
}

/** What the guard says of a session. */
export interface GuardStatus {
  rules: number;
  /** Calls that were denied. */
  denied: number;
  /** A rule froze it; or what a rule forbids ran all the same, or could not be stopped. */
  lead?: 'paused' | 'alarm';
  /** Why, for people. */
  reason?: string;
  /** `at this rate $5.00 in 6 minutes` */
  forecast?: string;
}

export interface StatusOptions {
  nowMs: number;
  hasTraceFolder: boolean;
  trusted: boolean;
  /** Of one session, nano-dollars; absent: none is set. */
  budgetNanoUsd?: number | undefined;
}

export interface StatusLine {
  /** With icons, as in `$(pulse) $4.37`. */
  text: string;
  /** For screen readers: no icons, and no clock that changes every second. */
  label: string;
  /** Markdown, trace text escaped. */
  tooltip: string;
  /** The commands that the tooltip links to, and so the only ones that it may run. */
  commands: readonly string[];
  /** Session that it is about. */
  key?: string;
  /** A rule has tripped: a click leads to the guard. */
  tripped?: true;
  /** How urgent: `warning` near the budget and while paused, `error` over the budget. */
  tone: 'normal' | 'warning' | 'error';
  /** It is due to be made anew after so long even if nothing happens, ms; 0: never. */
  refreshMs: number;
}

/** A session that ended is shown for so long, ms. */
const SHOW_ENDED_MS = 30 * 60_000;

/** By the clock alone a session falls silent, goes from the list, or takes another place in it, ms. */
export const EXPIRY_MS = 15_000;
const COUNTS_SECONDS = /\ds$/;
/** The tooltip says something else at most so often, ms: numbers that run under the eyes cannot be read. */
export const TOOLTIP_MS = 5000;
/** The cache's last minutes are counted in seconds, ms. */
const COUNTDOWN_MS = 5 * 60_000;
/** Share of the budget from which on it warns. */
const BUDGET_WARNING = 0.8;

/** Sessions in the order in which they matter; the ones to show, newest first in each. */
export function relevant(sessions: readonly StatusSession[], nowMs: number): StatusSession[] {
  return sessions
    .filter(({ summary }) => summary.events > 0)
    .filter(({ summary }) => isActive(summary) || nowMs - summary.lastMs < SHOW_ENDED_MS)
    .sort(
      (a, b) =>
        urgency(b.summary.status) - urgency(a.summary.status) ||
        b.summary.startedAtMs - a.summary.startedAtMs,
    );
}

/** What the status bar says. Undefined: nothing is there to show. */
export function statusLine(
  all: readonly StatusSession[],
  options: StatusOptions,
): StatusLine | undefined {
  const { nowMs, hasTraceFolder, budgetNanoUsd } = options;
  const [first, ...others] = relevant(all, nowMs);
  if (!first) return hasTraceFolder ? quietLine(options) : undefined;
  const { summary, guard } = first;
  const cost = costText(summary);
  const calls = plural(summary.calls, 'call');
  const activity = activityOf(first, nowMs);
  const share = budgetShare(summary, budgetNanoUsd);
  const over = share !== undefined && share >= 1;
  const more = others.filter((other) => isActive(other.summary)).length;
  const spent = over ? `${cost} over budget` : cost;
  const lead = guard?.lead === undefined ? undefined : LEADS[guard.lead];
  const parts = [spent, calls, activity.text].map(withoutIcons);
  if (activity.icon) parts[2] = `$(${activity.icon}) ${parts[2]}`;
  if (lead) {
    parts.pop();
    parts.unshift(lead.text);
  }
  return {
    text: `$(${lead?.icon ?? 'pulse'}) ${parts.join(' · ')}${more > 0 ? ` +${more}` : ''}`,
    label: [
      `Agent Strace: ${visibleText(summary.agent)} ${activity.spoken}`,
      ...(lead && guard?.reason !== undefined ? [visibleText(guard.reason)] : []),
      over ? `${cost}, over the budget of ${formatUsd(budgetNanoUsd ?? 0)}` : cost,
      calls,
      ...(summary.errors > 0 ? [plural(summary.errors, 'error')] : []),
      ...(more > 0 ? [`${plural(more, 'other session')}`] : []),
    ].join(', '),
    tooltip: tooltip(first, others, options),
    commands: linksOf(first).map(({ command }) => command),
    key: first.key,
    ...(lead && { tripped: true as const }),
    tone:
      over || guard?.lead === 'alarm'
        ? 'error'
        : summary.status === 'paused' || (share !== undefined && share >= BUDGET_WARNING)
          ? 'warning'
          : 'normal',
    refreshMs: COUNTS_SECONDS.test(activity.text)
      ? 1000
      : countsDown(summary, nowMs)
        ? TOOLTIP_MS
        : EXPIRY_MS,
  };
}

const LEADS = {
  paused: { icon: 'debug-pause', text: 'Paused' },
  alarm: { icon: 'warning', text: 'Guard' },
} as const;

/** By the clock: the tooltip counts the cache's last minutes. */
function countsDown({ cacheColdAtMs }: SessionSummary, nowMs: number): boolean {
  const left = (cacheColdAtMs ?? 0) - nowMs;
  return left > 0 && left <= COUNTDOWN_MS;
}

/** What was spent of the budget, 1 is all of it; undefined without one. Estimates count. */
function budgetShare({ cost }: SessionSummary, budgetNanoUsd = 0): number | undefined {
  return budgetNanoUsd > 0 ? (cost.nanoUsd + cost.estimatedNanoUsd) / budgetNanoUsd : undefined;
}

function quietLine({ trusted }: { trusted: boolean }): StatusLine {
  const hint = trusted
    ? 'No agent is running here. Start one, or set up recording.'
    : 'No agent is running here. In restricted mode traces are shown, nothing is recorded.';
  return {
    text: '$(pulse) Agent Strace',
    label: `Agent Strace: ${hint}`,
    tooltip: `**Agent Strace**\n\n${hint}\n\n${linkLine(quietLinks(trusted))}`,
    commands: quietLinks(trusted).map(({ command }) => command),
    tone: 'normal',
    refreshMs: 0,
  };
}

/** Sessions that need a person come first, those that are over last. */
export function urgency(status: SessionStatus): number {
  if (status === 'waiting') return 3;
  if (status === 'ended' || status === 'failed') return 0;
  return status === 'idle' ? 1 : 2;
}

/** As the command line says it: `$4.37`, `≥$4.37`, `~$0.0312`, `unpriced`, `–` where nothing is known. */
export function costText({ cost }: SessionSummary): string {
  const { nanoUsd, estimatedNanoUsd, unpriced } = cost;
  if (nanoUsd > 0) return formatKnownUsd(nanoUsd, unpriced);
  if (estimatedNanoUsd > 0) return formatUsd(estimatedNanoUsd, { estimate: true });
  if (unpriced > 0) return 'unpriced';
  return isCostKnown(cost) ? formatUsd(0) : MISSING;
}

interface Activity {
  icon?: string;
  text: string;
  spoken: string;
}

const RESTING: Partial<Record<SessionStatus, Activity>> = {
  waiting: { icon: 'bell', text: 'waiting for you', spoken: 'is waiting for you' },
  paused: { icon: 'debug-pause', text: 'paused', spoken: 'is paused' },
  ended: { text: 'done', spoken: 'is done' },
  failed: { text: 'stopped', spoken: 'has stopped' },
};

function activityOf(session: StatusSession, nowMs: number): Activity {
  const { summary } = session;
  const resting = RESTING[summary.status];
  if (resting) return resting;
  const { current, thinkingSinceMs } = summary;
  if (current) {
    const tool = cut(visibleText(toolName(current.tool)), 32) || 'tool';
    return {
      text: `${tool} ${formatElapsed(nowMs - current.startedAtMs)}`,
      spoken: `is running ${tool}`,
    };
  }
  if (summary.status === 'live' && thinkingSinceMs !== undefined) {
    return { text: `Thinking ${formatElapsed(nowMs - thinkingSinceMs)}`, spoken: 'is thinking' };
  }
  return { text: 'idle', spoken: 'is idle' };
}

export const STATUS_WORDS: Record<SessionStatus, string> = {
  live: 'live',
  idle: 'idle',
  waiting: 'waiting for you',
  paused: 'paused',
  ended: 'done',
  failed: 'stopped',
};

/**
 * As Markdown: one table, so that its columns stand under each other (a hover can give a table no
 * width), with an empty row between sections.
 */
function tooltip(
  session: StatusSession,
  others: readonly StatusSession[],
  { nowMs, budgetNanoUsd }: StatusOptions,
): string {
  const { summary } = session;
  const title = markdown(cut(summary.title || UNTITLED, 60));
  const sections = [
    whoRows(session, nowMs),
    costRows(summary),
    limitRows(summary, nowMs, budgetNanoUsd),
    troubleRows(summary),
    guardRows(session.guard),
    others
      .slice(0, 4)
      .map(
        (other): Row => [
          markdown(
            `${cut(other.summary.agent, 20)}, ${STATUS_WORDS[other.summary.status]}: ${cut(other.summary.title || UNTITLED, 36)}`,
          ),
          markdown(costText(other.summary)),
        ],
      ),
  ].filter((rows) => rows.length > 0);
  const rows = sections.flatMap((section, index) => (index === 0 ? section : [GAP, ...section]));
  return `${table([[`$(pulse) **${title}**`, ''], ...rows])}\n\n---\n\n${linkLine(linksOf(session))}`;
}

const UNTITLED = 'Untitled session';

function whoRows(session: StatusSession, nowMs: number): Row[] {
  const { summary, workspace, target } = session;
  const state = STATUS_WORDS[summary.status];
  const rows: Row[] = [
    [markdown(`${cut(summary.agent, 40)}, ${state}`), markdown(formatElapsed(summary.durationMs))],
  ];
  if (summary.status === 'live') {
    const now = markdown(activityOf(session, nowMs).text);
    rows.push(['Now', target ? `${now} ${markdownCode(cut(target, 24))}` : now]);
  }
  // A name of a model does not break at its hyphens.
  if (summary.model) {
    rows.push(['Model', markdown(cut(summary.model, 40)).replaceAll('&#45;', '&#45;&#8288;')]);
  }
  if (workspace) rows.push(['Folder', markdown(cut(workspace, 40))]);
  return rows;
}

function costRows(summary: SessionSummary): Row[] {
  const { cost } = summary;
  const rows: Row[] = [['**Cost**', `**${markdown(costText(summary))}**`]];
  for (const { model, nanoUsd, unpriced, responses } of cost.models.slice(0, 6)) {
    const amount = unpriced === responses ? 'unpriced' : formatUsd(nanoUsd);
    rows.push([markdown(cut(model || 'unknown model', 40)), markdown(amount)]);
  }
  if (cost.models.length > 6) rows.push([`${cost.models.length - 6} more models`, '']);
  const counted = [
    `priced ${cost.priced + cost.reported}`,
    `dedup ${cost.deduplicated}`,
    `est ${cost.estimated}`,
    `unpriced ${cost.unpriced}`,
  ].join(' · ');
  if (cost.responses > 0) {
    rows.push([markdown(counted), '']);
    if (cost.priceDate) rows.push([markdown(`Prices of ${formatDay(cost.priceDate)}`), '']);
  } else if (cost.estimated > 0) {
    rows.push(['Cost is an estimate: this agent wrote no usage records.', '']);
  }
  return rows;
}

function limitRows(summary: SessionSummary, nowMs: number, budgetNanoUsd?: number): Row[] {
  const { cost, context, cacheColdAtMs } = summary;
  const rows: Row[] = [];
  const share = budgetShare(summary, budgetNanoUsd);
  if (share !== undefined && budgetNanoUsd !== undefined) {
    const spent = markdown(`${formatPercent(share)} of ${formatUsd(budgetNanoUsd)}`);
    rows.push([
      '**Budget**',
      share >= 1
        ? `$(error) **${spent}**`
        : share >= BUDGET_WARNING
          ? `$(warning) ${spent}`
          : spent,
    ]);
  }
  if (context) {
    const { tokens, window } = context;
    const fill =
      window === undefined
        ? `${formatTokens(tokens)} tokens`
        : `${formatPercent(tokens / window)}, ${formatTokens(tokens)} of ${formatTokens(window)}`;
    // A long title takes the width: a number must not break for it.
    rows.push(['Context', markdown(fill).replaceAll(' ', '&nbsp;')]);
  }
  const { input_tokens: input, cache_read_input_tokens: hits } = cost.usage;
  if (input > 0) rows.push(['Cache hits', markdown(formatPercent(hits / input))]);
  if (cacheColdAtMs !== undefined) {
    const left = cacheColdAtMs - nowMs;
    rows.push([left > 0 ? 'Cache goes cold in' : 'Cache', markdown(formatCountdown(left))]);
  }
  return rows;
}

function troubleRows({ errors, denied, retries }: SessionSummary): Row[] {
  const count = (value: number): string => markdown(formatCount(value));
  return [
    ...(errors > 0 ? [['Errors', count(errors)] as const] : []),
    ...(denied > 0 ? [['Denied', count(denied)] as const] : []),
    ...(retries > 0 ? [['Retries', count(retries)] as const] : []),
  ];
}

function guardRows(guard: GuardStatus | undefined): Row[] {
  if (!guard) return [];
  const said = [
    `${plural(guard.rules, 'rule')} on`,
    ...(guard.denied > 0 ? [`${plural(guard.denied, 'call')} denied`] : []),
  ].join(', ');
  return [
    ['**Guard**', markdown(said)],
    ...(guard.reason === undefined
      ? []
      : [[`$(warning) ${markdown(cut(guard.reason, 80))}`, ''] as const]),
    ...(guard.forecast === undefined ? [] : [[markdown(cut(guard.forecast, 80)), ''] as const]),
  ];
}

const GAP: Row = ['&nbsp;', ''];

type Row = readonly [left: string, right: string];

/** A table needs a first row that is its heading; the first of ours is one well enough. */
function table(rows: readonly Row[]): string {
  const [head, ...body] = rows;
  if (!head) return '';
  const line = ([left, right]: Row): string => `| ${left} | ${right} |`;
  return [line(head), '|:---|---:|', ...body.map(line)].join('\n');
}

interface Link {
  text: string;
  command: string;
  title: string;
  /** Session that the command is about. */
  key?: string;
}

function linksOf({ key, summary, control, guard }: StatusSession): Link[] {
  const all: Link[] = [
    { text: 'Stream', command: 'agentStrace.openStream', title: 'Show the event stream', key },
    { text: 'Replay', command: 'agentStrace.replay', title: 'Replay the session', key },
    { text: 'Changes', command: 'agentStrace.showChanges', title: 'Show what it changed', key },
  ];
  if (guard) all.push({ text: 'Guard', command: 'agentStrace.showGuard', title: 'Show the guard' });
  if (!isActive(summary) || !control || control.kind === 'none') return all;
  all.push(
    control.paused
      ? { text: 'Resume', command: 'agentStrace.resume', title: 'Let the agent go on', key }
      : { text: 'Pause', command: 'agentStrace.pause', title: 'Pause the agent', key },
    { text: 'Stop', command: 'agentStrace.stop', title: 'Stop the agent', key },
  );
  return all;
}

function quietLinks(trusted: boolean): Link[] {
  const all: Link[] = [
    { text: 'Stream', command: 'agentStrace.openStream', title: 'Show the event stream' },
    { text: 'Log', command: 'agentStrace.showLog', title: 'Show the log' },
  ];
  if (trusted) {
    all.splice(1, 0, {
      text: 'Set up recording',
      command: 'agentStrace.setUp',
      title: 'Record this project’s agents',
    });
  }
  return all;
}

const linkLine = (links: readonly Link[]): string =>
  links
    .map(
      ({ text, command, title, key }) =>
        `[${text}](${commandUri(command, ...(key === undefined ? [] : [key]))} "${title}")`,
    )
    .join('&nbsp;&nbsp;&nbsp;');
