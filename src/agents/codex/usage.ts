/** Tokens as Codex counts them: the prompt with what was cached, the output with what was thought. */
import type { JsonObject } from '../../model/event.ts';
import { asCount, asObject } from '../claude/usage.ts';

/** In OpenTelemetry's terms; undefined where nothing was billed, or it does not say. */
export function codexUsage(value: unknown): JsonObject | undefined {
  const usage = asObject(value);
  const output = asCount(usage?.output_tokens);
  const read = asCount(usage?.cached_input_tokens);
  const write = asCount(usage?.cache_write_input_tokens);
  const input = Math.max(asCount(usage?.input_tokens), read + write);
  // A context that overflowed is told as a usage of nothing but a total.
  if (input + output === 0) return undefined;
  return {
    input_tokens: input,
    cache_read_input_tokens: read,
    cache_write_input_tokens: write,
    cache_write_1h_input_tokens: 0,
    output_tokens: output,
    reasoning_output_tokens: Math.min(asCount(usage?.reasoning_output_tokens), output),
  };
}

const KEYS = [
  'input_tokens',
  'cached_input_tokens',
  'cache_write_input_tokens',
  'output_tokens',
  'reasoning_output_tokens',
  'total_tokens',
];

/** The same tokens have the same key; empty where there are none. */
export function usageKey(value: unknown): string {
  const usage = asObject(value);
  return usage === undefined ? '' : KEYS.map((key) => asCount(usage[key])).join(' ');
}

/** What was used between two cumulative totals, for rollouts that tell no more. */
export function usageBetween(before: string, total: unknown): JsonObject {
  const known = before.split(' ').map(Number);
  const now = asObject(total) ?? {};
  return Object.fromEntries(
    KEYS.map((key, at) => [key, Math.max(0, asCount(now[key]) - (known[at] || 0))]),
  );
}
