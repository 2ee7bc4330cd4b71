/** Tokens in Codex's words → in ours. */
import type { JsonObject } from '../../model/event.ts';
import { asObject } from '../rows.ts';

const KEYS = [
  'input_tokens',
  'cached_input_tokens',
  'cache_write_input_tokens',
  'output_tokens',
  'reasoning_output_tokens',
] as const;

const asCount = (value: unknown): number =>
  Number.isFinite(value) && (value as number) > 0 ? Math.floor(value as number) : 0;

/** The five counts of a usage, in the order of Codex's own keys; undefined where it is none. */
export function counts(value: unknown): number[] | undefined {
  const usage = asObject(value);
  if (typeof usage?.input_tokens !== 'number' || typeof usage.output_tokens !== 'number') {
    return undefined;
  }
  return KEYS.map((key) => asCount(usage[key]));
}

/** Codex counts as we do: cached tokens are part of the input, reasoning is part of the output. */
export function codexUsage(parts: readonly number[]): JsonObject {
  const [input = 0, cached = 0, written = 0, output = 0, reasoning = 0] = parts;
  return {
    input_tokens: input,
    cache_read_input_tokens: cached,
    cache_write_input_tokens: written,
    cache_write_1h_input_tokens: 0,
    output_tokens: output,
    reasoning_output_tokens: reasoning,
  };
}

/**
 * What a `token_count` row adds to the sum before it: undefined where the sum did not change, for the row
 * comes again with every change of a rate limit.
 */
export function addedTokens(
  total: readonly number[],
  before: readonly number[],
  last: readonly number[] | undefined,
): number[] | undefined {
  if (before.length > 0 && total.every((part, i) => part === before[i])) return undefined;
  // A thread that goes on from another one's sum begins with a sum that is not its own.
  if (before.length === 0) return [...(last ?? total)];
  const added = total.map((part, i) => part - (before[i] ?? 0));
  // Counted anew: what the row says of itself is all there is.
  return added.some((part) => part < 0) ? [...(last ?? total)] : added;
}
