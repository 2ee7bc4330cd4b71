/** What happened in a session, in numbers: as JSON and as text. */
import type { SessionFold } from '../model/fold.ts';
import { formatCount, formatDuration, formatUsd, MISSING, plural } from '../model/format.ts';
import { inFolder } from '../model/inFolder.ts';
import type { SessionSummary } from '../model/summary.ts';
import { type Bounded, firstOf, moreLines, moreText } from './bounds.ts';
import { cacheRateText, costCell, reconciliation } from './costText.ts';
import { type SessionJson, seconds, sessionJson } from './sessionJson.ts';
import { dateTime } from './sessionTable.ts';
import type { Style } from './style.ts';
import { renderTable, type TableColumn } from './table.ts';
import { cutToWidth, sanitizeLine, sanitizeTerminal, wrapFacts } from './terminalText.ts';
import { titleLine } from './titleLine.ts';

export interface ToolStats {
  tool: string;
  calls: number;
  errors: number;
  denied: number;
  /** ms; null where no call's duration is known. Of the last 31 calls. */
  median_ms: number | null;
  /** ms; of all calls whose duration is known. */
  mean_ms: number | null;
  total_ms: number;
}

export interface FileStats {
  path: string;
  reads: number;
  writes: number;
  added: number;
  removed: number;
}

export interface SubagentStats {
  id: string;
  type: string;
  description: string;
  started_at: number;
  /** null while it runs, and where its end was not recorded. */
  ended_at: number | null;
  tool_calls: number;
}

export interface Failure {
  /** Seconds since the epoch. */
  at: number;
  kind: 'error' | 'denied';
  /** What was tried. */
  step: string;
  /** What it said: one line. */
  message: string;
}

/** A session of its own that this one started (how other writers record subagents). */
export interface ChildStats {
  session_id: string;
  title: string;
  tool_calls: number;
  errors: number;
  duration_ms: number;
  depth: number;
}

export interface StatsReport extends SessionJson {
  tools: ToolStats[];
  files: FileStats[];
  subagents: SubagentStats[];
  failures: Failure[];
  children: ChildStats[];
  /** This session and those that it started; null where they were not asked for. */
  with_children: ChildrenSum | null;
}

export interface ChildrenSum {
  sessions: number;
  tool_calls: number;
  errors: number;
  /** Billed; null where nothing has a price. */
  cost_usd: number | null;
  /** From the first event to the last of all. */
  duration_ms: number;
}

export function statsReport(
  id: string,
  fold: SessionFold,
  summary: SessionSummary,
  more: { failures: Failure[]; children: ChildStats[]; with_children?: ChildrenSum | null },
): StatsReport {
  return {
    ...sessionJson(id, summary),
    tools: fold.toolUse.summaries().map((tool) => ({
      tool: tool.tool,
      calls: tool.calls,
      errors: tool.errors,
      denied: tool.denied,
      median_ms: Number.isNaN(tool.medianMs) ? null : Math.round(tool.medianMs),
      mean_ms: tool.timed > 0 ? Math.round(tool.totalMs / tool.timed) : null,
      total_ms: Math.round(tool.totalMs),
    })),
    files: fold.files
      .summaries()
      .map(({ path, reads, writes, added, removed }) => ({ path, reads, writes, added, removed }))
      .sort((a, b) => b.writes - a.writes || b.reads - a.reads || (a.path < b.path ? -1 : 1)),
    subagents: fold.subagents
      .all()
      .sort((a, b) => a.startMs - b.startMs)
      .map((agent) => ({
        id: agent.id,
        type: agent.type,
        description: agent.description,
        started_at: seconds(agent.startMs),
        ended_at: agent.endMs === undefined ? null : seconds(agent.endMs),
        tool_calls: agent.calls,
      })),
    with_children: null,
    ...more,
  };
}

/** Rows of each list. */
const USUAL = 20;
const USUAL_FAILURES = 10;

export function statsText(stats: StatsReport, summary: SessionSummary, options: Options): string {
  const parts = [head(stats, summary, options), toolsText(stats, options)];
  if (stats.files.length > 0) parts.push(filesText(stats, options));
  if (stats.subagents.length > 0) parts.push(subagentsText(stats, options));
  if (stats.children.length > 0) parts.push(childrenText(stats, options));
  if (stats.failures.length > 0) parts.push(failuresText(stats, options));
  return parts.filter(Boolean).join('\n');
}

