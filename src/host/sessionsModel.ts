import {
  formatCount,
  formatDuration,
  formatMoment,
  formatTokens,
  formatUsd,
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
import { markdown } from './plainText.ts';
import { goesOn, type SessionLink, startedBy } from './sessionLinks.ts';
import { costText, STATUS_WORDS, urgency } from './statusText.ts';

/** One session as the list of sessions sees it. */
export interface SessionFacts {
  key: string;
  id: string;
  /** Empty where the window has one folder. */
  workspace: string;
  /** Absent: not read yet. */
  summary?: SessionSummary;
  /** Last sign of life, ms since the epoch; from the file where the session is not read yet. */
  lastMs: number;
  /** Its agent can be paused and stopped. */
  control: boolean;
  /** Its agent is frozen, or held before its next tool. */
  paused: boolean;
  badLines: number;
  /** Id of the session that started it, by its own word. */
  parent?: string;
  /** It was not recorded: what is known of it is in the agent's own transcript. */
  transcript?: { agent: string; title: string; path: string };
}

export interface SessionGroup {
  /** Stable: `live`, or the day as in `2026-11-25`. */
  id: string;
  label: string;
  live: boolean;
  /** In the order in which they are shown. */
  sessions: SessionFacts[];
  /** With those that are shown below others. */
  all: readonly SessionFacts[];
}

/** What a row of the list says. */
export interface SessionRow {
  label: string;
  description: string;
  /** Codicon, and the theme's colour for it. */
  icon: string;
  colour: string | undefined;
  /** The row in words, without a clock that runs. */
  spoken: string;
  /**
   * `session.live`, `session.paused`, `session.ended`, with `.control` where it can be signalled; `transcript` where it
   * was not recorded; with `.child` where the session that started it is in the list.
   */
  context: string;
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Those that are going on, then the others by the day of their last sign of life, newest first.
 *
 * @param links which session started which: see `linkSessions`
 */
export function groupSessions(
  all: readonly SessionFacts[],
  nowMs: number,
  links: ReadonlyMap<string, SessionLink> = new Map(),
): SessionGroup[] {
  const live: SessionFacts[] = [];
  const days = new Map<string, SessionFacts[]>();
  const withNested = (sessions: SessionFacts[]): SessionFacts[] =>
    links.size === 0
      ? sessions
      : sessions.flatMap((session) => [session, ...startedBy(session.key, links)]);
  for (const session of all) {
    if (links.get(session.key)?.nested) continue;
    if (goesOn(session)) {
      live.push(session);
      continue;
    }
    const day = dayOf(session.lastMs);
    const others = days.get(day);
    if (others) others.push(session);
    else days.set(day, [session]);
  }
  const groups = [...days]
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([id, sessions]) => ({
      id,
      label: dayLabel(id, nowMs),
      live: false,
      sessions: sessions.sort(lastFirst),
      all: withNested(sessions),
    }));
  if (live.length === 0) return groups;
  live.sort(urgentFirst);
  return [
    { id: 'live', label: 'Live', live: true, sessions: live, all: withNested(live) },
    ...groups,
  ];
}

const lastFirst = (a: SessionFacts, b: SessionFacts): number =>
  b.lastMs - a.lastMs || (a.key < b.key ? -1 : 1);

/** Of one urgency the newest first: by their start, which does not change while they work. */
const urgentFirst = (a: SessionFacts, b: SessionFacts): number =>
  urgency(b.summary!.status) - urgency(a.summary!.status) ||
  b.summary!.startedAtMs - a.summary!.startedAtMs ||
  (a.key < b.key ? -1 : 1);

/** Days begin at a quarter of an hour everywhere: within one, all moments are of one day. */
const QUARTER_MS = 15 * 60_000;
const dayOfQuarter = new Map<number, string>();

/** `2026-11-25`, in local time. Thousands are asked for twice a second. */
function dayOf(ms: number): string {
  const quarter = Math.floor(ms / QUARTER_MS);
  let day = dayOfQuarter.get(quarter);
  if (day === undefined) {
    if (dayOfQuarter.size > 100_000) dayOfQuarter.clear();
    day = isoDay(ms);
    dayOfQuarter.set(quarter, day);
  }
  return day;
}

function isoDay(ms: number): string {
  const at = new Date(ms);
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('-');
}

/** `Today`, `Yesterday`, `Monday 23 Nov`, `Monday 24 Nov 2025` in another year. */
function dayLabel(day: string, nowMs: number): string {
  const now = new Date(nowMs);
  if (day === dayOf(nowMs)) return 'Today';
  // Noon: a day of 23 or 25 hours does no harm.
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1, 12);
  if (day === dayOf(yesterday.getTime())) return 'Yesterday';
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  const at = new Date(year, month - 1, date, 12);
  const label = `${DAYS[at.getDay()]} ${date} ${MONTHS[month - 1]}`;
  return year === now.getFullYear() ? label : `${label} ${year}`;
}

