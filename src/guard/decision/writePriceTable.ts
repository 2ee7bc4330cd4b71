/** Writes the table of prices that hooks read. Loads the whole price list: never in a hook. */

type Env = Record<string, string | undefined>;

/** Writes `guard/prices.json` where it is missing or of another list. @throws a system error */
export async function writePriceTable(_env: Env = process.env): Promise<void> {}
