/** What a session, or many, cost: as JSON and as text. */
import type { SessionFold } from '../model/fold.ts';
import { formatCount, formatTokens, formatUsd, MISSING, plural } from '../model/format.ts';
import type { CostSummary, SessionSummary } from '../model/summary.ts';
import { addUsage, emptyUsage } from '../model/usage.ts';
import {
  cacheRateText,
  costTitle,
  modelTable,
  reconciliation,
  unpricedReasons,
} from './costText.ts';
import { type CostJson, costJson, seconds, usd } from './sessionJson.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';
import { sanitizeLine, wrapFacts } from './terminalText.ts';

/** What one prompt led to cost. */
export interface PhaseCost {
  /** Empty for what came before the first prompt. */
  prompt: string;
  started_at: number | null;
  tool_calls: number;
  errors: number;
  cost_usd: number;
}

export interface CostReport extends CostJson {
  session_id: string;
  title: string;
  agent: string;
  phases: PhaseCost[];
}

/** @param prompts first line of each prompt, by the row of its phase */
export function costReport(
  id: string,
  fold: SessionFold,
  summary: SessionSummary,
  prompts: ReadonlyMap<number, string>,
): CostReport {
  return {
    session_id: id,
    title: summary.title,
    agent: summary.agent,
    ...costJson(summary.cost),
    phases: fold.phases.all().map((phase) => ({
      prompt: prompts.get(phase.row) ?? '',
      started_at: Number.isFinite(phase.startMs) ? seconds(phase.startMs) : null,
      tool_calls: phase.calls,
      errors: phase.errors,
      cost_usd: usd(phase.nanoUsd),
    })),
  };
}

type Options = { style: Style; width?: number | undefined };

/** @param billedIn ids, or beginnings of them, of the sessions that were billed for responses of this one */
export function costText(
  report: CostReport,
  cost: CostSummary,
  billedIn: readonly string[],
  options: Options,
): string {
  const known = cost.priced + cost.reported > 0;
  const parts = [
    `${costTitle(cost, sanitizeLine(report.title) || sanitizeLine(report.session_id), options)}\n${costFacts(cost, options, billedIn)}`,
  ];
  if (cost.models.length > 0) parts.push(modelTable(cost, options));
  // Without prices a table of phases would be a table of zeros.
  if (known && report.phases.length > 0) parts.push(phaseTable(report.phases, options));
  return parts.join('\n');
}

/** Reconciliation, own and subagents, cache, and why responses have no price. */
function costFacts(
  cost: CostSummary,
  { style, width }: Options,
  billedIn: readonly string[] = [],
): string {
  const wrapped = (all: readonly string[]): string[] =>
    all.flatMap((line) => wrapFacts(line, width));
  const lines = [reconciliation(cost)];
  if (cost.priced + cost.reported > 0) {
    lines.push(
      `own ${formatUsd(cost.ownNanoUsd)} · subagents ${formatUsd(cost.subagentNanoUsd)} · ` +
        `cache hits ${cacheRateText(cost.usage)} of ${formatTokens(cost.usage.input_tokens)} prompt tokens`,
    );
  }
  if (cost.copied > 0) lines.push(copiedText(cost, billedIn));
  if (cost.responses + cost.copied === 0) {
    lines.push(
      cost.estimated > 0
        ? 'An estimate from the text alone, a lower bound: this agent wrote no usage records.'
        : 'This agent wrote no usage records, so there is nothing to add up.',
    );
  }
  const reasons = unpricedReasons(cost).map((reason) => `unpriced: ${reason}`);
  const told = [
    ...wrapped(lines).map((line) => style.dim(line)),
    ...wrapped(reasons).map((line) => style.yellow(line)),
  ];
  return `${told.join('\n')}\n`;
}

/** `58 responses were billed in 86cc3044: copies, as forks and resumed sessions hold them`. */
function copiedText({ copied }: CostSummary, billedIn: readonly string[]): string {
  const some = billedIn.slice(0, 3).map(sanitizeLine);
  const where = some.length > 0 ? some.join(', ') : 'other sessions';
  const more = billedIn.length > some.length ? ` and ${billedIn.length - some.length} more` : '';
  return `${plural(copied, 'response')} billed in ${where}${more}: copies, as forks and resumed sessions hold them`;
}

