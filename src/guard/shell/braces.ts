/** Brace expansion, which the shell does on the text of a word before anything else. */

/** More words than this are not made of one. */
const MAX_WORDS = 256;
/** Longer texts are not taken apart, characters. */
const MAX_TEXT = 4096;

/**
 * The texts that a word's text stands for.
 * @returns undefined if there are too many
 */
export function braces(text: string): string[] | undefined {
  // Every brace is looked for from the start again.
  if (text.length > MAX_TEXT || text.split('{').length > MAX_WORDS) return undefined;
  const done: string[] = [];
  const todo = [text];
  while (todo.length) {
    const next = todo.pop()!;
    const found = firstBrace(next);
    if (!found) done.push(next);
    else {
      const { from, to, parts } = found;
      for (const part of parts.reverse()) todo.push(next.slice(0, from) + part + next.slice(to));
    }
    if (done.length + todo.length > MAX_WORDS || text.length * todo.length > 262_144)
      return undefined;
  }
  return done;
}

interface Brace {
  from: number;
  to: number;
  parts: string[];
}

/** Where the quoted or nested piece that starts here ends; the same place if none starts. */
function skipped(text: string, at: number): number {
  const char = text[at];
  if (char === '\\') return at + 2;
  if (char === "'") return end(text.indexOf("'", at + 1), text);
  if (char === '"' || char === '`') {
    for (let i = at + 1; i < text.length; i++) {
      if (text[i] === '\\') i++;
      else if (text[i] === char) return i + 1;
    }
    return text.length;
  }
  if (char === '$' && (text[at + 1] === '{' || text[at + 1] === '(')) {
    let depth = 0;
    for (let i = at + 1; i < text.length; i++) {
      const inner = text[i]!;
      if (inner === '\\') i++;
      else if ('({'.includes(inner)) depth++;
      else if (')}'.includes(inner) && --depth === 0) return i + 1;
      else if (inner === "'") i = Math.max(i, text.indexOf("'", i + 1));
    }
    return text.length;
  }
  return at;
}

const end = (at: number, text: string): number => (at < 0 ? text.length : at + 1);

function firstBrace(text: string): Brace | undefined {
  for (let at = 0; at < text.length; ) {
    const past = skipped(text, at);
    if (past > at) {
      at = past;
      continue;
    }
    const found = text[at] === '{' ? braceAt(text, at) : undefined;
    if (found) return found;
    at++;
  }
  return undefined;
}

function braceAt(text: string, from: number): Brace | undefined {
  const parts: string[] = [];
  let depth = 0;
  let start = from + 1;
  for (let at = from; at < text.length; ) {
    const past = skipped(text, at);
    if (past > at) {
      at = past;
      continue;
    }
    const char = text[at]!;
    if (char === '{') depth++;
    else if (char === ',' && depth === 1) {
      parts.push(text.slice(start, at));
      start = at + 1;
    } else if (char === '}' && --depth === 0) {
      parts.push(text.slice(start, at));
      const all = parts.length > 1 ? parts : range(parts[0]!);
      return all && { from, to: at + 1, parts: all };
    }
    at++;
  }
  return undefined;
}

/** `1..5`, `a..e`, `01..10..2`. */
function range(text: string): string[] | undefined {
  const match = /^(-?\d{1,9}|[A-Za-z])\.\.(-?\d{1,9}|[A-Za-z])(?:\.\.(-?\d{1,9}))?$/.exec(text);
  if (!match) return undefined;
  const [, first = '', last = '', by] = match;
  const letters = /[A-Za-z]/.test(first);
  if (letters !== /[A-Za-z]/.test(last)) return undefined;
  const at = letters ? first.charCodeAt(0) : Number(first);
  const to = letters ? last.charCodeAt(0) : Number(last);
  const step = Math.max(1, Math.abs(Number(by ?? 1)));
  // Too long a row is not written out: one word that could be any of it.
  if (Math.abs(to - at) / step > MAX_WORDS) return undefined;
  const width =
    /^-?0\d/.test(first) || /^-?0\d/.test(last) ? Math.max(first.length, last.length) : 0;
  const out: string[] = [];
  for (let n = at; at <= to ? n <= to : n >= to; n += at <= to ? step : -step)
    out.push(letters ? String.fromCharCode(n) : String(n).padStart(width, '0'));
  return out;
}
