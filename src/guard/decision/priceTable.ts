/** Prices for hooks, which cannot load half a megabyte of price list: a table that others write. */
import { lstatSync } from 'node:fs';
import { PRICE_LIST, pricerOver } from '../../analysis/price.ts';
import type { Pricer } from '../../model/usage.ts';
import { readSmallFile } from '../../trace/files.ts';
import { guardPlace } from '../guardHome.ts';
import { type KeptModels, keptLibrary, type PriceTable } from './priceLibrary.ts';

type Env = Record<string, string | undefined>;

/** Bytes. */
export const MAX_TABLE = 1_000_000;
export const tablePath = (env: Env): string => guardPlace(env, 'prices.json');

/** What a session has looked up in one version of the table. */
export interface KeptPrices {
  /** Of the table's file: another one has other prices. */
  of: string;
  models: KeptModels;
}

/**
 * From `guard/prices.json`; undefined where there is none, or it cannot be read.
 *
 * @param kept what was looked up before, and what is looked up now
 */
export function readPriceTable(
  env: Env = process.env,
  kept: KeptPrices = { of: '', models: {} },
): Pricer | undefined {
  const stamp = stampOf(tablePath(env));
  if (stamp === undefined) return undefined;
  if (kept.of !== stamp) Object.assign(kept, { of: stamp, models: {} });
  let table: PriceTable | undefined;
  // Who has found a model in it knows that it can be read.
  if (Object.keys(kept.models).length === 0) {
    table = readTable(env);
    if (table === undefined) return undefined;
  }
  return pricerOver(keptLibrary(kept.models, () => table ?? readTable(env)));
}

function readTable(env: Env): PriceTable | undefined {
  const text = readSmallFile(tablePath(env), MAX_TABLE);
  if (text === undefined) return undefined;
  try {
    const table = JSON.parse(text) as PriceTable;
    return table.version === 1 && Array.isArray(table.providers) ? table : undefined;
  } catch {
    return undefined;
  }
}

function stampOf(path: string): string | undefined {
  try {
    const { ino, size, mtimeMs, ctimeMs } = lstatSync(path);
    return `${ino}:${size}:${mtimeMs}:${ctimeMs}`;
  } catch {
    return undefined;
  }
}

/** Whether the table that is there is of the list in use. Reads its beginning only. */
export const isTableOf = (text: string): boolean =>
  text.startsWith(`{"version":1,"list":"${PRICE_LIST.version}","date":"${PRICE_LIST.date}"`);
