/** What readers of payloads and transcripts share: values of any type, as what they should be. */
import { isObject, type JsonObject } from '../model/event.ts';

export const asObject = (value: unknown): JsonObject | undefined =>
  isObject(value) ? value : undefined;
export const asString = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Without the entries that say nothing: empty texts, false, and 0. */
export function pruned(data: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => Boolean(value)));
}

/** Seconds since the epoch; 0 where there is no valid time. */
export function rowTime(row: JsonObject): number {
  const ms = Date.parse(asString(row.timestamp));
  return ms > 0 ? ms / 1000 : 0;
}

/** The text of a tool result's or message's content. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map(asObject)
    .filter((block) => block !== undefined)
    .map((block) =>
      typeof block.text === 'string' ? block.text : `[${asString(block.type) || 'block'}]`,
    )
    .join('\n');
}
