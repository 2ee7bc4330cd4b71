import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { emptyUsage, type Usage } from '../../model/usage.ts';
import { type Sliced, slicewise } from '../slices.ts';

/** Tools that are looked for one by one. */
const FEW = 16;

/** Between two requests there are few tools, and there are many requests: a map each would be most of the work. */
class BytesByTool {
  count = 0;
  /** What stands from `count` on is of an earlier request. */
  readonly tools: number[] = [];
  readonly bytes: number[] = [];
  /** Of the tools beyond the first few. */
  private places: Map<number, number> | undefined;

  add(tool: number, bytes: number): void {
    let at = 0;
    const few = Math.min(this.count, FEW);
    while (at < few && this.tools[at] !== tool) at++;
    if (at === FEW) at = this.places?.get(tool) ?? this.count;
    if (at < this.count) {
      this.bytes[at]! += bytes;
      return;
    }
    if (at >= FEW) {
      this.places ??= new Map();
      this.places.set(tool, at);
    }
    this.tools[at] = tool;
    this.bytes[at] = bytes;
    this.count++;
  }

  clear(): void {
    this.count = 0;
    this.places?.clear();
  }
}

/** What results of a tool added to the requests after them. An estimate, in no sum. */
export interface Carried {
  /** Tokens of results × requests that carried them. */
  tokens: number;
  /** What those tokens cost, nano-dollars; NaN: none of those requests has a known price. */
  nanoUsd: number;
}

const BYTES_A_TOKEN = 4;
/** A prompt of less than this part of the one before has lost some of what it held. */
const CUT = 0.9;

interface Held {
  tokens: number;
  /** Tokens × requests, and × prices a token, as of when they came in. */
  atCount: number;
  atPrice: number;
  /** Tokens × requests with a known price. */
  atPriced: number;
}

/** The window of one lane. */
interface Window {
  prompt: number;
  /** Requests so far, and the sum of what a prompt token cost in each, nano-dollars. */
  count: number;
  price: number;
  /** Requests whose price is known. */
  priced: number;
  held: Map<number, Held>;
  /** Since the last request: bytes by tool, and in all. */
  fresh: BytesByTool;
  bytes: number;
}

/**
 * By code of the tool. The size of a result is estimated from its bytes, but never as more than the prompt grew by; it
 * is carried by each later request of its lane until a compaction, or until the prompt gets smaller.
 */
export function* carriedByTool(fold: SessionFold, order: Int32Array): Sliced<Map<number, Carried>> {
  const { columns, cost } = fold;
  const windows: Window[] = [];
  const totals = new Map<number, Carried>();
  const usage = emptyUsage();
  const rateOf = promptRates(fold);
  yield* slicewise(order.length, (from, end) => {
    const { type, flags, lane, size, pair, tool } = columns;
    for (let at = from; at < end; at++) {
      const row = order[at]!;
      const code = type[row]!;
      windows[lane[row]!] ??= emptyWindow();
      const window = windows[lane[row]!]!;
      if (code === TYPE.llm_response) {
        if (cost.usageInto(row, usage)) request(window, totals, usage, rateOf(row, usage));
      } else if ((flags[row]! & FLAG.compaction) !== 0) close(window, totals);
      else if (code === TYPE.user_prompt) window.bytes += size[row]!;
      else if (code === TYPE.tool_result || code === TYPE.error) {
        if (pair[row]! < 0) continue;
        window.bytes += size[row]!;
        window.fresh.add(tool[pair[row]!]!, size[row]!);
      }
    }
  });
  for (const window of windows) if (window !== undefined) close(window, totals);
  for (const total of totals.values()) {
    total.tokens = Math.round(total.tokens);
    total.nanoUsd = Math.round(total.nanoUsd);
  }
  return totals;
}

const emptyWindow = (): Window => ({
  prompt: 0,
  count: 0,
  price: 0,
  priced: 0,
  held: new Map(),
  fresh: new BytesByTool(),
  bytes: 0,
});

/** @param rate see {@link promptRates} */
function request(
  window: Window,
  totals: Map<number, Carried>,
  { input_tokens: prompt }: Usage,
  rate: number,
): void {
  if (prompt < window.prompt * CUT) close(window, totals);
  takeIn(window, prompt - window.prompt);
  window.prompt = prompt;
  window.count++;
  if (Number.isNaN(rate)) return;
  window.price += rate;
  window.priced++;
}

/** What came since the last request is in the next one. */
function takeIn(window: Window, growth: number): void {
  const { fresh, bytes, held, count, price, priced } = window;
  if (fresh.count === 0) {
    window.bytes = 0;
    return;
  }
  // After a cut nothing is known of the growth.
  const most = growth > 0 ? growth : Number.POSITIVE_INFINITY;
  const perByte = Math.min(1 / BYTES_A_TOKEN, most / bytes);
  for (let at = 0; at < fresh.count; at++) {
    const tool = fresh.tools[at]!;
    const tokens = fresh.bytes[at]! * perByte;
    const known = held.get(tool);
    if (known === undefined) {
      held.set(tool, {
        tokens,
        atCount: tokens * count,
        atPrice: tokens * price,
        atPriced: tokens * priced,
      });
    } else {
      known.tokens += tokens;
      known.atCount += tokens * count;
      known.atPrice += tokens * price;
      known.atPriced += tokens * priced;
    }
  }
  fresh.clear();
  window.bytes = 0;
}

function close(window: Window, totals: Map<number, Carried>): void {
  for (const [tool, { tokens, atCount, atPrice, atPriced }] of window.held) {
    let total = totals.get(tool);
    if (total === undefined) {
      total = { tokens: 0, nanoUsd: Number.NaN };
      totals.set(tool, total);
    }
    total.tokens += tokens * window.count - atCount;
    // Rounding leaves crumbs.
    if (tokens * window.priced - atPriced < 0.5) continue;
    const cost = tokens * window.price - atPrice;
    total.nanoUsd = Number.isNaN(total.nanoUsd) ? cost : total.nanoUsd + cost;
  }
  window.held.clear();
}

/** What a token of the prompt cost in each request, cached or not, nano-dollars; NaN: not known. */
function promptRates(fold: SessionFold): (row: number, usage: Usage) => number {
  const { pricer, cost, session, columns } = fold;
  const options = session.provider === '' ? {} : { provider: session.provider };
  const promptOnly = emptyUsage();
  return (row, usage) => {
    const { input_tokens: input, output_tokens: output } = usage;
    const billed = columns.nanoUsd[row]!;
    if (Number.isNaN(billed) || input === 0) return Number.NaN;
    if (output === 0) return billed / input;
    if (pricer === undefined) return Number.NaN;
    const model = cost.modelOfRow(row);
    const timeMs = columns.timeMs[row]!;
    const all = pricer.price(model, usage, timeMs, options);
    cost.usageInto(row, promptOnly);
    promptOnly.output_tokens = 0;
    promptOnly.reasoning_output_tokens = 0;
    const prompt = pricer.price(model, promptOnly, timeMs, options);
    if (all.status === 'unpriced' || prompt.status === 'unpriced' || all.nanoUsd === 0) {
      return Number.NaN;
    }
    // The share of the prompt by the list, of what was billed.
    return ((billed / all.nanoUsd) * prompt.nanoUsd) / input;
  };
}
