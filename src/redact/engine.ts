/**
 * The engine that takes things out of texts: rules, one scan, spans. It knows nothing about secrets;
 * a rule table gives it its sense. It runs in the hook, so it has no imports and compiles on first use.
 *
 * How it stays linear: one regular expression, built from the rules' `on` literals, finds the places
 * where a rule could begin; only there are the rules tried, sticky. A text with no such place costs
 * one native scan. A rule may look a bounded distance around its place, or consume what it looked at.
 */

/** kind → how many were taken */
export type RedactionCounts = Record<string, number>;

/** A piece of a text to take: UTF-16 offsets, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
  /** What stands around the marker, e.g. quotes where a bare JSON number was. Default ''. */
  readonly wrap?: string;
}

/** Finds the spans of a rule at a place, in ascending order. `state` lives as long as the scan of one text. */
export type Finder = (text: string, at: number, hit: string, state: ScanState) => readonly Span[];

/** What finders remember within one text so that no part of it is searched twice. */
export interface ScanState {
  [memo: string]: number;
}

export interface Rule {
  readonly kind: string;
  /** Literals separated by `|`, one of which must stand where the rule begins (lower case if the group ignores case). */
  readonly on: string;
  /** Source of a regular expression that must follow the literal for the rule to be tried at all. */
  readonly ahead?: string | undefined;
  /**
   * Source of a sticky, case-sensitive regular expression (groups are what is taken; without groups, all
   * of it), or a function. A source must be linear: bounded, or with a left boundary of its own class.
   */
  readonly find: string | Finder;
  /** How many characters before the literal `find` begins. */
  readonly back?: number;
  /** What must stand before, in the same command line. */
  readonly after?: RegExp | undefined;
  /** A last look at what would be taken. */
  readonly check?: (secret: string) => boolean;
}

/**
 * Rules whose literals are looked for together. V8 skips faster through a text the more it knows about what
 * must stand there, so literals of one shape belong in one group.
 */
export interface RuleGroup {
  readonly rules: readonly Rule[];
  readonly ignoreCase?: boolean;
  /**
   * The last character of every literal and what must follow it, as expressions of fixed length: the shape
   * is looked for first, the literals only where it is found.
   */
  readonly shape?: readonly [last: string, follows: string];
}

/** Compiled rules. */
export interface Engine {
  /** Whether the text has a place where a rule could begin. */
  touches(text: string): boolean;
  /** Spans in a text, ascending, not overlapping. */
  spans(text: string): readonly Span[];
}

/** What replaces a secret. */
export const MARK = '[REDACTED:';

const NONE: readonly Span[] = [];

const finderOf = (rule: Rule): Finder => {
  const { find, kind, check, after, back = 0 } = rule;
  if (typeof find !== 'string') return find;
  let re: RegExp | undefined;
  return (text, at) => {
    if (at < back) return NONE;
    re ??= new RegExp(find, 'dy');
    re.lastIndex = at - back;
    const m = re.exec(text);
    if (!m || (after && !after.test(commandBefore(text, at)))) return NONE;
    const places = m.indices!.length > 1 ? m.indices!.slice(1) : m.indices!;
    const out: Span[] = [];
    for (const p of places) {
      if (p && (!check || check(text.slice(p[0], p[1])))) {
        out.push({ start: p[0], end: p[1], kind });
      }
    }
    return out;
  };
};

const commandBefore = (text: string, at: number): string =>
  text
    .slice(Math.max(0, at - 400), at)
    .split(/(?<!\\)\n|[;|]|&&/)
    .pop() ?? '';

const quote = (literal: string): string => literal.replace(/[.*+?^${}()[\]\\/]/g, '\\$&');

interface Place {
  readonly at: number;
  /** Where to look on when nothing is taken here; with a shape, longer literals may begin at the same place. */
  readonly next: number;
  readonly hit: string;
  readonly finders: readonly Finder[];
}

/** Finds the next place of a group at or after a position. */
type Scanner = (text: string, from: number) => Place | null;

