/**
 * A call that ended, and of which no hook ever told the beginning: where an agent was seen to tell of both, its hook before
 * the tool was killed, or the trace was cut.
 */
import { hasRules } from '../guard/rules/compiled.ts';
import { ids } from '../model/ids.ts';
import { readTail } from '../trace/append.ts';
import type { AfterTool } from './guardMoment.ts';

/** Of the trace's end that is looked through: first, and where a call has taken long. */
const BYTES = [262_144, 16 * 1_048_576];
/** Set up in the middle of a call, hooks tell of its end only, s. */
const MARGIN_S = 2;

/** Whether a call ran unseen, and there are rules. Only of Claude Code, which says how long each call took. */
export function isUnseen({ agent, known, tool, result }: AfterTool): boolean {
  const { duration_ms: took } = result;
  if (agent !== 'claude' || typeof took !== 'number' || tool.callId === '') return false;
  if (result.timestamp - took / 1000 < known.first_seen + MARGIN_S) return false;
  if (!hasRules(known.project)) return false;
  const id = `"event_id":"${ids.call(known.session_id, tool.callId)}"`;
  for (const maxBytes of BYTES) {
    const { bytes, whole } = readTail(known.trace_dir, known.session_id, maxBytes);
    if (bytes.includes(id)) return false;
    // Another trace than before, or hooks that tell of ends only: what is missing there says nothing.
    if (whole) return bytes.includes('"event_type":"tool_call"');
  }
  return false;
}
