/**
 * How an event is written: without secrets (and personal data, where that is wanted), its long texts cut. The recorder, the live transcript reader
 * and the import all end here, so that there is one rule of what may stand in a trace.
 */
import { cutKey, LONG_KEYS, MAX_RESULT_UNITS } from '../model/codec.ts';
import { isObject, type JsonObject, type TraceEvent } from '../model/event.ts';
import { type RedactionCounts, type RedactPolicy, redactValue } from './redact.ts';

/** The environment's words for what is taken out. */
export interface RedactEnv {
  readonly AGENT_TRACE_NO_REDACT?: string | undefined;
  readonly AGENT_STRACE_MASK?: string | undefined;
}

/**
 * What the environment asks to be taken out. Masking is the stricter wish and goes before
 * `AGENT_TRACE_NO_REDACT`: who shares a trace without addresses does not want keys in it.
 *
 * @param maskByChoice what the person chose for all sessions; asked only where the environment says nothing
 */
export function policyOf<Env extends RedactEnv>(
  env: Env,
  maskByChoice: (env: Env) => boolean = () => false,
): RedactPolicy {
  const said = env.AGENT_STRACE_MASK;
  const mask = said === '1' || (said !== '0' && maskByChoice(env));
  if (mask) return 'personal';
  return env.AGENT_TRACE_NO_REDACT === '1' ? 'none' : 'secrets';
}

/**
 * A copy of an event as it may be written. Whatever stands in `data` is looked at, also ids, paths and names
 * of tools: a list of what needs no look would be wrong with the next field. Secrets go before a text is
 * cut, or the cut could leave half of one; `redacted` counts them, `truncated` says what was cut. What an
 * event counts already (it comes from a trace) is added to.
 */
export function readyEvent(event: TraceEvent, policy: RedactPolicy = 'secrets'): TraceEvent {
  let data = event.data;
  if (policy !== 'none') {
    const counts: RedactionCounts = {};
    // Ours, and the names in it are of places: `{"password": {"length": …}}` is no password.
    const { truncated, ...rest } = data;
    data = redactValue(rest, counts, policy) as JsonObject;
    if (truncated !== undefined) data.truncated = truncated;
    if (Object.keys(counts).length > 0) {
      const before = isObject(data.redacted) ? data.redacted : {};
      for (const [kind, count] of Object.entries(before)) {
        if (typeof count === 'number') counts[kind] = (counts[kind] ?? 0) + count;
      }
      data.redacted = counts;
    }
  } else data = { ...data };
  for (const key of LONG_KEYS) cutKey(data, key, MAX_RESULT_UNITS);
  return { ...event, data };
}