/** How many there are, and what those that were read cost together. */
export function groupText({ all }: Pick<SessionGroup, 'all'>): string {
  const nanoUsd = costOf(all);
  const read = all.every(({ summary }) => summary !== undefined);
  const count = formatCount(all.length);
  return read && nanoUsd > 0 ? `${count} · ${formatUsd(nanoUsd)}` : count;
}

const costOf = (sessions: readonly SessionFacts[]): number =>
  sessions.reduce((sum, { summary }) => sum + (summary?.cost.nanoUsd ?? 0), 0);

/** `+ $0.42 in 2 sessions it started`; without the money as long as they are not read. */
function startedText(started: readonly SessionFacts[]): string {
  const count = plural(started.length, 'session');
  const read = started.every(({ summary }) => summary !== undefined);
  const known = started.some(({ summary }) => summary && isCostKnown(summary.cost));
  return read && known
    ? `+ ${formatUsd(costOf(started))} in ${count} it started`
    : `started ${count}`;
}

/** What a session cost, and apart from that what those cost that it started. */
function costWords(facts: SessionFacts, links: ReadonlyMap<string, SessionLink>): string[] {
  const started = startedBy(facts.key, links);
  const cost = facts.summary ? [costText(facts.summary)] : [];
  if (started.length === 0) return cost;
  const text = startedText(started);
  return text.startsWith('+') && cost.length > 0 ? [`${cost[0]} ${text}`] : [...cost, text];
}

/** Of a session that is not shown below the one that started it. */
const starterText = ({ summary, transcript, id }: SessionFacts): string =>
  `started by ${cut(visibleText(summary?.title || transcript?.title || id), 40)}`;

const ICONS: Record<SessionStatus, { icon: string; colour?: string }> = {
  live: { icon: 'pulse', colour: 'charts.green' },
  idle: { icon: 'pulse', colour: 'disabledForeground' },
  waiting: { icon: 'bell', colour: 'list.warningForeground' },
  paused: { icon: 'debug-pause', colour: 'list.warningForeground' },
  ended: { icon: 'check' },
  failed: { icon: 'error', colour: 'list.errorForeground' },
};

