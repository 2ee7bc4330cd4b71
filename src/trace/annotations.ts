/**
 * Notes that people make on a session, beside its trace: `annotations.jsonl`, one JSON object a line, as the Python
 * `agent-strace` reads and writes it. Append-only: a line with the id of an earlier one replaces it, one with `"deleted": true` takes it away.
 */

/** Labels that the Python tool knows, and ours. */
export const ANNOTATION_LABELS = [
  'root-cause',
  'decision',
  'retry',
  'fix',
  'question',
  'bookmark',
  'other',
] as const;

export interface Annotation {
  /** 12 hex digits. */
  id: string;
  /** The event that it is about; empty: none of this trace. */
  eventId: string;
  /** Seconds after the session's start. */
  offsetSeconds: number;
  label: string;
  note: string;
  author: string;
  /** ms since the epoch. */
  createdAtMs: number;
}
