/** What a session, or many, cost: as JSON and as text. */
import type { SessionCosts } from '../analysis/costs/sessionCosts.ts';
import { promptCosts } from '../analysis/phases/promptCosts.ts';
import type { SessionFold } from '../model/fold.ts';
import { formatCount, formatKnownUsd, formatTokens, formatUsd, plural } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import { type CostSummary, isCostKnown, type SessionSummary } from '../model/summary.ts';
import { addUsage, emptyUsage } from '../model/usage.ts';
import { type CostTable, costTable } from './costBy.ts';
import { type BreakdownJson, breakdownJson, type WasteJson, wasteJson } from './costPartsJson.ts';
import { costNotes, costTableMarkdown, costTableText } from './costTableText.ts';
import {
  cacheRateText,
  costCell,
  costTitle,
  modelTable,
  reconciliation,
  unpricedReasons,
} from './costText.ts';
import { COST_BY, type CostBy } from './costWays.ts';
import { type CostJson, costJson, seconds, usdOrNull } from './sessionJson.ts';
import type { Style } from './style.ts';
import { sanitizeLine, wrapFacts } from './terminalText.ts';
import { wasteItemsText, wasteMarkdown, wasteText } from './wasteText.ts';

/** What one prompt led to cost. */
export interface PromptCost {
  /** Empty for what came before the first prompt. */
  prompt: string;
  started_at: number | null;
  tool_calls: number;
  errors: number;
  /** null: nothing of it has a price, or no response was recorded. */
  cost_usd: number | null;
}

export interface CostReport extends CostJson {
  session_id: string;
  title: string;
  agent: string;
  by_prompt: PromptCost[];
  /** Where it was worked out. */
  breakdown?: BreakdownJson;
  waste?: WasteJson;
}

/**
 * @param prompts first line of each prompt, by the row of its phase
 * @param costs where the money went, if that is to be said
 */
export function costReport(
  id: string,
  fold: SessionFold,
  summary: SessionSummary,
  prompts: ReadonlyMap<number, string>,
  costs?: SessionCosts,
): CostReport {
  const known = promptCosts(fold);
  return {
    session_id: id,
    title: summary.title,
    agent: summary.agent,
    ...costJson(summary.cost),
    by_prompt: fold.phases.all().map((phase, at) => ({
      prompt: prompts.get(phase.row) ?? '',
      started_at: Number.isFinite(phase.startMs) ? seconds(phase.startMs) : null,
      tool_calls: phase.calls,
      errors: phase.errors,
      cost_usd: usdOrNull(known[at]!),
    })),
    ...(costs === undefined
      ? {}
      : {
          breakdown: breakdownJson(fold, costs, prompts, isCostKnown(summary.cost)),
          waste: wasteJson(fold, costs.waste, isCostKnown(summary.cost)),
        }),
  };
}

type Options = { style: Style; width?: number | undefined };

/** What the text is made of beside the report itself. */
export interface CostTextParts {
  /** Ids, or beginnings of them, of the sessions that were billed for responses of this one. */
  billedIn: readonly string[];
  fold: SessionFold;
  costs: SessionCosts;
  /** First line of each prompt, by its row. */
  prompts: ReadonlyMap<number, string>;
}

const MOST_PHASES = 24;
const MOST_TOOLS = 8;

/** @param by one table in full; without it, an overview */
export function costText(
  report: CostReport,
  cost: CostSummary,
  parts: CostTextParts,
  options: Options & { by?: CostBy | undefined },
): string {
  const { by } = options;
  const title = sanitizeLine(report.title) || sanitizeLine(report.session_id);
  const head = costTitle(cost, title, options);
  if (by !== undefined) return `${head}\n\n${costByText(by, cost, parts, options)}`;
  const known = cost.priced + cost.reported > 0;
  const texts = [`${head}\n${costFacts(cost, options, parts.billedIn)}`];
  if (cost.models.length > 0) texts.push(modelTable(cost, options));
  // Without prices, tables of parts would be tables of zeros.
  if (known) texts.push(...overview(parts, options));
  return texts.join('\n');
}

function overview({ fold, costs, prompts }: CostTextParts, options: Options): string[] {
  const { style, width } = options;
  const phases = costTable('phase', fold, costs, prompts);
  const short = phases.lines.filter(({ inside }) => !inside);
  const lines = phases.lines.length > MOST_PHASES ? short : phases.lines;
  const tools = costTable('tool', fold, costs, prompts);
  const table = (one: CostTable, most: number): string =>
    costTableText(one, { ...options, most, all: `agent-strace cost --by ${one.by}` });
  const more = wrapFacts(`more: cost --by ${COST_BY.join(', ')}`, width).map(style.dim);
  return [
    ...(lines.length > 0 ? [table({ ...phases, lines }, MOST_PHASES)] : []),
    ...(tools.lines.length > 0 ? [table(tools, MOST_TOOLS)] : []),
    wasteText(costs.waste, wholeCost(costs), options),
    `${more.join('\n')}\n`,
  ];
}

