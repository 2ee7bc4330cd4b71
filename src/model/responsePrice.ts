/** What one model response cost, by its event. Pure. */
import type { JsonObject } from './event.ts';
import { type Price, type PriceOptions, type Pricer, type Usage, usageProblem } from './usage.ts';

/**
 * The price of a response: the agent's own figure, else the list's, else another writer's.
 * @param timeMs when the response was made
 */
export function responsePrice(
  data: JsonObject,
  usage: Usage,
  timeMs: number,
  pricer: Pricer | undefined,
): Price {
  const problem = usageProblem(data);
  if (problem !== undefined) return { status: 'unpriced', reason: problem };
  const own = data.agent_cost_usd;
  if (typeof own === 'number' && own > 0 && own < 1e6) return reported(own);
  const model = typeof data.model === 'string' ? data.model : '';
  const price: Price = pricer
    ? pricer.price(model, usage, timeMs, optionsOf(data))
    : { status: 'unpriced', reason: 'no price list is loaded' };
  // Another writer's figure is better than none.
  if (
    price.status === 'unpriced' &&
    typeof data.cost_usd === 'number' &&
    data.cost_usd > 0 &&
    data.cost_usd < 1e6
  ) {
    return reported(data.cost_usd);
  }
  return price;
}

/** Records of the response beside the first. */
export function repeatsOf({ row_count: rows }: JsonObject): number {
  return typeof rows === 'number' && rows >= 1 ? Math.min(rows - 1, 65_535) : 0;
}

function optionsOf(data: JsonObject): PriceOptions {
  const { speed, service_tier: tier, provider, web_search_requests: searches } = data;
  const options: PriceOptions = {};
  if (typeof speed === 'string') options.speed = speed;
  if (typeof tier === 'string') options.serviceTier = tier;
  if (typeof data.inference_geo === 'string') options.inferenceGeo = data.inference_geo;
  if (typeof provider === 'string') options.provider = provider;
  if (typeof searches === 'number') options.webSearchRequests = searches;
  return options;
}

const reported = (usd: number): Price => ({ status: 'reported', nanoUsd: Math.round(usd * 1e9) });
