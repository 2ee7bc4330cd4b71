/** How a phase came out, as one sign: the same in reports, documents and pages. */
export const OUTCOME_SIGNS = {
  ok: '✓',
  mixed: '↻',
  failed: '✕',
  running: '●',
} as const;

/** And in words, after the name of the phase. Of `mixed` no more is known than that it went on. */
export const OUTCOME_WORDS = {
  ok: 'went well',
  mixed: 'failed on the way and went on',
  failed: 'failed',
  running: 'goes on',
} as const;
