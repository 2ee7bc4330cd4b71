import { isObject, type Json, type JsonObject } from './event.ts';

/**
 * Tokens of one model response, in OpenTelemetry's terms: `input_tokens` is the whole prompt with
 * cache reads and writes in it, `reasoning_output_tokens` are inside `output_tokens`.
 */
export interface Usage {
  input_tokens: number;
  cache_read_input_tokens: number;
  /** All cache writes, of either lifetime. */
  cache_write_input_tokens: number;
  /** Those of the writes that live for one hour. */
  cache_write_1h_input_tokens: number;
  output_tokens: number;
  reasoning_output_tokens: number;
}

export const USAGE_KEYS = [
  'input_tokens',
  'cache_read_input_tokens',
  'cache_write_input_tokens',
  'cache_write_1h_input_tokens',
  'output_tokens',
  'reasoning_output_tokens',
] as const satisfies readonly (keyof Usage)[];

export function emptyUsage(): Usage {
  return {
    input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_write_input_tokens: 0,
    cache_write_1h_input_tokens: 0,
    output_tokens: 0,
    reasoning_output_tokens: 0,
  };
}

/** @param by -1 takes away */
export function addUsage(into: Usage, more: Usage, by: 1 | -1 = 1): void {
  into.input_tokens += by * more.input_tokens;
  into.cache_read_input_tokens += by * more.cache_read_input_tokens;
  into.cache_write_input_tokens += by * more.cache_write_input_tokens;
  into.cache_write_1h_input_tokens += by * more.cache_write_1h_input_tokens;
  into.output_tokens += by * more.output_tokens;
  into.reasoning_output_tokens += by * more.reasoning_output_tokens;
}

/** Prompt tokens that were neither read from nor written to a cache. */
export function uncachedInput(usage: Usage): number {
  return usage.input_tokens - usage.cache_read_input_tokens - usage.cache_write_input_tokens;
}

/**
 * What a response cost. Money is in whole nano-dollars (1e-9 USD), so that sums do not depend on
 * the order in which events arrive.
 */
export type Price =
  | { status: 'priced'; nanoUsd: number; priceDate?: string }
  /** The agent's own figure. */
  | { status: 'reported'; nanoUsd: number }
  /** No price is known, or the usage contradicts itself: never $0. */
  | { status: 'unpriced'; reason: string };

/** Injected into the fold, so that the price list stays out of pure code that does not need it. */
export interface Pricer {
  /** @param timestampMs when the response was made: prices are dated. */
  price(model: string, usage: Usage, timestampMs: number, options?: PriceOptions): Price;
  /** Tokens that fit into the model's context window, where known. */
  contextWindow(model: string): number | undefined;
}

export interface PriceOptions {
  /** Claude's `speed: "fast"` and the like: a price of its own. */
  speed?: string;
  serviceTier?: string;
  /** Searches the provider bills apart. */
  webSearchRequests?: number;
  /** Where the model ran: `us` has a price of its own on some models. */
  inferenceGeo?: string;
  /** The agent (`claude`, `codex`, …) as a hint whose price list it is. */
  provider?: string;
}

const count = (value: Json | undefined): number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.floor(value) : 0;

/** First of the keys that holds a number; undefined where none does. */
function firstNumber(data: JsonObject, keys: readonly string[]): number | undefined {
  for (const key of keys) {
    const value = data[key];
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return Math.floor(value);
  }
  return undefined;
}

/**
 * The usage of an `llm_response` event: ours (`data.usage`), or the aliases that other writers
 * use. Undefined where the event says nothing of tokens.
 */
export function usageOf(data: JsonObject): Usage | undefined {
  const own = data.usage;
  if (isObject(own)) {
    const input = firstNumber(own, ['input_tokens', 'prompt_tokens', 'inputTokens']);
    const output = firstNumber(own, ['output_tokens', 'completion_tokens', 'outputTokens']);
    if (input === undefined && output === undefined) return undefined;
    return {
      input_tokens: input ?? 0,
      cache_read_input_tokens: count(own.cache_read_input_tokens),
      cache_write_input_tokens: count(own.cache_write_input_tokens),
      cache_write_1h_input_tokens: count(own.cache_write_1h_input_tokens),
      output_tokens: output ?? 0,
      reasoning_output_tokens: count(own.reasoning_output_tokens),
    };
  }
  const output = firstNumber(data, ['output_tokens', 'completion_tokens']);
  const total = firstNumber(data, ['total_tokens']);
  const input =
    firstNumber(data, ['input_tokens', 'prompt_tokens']) ??
    (total !== undefined && output !== undefined && total >= output ? total - output : undefined);
  if (input === undefined && output === undefined) return undefined;
  return { ...emptyUsage(), input_tokens: input ?? 0, output_tokens: output ?? 0 };
}

/**
 * Why the usage of an event cannot be billed: a count that is no count, or parts larger than the
 * whole. Undefined where it can.
 */
export function usageProblem(data: JsonObject): string | undefined {
  const own = isObject(data.usage) ? data.usage : data;
  for (const key of USAGE_KEYS) {
    const value = own[key];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      return `the usage record says ${key} is ${JSON.stringify(value).slice(0, 40)}`;
    }
    if (value > 1e10) return `the usage record says ${key} is ${value}`;
  }
  const usage = usageOf(data);
  if (usage && uncachedInput(usage) < 0) {
    return 'the usage record has more cached tokens than input tokens';
  }
  return undefined;
}