function phaseTable(phases: readonly PhaseCost[], options: Options): string {
  return renderTable<PhaseCost & { at: number }>(
    [
      { title: '', align: 'right', text: ({ at }) => (at > 0 ? `P${at}` : '') },
      {
        title: 'prompt',
        flexible: true,
        text: ({ prompt, at }) =>
          sanitizeLine(prompt) || (at > 0 ? MISSING : '(before the first prompt)'),
      },
      {
        title: 'calls',
        expendable: 2,
        align: 'right',
        text: ({ tool_calls }) => formatCount(tool_calls),
      },
      { title: 'errors', expendable: 1, align: 'right', text: ({ errors }) => formatCount(errors) },
      { title: 'cost', align: 'right', text: ({ cost_usd }) => formatUsd(cost_usd * 1e9) },
    ],
    numbered(phases),
    options,
  );
}

/** Prompts count from 1; what came before the first is 0. */
function numbered(phases: readonly PhaseCost[]): (PhaseCost & { at: number })[] {
  let at = 0;
  return phases
    .filter((phase) => phase.started_at !== null || phase.tool_calls + phase.cost_usd > 0)
    .map((phase) => ({ ...phase, at: phase.started_at === null ? 0 : ++at }));
}

/** The costs of many sessions as one. */
export function addCosts(costs: readonly CostSummary[]): CostSummary {
  const sum: CostSummary = {
    nanoUsd: 0,
    estimatedNanoUsd: 0,
    ownNanoUsd: 0,
    subagentNanoUsd: 0,
    usage: emptyUsage(),
    models: [],
    responses: 0,
    priced: 0,
    reported: 0,
    deduplicated: 0,
    copied: 0,
    unpriced: 0,
    estimated: 0,
  };
  const models = new Map<string, CostSummary['models'][number]>();
  for (const cost of costs) {
    for (const key of SUMS) sum[key] += cost[key];
    addUsage(sum.usage, cost.usage);
    const { priceDate = '' } = cost;
    if (priceDate > (sum.priceDate ?? '')) sum.priceDate = priceDate;
    for (const model of cost.models) {
      const known = models.get(model.model);
      if (known === undefined) {
        models.set(model.model, { ...model, usage: { ...model.usage } });
        continue;
      }
      known.responses += model.responses;
      known.nanoUsd += model.nanoUsd;
      known.unpriced += model.unpriced;
      addUsage(known.usage, model.usage);
      if (known.reason === undefined && model.reason !== undefined) known.reason = model.reason;
    }
  }
  sum.models = [...models.values()].sort(
    (a, b) => b.nanoUsd - a.nanoUsd || b.responses - a.responses,
  );
  return sum;
}

const SUMS = [
  'nanoUsd',
  'estimatedNanoUsd',
  'ownNanoUsd',
  'subagentNanoUsd',
  'responses',
  'priced',
  'reported',
  'deduplicated',
  'copied',
  'unpriced',
  'estimated',
] as const;

export function allCostText(sum: CostSummary, sessions: number, options: Options): string {
  const { style } = options;
  const title = `${formatCount(sessions)} ${sessions === 1 ? 'session' : 'sessions'}`;
  const estimated =
    sum.estimated > 0 && sum.priced + sum.reported > 0
      ? `and ${formatUsd(sum.estimatedNanoUsd, { estimate: true })} estimated for ${formatCount(sum.estimated)} sessions without usage records`
      : '';
  const more = estimated === '' ? [] : wrapFacts(estimated, options.width);
  const head = [costTitle(sum, title, options), ...more.map((line) => style.dim(line))];
  const parts = [`${head.join('\n')}\n${costFacts(sum, options)}`];
  if (sum.models.length > 0) parts.push(modelTable(sum, options));
  return parts.join('\n');
}
