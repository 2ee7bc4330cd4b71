/** What notes may hold, wherever they are written. */

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

/** UTF-16 units of a note, and of a label; what is longer is cut when read, and refused when written. */
export const MAX_NOTE = 10_000;
export const MAX_LABEL = 40;
