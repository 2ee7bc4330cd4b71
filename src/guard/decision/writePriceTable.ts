/** Writes the table of prices that hooks read. Loads the whole price list: never in a hook. */
import { PRICE_LIST } from '../../analysis/price.ts';
import { readSmallFile, writeSmallFile } from '../../trace/files.ts';
import { ensureStateFolder } from '../../trace/paths.ts';
import type { ModelPrices, PriceTable, TableModel, TableProvider } from './priceLibrary.ts';
import { isTableOf, MAX_TABLE, tablePath } from './priceTable.ts';

type Env = Record<string, string | undefined>;

/**
 * Providers whose models are known by their names, and those that the pricer asks for by theirs.
 * In the list's order: the first that knows a name has it.
 */
const PROVIDERS =
  'anthropic aws cerebras cloudflare cohere cursor deepseek fireworks google minimax mistral moonshotai openai typesafe voyageai x-ai zhipuai'.split(
    ' ',
  );

/** Rates that a model response of an agent has; others would double the table. */
const RATES = /^(input|output|cache_read|cache_write|cache_write_1h)_mtok$|^web_searches_kcount$/;
/** Rates of what its usage never holds; a model with other rates than these and those is not in the table. */
const OTHERS = /audio|image|video|_kcount$/;

/** The part of the list's library that says what is in it. */
interface Library {
  findProvider(options: { providerId: string }): TableProvider | undefined;
}

export function priceTable(library: Library): PriceTable {
  const providers: TableProvider[] = [];
  for (const providerId of PROVIDERS) {
    const provider = library.findProvider({ providerId });
    if (provider === undefined) continue;
    const { id, model_match, fallback_model_providers, models } = provider;
    providers.push({
      id,
      ...(model_match !== undefined && { model_match }),
      ...(fallback_model_providers !== undefined && { fallback_model_providers }),
      models: models.map(({ id: model, match, context_window, prices }) => ({
        id: model,
        match,
        ...(context_window !== undefined && { context_window }),
        prices: pruned(prices),
      })),
    });
  }
  return { version: 1, list: PRICE_LIST.version, date: PRICE_LIST.date, providers };
}

function pruned(prices: TableModel['prices']): TableModel['prices'] {
  if (Array.isArray(prices)) return prices.map((one) => ({ ...one, prices: rates(one.prices) }));
  return rates(prices);
}

/** A rate that is not understood stays, so that the model is priced by nobody rather than wrongly. */
const rates = (prices: ModelPrices): ModelPrices =>
  Object.fromEntries(
    Object.entries(prices).filter(
      ([key, rate]) => rate !== undefined && (RATES.test(key) || !OTHERS.test(key)),
    ),
  );

/** Writes `guard/prices.json` where it is missing or of another list. @throws a system error */
export async function writePriceTable(env: Env = process.env): Promise<void> {
  const path = tablePath(env);
  if (isTableOf(readSmallFile(path, MAX_TABLE) ?? '')) return;
  const { problem } = ensureStateFolder('guard', env);
  if (problem !== undefined) throw Object.assign(new Error(problem), { code: problem });
  const library = (await import('@pydantic/genai-prices')) as unknown as Library;
  writeSmallFile(path, JSON.stringify(priceTable(library)));
}
