/**
 * How true a condition is. Of a call some things cannot be known before it runs (what a variable holds), of a session some cannot
 * be known at all (a price): neither may turn into "allow" by a `not`.
 */

/** From false to true; `and` takes the least, `or` the most. */
export const TRUTHS = [
  'no',
  /** A figure of the session is not known: the rule does not apply. */
  'unknown',
  /** The call may do it. */
  'maybe',
  /** The call does it, and more beside: `rm -rf` of a folder around what matches. */
  'some',
  'yes',
] as const;
export type Truth = (typeof TRUTHS)[number];

const RANK: Record<Truth, number> = { no: 0, unknown: 1, maybe: 2, some: 3, yes: 4 };

export const truer = (a: Truth, b: Truth): Truth => (RANK[a] >= RANK[b] ? a : b);
export const falser = (a: Truth, b: Truth): Truth => (RANK[a] <= RANK[b] ? a : b);

/** `some`: it does other things, too, so "not" is not known to be false. */
export function negated(truth: Truth): Truth {
  if (truth === 'no') return 'yes';
  if (truth === 'yes') return 'no';
  return truth === 'some' ? 'maybe' : truth;
}

export const isTrue = (truth: Truth): boolean => truth === 'yes' || truth === 'some';
