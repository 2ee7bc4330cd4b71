/** Prices for hooks, which cannot load half a megabyte of price list: a table that others write. */
import { PRICE_LIST, pricerOver } from '../../analysis/price.ts';
import type { Pricer } from '../../model/usage.ts';
import { readSmallFile } from '../../trace/files.ts';
import { guardPlace } from '../guardHome.ts';
import { type PriceTable, tableLibrary } from './priceLibrary.ts';

type Env = Record<string, string | undefined>;

/** Bytes. */
export const MAX_TABLE = 1_000_000;
export const tablePath = (env: Env): string => guardPlace(env, 'prices.json');

/** From `guard/prices.json`; undefined where there is none, or it cannot be read. */
export function readPriceTable(env: Env = process.env): Pricer | undefined {
  const text = readSmallFile(tablePath(env), MAX_TABLE);
  if (text === undefined) return undefined;
  try {
    const table = JSON.parse(text) as PriceTable;
    return table.version === 1 && Array.isArray(table.providers)
      ? pricerOver(tableLibrary(table))
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the table that is there is of the list in use. Reads its beginning only. */
export const isTableOf = (text: string): boolean =>
  text.startsWith(`{"version":1,"list":"${PRICE_LIST.version}","date":"${PRICE_LIST.date}"`);
