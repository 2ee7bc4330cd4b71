/** How a session came to its end, and what the trace says of why. Pure. */

export interface Ending {
  /** `killed`, `stopped`: by a rule or a person; `crashed`: its process is gone, and it did not say goodbye; `ended`: by itself. */
  how: 'killed' | 'stopped' | 'crashed' | 'ended' | 'running';
  /** A sentence for people. */
  why: string;
  /** Seconds since the epoch. */
  at: number;
}

/** What a failure's words say of why a process died. Whole words: `room` is not `oom`. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /\b(?:out of memory|oom-?kill\w*|cannot allocate memory|memoryerror|heap limit|heap out of memory)\b|\bexit code 137\b/i,
    'Something ran out of memory, or was killed by the system (exit code 137).',
  ],
  [/\bexit code 143\b/i, 'A command was ended from outside (SIGTERM, exit code 143).'],
  [
    /\b(?:context (?:length|window)(?: \w+)? (?:exceeded|limit)|prompt is too long|maximum context length)\b/i,
    'The context window was full.',
  ],
  [
    /\b(?:rate.?limit\w*|overloaded(?:_error)?|too many requests|insufficient.?quota|credit balance)\b/i,
    'The model’s service refused: a rate limit, a quota or overload.',
  ],
  [
    /\b(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|connection (?:refused|reset|error)|network (?:error|is unreachable))\b/i,
    'The network, or a service, could not be reached.',
  ],
  [/\b(?:ENOSPC|no space left on device|disk quota exceeded)\b/i, 'The disk was full.'],
  [/\bexit code 124\b|\btimed out after\b/i, 'A command ran into its time limit.'],
  [/\b(?:EACCES|EPERM|permission denied)\b/i, 'Something was not permitted.'],
];

/** @param texts what failures near the end said, the last first */
export function crashHints(texts: readonly string[]): string[] {
  const all = texts.join('\n').slice(0, 200_000);
  return HINTS.filter(([words]) => words.test(all)).map(([, hint]) => hint);
}
