/** A table of costs, for a terminal, as Markdown and as CSV. */

import { formatCount, formatPercent, formatTokens, formatUsd, MISSING } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import { OUTCOME_SIGNS } from '../model/outcomeWords.ts';
import { firstOf, moreLines, moreText } from './bounds.ts';
import type { CostLine, CostTable } from './costBy.ts';
import { tableRow } from './markdownTable.ts';
import type { Style } from './style.ts';
import { renderTable, type TableColumn } from './table.ts';
import { sanitizeLine } from './terminalText.ts';

/** `$0.42`, `≥$0.42` where some of it has no price, `unpriced`, `–` where nothing is told. */
function money({ priced, nanoUsd }: Pick<CostLine, 'priced' | 'nanoUsd'>): string {
  if (priced === 'none') return 'unpriced';
  if (priced === 'untold') return MISSING;
  return `${priced === 'some' ? '≥' : ''}${formatUsd(nanoUsd)}`;
}

interface Column {
  title: string;
  text(line: CostLine): string;
  /** The rest of the table is the more needed, the higher it is. */
  expendable?: number;
  dim?: (line: CostLine) => boolean;
  warn?: (line: CostLine) => boolean;
}

/** All columns of numbers. */
function columnsOf(table: CostTable): Column[] {
  const { lines, counted, nanoUsd } = table;
  const has = (of: (line: CostLine) => unknown): boolean => lines.some((one) => Boolean(of(one)));
  const columns: Column[] = [
    {
      title: counted,
      text: ({ count }) => formatCount(count),
      expendable: 3,
      dim: ({ count }) => count === 0,
    },
  ];
  if (lines.some(({ errors }) => errors !== undefined)) {
    columns.push({
      title: 'errors',
      text: ({ errors = 0 }) => formatCount(errors),
      expendable: 4,
      dim: ({ errors = 0 }) => errors === 0,
    });
  }
  if (has(({ carried }) => carried && carried.tokens > 0)) {
    columns.push(
      {
        title: 'carried',
        text: ({ carried }) => (carried ? formatTokens(carried.tokens) : ''),
        expendable: 5,
        dim: () => true,
      },
      {
        title: 'at about',
        text: ({ carried }) =>
          carried && carried.tokens > 0 ? formatUsd(carried.nanoUsd, { estimate: true }) : '',
        expendable: 6,
        dim: () => true,
      },
    );
  }
  if (has(({ wasteNanoUsd }) => wasteNanoUsd)) {
    columns.push({
      title: 'wasted',
      text: ({ wasteNanoUsd = 0 }) => (wasteNanoUsd > 0 ? formatUsd(wasteNanoUsd) : ''),
      expendable: 2,
      warn: () => true,
    });
  }
  if (nanoUsd > 0) {
    columns.push({
      title: 'share',
      text: (one) => (one.priced === 'untold' ? '' : formatPercent(one.nanoUsd / nanoUsd)),
      expendable: 7,
      dim: () => true,
    });
  }
  const hasTotals = has(({ totalNanoUsd }) => totalNanoUsd !== undefined);
  columns.push({
    title: hasTotals ? 'own' : 'cost',
    text: money,
    warn: ({ priced }) => priced === 'none' || priced === 'some',
    dim: ({ nanoUsd: nano, priced }) => priced === 'untold' || nano === 0,
  });
  if (hasTotals) {
    columns.push({
      title: 'with subagents',
      text: ({ totalNanoUsd: nano = 0, totalPriced = 'all' }) =>
        money({ priced: totalPriced, nanoUsd: nano }),
      expendable: 1,
    });
  }
  return columns;
}