const KEY_COLUMNS = 14;

/** Who, where, when, how much: name and value, hostile. */
export function statsFacts(stats: StatsReport, summary: SessionSummary): [string, string][] {
  return [
    ['session', stats.session_id],
    ['agent', [stats.agent, stats.model].filter(Boolean).join(' · ')],
    ['folder', stats.cwd || MISSING],
    ['started', dateTime(summary.startedAtMs)],
    [
      'duration',
      `${summary.startedAtMs > 0 ? formatDuration(summary.durationMs) : MISSING} (${summary.status})`,
    ],
    ['events', formatCount(stats.events)],
    [
      'tool calls',
      [
        formatCount(stats.tool_calls),
        plural(stats.edits, 'edit'),
        plural(stats.errors, 'error'),
        `${formatCount(stats.denied)} denied`,
        plural(stats.retries, 'retry', 'retries'),
      ].join(' · '),
    ],
    [
      'turns',
      `${plural(stats.prompts, 'prompt')}${stats.compactions > 0 ? ` · ${plural(stats.compactions, 'compaction')}` : ''}`,
    ],
    ['cost', `${costCell(summary.cost)}  (${reconciliation(summary.cost)})`],
    ['cache hits', cacheRateText(summary.cost.usage)],
  ];
}

function head(stats: StatsReport, summary: SessionSummary, { style, width }: Options): string {
  const room = width === undefined ? undefined : width - KEY_COLUMNS;
  const facts = statsFacts(stats, summary).flatMap(([key, value]) =>
    wrapFacts(sanitizeLine(value), room).map((part, at) =>
      at === 0
        ? `  ${style.dim(key.padEnd(KEY_COLUMNS - 3))} ${part}`
        : `${' '.repeat(KEY_COLUMNS)}${part}`,
    ),
  );
  return `${[titleLine(stats.title, { style, width }), ...facts].join('\n')}\n`;
}

type Options = Bounded & { style: Style; width?: number | undefined };

/** A table of the first rows, and how many more there are. */
function listText<Row>(
  columns: readonly TableColumn<Row>[],
  rows: readonly Row[],
  one: string,
  options: Options,
): string {
  const { shown, rest } = firstOf(rows, options.most ?? USUAL);
  return `${renderTable(columns, shown, options)}${moreLines(moreText(rest, one), options)}`;
}

function toolsText(stats: StatsReport, options: Options): string {
  if (stats.tools.length === 0) return `${options.style.dim('No tool was called.')}\n`;
  const { style } = options;
  const number = (title: string, of: (tool: ToolStats) => number) => ({
    title,
    align: 'right' as const,
    text: (tool: ToolStats) => formatCount(of(tool)),
    paint: (cell: string, tool: ToolStats) => (of(tool) === 0 ? style.dim(cell) : cell),
  });
  return listText<ToolStats>(
    [
      { title: 'tool', flexible: true, text: ({ tool }) => sanitizeLine(tool) || '(no name)' },
      number('calls', ({ calls }) => calls),
      {
        ...number('errors', ({ errors }) => errors),
        paint: (cell, { errors }) => (errors > 0 ? style.red(cell) : style.dim(cell)),
      },
      {
        ...number('denied', ({ denied }) => denied),
        paint: (cell, { denied }) => (denied > 0 ? style.yellow(cell) : style.dim(cell)),
      },
      {
        title: 'median',
        expendable: 3,
        align: 'right',
        text: ({ median_ms }) => (median_ms === null ? MISSING : formatDuration(median_ms)),
      },
      {
        title: 'mean',
        expendable: 5,
        align: 'right',
        text: ({ mean_ms }) => (mean_ms === null ? MISSING : formatDuration(mean_ms)),
      },
      {
        title: 'total',
        expendable: 4,
        align: 'right',
        text: ({ median_ms, total_ms }) =>
          median_ms === null ? MISSING : formatDuration(total_ms),
      },
    ],
    stats.tools,
    'tool',
    options,
  );
}

