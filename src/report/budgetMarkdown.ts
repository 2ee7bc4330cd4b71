/** How full the context windows of a session are, as Markdown. */
import { formatPercent, formatTokens, MISSING } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import { type Bounded, moreText } from './bounds.ts';
import {
  type BudgetLaneJson,
  type BudgetReport,
  budgetNotes,
  fillBar,
  fullestLanes,
  stateWords,
} from './budgetReport.ts';
import { laneName, NO_REQUESTS } from './contextText.ts';
import { markdownTable } from './markdownTable.ts';

export function budgetMarkdown(report: BudgetReport, { most }: Bounded = {}): string {
  const head = `# Token budget: ${markdownText(report.title) || 'Untitled session'}`;
  if (report.lanes.length === 0) return `${head}\n\n${NO_REQUESTS}\n`;
  const { shown, rest } = fullestLanes(report, most);
  const table = markdownTable<BudgetLaneJson>(
    [
      { title: 'Agent', cell: (lane) => markdownText(laneName(lane)) },
      { title: 'Model', cell: ({ model }) => markdownText(model) || MISSING },
      { title: 'Window', cell: ({ fill }) => (fill === null ? MISSING : fillBar(fill)) },
      { title: 'Last', align: 'right', cell: ({ tokens }) => formatTokens(tokens) },
      {
        title: 'Of',
        align: 'right',
        cell: ({ window_tokens: window }) => (window === null ? MISSING : formatTokens(window)),
      },
      {
        title: 'Full',
        align: 'right',
        cell: ({ fill }) => (fill === null ? MISSING : formatPercent(fill)),
      },
      {
        title: 'Left',
        align: 'right',
        cell: ({ remaining_tokens: left }) => (left === null ? MISSING : formatTokens(left)),
      },
      {
        title: 'Peak',
        align: 'right',
        cell: ({ peak_fill: fill, peak_tokens: tokens }) =>
          fill === null ? formatTokens(tokens) : formatPercent(fill),
      },
      { title: 'Compactions', align: 'right', cell: ({ compactions }) => String(compactions) },
      { title: 'State', cell: ({ state }) => stateWords(state, report.warn_at) },
    ],
    shown,
  );
  const more = rest > 0 ? [moreText(rest, 'agent', 'agents', '')] : [];
  return `${[head, table, ...more, ...budgetNotes(report, '')].join('\n\n')}\n`;
}