const scannerOf = ({ rules, ignoreCase, shape }: RuleGroup): Scanner => {
  const byLiteral = new Map<string, Finder[]>();
  const parts: string[] = [];
  for (const rule of rules) {
    const finder = finderOf(rule);
    for (const literal of rule.on.split('|')) {
      const known = byLiteral.get(literal);
      if (known) known.push(finder);
      else byLiteral.set(literal, [finder]);
    }
    const any = rule.on.split('|').map(quote).join('|');
    parts.push(rule.ahead ? `(?:${any})(?=${rule.ahead})` : any);
  }
  const any = parts.join('|');
  const re = new RegExp(
    shape ? `${shape[0]}${shape[1]}(?<=(${any})${shape[1]})` : any,
    ignoreCase ? 'gi' : 'g',
  );
  return (text, from) => {
    re.lastIndex = from;
    const m = re.exec(text);
    if (!m) return null;
    const hit = ignoreCase ? m[0].toLowerCase() : (m[1] ?? m[0]);
    const at = shape ? m.index + 1 - hit.length : m.index;
    const next = shape ? m.index + 1 : at + hit.length;
    return { at, next, hit, finders: byLiteral.get(hit) ?? [] };
  };
};

// Already taken: pass over it, or the words in its kind would be read as names.
const passOver: Rule = {
  kind: '',
  on: MARK,
  find: (text, at) => {
    const close = text.slice(at, at + 60).indexOf(']');
    return close < 0 ? NONE : [{ start: at, end: at + close + 1, kind: '' }];
  },
};

/** Builds an engine; nothing is compiled before the first text. */
export const createEngine = (groups: readonly RuleGroup[]): Engine => {
  let compiled: Scanner[] | undefined;
  const scanners = (): Scanner[] => {
    compiled ??= [{ rules: [passOver] }, ...groups].map(scannerOf);
    return compiled;
  };
  return {
    touches: (text) => scanners().some((scan, i) => i > 0 && scan(text, 0)),
    spans(text) {
      const out: Span[] = [];
      const state: ScanState = {};
      let from = 0;
      const heads = scanners().map((scan) => ({ scan, place: scan(text, 0) }));
      for (;;) {
        let first: (typeof heads)[number] | undefined;
        for (const head of heads) {
          // What was taken meanwhile is passed over.
          while (head.place && head.place.at < from) {
            head.place = head.scan(text, Math.max(from, head.place.next));
          }
          if (head.place && !(first && first.place!.at <= head.place.at)) first = head;
        }
        if (!first) return out;
        const { at, next, hit, finders } = first.place!;
        let end = from;
        for (const finder of finders) {
          for (const span of finder(text, at, hit, state)) {
            const { start } = span;
            // `\n` + `pm_…` is no npm token, and cutting an escape in two would break the JSON around it.
            const split = text.charCodeAt(start - 1) === 92 && /[bfnrtu]/.test(text.charAt(start));
            // What stands before a secret is no marker: `-u [REDACTED:` is no user.
            const marked = start - at < 500 && text.slice(at, start).includes(MARK);
            if (start < end || span.end <= start || split || marked) continue;
            if (span.kind) out.push(span);
            end = span.end;
          }
          if (end > from) break;
        }
        if (end > from) from = end;
        else first.place = first.scan(text, next);
      }
    },
  };
};

/** Replaces spans by their markers and counts them. */
export const applySpans = (
  text: string,
  spans: readonly Span[],
  counts: RedactionCounts,
): string => {
  let out = '';
  let from = 0;
  for (const { start, end, kind, wrap = '' } of spans) {
    // Never half a character: widen over a surrogate pair.
    const a = isLow(text, start) ? start - 1 : start;
    const b = isLow(text, end) ? end + 1 : end;
    out += `${text.slice(from, a)}${wrap}${MARK}${kind}]${wrap}`;
    from = b;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return out + text.slice(from);
};

const isLow = (text: string, at: number): boolean =>
  at > 0 &&
  (text.charCodeAt(at) & 0xfc00) === 0xdc00 &&
  (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
