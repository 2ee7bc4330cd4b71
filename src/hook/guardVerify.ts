/** Whether the call that has just ended was denied, and ran all the same. */
import { DeniedRuns, type Disobeyed } from '../guard/deniedRuns.ts';
import { proofOfRun } from '../guard/proofOfRun.ts';
import { verdictsOf } from '../guard/verdicts.ts';
import { eventsWith } from './endOfTrace.ts';
import type { AfterTool } from './guardMoment.ts';

/** Of a trace that is looked through for calls that are alike, bytes: 10 ms, and only where one of them was denied. */
const MAX_BYTES = 16 * 1_048_576;

export function ranAllTheSame({ tool, known, result }: AfterTool): Disobeyed | undefined {
  if (proofOfRun(result) === undefined) return undefined;
  const session = known.session_id;
  const key = result.data.call_key;
  const keyed = typeof key === 'string';
  const verdicts = verdictsOf(session, keyed ? key : tool.callId);
  if (!verdicts.some(({ said }) => said === 'deny')) return undefined;
  // Where the trace's beginning is not seen, calls may run that are not known: a monitor, which reads all of it, finds it.
  const { events, whole } = keyed
    ? eventsWith(known.trace_dir, session, key, MAX_BYTES)
    : { events: [result], whole: true };
  const runs = new DeniedRuns(session, { partial: !whole });
  for (const verdict of verdicts) runs.verdict(verdict);
  for (const event of events) runs.event(event);
  return runs.take().find(({ end }) => end === result.event_id);
}
