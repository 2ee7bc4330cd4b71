/** What fills a context window. */
export const CONTEXT_SOURCES = [
  /** System prompt and tool definitions: what stands before the first prompt, and what agents add by themselves. */
  'system',
  /** CLAUDE.md, AGENTS.md and the like, where the trace tells of them. */
  'memory',
  /** Prompts, answers, reasoning. */
  'conversation',
  /** Results of reads, searches and edits. */
  'files',
  /** Results of commands, web, MCP, subagents. */
  'output',
] as const;
export type ContextSource = (typeof CONTEXT_SOURCES)[number];
/** Tokens by source. Whole numbers; they add up to the size of the window's content. */
export type ContextSources = Record<ContextSource, number>;

export const SOURCES = CONTEXT_SOURCES.length;
/** Places of the sources in tables. */
export const SOURCE = Object.fromEntries(CONTEXT_SOURCES.map((name, at) => [name, at])) as Record<
  ContextSource,
  number
>;

/** Sources from a table. @param at where the first of them stands */
export function sourcesAt(table: ArrayLike<number>, at: number): ContextSources {
  return {
    system: table[at]!,
    memory: table[at + 1]!,
    conversation: table[at + 2]!,
    files: table[at + 3]!,
    output: table[at + 4]!,
  };
}

export const noSources = (): ContextSources => sourcesAt([0, 0, 0, 0, 0], 0);

/**
 * Shares out whole tokens by weight (largest remainder): the shares add up to `total`.
 *
 * @param weights not negative; where all are 0, everything goes to the first
 * @param into receives the shares
 */
export function shareOut(
  total: number,
  weights: ArrayLike<number>,
  into: { [at: number]: number },
): void {
  const count = weights.length;
  let sum = 0;
  for (let at = 0; at < count; at++) sum += weights[at]!;
  let left = total;
  for (let at = 0; at < count; at++) {
    const share = sum > 0 ? Math.min(left, Math.floor(total * (weights[at]! / sum))) : 0;
    into[at] = share;
    left -= share;
  }
  // At most one for each, but for rounding.
  while (left > 0) {
    let best = 0;
    let most = -1;
    for (let at = 0; at < count; at++) {
      const missing = sum > 0 ? total * (weights[at]! / sum) - into[at]! : 0;
      if (missing > most) {
        most = missing;
        best = at;
      }
    }
    const step = most > 1 ? Math.min(left, Math.floor(most)) : sum > 0 ? 1 : left;
    into[best]! += step;
    left -= step;
  }
}
