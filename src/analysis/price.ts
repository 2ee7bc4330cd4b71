/**
 * Prices by the dated list of `@pydantic/genai-prices`, with what that list does not have: fast
 * mode, batches, US-only inference, and the prices that a user sets.
 */

import type { Price, PriceOptions, Pricer, Usage } from '../model/usage.ts';
import { uncachedInput } from '../model/usage.ts';

/** The price list in use. The list bears no date: this is the day its package was published. */
export const PRICE_LIST = { version: '0.1.8', date: '2026-09-23' } as const;

/** A user's price of one model, in USD per million tokens. */
export interface PriceOverride {
  input: number;
  output: number;
  cache_read?: number;
  cache_write_5m?: number;
  cache_write_1h?: number;
}

export interface PricerOptions {
  /** By model id, as the agent names it. */
  overrides?: Record<string, PriceOverride>;
}

/** The part of `@pydantic/genai-prices` that is used here. */
export interface PriceLibrary {
  calcPrice(
    usage: Record<string, number | undefined>,
    modelId: string,
    options?: { providerId?: string; timestamp?: Date },
  ): {
    total_price: number;
    model: { id: string; context_window?: number; prices: unknown };
    model_price: Record<string, unknown>;
  } | null;
}

/**
 * Loads the price list (half a megabyte) and prices by it.
 * @throws where an override is not a price
 */
export async function createPricer(options: PricerOptions = {}): Promise<Pricer> {
  return pricerOver(await import('@pydantic/genai-prices'), options);
}

const DAY_MS = 86_400_000;
/** What stands here is of the price pages of 2026-11-23. Published for fast mode, over the whole context window: of every rate of the model. */
const FAST: readonly [pattern: RegExp, multiplier: number][] = [
  [/^claude-opus-(4-8|5|5-5)(-\d{8})?$/, 2],
  [/^claude-opus-4-[67](-\d{8})?$/, 6],
];
/** Models that bill US-only inference at 1.1 times every rate. Older ones have no such choice. */
const US_ONLY =
  /^claude-(opus|sonnet)-4-[6-9]|^claude-(opus|sonnet|haiku|fable|mythos)-([5-9]|\d\d)/;

/** Our name of an agent → the price list's name of whom it pays by default. */
const PROVIDERS: Record<string, string> = {
  claude: 'anthropic',
  codex: 'openai',
  gemini: 'google',
};

/** USD per million tokens. */
interface Rates {
  input: number;
  output: number;
  read: number | undefined;
  write: number | undefined;
  write1h: number | undefined;
}

interface Tier {
  /** The rates hold for requests of more input tokens than this. */
  above: number;
  rates: Rates;
}

interface Model {
  id: string;
  contextWindow: number | undefined;
  providerId: string | undefined;
  /** Undefined: the price has parts that only the library can add up. */
  tiers: Tier[] | undefined;
  /** USD per thousand web searches. */
  searches: number | undefined;
}

