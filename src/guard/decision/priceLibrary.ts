/**
 * Prices without the price list's library, which no hook can load (half a megabyte): its data for the models that agents
 * use, looked up in its way. A test holds the two against each other.
 */
import type { PriceLibrary } from '../../analysis/price.ts';

type Match =
  | { and: Match[] }
  | { or: Match[] }
  | { equals: string }
  | { starts_with: string }
  | { ends_with: string }
  | { contains: string }
  | { regex: string };

type Rate = number | { base: number; tiers: { start: number; price: number }[] };
export type ModelPrices = Record<string, Rate | undefined>;

interface DatedPrices {
  constraint?: { type?: string; start_date?: string; start_time?: string; end_time?: string };
  prices: ModelPrices;
}

export interface TableModel {
  id: string;
  match: Match;
  context_window?: number;
  prices: ModelPrices | DatedPrices[];
}

export interface TableProvider {
  id: string;
  model_match?: Match;
  fallback_model_providers?: string[];
  models: TableModel[];
}

export interface PriceTable {
  version: 1;
  /** Of the list. */
  list: string;
  date: string;
  /** In the list's order. */
  providers: TableProvider[];
}

function matches(match: Match, name: string): boolean {
  if ('or' in match) return match.or.some((one) => matches(one, name));
  if ('and' in match) return match.and.every((one) => matches(one, name));
  if ('equals' in match) return name === match.equals.toLowerCase();
  if ('starts_with' in match) return name.startsWith(match.starts_with.toLowerCase());
  if ('ends_with' in match) return name.endsWith(match.ends_with.toLowerCase());
  if ('contains' in match) return name.includes(match.contains.toLowerCase());
  return new RegExp(match.regex).test(name);
}

/** A `-20260131` is also known as `-2026-01-31`. */
const withDashes = (name: string): string =>
  name.replace(/-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, '-$1-$2-$3');

/** Finds the model that a name means. @param provider of the list; default: who has models of such names */
type ModelOf = (modelId: string, provider: string | undefined) => TableModel | undefined;

function modelsOf({ providers }: PriceTable): ModelOf {
  const byId = new Map(providers.map((provider) => [provider.id, provider]));
  const find = (provider: TableProvider, name: string): TableModel | undefined => {
    const own = provider.models.find(({ match }) => matches(match, name));
    if (own !== undefined) return own;
    for (const id of provider.fallback_model_providers ?? []) {
      const other = byId.get(id)?.models.find(({ match }) => matches(match, name));
      if (other !== undefined) return other;
    }
    return undefined;
  };
  return (modelId, providerId) => {
    const name = modelId.toLowerCase().trim();
    const provider =
      providerId === undefined
        ? providers.find(({ model_match: match }) => match !== undefined && matches(match, name))
        : byId.get(providerId.toLowerCase().trim());
    return provider && (find(provider, name) ?? find(provider, withDashes(name)));
  };
}

/** The table in the form of the library. */
export const tableLibrary = (table: PriceTable): PriceLibrary => libraryOf(modelsOf(table));

/** Models that were found in a table, by the names that they were looked for with. */
export type KeptModels = Record<string, TableModel>;

/** A session has one or two; a hostile trace may name any number. */
const MAX_KEPT = 6;
const MAX_KEPT_NAME = 100;

/**
 * The same, for who prices one response and ends: the table is read for models only that are not among those that are kept,
 * and what is found is kept.
 */
export function keptLibrary(kept: KeptModels, read: () => PriceTable | undefined): PriceLibrary {
  let table: ModelOf | undefined;
  return libraryOf((modelId, providerId) => {
    const key = `${providerId ?? ''} ${modelId}`;
    if (Object.hasOwn(kept, key)) return kept[key];
    if (table === undefined) {
      const whole = read();
      table = whole === undefined ? () => undefined : modelsOf(whole);
    }
    const model = table(modelId, providerId);
    if (model !== undefined && key.length <= MAX_KEPT_NAME && Object.keys(kept).length < MAX_KEPT)
      kept[key] = model;
    return model;
  });
}

function libraryOf(modelOf: ModelOf): PriceLibrary {
  return {
    calcPrice(usage, modelId, { providerId, timestamp = new Date() } = {}) {
      const model = modelOf(modelId, providerId);
      if (model === undefined) return null;
      const price = pricesAt(model, timestamp);
      return {
        total_price: total(usage, price),
        model: {
          id: model.id,
          prices: model.prices,
          ...(model.context_window !== undefined && { context_window: model.context_window }),
        },
        model_price: price,
      };
    },
  };
}

function pricesAt({ prices }: TableModel, time: Date): ModelPrices {
  if (!Array.isArray(prices)) return prices;
  for (const { constraint, prices: found } of prices.toReversed()) {
    if (constraint === undefined) return found;
    if (constraint.start_date !== undefined) {
      if (time >= new Date(constraint.start_date)) return found;
    } else if (isWithin(time, constraint.start_time, constraint.end_time)) return found;
  }
  return prices[0]!.prices;
}

function isWithin(time: Date, start = '', end = ''): boolean {
  const now = (time.getTime() / 1000) % 86_400;
  const from = secondOfDay(start);
  const to = secondOfDay(end);
  return to < from ? now >= from || now < to : now >= from && now < to;
}

function secondOfDay(text: string): number {
  const parts = /^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text);
  if (parts === null) return Number.NaN;
  const [, hours, minutes, seconds, sign, zoneHours = '0', zoneMinutes = '0'] = parts;
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60 * (sign === '-' ? -1 : 1);
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) - zone + 86_400) % 86_400;
}

/** USD. A bucket without a rate of its own is billed as what it is a part of. */
function total(usage: Record<string, number | undefined>, price: ModelPrices): number {
  const all = usage.input_tokens ?? 0;
  const hour = usage.cache_write_1h_tokens ?? 0;
  const writes = usage.cache_write_tokens ?? 0;
  let left = all;
  let usd = 0;
  const bill = (tokens: number, rate: Rate | undefined): boolean => {
    if (rate === undefined) return false;
    usd += (rateFor(rate, all) * tokens) / 1e6;
    return true;
  };
  const read = usage.cache_read_tokens ?? 0;
  if (bill(read, price.cache_read_mtok)) left -= read;
  const hourly = price.cache_write_1h_mtok;
  if (hourly !== undefined && price.cache_write_mtok !== undefined) {
    bill(hour, hourly);
    bill(writes - hour, price.cache_write_mtok);
    left -= writes;
  } else if (bill(writes, price.cache_write_mtok)) left -= writes;
  if (left < 0) throw new Error('more cached tokens than input tokens');
  bill(left, price.input_mtok);
  bill(usage.output_tokens ?? 0, price.output_mtok);
  return usd;
}

function rateFor(rate: Rate, inputTokens: number): number {
  if (typeof rate === 'number') return rate;
  let found = rate.base;
  for (const tier of rate.tiers) if (inputTokens > tier.start) found = tier.price;
  return found;
}
