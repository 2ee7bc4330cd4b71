/** Tokens that Copilot records of a model's response. */
import type { JsonObject } from '../../model/event.ts';
import { asCount, asObject, asString, pruned } from '../rows.ts';

/**
 * The data of a response, and how long it took, ms; undefined where the record says nothing of tokens. `cost` is
 * premium requests, and `nano_aiu` credits of a plan: facts, and no dollars.
 *
 * @param usage of `session.usage_record`: the input has what was cached in it, the output what was thought
 * @param subagent it is a subagent's: those have sessions of their own in their accounts
 */
export function copilotUsage(
  usage: JsonObject | undefined,
  sessionId: string,
  subagent: boolean,
): { data: JsonObject; durationMs?: number } | undefined {
  if (typeof usage?.inputTokens !== 'number' && typeof usage?.outputTokens !== 'number') {
    return undefined;
  }
  const { duration } = usage;
  const accounting = asObject(usage.accounting);
  const origin = asString(accounting?.sourceSessionId);
  const credits = asObject(usage.copilotUsage)?.totalNanoAiu;
  const data = pruned({
    event_subtype: 'usage',
    model: asString(usage.model),
    usage: {
      input_tokens: asCount(usage.inputTokens),
      cache_read_input_tokens: asCount(usage.cacheReadTokens),
      cache_write_input_tokens: asCount(usage.cacheWriteTokens),
      cache_write_1h_input_tokens: 0,
      output_tokens: asCount(usage.outputTokens),
      reasoning_output_tokens: asCount(usage.reasoningTokens),
    },
    message_id: asString(usage.apiCallId),
    request_id: asString(usage.providerCallId),
    finish_reason: asString(usage.finishReason),
    reasoning_effort: asString(usage.reasoningEffort),
    initiator: asString(usage.initiator),
    byok: usage.isByok === true,
    model_provider: asString(usage.modelProvider),
    time_to_first_token_ms: asCount(usage.timeToFirstTokenMs),
    premium_requests: typeof usage.cost === 'number' && usage.cost > 0 ? usage.cost : 0,
    nano_aiu: asCount(credits),
    // A session that was forked has the responses of the one it came from.
    copied_from: subagent || origin === sessionId ? '' : origin,
  });
  const known = typeof duration === 'number' && Number.isFinite(duration) && duration >= 0;
  return { data, ...(known && { durationMs: duration }) };
}