/** `createPricer` over a library that is already there. */
export function pricerOver(library: PriceLibrary, options: PricerOptions = {}): Pricer {
  const overrides = checkedOverrides(options.overrides ?? {});
  const models = new Map<string, Model | string>();

  const find = (name: Named, timestampMs: number, provider: string | undefined) => {
    const day = Math.floor(timestampMs / DAY_MS);
    const { model, last } = name;
    // A session asks for the same models on the same day, again and again.
    if (day === last.day && provider === last.provider) return last.found;
    const key = `${model}\n${day}\n${provider ?? ''}`;
    let found = models.get(key);
    if (found === undefined) {
      found = lookUp(library, model, timestampMs, provider);
      // A hostile trace can name any number of models.
      if (models.size > 10_000) models.clear();
      models.set(key, found);
    }
    name.last = { day, provider, found };
    return found;
  };

  const plainNames = new Map<string, Named>();
  const named = (name: string): Named => {
    let known = plainNames.get(name);
    if (known === undefined) {
      known = plainName(name);
      if (name.length > LONGEST_NAME) return known;
      if (plainNames.size > 1000) plainNames.clear();
      plainNames.set(name, known);
    }
    return known;
  };

  return {
    price(name, usage, timestampMs, how = {}) {
      const problem = contradiction(usage);
      if (problem !== undefined) return unpriced(problem);
      const known = named(name);
      const { model, lower, isFast } = known;
      const factor = multiplier(model, isFast ? 'fast' : (how.speed ?? ''), how);
      if (typeof factor === 'string') return unpriced(factor);
      if (overrides.size > 0) {
        const own = overrides.get(lower) ?? overrides.get(model);
        if (own !== undefined) {
          // An override of `…-fast` is already the fast price.
          const scale = overrides.has(lower) && name !== model ? 1 : factor;
          return amount(usage, own, scale, name);
        }
      }
      const found = find(known, timestampMs, how.provider);
      if (typeof found === 'string') return unpriced(found);
      const searches = how.webSearchRequests ?? 0;
      if (!Number.isSafeInteger(searches) || searches < 0 || searches > 1_000_000) {
        return unpriced('the number of web searches makes no sense');
      }
      if (searches > 0 && found.searches === undefined) {
        return unpriced(`no price is known for web searches of ${model}`);
      }
      // A fee beside the tokens: no multiplier holds for it.
      const fee = Math.round(searches * (found.searches ?? 0) * 1e6);
      const priced = (price: Price): Price =>
        fee !== 0 && price.status === 'priced' ? { ...price, nanoUsd: price.nanoUsd + fee } : price;
      if (found.tiers === undefined) {
        return priced(byLibrary(library, model, found.providerId, usage, timestampMs, factor));
      }
      let rates = found.tiers[0]?.rates;
      for (const tier of found.tiers) if (usage.input_tokens > tier.above) rates = tier.rates;
      if (rates === undefined || lacks(rates, usage)) {
        // Where a bucket has no rate of its own, the library decides what it falls back to.
        return priced(byLibrary(library, model, found.providerId, usage, timestampMs, factor));
      }
      return priced(amount(usage, rates, factor, model, PRICE_LIST.date));
    },

    contextWindow(name) {
      if (name.toLowerCase().endsWith('[1m]')) return 1_000_000;
      const found = find(named(name), Date.now(), undefined);
      return typeof found === 'string' ? undefined : found.contextWindow;
    },
  };
}

const unpriced = (reason: string): Price => ({ status: 'unpriced', reason });

const isCount = (tokens: number): boolean => Number.isSafeInteger(tokens) && tokens >= 0;

function contradiction(usage: Usage): string | undefined {
  const counts =
    isCount(usage.input_tokens) &&
    isCount(usage.cache_read_input_tokens) &&
    isCount(usage.cache_write_input_tokens) &&
    isCount(usage.cache_write_1h_input_tokens) &&
    isCount(usage.output_tokens) &&
    isCount(usage.reasoning_output_tokens);
  if (!counts) return 'a token count is not a whole number';
  if (uncachedInput(usage) < 0) return 'more cached tokens than input tokens';
  if (usage.cache_write_1h_input_tokens > usage.cache_write_input_tokens) {
    return 'more one-hour cache writes than cache writes';
  }
  return undefined;
}

/** Longer names are no names, and not worth keeping. UTF-16 units. */
const LONGEST_NAME = 200;

interface Named {
  model: string;
  /** As the agent wrote it, in small letters. */
  lower: string;
  isFast: boolean;
  /** What was found for it last, and when. */
  last: { day: number; provider: string | undefined; found: Model | string };
}

/** `claude-opus-5[1m]` is the same model with a larger window; `…-fast` is fast mode. */
function plainName(name: string): Named {
  const lower = name.toLowerCase();
  const model = lower.trim().replace(/\[1m\]$/, '');
  const isFast = model.startsWith('claude-') && model.endsWith('-fast');
  return {
    model: isFast ? model.slice(0, -5) : model,
    lower,
    isFast,
    last: { day: Number.NaN, provider: undefined, found: '' },
  };
}