/** NaN where some of it has no price: then nothing has a known share of it. */
const wholeCost = ({ breakdown: { unpriced, nanoUsd } }: SessionCosts): number =>
  unpriced > 0 ? Number.NaN : nanoUsd;

const NOTHING: Partial<Record<CostBy, string>> = {
  phase: 'The session has no steps yet.',
  model: 'No response of a model is recorded.',
  tool: 'No tool was called, and no answer is recorded.',
  file: 'No file was touched.',
  mcp: 'No MCP server was used.',
};

function costByText(
  by: CostBy,
  cost: CostSummary,
  { fold, costs, prompts }: CostTextParts,
  options: Options,
): string {
  const { style, width } = options;
  const note = (text: string): string =>
    wrapFacts(text, width)
      .map((one) => `${style.dim(one)}\n`)
      .join('');
  if (by === 'model' && cost.models.length > 0)
    return modelTable(cost, { ...options, most: Number.POSITIVE_INFINITY });
  if (!isCostKnown(cost)) {
    const why = cost.unpriced > 0 ? 'No response has a known price' : 'No usage is recorded';
    return note(`${why}, so there is nothing to share out.`);
  }
  if (by === 'waste') {
    const { waste } = costs;
    const text = wasteText(waste, wholeCost(costs), options);
    if (waste.items.length === 0) return text;
    return `${text}\n${wasteItemsText(fold, waste, options)}`;
  }
  const table = costTable(by, fold, costs, prompts);
  if (table.lines.every(({ rest }) => rest) && by !== 'tool' && by !== 'subagent') {
    const nothing = NOTHING[by];
    if (nothing !== undefined) return note(nothing);
  }
  const notes = costNotes(table).map(note).join('');
  return costTableText(table, options) + (notes === '' ? '' : `\n${notes}`);
}

/**
 * The same as Markdown: all tables, and what was wasted.
 *
 * @param title of the session, hostile
 */
export function costMarkdown(title: string, cost: CostSummary, parts: CostTextParts): string {
  const { fold, costs, prompts } = parts;
  const facts = [reconciliation(cost), ...unpricedReasons(cost).map(markdownText)].join('  \n');
  const sections = COST_BY.filter((by) => by !== 'waste').flatMap((by) => {
    const table = costTable(by, fold, costs, prompts);
    if (table.lines.every(({ rest }) => rest) && by !== 'tool') return [];
    const notes = costNotes(table).join('  \n');
    return [`## By ${NAMES[by]}\n\n${costTableMarkdown(table)}${notes ? `\n\n${notes}` : ''}`];
  });
  const waste = wasteMarkdown(fold, costs.waste, wholeCost(costs));
  return [
    `# Cost: ${markdownText(title) || 'Untitled session'}`,
    `**${costCell(cost)}**`,
    facts,
    ...(isCostKnown(cost) ? sections : []),
    ...(!isCostKnown(cost) ? [] : [`## Paid for nothing\n\n${waste}`]),
  ]
    .join('\n\n')
    .concat('\n');
}

const NAMES: Record<CostBy, string> = {
  phase: 'phase',
  model: 'model',
  tool: 'tool',
  file: 'file',
  mcp: 'MCP server',
  subagent: 'agent',
  waste: 'waste',
};

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
    // Whose responses have no price is in `--by subagent`; here neither may look complete.
    const { unpriced, ownNanoUsd: own, subagentNanoUsd: theirs } = cost;
    const subagents =
      theirs === 0 && unpriced > 0 ? '' : `subagents ${formatKnownUsd(theirs, unpriced)} · `;
    lines.push(
      `own ${formatKnownUsd(own, unpriced)} · ${subagents}` +
        `cache hits ${cacheRateText(cost.usage)} of ${formatTokens(cost.usage.input_tokens)} prompt tokens`,
    );
  }
  if (cost.copied > 0) lines.push(copiedText(cost, billedIn));
  if (cost.responses + cost.copied === 0) {
    lines.push(
      cost.estimated > 0
        ? 'An estimate from the text alone, a lower bound: this agent wrote no usage records.'
        : 'No usage is recorded, so there is nothing to add up. It comes from the transcript: import it, or let a turn end.',
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
