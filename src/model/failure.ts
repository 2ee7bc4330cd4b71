import type { TraceEvent } from './event.ts';
import { isFailure } from './rank.ts';

/** The first telling line of what a failed or denied call said; empty where it said nothing. */
export function failureReason(event: TraceEvent | undefined): string {
  const { error, result } = event?.data ?? {};
  const text = typeof error === 'string' && error !== '' ? error : result;
  if (typeof text !== 'string') return '';
  const lines = text.slice(0, 4000).split('\n');
  // `Exit code 1` is told already; Gemini puts what a command printed between tags.
  const telling = lines.find(
    (line) => line.trim() !== '' && !/^(?:exit code \d+|<untrusted_context>)\s*$/i.test(line),
  );
  return (telling ?? '').trim();
}

/** Where tools say what went wrong. */
const TELLING =
  /^\s*(?:E {2,}\S|FAILED\b|--- FAIL|FAIL\b|not ok\b|✗|×|panic:|Traceback\b|\S*(?:[Ee]rror|Exception)(?:\[\w+\])?:|error\b|fatal:|npm ERR!)/;
/** What stands first in the output of a test run tells nothing. */
const OPENING =
  /^(?:=== RUN|>|\$|[=\-. ]*(?:test session starts|running)\b|collected\b|exit code \d+\s*$|\s*$)/i;

/** What a call that failed said, one line: of an output that begins with what always stands there, the line that says what failed. */
export function failureLine(event: TraceEvent | undefined): string {
  const first = failureReason(event);
  // Tests that failed though their command did not: the command may have printed anything before.
  const worked = event?.event_type === 'tool_result' && !isFailure(event.data);
  if (!worked && !OPENING.test(first)) return first;
  const { error, result } = event?.data ?? {};
  const text = typeof error === 'string' && error !== '' ? error : result;
  if (typeof text !== 'string') return first;
  const lines = text.slice(0, 20_000).split('\n');
  return lines.find((line) => TELLING.test(line))?.trim() || first;
}