function filesText(stats: StatsReport, options: Options): string {
  const changed = stats.files.filter(({ writes }) => writes > 0).length;
  return listText<FileStats>(
    [
      {
        title: `file (${plural(stats.files.length, 'file')}, ${changed} changed)`,
        flexible: true,
        keepsEnd: true,
        text: ({ path }) => sanitizeLine(inFolder(path, stats.cwd)),
      },
      { title: 'reads', expendable: 1, align: 'right', text: ({ reads }) => formatCount(reads) },
      { title: 'changes', align: 'right', text: ({ writes }) => formatCount(writes) },
      {
        title: 'lines',
        expendable: 2,
        align: 'right',
        text: ({ added, removed }) =>
          added + removed > 0 ? `+${formatCount(added)} −${formatCount(removed)}` : '',
      },
    ],
    stats.files,
    'file',
    options,
  );
}

function subagentsText(stats: StatsReport, options: Options): string {
  return listText<SubagentStats>(
    [
      { title: 'subagent', text: ({ type, id }) => sanitizeLine(type || id) },
      { title: 'task', flexible: true, text: ({ description }) => sanitizeLine(description) },
      {
        title: 'calls',
        expendable: 1,
        align: 'right',
        text: ({ tool_calls }) => formatCount(tool_calls),
      },
      {
        title: 'duration',
        expendable: 3,
        align: 'right',
        text: ({ started_at, ended_at }) =>
          ended_at === null ? MISSING : formatDuration((ended_at - started_at) * 1000),
      },
    ],
    stats.subagents,
    'subagent',
    options,
  );
}

/** What a session and those that it started come to; empty: that was not asked for. */
export function childrenFacts({ with_children: sum }: StatsReport): string {
  if (sum === null) return '';
  return [
    `all ${plural(sum.sessions, 'session')}`,
    plural(sum.tool_calls, 'call'),
    plural(sum.errors, 'error'),
    sum.cost_usd === null ? 'cost not known' : formatUsd(sum.cost_usd * 1e9),
    formatDuration(sum.duration_ms),
  ].join(' · ');
}

function childrenText(stats: StatsReport, options: Options): string {
  const { style, width } = options;
  const facts = childrenFacts(stats);
  const lines = facts === '' ? [] : wrapFacts(facts, width);
  return `${childrenTable(stats, options)}${lines.map((line) => `${style.dim(line)}\n`).join('')}`;
}

function childrenTable(stats: StatsReport, options: Options): string {
  return listText<ChildStats>(
    [
      {
        title: 'child session',
        text: ({ session_id, depth }) => `${'  '.repeat(depth - 1)}${sanitizeLine(session_id)}`,
      },
      { title: 'title', flexible: true, text: ({ title }) => sanitizeLine(title) || MISSING },
      {
        title: 'calls',
        expendable: 1,
        align: 'right',
        text: ({ tool_calls }) => formatCount(tool_calls),
      },
      { title: 'errors', expendable: 2, align: 'right', text: ({ errors }) => formatCount(errors) },
      {
        title: 'duration',
        expendable: 3,
        align: 'right',
        text: ({ duration_ms }) => formatDuration(duration_ms),
      },
    ],
    stats.children,
    'session',
    options,
  );
}

function failuresText(
  stats: StatsReport,
  { style, width, most = USUAL_FAILURES }: Options,
): string {
  const shown = stats.failures.slice(-Math.min(most, stats.failures.length));
  const rest = stats.failures.length - shown.length;
  const lines = shown.map(({ kind, step, message }) => {
    const mark = kind === 'denied' ? style.yellow('⊘') : style.red('✗');
    const told = sanitizeTerminal(message);
    const room = width === undefined ? undefined : width - 4;
    const said = told === '' ? '' : `\n    ${style.dim(cutToWidth(sanitizeLine(told), room))}`;
    return `  ${mark} ${cutToWidth(sanitizeLine(step), room)}${said}`;
  });
  const earlier =
    rest > 0
      ? ` (the last ${formatCount(shown.length)} of ${formatCount(stats.failures.length)}, --all shows all)`
      : '';
  return `${style.dim(cutToWidth(`what went wrong${earlier}`, width))}\n${lines.join('\n')}\n`;
}
