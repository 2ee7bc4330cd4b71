import { cutBetween } from '../model/codec.ts';
import type { Json, JsonObject } from '../model/event.ts';

/** Payloads up to so many bytes go as they are: redaction reads them in well under a second. */
export const BOUNDLESS = 512 * 1024;

/** Longest text and most values that are kept of a larger one. A line of the trace is 1 MB at most. */
const MAX_TEXT = 96 * 1024;
const MAX_TEXTS = 384 * 1024;
const MAX_VALUES = 5000;
const MAX_DEPTH = 60;

/**
 * A huge payload, cut down before anything looks at it for long: the agent waits for the recorder, and
 * gives up on it after seconds. What is cut says so.
 */
export function bounded(payload: JsonObject): JsonObject {
  let texts = MAX_TEXTS;
  let values = MAX_VALUES;
  const walk = (value: Json, depth: number): Json => {
    values--;
    if (typeof value === 'string') {
      const room = Math.max(0, Math.min(MAX_TEXT, texts));
      texts -= Math.min(value.length, room);
      return value.length <= room ? value : cut(value, room);
    }
    if (typeof value !== 'object' || value === null) return value;
    if (depth > MAX_DEPTH) return '[cut: too deep]';
    if (Array.isArray(value)) {
      const kept: Json[] = [];
      for (const item of value) {
        if (values <= 0) {
          kept.push(`[cut: ${value.length - kept.length} more]`);
          break;
        }
        kept.push(walk(item, depth + 1));
      }
      return kept;
    }
    const kept: [string, Json][] = [];
    const keys = Object.keys(value);
    for (const key of keys) {
      if (values <= 0) {
        kept.push(['[cut]', `${keys.length - kept.length} more`]);
        break;
      }
      texts -= key.length;
      kept.push([key.length > 1000 ? cut(key, 1000) : key, walk(value[key] ?? null, depth + 1)]);
    }
    return Object.fromEntries(kept);
  };
  return walk(payload, 0) as JsonObject;
}

function cut(text: string, room: number): string {
  const kept = cutBetween(text, room);
  return `${kept} [cut: ${text.length - kept.length} more characters]`;
}