/** @param most lines shown @param all what to ask for to see all of them */
export function costTableText(
  table: CostTable,
  options: { style: Style; width?: number | undefined; most?: number; all?: string },
): string {
  const { style, most = Number.POSITIVE_INFINITY } = options;
  const columns: TableColumn<CostLine>[] = [];
  if (table.lines.some(({ label }) => label !== '')) {
    columns.push({ title: '', align: 'right', text: ({ label }) => label });
  }
  columns.push({
    title: table.title,
    flexible: true,
    keepsEnd: table.by === 'file',
    text: ({ name, depth, outcome, inside, label }) =>
      `${'  '.repeat(depth)}${outcome !== undefined && (inside || label !== '') ? `${OUTCOME_SIGNS[outcome]} ` : ''}${sanitizeLine(name) || MISSING}`,
    paint: (cell, { rest, inside, outcome }) =>
      outcome === 'failed' ? style.red(cell) : rest || inside ? style.dim(cell) : cell,
  });
  for (const { title, text, expendable, dim, warn } of columnsOf(table)) {
    columns.push({
      title,
      align: 'right',
      ...(expendable === undefined ? {} : { expendable }),
      text,
      paint: (cell, one) =>
        warn?.(one) === true
          ? style.yellow(cell)
          : dim?.(one) === true || one.inside
            ? style.dim(cell)
            : cell,
    });
  }
  const { shown, rest } = firstOf(table.lines, most);
  const more = moreText(rest, '', '', options.all ?? '');
  return `${renderTable(columns, shown, options)}${moreLines(more, options)}`;
}

/** What the columns mean, where that is not plain. */
export function costNotes(table: CostTable): string[] {
  const notes: string[] = [];
  if (table.lines.some(({ carried }) => carried && carried.tokens > 0)) {
    notes.push(
      'carried: tokens of results, times the later requests that had them in their prompt. An estimate by size; that money is in the costs of those requests already.',
    );
  }
  if (table.by === 'tool' || table.by === 'mcp') {
    notes.push('cost: of the responses that asked for the calls, in equal parts.');
  }
  if (table.by === 'file') {
    notes.push("cost: a call's part, in equal parts by the files that it touched.");
  }
  return notes;
}

/** Lines of a table in a document. */
const MOST_LINES = 500;

export function costTableMarkdown(table: CostTable): string {
  const { shown, rest } = firstOf(table.lines, MOST_LINES);
  const columns = columnsOf(table);
  return [
    tableRow([capital(table.title), ...columns.map(({ title }) => capital(title))]),
    tableRow(['---', ...columns.map(() => '---:')]),
    ...shown.map((one) => tableRow([nameMarkdown(one), ...columns.map(({ text }) => text(one))])),
    ...(rest > 0 ? [tableRow([moreText(rest, '', '', ''), ...columns.map(() => '')])] : []),
  ].join('\n');
}

function nameMarkdown({ label, name, depth, outcome, inside }: CostLine): string {
  const sign =
    outcome !== undefined && (inside || label !== '') ? `${OUTCOME_SIGNS[outcome]} ` : '';
  const words = markdownText(name) || MISSING;
  return `${'&nbsp;&nbsp;'.repeat(depth)}${label === '' ? '' : `${label} `}${sign}${words}`;
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

const NANO = 1e9;

/** One line a row, dollars in full; phases of a prompt, not the prompt's sum, so that the costs add up. */
export function costTableCsv(table: CostTable): string {
  let label = '';
  const rows: string[][] = [];
  for (const [at, one] of table.lines.entries()) {
    if (!one.inside) label = one.label;
    if (!one.inside && table.lines[at + 1]?.inside === true) continue;
    rows.push([
      ...(table.by === 'phase' ? [label, one.outcome ?? ''] : []),
      one.name,
      String(one.count),
      one.priced === 'none' || one.priced === 'untold' ? '' : dollars(one.nanoUsd),
      one.priced,
    ]);
  }
  const head = [
    ...(table.by === 'phase' ? ['prompt', 'outcome'] : []),
    table.title.replaceAll(' ', '_').toLowerCase(),
    table.counted,
    'cost_usd',
    'priced',
  ];
  return [head, ...rows].map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

/** In full, without an exponent. */
const dollars = (nanoUsd: number): string => (nanoUsd / NANO).toFixed(9).replace(/\.?0+$/, '');

/** A cell that no spreadsheet takes for a formula. */
function csvCell(text: string): string {
  const safe = /^\s*[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
