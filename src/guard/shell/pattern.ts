/**
 * Words and paths of which parts may not be known: `*` and `?` as in the shell (not over `/`), `**` over
 * folders, a backslash before what is meant literally, and `UNKNOWN` for what could be anything.
 */
export type Pattern = string;

/** Stands for a part that could be anything. No argument of a program can hold it. */
export const UNKNOWN = '\0';

/** A literal text as a pattern. */
export function escaped(text: string): Pattern {
  // What comes in as NUL would read as "could be anything", which is the safe way round.
  return /[*?[\\]/.test(text) ? text.replace(/[*?[\\]/g, '\\$&') : text;
}

/** The text of a pattern without the backslashes. */
export function textOf(pattern: Pattern): string {
  return pattern.includes('\\') ? pattern.replace(/\\([\s\S])/g, '$1') : pattern;
}

/** The pattern with its literal `*` and `?` at work: what happens to an unquoted variable. */
export function activated(pattern: Pattern): Pattern {
  return pattern.includes('\\') ? pattern.replace(/\\([*?])/g, '$1') : pattern;
}

export function isUnknown(pattern: Pattern): boolean {
  return pattern.includes(UNKNOWN);
}

export function isGlob(pattern: Pattern): boolean {
  if (!pattern.includes('*') && !pattern.includes('?')) return false;
  if (!pattern.includes('\\')) return true;
  return /[*?]/.test(pattern.replace(/\\[\s\S]/g, ''));
}

export function isLiteral(pattern: Pattern): boolean {
  return !isUnknown(pattern) && !isGlob(pattern);
}

/** Characters of a path component: a literal one, or one of `*` and `?`. */
interface Token {
  any: '*' | '?' | undefined;
  char: string;
}

function tokens(segment: Pattern): Token[] {
  const out: Token[] = [];
  for (let at = 0; at < segment.length; at++) {
    let char = segment[at]!;
    if (char === '\\' && at + 1 < segment.length) {
      char = segment[++at]!;
      out.push({ any: undefined, char });
    } else if (char === '*' || char === UNKNOWN) {
      if (out.at(-1)?.any !== '*') out.push({ any: '*', char });
    } else out.push({ any: char === '?' ? '?' : undefined, char });
  }
  return out;
}

/** Comparing two patterns costs the product of their lengths; above this they are taken to meet. */
const MAX_CELLS = 200_000;

const SPECIAL = /[*?\\\0]/;

/** Whether some name matches both. */
function segmentsMeet(a: Pattern, b: Pattern): boolean {
  if (a === b) return true;
  if (!SPECIAL.test(a) && !SPECIAL.test(b)) return false;
  const left = tokens(a);
  const right = tokens(b);
  if (left.length * right.length > MAX_CELLS) return true;
  return meet(
    left,
    right,
    (token) => token.any === '*',
    (one, other) => one.any !== undefined || other.any !== undefined || one.char === other.char,
  );
}

/** Whether a sequence exists that both match, where `many` stands for any number of anything. */
function meet<T>(
  left: T[],
  right: T[],
  many: (item: T) => boolean,
  same: (a: T, b: T) => boolean,
): boolean {
  let row: boolean[] = new Array(right.length + 1).fill(false);
  for (let i = 0; i <= left.length; i++) {
    const next: boolean[] = new Array(right.length + 1).fill(false);
    const a = left[i - 1];
    for (let j = 0; j <= right.length; j++) {
      const b = right[j - 1];
      if (i === 0 && j === 0) next[j] = true;
      else if ((a !== undefined && many(a)) || (b !== undefined && many(b)))
        next[j] = (i > 0 && row[j]!) || (j > 0 && next[j - 1]!);
      else if (a !== undefined && b !== undefined) next[j] = row[j - 1]! && same(a, b);
    }
    row = next;
  }
  return row[right.length]!;
}

interface Split {
  segments: string[];
  /** Segments that stand for themselves. */
  fixed: string[];
}

/** Rules are held against every path of a session: their parts are kept. */
const splits = new Map<Pattern, Split>();
const MAX_SPLITS = 2000;

function splitOf(pattern: Pattern): Split {
  let split = splits.get(pattern);
  if (split === undefined) {
    const segments = pattern.split('/').filter(Boolean);
    split = { segments, fixed: segments.filter((segment) => !SPECIAL.test(segment)) };
    if (splits.size >= MAX_SPLITS) splits.clear();
    splits.set(pattern, split);
  }
  return split;
}

/** A literal path has every name of what it meets: most have not, which costs little to see. */
const lacks = (literal: Split, other: Split): boolean =>
  literal.fixed.length === literal.segments.length &&
  other.fixed.some((name) => !literal.segments.includes(name));

const isMany = (segment: string): boolean => segment === '**' || segment.includes(UNKNOWN);

/** Whether some absolute path matches both patterns. `**` is any number of folders. */
export function pathsMeet(a: Pattern, b: Pattern): boolean {
  const one = splitOf(a);
  const other = splitOf(b);
  const left = one.segments;
  const right = other.segments;
  if (left.length * right.length > MAX_CELLS) return true;
  if (lacks(one, other) || lacks(other, one)) return false;
  for (const at of [-1, 0]) {
    const [x, y] = [left.at(at), right.at(at)];
    if (x === undefined || y === undefined || isMany(x) || isMany(y)) continue;
    if (!segmentsMeet(x, y)) return false;
  }
  return meet(left, right, isMany, segmentsMeet);
}

/** Whether an act on `path` touches something that matches `pattern`: itself, or below it if it is deep. */
export function touches(
  act: { path: Pattern | undefined; deep: boolean },
  pattern: Pattern,
): boolean {
  if (act.path === undefined) return false;
  return pathsMeet(act.path, pattern) || (act.deep && pathsMeet(`${act.path}/**`, pattern));
}
