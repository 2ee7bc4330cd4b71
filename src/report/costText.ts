/** What a session cost, in words: sums, models, reconciliation. */
import { formatCount, formatKnownUsd, formatTokens, formatUsd, MISSING } from '../model/format.ts';
import { type CostSummary, isCostKnown } from '../model/summary.ts';
import { type Usage, uncachedInput } from '../model/usage.ts';
import { type Bounded, firstOf, moreLines, moreText } from './bounds.ts';
import { cacheHitRate } from './sessionJson.ts';
import type { Style } from './style.ts';
import { renderTable, type TableColumn } from './table.ts';
import { cutToWidth, sanitizeLine, textWidth } from './terminalText.ts';

/**
 * One cell: `$4.37`, `≥$4.37` where responses without a price are not in it, `~$0.02` for an estimate,
 * `unpriced`, `–` where nothing is known.
 */
export function costCell(cost: CostSummary): string {
  if (isCostKnown(cost)) {
    return formatKnownUsd(cost.nanoUsd, cost.unpriced);
  }
  if (cost.estimated > 0) return formatUsd(cost.estimatedNanoUsd, { estimate: true });
  return cost.unpriced > 0 ? 'unpriced' : MISSING;
}

/** `182 priced · 12 dedup · 0 est · 3 unpriced · prices of 2026-09-23`. */
export function reconciliation(cost: CostSummary): string {
  const parts = [
    `${formatCount(cost.priced)} priced`,
    ...(cost.reported > 0 ? [`${formatCount(cost.reported)} reported by the agent`] : []),
    `${formatCount(cost.deduplicated)} dedup`,
    `${formatCount(cost.estimated)} est`,
    `${formatCount(cost.unpriced)} unpriced`,
    ...(cost.priceDate === undefined ? [] : [`prices of ${cost.priceDate}`]),
  ];
  return parts.join(' · ');
}

const MOST_REASONS = 10;

/** Why responses have no price, one line a model. */
export function unpricedReasons(cost: CostSummary): string[] {
  const unpriced = cost.models.filter((model) => model.unpriced > 0);
  const { shown, rest } = firstOf(unpriced, MOST_REASONS);
  const lines = shown.map(
    ({ model, unpriced: count, reason }) =>
      `${formatCount(count)} of ${sanitizeLine(model) || 'no model'}: ${sanitizeLine(reason ?? 'no price known')}`,
  );
  return rest > 0 ? [...lines, moreText(rest, 'model', 'models', '--json has all')] : lines;
}

type ModelSum = CostSummary['models'][number];

const tokens = (value: number): string => (value === 0 ? '0' : formatTokens(value));

const usageColumns = <Row>(usage: (row: Row) => Usage): TableColumn<Row>[] => [
  {
    title: 'input',
    expendable: 3,
    align: 'right',
    text: (row) => tokens(Math.max(0, uncachedInput(usage(row)))),
  },
  {
    title: 'cache read',
    expendable: 4,
    align: 'right',
    text: (row) => tokens(usage(row).cache_read_input_tokens),
  },
  {
    title: 'write 5m',
    expendable: 5,
    align: 'right',
    text: (row) =>
      tokens(usage(row).cache_write_input_tokens - usage(row).cache_write_1h_input_tokens),
  },
  {
    title: 'write 1h',
    expendable: 6,
    align: 'right',
    text: (row) => tokens(usage(row).cache_write_1h_input_tokens),
  },
  {
    title: 'output',
    expendable: 2,
    align: 'right',
    text: (row) => tokens(usage(row).output_tokens),
  },
];

const USUAL_MODELS = 20;

/** The dearest first. */
export function modelTable(
  cost: CostSummary,
  options: Bounded & { style: Style; width?: number | undefined },
): string {
  const { style } = options;
  const columns: TableColumn<ModelSum>[] = [
    { title: 'model', flexible: true, text: ({ model }) => sanitizeLine(model) || '(no model)' },
    {
      title: 'responses',
      expendable: 1,
      align: 'right',
      text: ({ responses }) => formatCount(responses),
    },
    // Agents that write no such caches, or none for an hour, leave the room to the names.
    ...usageColumns<ModelSum>(({ usage }) => usage).filter(
      ({ title, text }) =>
        !title.startsWith('write') || cost.models.some((one) => text(one) !== '0'),
    ),
    {
      title: 'cost',
      align: 'right',
      text: ({ responses, unpriced, nanoUsd }) =>
        unpriced === responses ? 'unpriced' : formatKnownUsd(nanoUsd, unpriced),
      paint: (cell, { unpriced }) => (unpriced > 0 ? style.yellow(cell) : cell),
    },
  ];
  const { shown, rest } = firstOf(cost.models, options.most ?? USUAL_MODELS);
  const more = moreText(rest, 'model', 'models', '--json has all');
  return `${renderTable(columns, shown, options)}${moreLines(more, options)}`;
}

/** `72%`, or `–`. */
export function cacheRateText(usage: Usage): string {
  const rate = cacheHitRate(usage);
  return rate === null ? MISSING : `${Math.round(rate * 100)}%`;
}

/** A bold sum and what it is of: one line of the terminal. */
export function costTitle(
  cost: CostSummary,
  of: string,
  { style, width }: { style: Style; width?: number | undefined },
): string {
  const cell = costCell(cost);
  const room = width === undefined ? undefined : width - textWidth(cell) - 2;
  return `${style.bold(cell)}  ${cutToWidth(of, room)}`;
}