/** What the rates of the list are multiplied by, or why it is not known. */
function multiplier(model: string, speed: string, how: PriceOptions): number | string {
  let factor = 1;
  if (speed === 'fast') {
    const fast = FAST.find(([pattern]) => pattern.test(model));
    if (fast === undefined) return `no price is known for ${model} in fast mode`;
    factor *= fast[1];
  } else if (speed !== '' && speed !== 'standard') {
    return `no price is known for speed "${speed}"`;
  }
  const tier = how.serviceTier ?? '';
  if (tier === 'batch') factor *= 0.5;
  else if (tier !== '' && tier !== 'standard' && tier !== 'default' && tier !== 'auto') {
    return `no price is known for service tier "${tier}"`;
  }
  if (how.inferenceGeo === 'us' && US_ONLY.test(model)) factor *= 1.1;
  return factor;
}

/** Whole nano-dollars of a usage at the given rates. */
function amount(
  usage: Usage,
  rates: Rates,
  factor: number,
  model: string,
  priceDate?: string,
): Price {
  let perMillion = uncachedInput(usage) * rates.input + usage.output_tokens * rates.output;
  const hour = usage.cache_write_1h_input_tokens;
  const lacking = (what: string): Price => unpriced(`no price is known for ${what} of ${model}`);
  const reads = usage.cache_read_input_tokens;
  if (reads !== 0) {
    if (rates.read === undefined) return lacking('cache reads');
    perMillion += reads * rates.read;
  }
  const writes = usage.cache_write_input_tokens - hour;
  if (writes !== 0) {
    if (rates.write === undefined) return lacking('cache writes');
    perMillion += writes * rates.write;
  }
  if (hour !== 0) {
    if (rates.write1h === undefined) return lacking('one-hour cache writes');
    perMillion += hour * rates.write1h;
  }
  const nanoUsd = Math.round(perMillion * factor * 1000);
  return priceDate === undefined
    ? { status: 'priced', nanoUsd }
    : { status: 'priced', nanoUsd, priceDate };
}

/** Whether a bucket with tokens in it has no rate. */
function lacks(rates: Rates, usage: Usage): boolean {
  const hour = usage.cache_write_1h_input_tokens;
  return (
    (rates.read === undefined && usage.cache_read_input_tokens > 0) ||
    (rates.write === undefined && usage.cache_write_input_tokens > hour) ||
    (rates.write1h === undefined && hour > 0)
  );
}

function byLibrary(
  library: PriceLibrary,
  model: string,
  providerId: string | undefined,
  usage: Usage,
  timestampMs: number,
  factor: number,
): Price {
  try {
    const price = library.calcPrice(libraryUsage(usage), model, {
      ...(providerId !== undefined && { providerId }),
      timestamp: new Date(timestampMs),
    });
    if (price === null) return unpriced(`no price for ${model}`);
    const nanoUsd = Math.round(price.total_price * factor * 1e9);
    return { status: 'priced', nanoUsd, priceDate: PRICE_LIST.date };
  } catch (error) {
    return unpriced(error instanceof Error ? error.message : String(error));
  }
}

/** Our usage in the library's words; keys with nothing in them are left out. */
export function libraryUsage(usage: Usage): Record<string, number> {
  const all = {
    input_tokens: usage.input_tokens,
    cache_read_tokens: usage.cache_read_input_tokens,
    cache_write_tokens: usage.cache_write_input_tokens,
    cache_write_1h_tokens: usage.cache_write_1h_input_tokens,
    output_tokens: usage.output_tokens,
  };
  return Object.fromEntries(Object.entries(all).filter(([, tokens]) => tokens > 0));
}

