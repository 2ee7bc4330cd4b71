/** What the messages of a Gemini chat hold. Pure. */
import type { Json, JsonObject } from '../../model/event.ts';
import { asCount, asObject, asString, rowTime } from '../rows.ts';
import { geminiCallKey, partsText } from './toolResult.ts';

/** A call of a message, and how it ended. */
export interface GeminiToolCall {
  id: string;
  tool: string;
  input: JsonObject;
  key: string;
  /** `open`: not ended yet, or nobody said how. */
  state: 'open' | 'ok' | 'failed' | 'cancelled';
  /** What the model saw: the result, or why there is none. */
  text: string;
  /** What people saw. */
  display: Json | undefined;
  /** Who said no, as `denied_by`; empty where nobody did. */
  deniedBy: string;
  /** The subagent that it started; empty for all others. */
  agentId: string;
  /** Seconds since the epoch; 0 where unknown. */
  endedAt: number;
}

const STATES: Record<string, GeminiToolCall['state']> = {
  success: 'ok',
  error: 'failed',
  cancelled: 'cancelled',
};

/** Beginnings of what the model is told of a call that nobody ran, and who said no. */
const DENIALS: readonly (readonly [RegExp, string])[] = [
  [/^(Tool execution blocked: |Agent execution stopped by hook: )/, 'hook'],
  [/^Tool execution (for ".*" )?denied by policy\./, 'permission'],
  [/^\[Operation Cancelled\] (Reason: )?User (did not allow|denied)/, 'user'],
];

/** Calls with an id, in the message's order. */
export function callsOf(message: JsonObject): GeminiToolCall[] {
  const calls: GeminiToolCall[] = [];
  for (const item of Array.isArray(message.toolCalls) ? message.toolCalls : []) {
    const call = asObject(item);
    const id = asString(call?.id);
    if (call === undefined || id === '') continue;
    const status = asString(call.status);
    const state = (Object.hasOwn(STATES, status) && STATES[status]) || 'open';
    const tool = asString(call.name);
    const text = resultText(call.result, id, state !== 'ok') || failureText(call, state);
    calls.push({
      id,
      tool,
      input: asObject(call.args) ?? {},
      key: geminiCallKey(tool, call.args),
      state,
      text,
      display: call.resultDisplay,
      deniedBy: state === 'ok' ? '' : (DENIALS.find(([start]) => start.test(text))?.[1] ?? ''),
      agentId: asString(call.agentId),
      endedAt: rowTime(call),
    });
  }
  return calls;
}

const failureText = (call: JsonObject, state: GeminiToolCall['state']): string =>
  state === 'ok' ? '' : asString(call.resultDisplay) || `tool call ${state}`;

/** The call's own answer: after a compression the answers of a whole turn may stand with each of its calls. */
function resultText(result: Json | undefined, id: string, failed: boolean): string {
  if (!Array.isArray(result)) return partsText(result);
  const others: Json[] = [];
  let own: JsonObject | undefined;
  let only: JsonObject | undefined;
  for (const part of result) {
    const answer = asObject(asObject(part)?.functionResponse);
    if (answer === undefined) others.push(part);
    else if (answer.id === id) own ??= answer;
    else only ??= answer;
  }
  const response = asObject((own ?? only)?.response);
  const { output, error } = response ?? {};
  const said = failed && error !== undefined ? error : (output ?? error);
  if (said !== undefined) return partsText(said);
  return response === undefined ? partsText(others) : JSON.stringify(response);
}

/** A message's text, without the model's thoughts and without calls and answers. */
export function messageText(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  const parts = Array.isArray(content) ? content : [content ?? null];
  return parts
    .map((part) => {
      if (typeof part === 'string') return part;
      const object = asObject(part);
      return object?.thought === true ? '' : asString(object?.text);
    })
    .join('');
}

/**
 * Tokens in OpenTelemetry's terms; undefined where there are none. Gemini counts thoughts and prompts of its tools
 * beside output and input, unless its own sum says that they are in them.
 */
export function usageOfTokens(value: Json | undefined): JsonObject | undefined {
  const tokens = asObject(value);
  if (tokens === undefined) return undefined;
  const [input, output, thoughts, tool] = [
    asCount(tokens.input),
    asCount(tokens.output),
    asCount(tokens.thoughts),
    asCount(tokens.tool),
  ];
  const sum = asCount(tokens.total);
  if (input + output + thoughts + tool === 0) return undefined;
  const toolInside = tool > 0 && sum === input + output + thoughts;
  const thoughtsInside = thoughts > 0 && thoughts <= output && sum === input + output + tool;
  return {
    input_tokens: input + (toolInside ? 0 : tool),
    cache_read_input_tokens: asCount(tokens.cached),
    cache_write_input_tokens: 0,
    cache_write_1h_input_tokens: 0,
    output_tokens: output + (thoughtsInside ? 0 : thoughts),
    reasoning_output_tokens: thoughts,
  };
}
