/**
 * How an event is written: without secrets, its long texts cut. The recorder, the live transcript reader
 * and the import all end here, so that there is one rule of what may stand in a trace.
 */
import { cutKey, MAX_RESULT_UNITS } from '../model/codec.ts';
import type { JsonObject, TraceEvent } from '../model/event.ts';
import { type RedactionCounts, redactValue } from './redact.ts';

/** Texts that may be as long as a file. */
export const LONG_KEYS = ['result', 'error', 'prompt', 'text', 'summary', 'title'] as const;

/** Whether somebody asked in the environment that secrets be left in. */
export const keepsSecrets = (env: { readonly AGENT_TRACE_NO_REDACT?: string | undefined }) =>
  env.AGENT_TRACE_NO_REDACT === '1';

/**
 * A copy of an event as it may be written. Whatever stands in `data` is looked at, also ids, paths and names
 * of tools: a list of what needs no look would be wrong with the next field. Secrets go before a text is
 * cut, or the cut could leave half of one; `redacted` counts them, `truncated` says what was cut.
 *
 * @param redact false: secrets stay
 */
export function readyEvent(event: TraceEvent, redact: boolean): TraceEvent {
  let data = event.data;
  if (redact) {
    const counts: RedactionCounts = {};
    // Ours, and the names in it are of places: `{"password": {"length": …}}` is no password.
    const { truncated, ...rest } = data;
    data = redactValue(rest, counts) as JsonObject;
    if (truncated !== undefined) data.truncated = truncated;
    if (Object.keys(counts).length > 0) data.redacted = counts;
  } else data = { ...data };
  for (const key of LONG_KEYS) cutKey(data, key, MAX_RESULT_UNITS);
  return { ...event, data };
}
