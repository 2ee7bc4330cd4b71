import type { TraceEvent } from './event.ts';

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