/** @param links which session started which: see `linkSessions` */
export function sessionRow(
  facts: SessionFacts,
  nowMs: number,
  links: ReadonlyMap<string, SessionLink> = new Map(),
): SessionRow {
  const { summary, transcript } = facts;
  const link = links.get(facts.key);
  const starter = link?.parent && !link.nested ? [starterText(link.parent)] : [];
  const child = link?.parent ? '.child' : '';
  const workspace = facts.workspace ? [visibleText(facts.workspace)] : [];
  if (transcript) {
    const label = visibleText(transcript.title) || visibleText(facts.id);
    const known = [
      ...costWords(facts, links),
      ...(summary ? [formatDuration(summary.durationMs)] : []),
    ];
    const words = [visibleText(transcript.agent), 'from its transcript'];
    return {
      label,
      description: [...known, ...words, ...starter, ...workspace].join(' · '),
      icon: 'note',
      colour: 'disabledForeground',
      spoken: [label, ...words, ...known, ...starter].join(', '),
      context: `transcript${child}`,
    };
  }
  if (!summary) {
    const label = visibleText(facts.id);
    return {
      label,
      description: 'reading…',
      icon: 'loading~spin',
      colour: undefined,
      spoken: `Session ${label}, being read`,
      context: 'session.unread',
    };
  }
  const { status } = summary;
  const label = visibleText(summary.title) || visibleText(facts.id);
  const words = [
    ...costWords(facts, links),
    duration(summary, nowMs),
    ...(status === 'live' ? [] : [STATUS_WORDS[status]]),
    visibleText(summary.agent),
    ...starter,
    ...workspace,
  ];
  const { icon, colour } = ICONS[status];
  const state = isActive(summary) ? (facts.paused ? 'paused' : 'live') : 'ended';
  return {
    label,
    description: words.join(' · '),
    icon,
    colour,
    spoken: [
      label,
      visibleText(summary.agent),
      STATUS_WORDS[status],
      ...costWords(facts, links),
      ...(isActive(summary) ? [] : [formatDuration(summary.durationMs)]),
      ...(summary.errors > 0 ? [plural(summary.errors, 'error')] : []),
      ...starter,
    ].join(', '),
    context: `session.${state}${state !== 'ended' && facts.control ? '.control' : ''}${child}`,
  };
}

/** Of one that goes on in whole minutes: a list is no clock. */
function duration({ status, durationMs, startedAtMs }: SessionSummary, nowMs: number): string {
  if (!isActive({ status })) return formatDuration(durationMs);
  const minutes = Math.max(0, Math.floor((nowMs - startedAtMs) / 60_000));
  return minutes < 60
    ? `${minutes} min`
    : `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`;
}

/** Of a path the end says most. @param max UTF-16 units */
const endOf = (path: string, max: number): string =>
  path.length <= max ? path : `…${path.slice(1 - max)}`;

/**
 * What the list says when asked: Markdown, trace text escaped.
 *
 * @param links which session started which: see `linkSessions`
 */
export function sessionTooltip(
  facts: SessionFacts,
  links: ReadonlyMap<string, SessionLink> = new Map(),
): string {
  const { summary, transcript } = facts;
  if (!summary) return markdown(transcript?.title || facts.id);
  const { cost, status } = summary;
  const started = startedBy(facts.key, links);
  const parent = links.get(facts.key)?.parent;
  const rows: [string, string][] = [
    [
      'Agent',
      transcript
        ? `${transcript.agent}, from its transcript`
        : `${summary.agent}, ${STATUS_WORDS[status]}`,
    ],
    ['Started', formatMoment(summary.startedAtMs)],
    ['Cost', costText(summary)],
    ...cost.models
      .slice(0, 4)
      .map(({ model, nanoUsd, unpriced, responses }): [string, string] => [
        model || 'unknown model',
        unpriced === responses ? 'unpriced' : formatUsd(nanoUsd),
      ]),
    ...(started.length > 0 ? [['Others', startedText(started)] as [string, string]] : []),
    ['Tokens', formatTokens(cost.usage.input_tokens + cost.usage.output_tokens)],
    ['Calls', formatCount(summary.calls)],
    ['Edits', formatCount(summary.edits)],
    ...(summary.errors > 0 ? [['Errors', formatCount(summary.errors)] as [string, string]] : []),
    ...(summary.denied > 0 ? [['Denied', formatCount(summary.denied)] as [string, string]] : []),
    ...(facts.badLines > 0
      ? [['Lines not read', formatCount(facts.badLines)] as [string, string]]
      : []),
    ...(parent
      ? [
          ['Started by', parent.summary?.title || parent.transcript?.title || parent.id] as [
            string,
            string,
          ],
        ]
      : []),
    ['Folder', summary.cwd || facts.workspace],
    ['Session', facts.id],
    ...(transcript ? [['Transcript', endOf(transcript.path, 70)] as [string, string]] : []),
  ];
  const title = markdown(cut(summary.title || transcript?.title || facts.id, 200));
  const lines = rows
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `| ${markdown(cut(name, 60))} | ${markdown(cut(value, 80))} |`);
  return `**${title}**\n\n| | |\n|:---|:---|\n${lines.join('\n')}`;
}
