/** What readers of payloads and transcripts share: values of any type, as what they should be. */
import { isObject, type Json, type JsonObject } from '../model/event.ts';

export const asObject = (value: unknown): JsonObject | undefined =>
  isObject(value) ? value : undefined;
export const asString = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A number of a list or a line: whole, and not below 0; undefined for anything else. */
export const asInteger = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

/** A number of things, whole: what is none is 0. */
export const asCount = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;

/** A tool's input as arguments: some agents give a text, or nothing. */
export const argumentsOf = (input: Json | undefined): JsonObject =>
  isObject(input) ? input : input === undefined || input === null ? {} : { value: input };

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
