/** One step as it stands in the trace: its event, the result, and the model response that it is part of. Pure. */
import type { AnalysedSession } from '../analysis/analysed.ts';
import { FLAG, TYPE } from '../model/columns.ts';
import type { TraceEvent } from '../model/event.ts';
import { stepTitle } from '../model/step.ts';
import { hasFailed } from '../model/testWords.ts';
import { StepReader } from './stepReader.ts';

/** A step with its events; null: there is none. */
export interface InspectedStep {
  /** From 0. */
  step: number;
  /** What it did: one line, hostile. */
  words: string;
  timeMs: number;
  /** ms; NaN: none, or not known. */
  durationMs: number;
  /** Nano-dollars: its share of its response; NaN: none, or not known. */
  nanoUsd: number;
  outcome: 'ok' | 'failed' | 'denied' | 'running' | 'none';
  event: object | null;
  result: object | null;
  response: object | null;
}

/**
 * @param step from 0
 * @param shown an event as it is to be shown
 * @returns undefined: there is no such step
 */
export function inspectedStep(
  session: AnalysedSession,
  step: number,
  shown: (event: TraceEvent) => object = wholeEvent,
): InspectedStep | undefined {
  const { fold } = session;
  const { columns } = fold;
  if (step < 0 || step >= fold.steps.length) return undefined;
  const row = fold.steps.row(step);
  const isCall = columns.type[row] === TYPE.tool_call;
  const rows = [row, isCall ? columns.pair[row]! : -1, columns.response[row]!];
  const [event, result, response] = session
    .readEvents(rows)
    .map((one) => (one === undefined ? null : shown(one)));
  const reader = new StepReader(session);
  reader.prepare([step]);
  return {
    step,
    words: stepTitle(reader.view(step)),
    timeMs: columns.timeMs[row]!,
    durationMs: isCall ? columns.durationMs[row]! : Number.NaN,
    nanoUsd: fold.stepNanoUsd(row),
    outcome: outcomeOf(session, row, isCall),
    event: event ?? null,
    result: result ?? null,
    response: response ?? null,
  };
}

/** An event with keys that this version does not know. */
export const wholeEvent = ({ extra = {}, ...known }: TraceEvent): object => ({
  ...known,
  ...extra,
});

function outcomeOf(
  { fold }: AnalysedSession,
  row: number,
  isCall: boolean,
): InspectedStep['outcome'] {
  const flags = fold.columns.flags[row]!;
  if ((flags & FLAG.denied) !== 0) return 'denied';
  if (hasFailed(fold.columns, row)) return 'failed';
  if (!isCall) return 'none';
  if (fold.columns.pair[row]! >= 0) return 'ok';
  return fold.running().includes(row) ? 'running' : 'none';
}
