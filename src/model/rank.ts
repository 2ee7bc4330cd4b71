/** What one event says against another: which of two versions stands, and how a call ended. Pure. */
import { TYPE } from './columns.ts';
import type { JsonObject, TraceEvent } from './event.ts';
import type { Usage } from './usage.ts';

/** Ranks of responses of the main conversation begin here; below it is their number of tokens. */
export const MAIN_CHAIN = 0x40000000;

/** Of two versions of one event, the one with the higher rank stands. @param type as in TYPE_CODES */
export function rankOf(event: TraceEvent, type: number, usage: Usage | undefined): number {
  const { data } = event;
  const fromTranscript = data.recorded_by === 'transcript';
  if (type === TYPE.llm_response) {
    // Rows of a stream grow; a replay on a sidechain never replaces the original.
    const tokens = usage ? usage.input_tokens + usage.output_tokens : 0;
    return Math.min(tokens, MAIN_CHAIN - 1) + (data.is_sidechain === true ? 0 : MAIN_CHAIN);
  }
  if (type === TYPE.assistant_response) return fromTranscript ? 2 : 1;
  // A call that was denied is closed by inference: better than the transcript's bare "error", not
  // better than a result that a hook saw.
  if (data.closed_by !== undefined) return data.event_subtype === 'denied' ? 2 : 0;
  if (data.partial === true) return 0;
  return fromTranscript ? 1 : 3;
}

/** Whether a result (`tool_result`) says that its call failed. */
export const isFailure = (data: JsonObject): boolean =>
  data.is_error === true || (typeof data.exit_code === 'number' && data.exit_code !== 0);
