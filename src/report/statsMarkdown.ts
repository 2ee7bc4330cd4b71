/** What happened in a session, in numbers, as Markdown. */
import { formatCount, formatDuration, MISSING, plural } from '../model/format.ts';
import { inFolder } from '../model/inFolder.ts';
import { markdownText } from '../model/markdownText.ts';
import type { SessionSummary } from '../model/summary.ts';
import { type Bounded, firstOf, moreText } from './bounds.ts';
import { type MarkdownColumn, markdownTable } from './markdownTable.ts';
import {
  type ChildStats,
  childrenFacts,
  type FileStats,
  type StatsReport,
  type SubagentStats,
  statsFacts,
  type ToolStats,
} from './statsReport.ts';

const USUAL = 100;
const USUAL_FAILURES = 50;

export function statsMarkdown(
  stats: StatsReport,
  summary: SessionSummary,
  { most }: Bounded = {},
): string {
  return [
    `# Statistics: ${markdownText(stats.title) || 'Untitled session'}`,
    statsFacts(stats, summary)
      .map(
        ([key, value]) => `- **${key[0]!.toUpperCase()}${key.slice(1)}**: ${markdownText(value)}`,
      )
      .join('\n'),
    tools(stats.tools, most),
    files(stats, most),
    subagents(stats.subagents, most),
    children(stats, most),
    failures(stats, most),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

const ms = (value: number | null): string => (value === null ? MISSING : formatDuration(value));

function number<Row>(title: string, of: (row: Row) => number): MarkdownColumn<Row> {
  return { title, align: 'right', cell: (row) => formatCount(of(row)) };
}

/** A table with the first rows of a list, and how many more there are. */
function bounded<Row>(
  columns: readonly MarkdownColumn<Row>[],
  rows: readonly Row[],
  most = USUAL,
  noun = 'row',
): string {
  const { shown, rest } = firstOf(rows, most);
  const more = moreText(rest, noun, `${noun}s`, '');
  return `${markdownTable(columns, shown)}${more === '' ? '' : `\n\n${more}`}`;
}

function tools(all: readonly ToolStats[], most: number | undefined): string {
  if (all.length === 0) return 'No tool was called.';
  const table = bounded<ToolStats>(
    [
      { title: 'Tool', cell: ({ tool }) => markdownText(tool) || '(no name)' },
      number('Calls', ({ calls }) => calls),
      number('Errors', ({ errors }) => errors),
      number('Denied', ({ denied }) => denied),
      { title: 'Median', align: 'right', cell: ({ median_ms }) => ms(median_ms) },
      { title: 'Mean', align: 'right', cell: ({ mean_ms }) => ms(mean_ms) },
      {
        title: 'Total',
        align: 'right',
        cell: ({ median_ms, total_ms }) => ms(median_ms === null ? null : total_ms),
      },
    ],
    all,
    most,
    'tool',
  );
  return `## Tools\n\n${table}`;
}

function files({ files: all, cwd }: StatsReport, most: number | undefined): string {
  if (all.length === 0) return '';
  const changed = all.filter(({ writes }) => writes > 0).length;
  const table = bounded<FileStats>(
    [
      { title: 'File', cell: ({ path }) => markdownText(inFolder(path, cwd)) },
      number('Reads', ({ reads }) => reads),
      number('Changes', ({ writes }) => writes),
      {
        title: 'Lines',
        align: 'right',
        cell: ({ added, removed }) =>
          added + removed > 0 ? `+${formatCount(added)} −${formatCount(removed)}` : '',
      },
    ],
    all,
    most,
    'file',
  );
  return `## Files\n\n${plural(all.length, 'file')}, ${formatCount(changed)} changed.\n\n${table}`;
}

function subagents(all: readonly SubagentStats[], most: number | undefined): string {
  if (all.length === 0) return '';
  const table = bounded<SubagentStats>(
    [
      { title: 'Subagent', cell: ({ type, id }) => markdownText(type || id) },
      { title: 'Task', cell: ({ description }) => markdownText(description) || MISSING },
      number('Calls', ({ tool_calls }) => tool_calls),
      {
        title: 'Duration',
        align: 'right',
        cell: ({ started_at, ended_at }) =>
          ms(ended_at === null ? null : (ended_at - started_at) * 1000),
      },
    ],
    all,
    most,
    'subagent',
  );
  return `## Subagents\n\n${table}`;
}

function children(stats: StatsReport, most: number | undefined): string {
  if (stats.children.length === 0) return '';
  const table = bounded<ChildStats>(
    [
      { title: 'Session', cell: ({ session_id }) => markdownText(session_id) },
      { title: 'Title', cell: ({ title }) => markdownText(title) || MISSING },
      number('Depth', ({ depth }) => depth),
      number('Calls', ({ tool_calls }) => tool_calls),
      number('Errors', ({ errors }) => errors),
      { title: 'Duration', align: 'right', cell: ({ duration_ms }) => ms(duration_ms) },
    ],
    stats.children,
    most,
    'session',
  );
  const facts = childrenFacts(stats);
  return `## Sessions that it started\n\n${table}${facts === '' ? '' : `\n\n${markdownText(facts)}`}`;
}

function failures({ failures: all }: StatsReport, most = USUAL_FAILURES): string {
  if (all.length === 0) return '';
  const shown = all.slice(-Math.min(most, all.length));
  const rest = all.length - shown.length;
  const rows = shown.map(({ kind, step, message }) => {
    const said = message === '' ? '' : `: ${markdownText(message)}`;
    return `- ${kind === 'denied' ? '⊘ Denied' : '✗ Failed'}: ${markdownText(step)}${said}`;
  });
  const which = rest > 0 ? `\n\nThe last ${shown.length} of ${formatCount(all.length)}.` : '';
  return `## What went wrong${which}\n\n${rows.join('\n')}`;
}
