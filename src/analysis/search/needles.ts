import type { Query, Term } from './query.ts';

/** What a line of JSON writes as it is, whoever writes it. */
const PLAIN = /[ !#-%(-.0-;=?-[\]-~]+/g;
/** A needle of one letter is in every line. */
const LEAST = 2;

/**
 * An expression over the bytes of a line (each a character of Latin-1), so that a line in which it finds nothing cannot hold
 * what a query looks for. JSON writes some characters in several ways: what is looked for is the longest part that can only be
 * written as it is; and where there is none (`世界`), one character in each of its ways. Undefined: all lines
 * must be read.
 */
export function needlesOf({ groups }: Query): RegExp | undefined {
  const parts = new Set<string>();
  for (const { clauses } of groups) {
    for (const { terms, not } of clauses) {
      // Which steps do not say a thing can only be told by reading what they say.
      const each = terms.length === 0 ? not : terms;
      const needles = each.map(needleOfTerm).filter((needle) => needle !== undefined);
      if (terms.length === 0) {
        // Any of them is enough to shut a session out: all are looked for.
        if (needles.length < each.length) return undefined;
        for (const { source } of needles) parts.add(source);
        continue;
      }
      const best = needles.sort((a, b) => b.length - a.length)[0];
      if (best === undefined) return undefined;
      parts.add(best.source);
    }
  }
  return parts.size === 0 ? undefined : new RegExp([...parts].join('|'), 'gi');
}

interface Needle {
  source: string;
  length: number;
}

/** What the line of an event of a kind has in it. Last in the choice: many lines have it. */
const KINDS: Readonly<Record<string, string>> = {
  prompt: '"user_prompt"',
  assistant: '"assistant_response"',
  reasoning: '"reasoning"',
  denied: '"denied"',
  error: '"(?:error|is_error|exit_code)"',
  session: '"session_(?:start|end)"',
  notice: '"decision"',
};

function needleOfTerm({ field, value }: Term): Needle | undefined {
  if (value !== '' && field !== 'kind') return needleOf(value);
  const kind = field === 'error' ? 'error' : value;
  return Object.hasOwn(KINDS, kind) ? { source: KINDS[kind]!, length: 0 } : undefined;
}

function needleOf(value: string): Needle | undefined {
  let longest = '';
  for (const piece of value.split(/\s+/)) {
    for (const [run] of piece.matchAll(PLAIN)) if (run.length > longest.length) longest = run;
  }
  if (longest.length >= LEAST) return { source: escaped(longest), length: longest.length };
  const other = Array.from(value).find((character) => character.codePointAt(0)! > 0x7e);
  if (other === undefined) return undefined;
  const ways = new Set<string>();
  for (const character of new Set([other, other.toLowerCase(), other.toUpperCase()])) {
    // `ß` in capitals is two letters, and `i` with them another one.
    if (Array.from(character).length > 1) return undefined;
    ways.add(escaped(asJson(character)));
    ways.add(escaped(asBytes(character)));
  }
  return { source: [...ways].join('|'), length: 2 };
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** `\u4e16`, as our own files have it. */
function asJson(character: string): string {
  let text = '';
  for (let at = 0; at < character.length; at++) {
    text += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return text;
}

/** Its bytes in UTF-8, as others may write it. */
const asBytes = (character: string): string =>
  unescapeBytes(encodeURIComponent(character.replace(/\p{Cs}/gu, '\ufffd')));

const unescapeBytes = (text: string): string =>
  text.replace(/%([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
