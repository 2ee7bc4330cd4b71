/**
 * Takes secrets out of texts and JSON values before they are written. Pure, without imports beyond this
 * room, cheap to load: it runs in the hook.
 */
import { applySpans, createEngine, type RedactionCounts } from './engine.ts';
import { isSecretNumber, valueSpan } from './keyed.ts';
import { classifyKey, type KeyClass } from './keys.ts';
import { nameVendor, SECRET_RULES } from './secretRules.ts';

export type { RedactionCounts } from './engine.ts';

const engine = createEngine(SECRET_RULES);

/** Values nested deeper than this are replaced by {@link TOO_DEEP}: they could not be written as JSON. */
const MAX_DEPTH = 200;
const TOO_DEEP = '[Too deep]';
const CIRCULAR = '[Circular]';
/** JSON within JSON strings is read as JSON down to this level, below as text. */
const MAX_NESTING = 8;

/**
 * Replaces secrets in a text by `[REDACTED:<kind>]`. Adds to counts. Text without secrets is returned as it
 * is. Where the text, or a line of it, is a JSON document, it is read as JSON and stays one, with
 * everything but the secrets as it was.
 */
export function redactText(text: string, counts: RedactionCounts): string {
  return redactNested(text, counts, 0);
}

const redactNested = (text: string, counts: RedactionCounts, nesting: number): string => {
  if (!engine.touches(text)) return text;
  if (nesting < MAX_NESTING) {
    if (/[{["]/.test(text.charAt(text.search(/\S/))) && isJson(text)) {
      return redactJson(text, counts, nesting);
    }
    if (/\n[ \t]*[{[]|^[ \t]*[{[].*\n/.test(text)) return redactLines(text, counts, nesting);
  }
  return applySpans(text, engine.spans(text), counts);
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Lines that are JSON (NDJSON, logs) are read as JSON, what is between them as text. */
const redactLines = (text: string, counts: RedactionCounts, nesting: number): string => {
  let out = '';
  let from = 0;
  const between = (to: number): void => {
    const part = text.slice(from, to);
    out += applySpans(part, engine.spans(part), counts);
  };
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, end);
    if (/^[ \t]*[{[]/.test(line) && /[}\]]\s*$/.test(line.slice(-8)) && isJson(line)) {
      between(at);
      out += redactNested(line, counts, nesting);
      from = end;
    }
    at = end + 1;
  }
  between(text.length);
  return out;
};

/** What is known where a value stands. */
interface Place {
  /** Of the name of this value. */
  readonly cls: KeyClass | null;
  /** Of a name further out (`credentials: { … }`): what looks like a secret is taken. */
  readonly outer: KeyClass | null;
}

const TOP: Place = { cls: null, outer: null };

/** Under `password` an object is a description (`{type: 'string'}`), under `credentials` a holder of secrets. */
const below = (place: Place): Place => ({
  cls: null,
  outer: place.cls && !place.cls.weak ? { ...place.cls, weak: true } : place.outer,
});

const redactString = (
  value: string,
  { cls, outer }: Place,
  counts: RedactionCounts,
  nesting: number,
): string => {
  const by = cls ?? outer;
  const spans = by ? valueSpan(nameVendor, by, value, 0, value.length, 'quoted') : [];
  return spans.length ? applySpans(value, spans, counts) : redactNested(value, counts, nesting + 1);
};

/**
 * The name that stands beside a value without being its key: `{name: 'DB_PASSWORD', value: …}`, and
 * `['--password', …]`. Feed it what comes; ask it for the class of the next value.
 */
class Neighbour {
  private named: KeyClass | null = null;
  /** A member or element that is a string. */
  saw(key: string | null, value: string): void {
    if (key === null) this.named = /^--?[\w-]{1,60}$/.test(value) ? classifyKey(value) : null;
    else if (/^(?:name|key|header)$/i.test(key)) this.named = classifyKey(value);
  }
  classOf(key: string | null): KeyClass | null {
    return key === null || /^value$/i.test(key) ? this.named : null;
  }
}

/** Rewrites the strings and numbers of a valid JSON document in place. */
const redactJson = (text: string, counts: RedactionCounts, nesting: number): string => {
  interface Frame {
    readonly array: boolean;
    readonly place: Place;
    readonly near: Neighbour;
    key: string | null;
  }
  const frames: Frame[] = [];
  let out = '';
  let from = 0;
  const put = (start: number, end: number, by: string): void => {
    out += text.slice(from, start) + by;
    from = end;
  };
  const placeHere = (frame: Frame | undefined): Place => {
    if (!frame) return TOP;
    if (frame.array) {
      const cls = frame.place.cls ?? frame.near.classOf(null);
      return { cls, outer: frame.place.outer };
    }
    const cls = classifyKey(frame.key ?? '') ?? frame.near.classOf(frame.key ?? '');
    return { cls, outer: frame.place.outer };
  };
  const token = /["{}[\],]|-?\d[\d.eE+-]*/g;
  for (let m = token.exec(text); m; m = token.exec(text)) {
    const at = m.index;
    const c = m[0];
    const frame = frames[frames.length - 1];
    if (c === '{' || c === '[') {
      const here = placeHere(frame);
      const array = c === '[';
      frames.push({ array, place: array ? here : below(here), near: new Neighbour(), key: null });
    } else if (c === '}' || c === ']') {
      frames.pop();
      const parent = frames[frames.length - 1];
      if (parent) parent.key = null;
    } else if (c === ',') {
      if (frame) frame.key = null;
    } else if (c === '"') {
      let end = at + 1;
      while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
      token.lastIndex = ++end;
      const raw = text.slice(at, end);
      const value: string = raw.includes('\\') ? JSON.parse(raw) : raw.slice(1, -1);
      const isKey = frame && !frame.array && frame.key === null;
      const done = isKey
        ? redactNested(value, counts, nesting + 1)
        : redactString(value, placeHere(frame), counts, nesting);
      if (done !== value) put(at, end, JSON.stringify(done));
      if (isKey) frame.key = value;
      else frame?.near.saw(frame.array ? null : (frame.key ?? ''), value);
    } else {
      const { cls } = placeHere(frame);
      if (cls && isSecretNumber(cls, c)) {
        counts[cls.kind] = (counts[cls.kind] ?? 0) + 1;
        put(at, at + c.length, `"[REDACTED:${cls.kind}]"`);
      }
    }
  }
  return out + text.slice(from);
};

/**
 * Deep copy of a JSON value with secrets replaced, in every string, in names, and under names that tell of a
 * secret. Under such a name strings are replaced whole (but for placeholders, references and, in headers and
 * URLs, the parts that are no secret), numbers where they can be one (`password: 123456`), arrays element
 * by element; objects are entered: their own names decide, and what looks like a secret is taken too.
 * Booleans and null stay. The result is always JSON: cycles become `[Circular]`, more than 200 levels
 * `[Too deep]`, bigints strings; functions and symbols are left out as JSON.stringify does.
 */
export function redactValue(value: unknown, counts: RedactionCounts): unknown {
  return copy(value, TOP, counts, new Set());
}

const copy = (
  value: unknown,
  place: Place,
  counts: RedactionCounts,
  path: Set<object>,
): unknown => {
  if (typeof value === 'string') return redactString(value, place, counts, 0);
  if (typeof value === 'number' || typeof value === 'bigint') {
    const { cls } = place;
    if (cls && isSecretNumber(cls, String(value))) {
      counts[cls.kind] = (counts[cls.kind] ?? 0) + 1;
      return `[REDACTED:${cls.kind}]`;
    }
    return typeof value === 'bigint' ? String(value) : value;
  }
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object') return undefined;
  if (path.has(value)) return CIRCULAR;
  if (path.size >= MAX_DEPTH) return TOO_DEEP;
  path.add(value);
  try {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') return copy(toJSON.call(value, ''), place, counts, path);
    const near = new Neighbour();
    if (Array.isArray(value)) {
      return value.map((item: unknown) => {
        const cls = place.cls ?? near.classOf(null);
        const out = copy(item, { cls, outer: place.outer }, counts, path);
        near.saw(null, typeof item === 'string' ? item : '');
        return out ?? null;
      });
    }
    const inner = below(place);
    const out: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const cls = classifyKey(key) ?? near.classOf(key);
      const done = copy(item, { cls, outer: inner.outer }, counts, path);
      if (typeof item === 'string') near.saw(key, item);
      if (done === undefined) continue;
      let name = redactNested(key, counts, 1);
      // Two secret names may now be the same; neither value is lost.
      while (name !== key && Object.hasOwn(out, name)) name += '+';
      // Plain assignment would make `__proto__` a prototype.
      Object.defineProperty(out, name, {
        value: done,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return out;
  } catch {
    // A getter or toJSON that throws.
    return null;
  } finally {
    path.delete(value);
  }
};
