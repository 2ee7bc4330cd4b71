import type { Json } from './event.ts';
import { textHash } from './ids.ts';

/**
 * What makes a call recognisable where the agent gives it no id: its tool and input, in whichever order the
 * input's keys come. Hooks of one call and its row in the transcript have the same key; so do calls that are
 * alike, which are told apart by their order (see `CallMatcher`).
 *
 * @returns 12 hex digits
 */
export function callKey(tool: string, input: Json): string {
  return textHash(`${tool}\n${canonical(input)}`);
}

/** Less than is left of a payload, and of a row, whatever stands around the input: see `shallow`. */
const MAX_LEVELS = 50;

function canonical(value: Json, levels = MAX_LEVELS): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (levels === 0) return '…';
  if (Array.isArray(value))
    return `[${value.map((item) => canonical(item, levels - 1)).join(',')}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const pairs = entries.map(
    ([key, item]) => `${JSON.stringify(key)}:${canonical(item, levels - 1)}`,
  );
  return `{${pairs.join(',')}}`;
}
