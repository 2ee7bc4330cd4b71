import { stepDiff } from '../analysis/stepDiff.ts';
import { FLAG, TYPE } from '../model/columns.ts';
import type { Json, JsonObject, TraceEvent } from '../model/event.ts';
import { STEP_KINDS } from '../model/step.ts';
import type { StepDetails } from '../protocol/replay.ts';
import type { TraceSession } from '../trace/session.ts';

/** Of one text, UTF-16 units: more is read in the editor. */
const MAX_TEXT = 20_000;
/** An event larger than this is not read for a page, bytes: a recorder writes none. */
const MAX_EVENT = 1_500_000;
const MODIFY = STEP_KINDS.indexOf('modify');

/** A step in full; undefined where it is not there, or its event cannot be read. */
export function stepDetails(trace: TraceSession, step: number): StepDetails | undefined {
  const { fold } = trace;
  const { columns } = fold;
  const row = fold.steps.row(step);
  if (row < 0 || columns.size[row]! > MAX_EVENT) return undefined;
  const isCall = columns.type[row] === TYPE.tool_call;
  const pair = isCall ? columns.pair[row]! : -1;
  const outcome = pair >= 0 && columns.size[pair]! <= MAX_EVENT ? pair : -1;
  const [event, result] = trace.readEvents([row, outcome]);
  if (!event) return undefined;
  const flags = columns.flags[row]!;
  const { text: input, prose, cut } = inputOf(event, isCall);
  const details: StepDetails = {
    step,
    input,
    prose,
    failed: (flags & FLAG.error) !== 0,
    denied: (flags & FLAG.denied) !== 0,
    cut: cut || event.data.truncated !== undefined || result?.data.truncated !== undefined,
  };
  if (result) addOutcome(details, result);
  if (columns.kind[row] === MODIFY) {
    const diff = stepDiff(event, result);
    if (diff) {
      details.diff = diff;
      const edits = fold.files.opsOf(diff.path).filter(({ kind }) => kind !== 'read');
      const nth = edits.findIndex((op) => op.row === row);
      if (nth >= 0) details.editOfFile = nth + 1;
    }
  }
  addResponse(details, trace, row);
  return details;
}

function inputOf(
  event: TraceEvent,
  isCall: boolean,
): { text: string; prose: boolean; cut: boolean } {
  const { data } = event;
  const words = data.prompt ?? data.text ?? data.error ?? data.message;
  if (!isCall && typeof words === 'string' && words !== '') return { ...cutAt(words), prose: true };
  const value: Json = isCall ? (data.arguments ?? {}) : rest(data);
  return { ...cutAt(JSON.stringify(value, null, 2)), prose: false };
}

/** Without what every event says of itself. */
function rest(data: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(data).filter(([key]) => !COMMON.has(key)));
}

const COMMON = new Set(['recorded_by', 'provider', 'prompt_id', 'permission_mode', 'truncated']);

function addOutcome(details: StepDetails, result: TraceEvent): void {
  const { data } = result;
  const words = typeof data.error === 'string' && data.error !== '' ? data.error : data.result;
  if (typeof words === 'string') {
    const { text, cut } = cutAt(words);
    details.output = text;
    details.cut ||= cut;
  }
  if (typeof data.exit_code === 'number') details.exitCode = data.exit_code;
  if (typeof data.denied_by === 'string') details.deniedBy = data.denied_by.slice(0, 60);
  if (typeof data.rule === 'string') details.rule = data.rule.slice(0, 60);
}

function addResponse(details: StepDetails, { fold }: TraceSession, row: number): void {
  const { columns, cost } = fold;
  const response = columns.type[row] === TYPE.llm_response ? row : columns.response[row]!;
  const usage = response < 0 ? undefined : cost.usageOfRow(response);
  if (!usage) return;
  const nanoUsd = columns.nanoUsd[response]!;
  details.response = {
    model: cost.modelOfRow(response),
    ...(Number.isNaN(nanoUsd) ? {} : { nanoUsd }),
    calls: columns.sharers[response]!,
    input: usage.input_tokens,
    cacheRead: usage.cache_read_input_tokens,
    cacheWrite: usage.cache_write_input_tokens,
    output: usage.output_tokens,
  };
}

function cutAt(text: string): { text: string; cut: boolean } {
  if (text.length <= MAX_TEXT) return { text, cut: false };
  return { text: `${text.slice(0, MAX_TEXT)}…`, cut: true };
}
