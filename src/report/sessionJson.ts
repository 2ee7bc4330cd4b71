/** The JSON of the commands: a stable shape (docs/commands.md). Seconds, milliseconds, US dollars. */
import type { CostSum } from '../model/slices/cost.ts';
import { type CostSummary, isCostKnown, type SessionSummary } from '../model/summary.ts';
import { USAGE_KEYS, type Usage, uncachedInput } from '../model/usage.ts';

const NANO = 1e9;

/** Dollars from nano-dollars, exact to the nano-dollar. */
export const usd = (nanoUsd: number): number => Math.round(nanoUsd) / NANO;
/** The same; null for what is not known: NaN. */
export const usdOrNull = (nanoUsd: number): number | null =>
  Number.isNaN(nanoUsd) ? null : usd(nanoUsd);
/** Seconds since the epoch. */
export const seconds = (ms: number): number => Math.round(ms) / 1000;

/** `onlyA` as JSON says it: `only_a`. */
export const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

export interface TokensJson extends Usage {
  uncached_input_tokens: number;
}

export function tokensJson(usage: Usage): TokensJson {
  const tokens = { uncached_input_tokens: Math.max(0, uncachedInput(usage)) } as TokensJson;
  for (const key of USAGE_KEYS) tokens[key] = usage[key];
  return tokens;
}

/** Share of the prompt tokens that came from a cache, 0 to 1; null where there was no prompt. */
export function cacheHitRate(usage: Usage): number | null {
  return usage.input_tokens > 0 ? usage.cache_read_input_tokens / usage.input_tokens : null;
}

export interface ModelCostJson {
  model: string;
  responses: number;
  /** null: no response of this model has a price. */
  cost_usd: number | null;
  unpriced: number;
  unpriced_reason: string | null;
  tokens: TokensJson;
}

export interface CostJson {
  /** Billed, by the agent's usage records; null where nothing has a price. */
  cost_usd: number | null;
  /** A lower bound guessed from text, only where there are no usage records; never in `cost_usd`. */
  estimated_usd: number | null;
  own_usd: number | null;
  subagent_usd: number | null;
  responses: number;
  priced: number;
  reported: number;
  deduplicated: number;
  /** Responses that another session was billed for: copies in a fork or a resumed session. */
  copied: number;
  estimated: number;
  unpriced: number;
  price_date: string | null;
  cache_hit_rate: number | null;
  tokens: TokensJson;
  models: ModelCostJson[];
}

export function costJson(cost: CostSummary): CostJson {
  const known = isCostKnown(cost);
  return {
    cost_usd: known ? usd(cost.nanoUsd) : null,
    estimated_usd: cost.estimated > 0 ? usd(cost.estimatedNanoUsd) : null,
    own_usd: known ? usd(cost.ownNanoUsd) : null,
    subagent_usd: known ? usd(cost.subagentNanoUsd) : null,
    responses: cost.responses,
    priced: cost.priced,
    reported: cost.reported,
    deduplicated: cost.deduplicated,
    copied: cost.copied,
    estimated: cost.estimated,
    unpriced: cost.unpriced,
    price_date: cost.priceDate ?? null,
    cache_hit_rate: cacheHitRate(cost.usage),
    tokens: tokensJson(cost.usage),
    models: cost.models.map(modelJson),
  };
}

function modelJson(model: { model: string; reason?: string } & CostSum): ModelCostJson {
  return {
    model: model.model,
    responses: model.responses,
    cost_usd: model.unpriced < model.responses ? usd(model.nanoUsd) : null,
    unpriced: model.unpriced,
    unpriced_reason: model.reason ?? null,
    tokens: tokensJson(model.usage),
  };
}

export interface SessionJson {
  session_id: string;
  title: string;
  agent: string;
  provider: string;
  model: string;
  cwd: string;
  status: SessionSummary['status'];
  started_at: number | null;
  last_event_at: number | null;
  ended_at: number | null;
  duration_ms: number;
  events: number;
  tool_calls: number;
  edits: number;
  errors: number;
  denied: number;
  prompts: number;
  retries: number;
  compactions: number;
  cost: CostJson;
}

export function sessionJson(id: string, summary: SessionSummary): SessionJson {
  const began = summary.startedAtMs > 0;
  return {
    session_id: id,
    title: summary.title,
    agent: summary.agent,
    provider: summary.provider,
    model: summary.model,
    cwd: summary.cwd,
    status: summary.status,
    started_at: began ? seconds(summary.startedAtMs) : null,
    last_event_at: began ? seconds(summary.lastMs) : null,
    ended_at: summary.endedAtMs !== undefined && began ? seconds(summary.endedAtMs) : null,
    duration_ms: Math.round(began ? summary.durationMs : 0),
    events: summary.events,
    tool_calls: summary.calls,
    edits: summary.edits,
    errors: summary.errors,
    denied: summary.denied,
    prompts: summary.prompts,
    retries: summary.retries,
    compactions: summary.compactions,
    cost: costJson(summary.cost),
  };
}
