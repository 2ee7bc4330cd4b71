/** Whether a call that was denied ran all the same: only what shows that it ran counts. */
import type { Fired } from '../guard/decision/verdict.ts';
import { readTrip } from '../guard/trips.ts';
import { type CallVerdict, readVerdicts, verdictFor } from '../guard/verdicts.ts';
import type { TraceEvent } from '../model/event.ts';
import { endOfTrace } from './endOfTrace.ts';
import { builtIn } from './guardAct.ts';
import type { AfterTool } from './guardMoment.ts';
import { DENIED } from './guardWords.ts';

/**
 * Agents that tell of a denied call as of one that ended, with our own words as its result. Claude Code and Codex tell nothing:
 * there such a text is no excuse.
 */
const TELLS_DENIALS: ReadonlySet<string> = new Set(['gemini', 'copilot', 'vscode', 'cursor']);
/** Our longest reason, and what an agent puts around it, UTF-16 units. */
const MAX_DENIAL = 2000;

export function ranAllTheSame(at: AfterTool): Fired | undefined {
  const { tool, known, result, agent } = at;
  if (!showsRun(result, agent)) return undefined;
  const { verdicts } = readVerdicts(known.session_id);
  const keyed = typeof result.data.call_key === 'string';
  const said = keyed ? keyedVerdict(at, verdicts) : verdictFor(verdicts, tool.callId);
  // An id that was given twice: this end is another call's.
  if (!keyed && said?.event !== undefined && (result.parent_id ?? said.event) !== said.event) {
    return undefined;
  }
  if (said?.said !== 'deny') return undefined;
  const rule = said.trip === undefined ? undefined : readTrip(said.trip)?.rule;
  const what = said.target === undefined ? tool.name : `${tool.name} ${said.target}`;
  const detail = `${what} ran although it was denied`;
  const fired = builtIn(said.rule ?? 'guard', 'pause', detail, known.project);
  if (rule !== undefined) Object.assign(fired.rule, rule);
  return fired;
}

/** It gave a result, or ended with an exit code: what never ran does neither. */
function showsRun({ event_type: type, data }: TraceEvent, agent: string): boolean {
  const ran = type === 'tool_result' || typeof data.exit_code === 'number';
  if (!ran || data.event_subtype === 'denied') return false;
  const text = `${data.result ?? data.error ?? ''}`;
  return !(TELLS_DENIALS.has(agent) && text.length <= MAX_DENIAL && text.includes(DENIED));
}

/**
 * Of a call that is told from others only by its tool and input: an end for which no call is left that was let run. Goes by the
 * order of the trace's last megabyte; where that does not reach back to the denial, it says nothing.
 */
function keyedVerdict(
  { known, result }: AfterTool,
  verdicts: readonly CallVerdict[],
): CallVerdict | undefined {
  const key = `${result.data.call_key}`;
  const denials = new Map(
    verdicts.flatMap((each) =>
      each.call === key && each.said === 'deny' && each.event !== undefined
        ? [[each.event, each] as const]
        : [],
    ),
  );
  if (denials.size === 0) return undefined;
  let open = 0;
  let last: CallVerdict | undefined;
  let unexplained = false;
  for (const event of endOfTrace(known.trace_dir, known.session_id).recent(key)) {
    if (event.data.call_key !== key) continue;
    if (event.event_type === 'tool_call') {
      // The transcript's own row of a call has the agent's id: hooks have none here.
      if (event.data.tool_use_id !== undefined) continue;
      const denial = denials.get(event.event_id);
      if (denial === undefined) open++;
      else last = denial;
    } else if (event.data.tool_use_id === undefined && event.data.closed_by !== 'guard') {
      unexplained = open === 0;
      if (open > 0) open--;
    }
  }
  return unexplained ? last : undefined;
}