function lookUp(
  library: PriceLibrary,
  model: string,
  timestampMs: number,
  provider: string | undefined,
): Model | string {
  const hint = provider === undefined ? undefined : PROVIDERS[provider];
  const tries = [hint, undefined, /(^|\.)anthropic\./.test(model) ? 'aws' : undefined];
  let reason = `no price for ${model === '' ? 'a response that names no model' : model}`;
  for (const providerId of new Set(tries)) {
    try {
      const price = library.calcPrice({ input_tokens: 1, output_tokens: 1 }, model, {
        ...(providerId !== undefined && { providerId }),
        timestamp: new Date(timestampMs),
      });
      if (price === null) continue;
      return {
        id: price.model.id,
        contextWindow: price.model.context_window,
        providerId,
        searches: asRate(price.model_price.web_searches_kcount),
        tiers: changesInTheDay(price.model.prices) ? undefined : tiersOf(price.model_price),
      };
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  return reason;
}

const asRate = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;

const changesInTheDay = (prices: unknown): boolean =>
  Array.isArray(prices) &&
  prices.some((entry) => entry?.constraint !== undefined && entry.constraint.type !== 'start_date');

const TOKEN_KEYS = {
  input: 'input_mtok',
  output: 'output_mtok',
  read: 'cache_read_mtok',
  write: 'cache_write_mtok',
  write1h: 'cache_write_1h_mtok',
} as const;
/** Rates of what a token usage never holds. */
const OTHER_KEYS = /audio|image|video|_kcount$/;

/** The rates by size of request; undefined where they are not just a rate a bucket. */
function tiersOf(price: Record<string, unknown>): Tier[] | undefined {
  for (const [key, value] of Object.entries(price)) {
    if (value === undefined || OTHER_KEYS.test(key)) continue;
    if (!(Object.values(TOKEN_KEYS) as string[]).includes(key)) return undefined;
  }
  if (price.input_mtok === undefined || price.output_mtok === undefined) return undefined;
  const starts = new Set<number>([-1]);
  for (const key of Object.values(TOKEN_KEYS)) {
    for (const tier of tierList(price[key])) starts.add(tier.start);
  }
  const tiers: Tier[] = [];
  for (const above of [...starts].sort((a, b) => a - b)) {
    tiers.push({
      above,
      rates: {
        input: rateAbove(price[TOKEN_KEYS.input], above) ?? 0,
        output: rateAbove(price[TOKEN_KEYS.output], above) ?? 0,
        read: rateAbove(price[TOKEN_KEYS.read], above),
        write: rateAbove(price[TOKEN_KEYS.write], above),
        write1h: rateAbove(price[TOKEN_KEYS.write1h], above),
      },
    });
  }
  return tiers;
}

function tierList(rate: unknown): { start: number; price: number }[] {
  return typeof rate === 'object' && rate !== null && 'tiers' in rate && Array.isArray(rate.tiers)
    ? rate.tiers
    : [];
}

function rateAbove(rate: unknown, above: number): number | undefined {
  if (rate === undefined || typeof rate === 'number') return rate;
  const base = (rate as { base: number }).base;
  let found = base;
  for (const tier of tierList(rate)) if (tier.start <= above) found = tier.price;
  return found;
}

function checkedOverrides(overrides: Record<string, PriceOverride>): Map<string, Rates> {
  const checked = new Map<string, Rates>();
  for (const [model, price] of Object.entries(overrides)) {
    const rate = (key: keyof PriceOverride, required: boolean): number | undefined => {
      const value: unknown = price?.[key];
      if (value === undefined && !required) return undefined;
      if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
        throw new Error(`The price of "${model}" needs "${key}" in USD per million tokens.`);
      }
      return value;
    };
    checked.set(model.toLowerCase(), {
      input: rate('input', true) ?? 0,
      output: rate('output', true) ?? 0,
      read: rate('cache_read', false),
      write: rate('cache_write_5m', false),
      write1h: rate('cache_write_1h', false),
    });
  }
  return checked;
}
