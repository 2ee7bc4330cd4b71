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

function canonical(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}
