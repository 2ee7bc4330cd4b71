/** A session as one page of Markdown: for a pull request, an issue or a chat. */
import { formatCount, formatDuration, formatUsd, MISSING, plural } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import type { SessionSummary } from '../model/summary.ts';
import { firstOf, moreText } from './bounds.ts';
import type { CostReport } from './costReport.ts';
import { costCell, reconciliation, unpricedReasons } from './costText.ts';
import { tableRow } from './markdownTable.ts';
import { dateTime } from './sessionTable.ts';
import type { StatsReport } from './statsReport.ts';

const NANO = 1e9;
const MOST_FILES = 50;
const MOST_FAILURES = 20;
/** Of prompts and tools. */
const MOST_ROWS = 500;

const OUTCOMES: Record<SessionSummary['status'], string> = {
  live: 'going on',
  idle: 'going on',
  waiting: 'waiting for an answer',
  paused: 'paused',
  ended: 'done',
  failed: 'stopped without an end',
};

/** @param name that the person gave the session */
export function sessionMarkdown(
  stats: StatsReport,
  cost: CostReport,
  summary: SessionSummary,
  name?: string,
): string {
  return [
    `# ${markdownText(name ?? summary.title) || 'Untitled session'}`,
    facts(stats, summary),
    costSection(cost, summary),
    prompts(cost),
    files(stats),
    tools(stats),
    failures(stats),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

function facts(stats: StatsReport, summary: SessionSummary): string {
  const model = markdownText(summary.model);
  const counts = [
    plural(stats.tool_calls, 'call'),
    plural(stats.edits, 'edit'),
    plural(stats.errors, 'error'),
    `${formatCount(stats.denied)} denied`,
    plural(stats.retries, 'retry', 'retries'),
  ];
  return [
    `- **Agent**: ${markdownText(summary.agent)}${model ? `, ${model}` : ''}`,
    `- **When**: ${dateTime(summary.startedAtMs)}, ${formatDuration(summary.durationMs)}, ${OUTCOMES[summary.status]}`,
    `- **Folder**: ${markdownText(summary.cwd) || MISSING}`,
    `- **Steps**: ${counts.join(', ')}`,
    `- **Cost**: ${costCell(summary.cost)}`,
    `- **Session**: ${markdownText(stats.session_id)}`,
  ].join('\n');
}

function costSection(cost: CostReport, summary: SessionSummary): string {
  if (cost.models.length === 0) return '';
  const rows = cost.models.map(({ model, responses, cost_usd }) => [
    markdownText(model) || 'unknown model',
    formatCount(responses),
    cost_usd === null ? 'unpriced' : formatUsd(cost_usd * NANO),
  ]);
  const notes = [
    reconciliation(summary.cost),
    ...unpricedReasons(summary.cost).map(markdownText),
  ].join('  \n');
  return `## Cost\n\n${table(['Model', 'Responses', 'Cost'], rows)}\n\n${notes}`;
}

function prompts({ by_prompt: all }: CostReport): string {
  const told = all.filter(
    ({ tool_calls, cost_usd, prompt }) => prompt !== '' || tool_calls > 0 || (cost_usd ?? 0) > 0,
  );
  const { shown, rest } = firstOf(told, MOST_ROWS);
  const rows = shown.map(({ prompt, tool_calls, errors, cost_usd }) => [
    markdownText(prompt) || 'before the first prompt',
    formatCount(tool_calls),
    formatCount(errors),
    cost_usd === null ? MISSING : formatUsd(cost_usd * NANO),
  ]);
  if (rest > 0) rows.push([moreText(rest, '', '', ''), '', '', '']);
  return rows.length === 0
    ? ''
    : `## Prompts\n\n${table(['Prompt', 'Calls', 'Errors', 'Cost'], rows)}`;
}

function files({ files: all }: StatsReport): string {
  const changed = all.filter(({ writes }) => writes > 0);
  const read = all.length - changed.length;
  if (all.length === 0) return '';
  const rows = changed
    .slice(0, MOST_FILES)
    .map(({ path, writes, added, removed }) => [
      markdownText(path),
      formatCount(writes),
      `+${formatCount(added)} −${formatCount(removed)}`,
    ]);
  const hidden = changed.length - rows.length;
  const notes = [
    ...(hidden > 0 ? [`${plural(hidden, 'more file')} changed.`] : []),
    ...(read > 0 ? [`${plural(read, 'file')} only read.`] : []),
  ].join(' ');
  return [
    '## Files',
    ...(rows.length > 0 ? [table(['Changed', 'Edits', 'Lines'], rows)] : []),
    ...(notes ? [notes] : []),
  ].join('\n\n');
}

function tools({ tools: all }: StatsReport): string {
  if (all.length === 0) return '';
  const { shown, rest } = firstOf(all, MOST_ROWS);
  const rows = shown.map(({ tool, calls, errors, denied, total_ms }) => [
    markdownText(tool),
    formatCount(calls),
    formatCount(errors),
    formatCount(denied),
    formatDuration(total_ms),
  ]);
  if (rest > 0) rows.push([moreText(rest, '', '', ''), '', '', '', '']);
  return `## Tools\n\n${table(['Tool', 'Calls', 'Errors', 'Denied', 'Time'], rows)}`;
}

function failures({ failures: all }: StatsReport): string {
  if (all.length === 0) return '';
  const shown = all.slice(0, MOST_FAILURES).map(({ kind, step, message }) => {
    const said = markdownText(message);
    return `- ${kind === 'denied' ? 'Denied' : 'Failed'}: ${markdownText(step)}${said ? `: ${said}` : ''}`;
  });
  const hidden = all.length - shown.length;
  if (hidden > 0) shown.push(`- ${formatCount(hidden)} more`);
  return `## Errors and denials\n\n${shown.join('\n')}`;
}

/** The first column is text, the others are numbers. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [
    tableRow(head),
    tableRow(head.map((_, at) => (at === 0 ? '---' : '---:'))),
    ...rows.map(tableRow),
  ].join('\n');
}
