/**
 * Takes secrets, and personal data where that is wanted, out of texts and JSON values before they are
 * written. Pure, without imports beyond this room, cheap to load: it runs in the hook.
 */
import {
  applySpans,
  createEngine,
  type Engine,
  type RedactionCounts,
  type RuleGroup,
} from './engine.ts';
import { isSecretNumber, valueSpan } from './keyed.ts';
import { classifyKey, type KeyClass } from './keys.ts';
import { nameVendor, SECRET_RULES } from './secretRules.ts';

export type { RedactionCounts } from './engine.ts';

/** What is taken out: nothing, secrets, or secrets and personal data. */
export type RedactPolicy = 'none' | 'secrets' | 'personal';

/** What personalRules.ts exports: as large as all else here and wanted by few, it is loaded apart. */
export interface PersonalRules {
  readonly PERSONAL_RULES: readonly RuleGroup[];
  personalByName(name: string, value: string): string | undefined;
}

const secrets = createEngine(SECRET_RULES);
let personal: { engine: Engine; byName: PersonalRules['personalByName'] } | undefined;

/** Must be called before anything is done under the policy `'personal'`; a second time it does nothing. */
export function usePersonalRules(rules: PersonalRules): void {
  personal ??= {
    engine: createEngine([...SECRET_RULES, ...rules.PERSONAL_RULES]),
    byName: rules.personalByName,
  };
}

export const knowsPersonalRules = (): boolean => personal !== undefined;

/** One text or value on its way through. */
interface Job {
  readonly engine: Engine;
  readonly byName?: PersonalRules['personalByName'];
  readonly counts: RedactionCounts;
}

const jobOf = (policy: 'secrets' | 'personal', counts: RedactionCounts): Job => {
  if (policy === 'secrets') return { engine: secrets, counts };
  // Never without: what was asked to be left out would be written.
  if (personal === undefined) throw new Error('the rules for personal data are not loaded');
  return { ...personal, counts };
};

/** Values nested deeper than this are replaced: they could not be written as JSON. */
const MAX_DEPTH = 200;
/** JSON within JSON strings is read as JSON down to this level, below as text. */
const MAX_NESTING = 8;

/**
 * Replaces secrets in a text by `[REDACTED:<kind>]`. Adds to counts. Text without secrets is returned as it
 * is. Where the text, or a line of it, is a JSON document, it is read as JSON and stays one, with
 * everything but the secrets as it was.
 */
export function redactText(
  text: string,
  counts: RedactionCounts,
  policy: RedactPolicy = 'secrets',
): string {
  return policy === 'none' ? text : redactNested(text, jobOf(policy, counts), 0);
}

const redactNested = (text: string, job: Job, nesting: number): string => {
  if (!job.engine.touches(text)) return text;
  if (nesting < MAX_NESTING) {
    if (/[{["]/.test(text.charAt(text.search(/\S/))) && isJson(text)) {
      return redactJson(text, job, nesting);
    }
    if (/\n[ \t]*[{[]|^[ \t]*[{[].*\n/.test(text)) return redactLines(text, job, nesting);
  }
  return redactPlain(text, job);
};

/** Until nothing is left to take: a marker can make the words around it readable in another way. */
const redactPlain = (text: string, job: Job): string => {
  let out = text;
  for (let pass = 0; pass < 4; pass++) {
    const spans = job.engine.spans(out);
    if (!spans.length) break;
    out = applySpans(out, spans, job.counts);
  }
  return out;
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
const redactLines = (text: string, job: Job, nesting: number): string => {
  let out = '';
  let from = 0;
  const between = (to: number): void => {
    out += redactPlain(text.slice(from, to), job);
  };
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, end);
    if (/^[ \t]*[{[]/.test(line) && /[}\]]\s*$/.test(line.slice(-8)) && isJson(line)) {
      between(at);
      out += redactNested(line, job, nesting);
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
  /** Of this value, or of the array that it stands in. */
  readonly name: string;
}

const TOP: Place = { cls: null, outer: null, name: '' };

/** Under `password` an object is a description (`{type: 'string'}`), under `credentials` a holder of secrets. */
const below = (place: Place): Place => ({
  cls: null,
  outer: place.cls ? { ...place.cls, weak: true } : place.outer,
  name: '',
});

const redactString = (
  value: string,
  { cls, outer, name }: Place,
  job: Job,
  nesting: number,
): string => {
  const by = cls ?? outer;
  const spans = by ? valueSpan(nameVendor, by, value, 0, value.length, 'quoted') : [];
  if (spans.length) return applySpans(value, spans, job.counts);
  const kind = job.byName?.(name, value);
  if (kind === undefined) return redactNested(value, job, nesting + 1);
  return applySpans(value, [{ start: 0, end: value.length, kind }], job.counts);
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
const redactJson = (text: string, job: Job, nesting: number): string => {
  interface Frame {
    readonly array: boolean;
    readonly place: Place;
    readonly near: Neighbour;
    key: string | null;
    renamed: number;
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
      return { ...frame.place, cls };
    }
    const name = frame.key ?? '';
    const cls = classifyKey(name) ?? frame.near.classOf(name);
    return { cls, outer: frame.place.outer, name };
  };
  const token = /["{}[\],]|-?\d[\d.eE+-]*/g;
  for (let m = token.exec(text); m; m = token.exec(text)) {
    const at = m.index;
    const c = m[0];
    const frame = frames[frames.length - 1];
    if (c === '{' || c === '[') {
      const here = placeHere(frame);
      const array = c === '[';
      frames.push({
        array,
        place: array ? here : below(here),
        near: new Neighbour(),
        key: null,
        renamed: 0,
      });
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
        ? redactNested(value, job, nesting + 1)
        : redactString(value, placeHere(frame), job, nesting);
      // Two names with secrets may become the same; neither value is lost.
      const unlike = isKey && done !== value ? '+'.repeat(frame.renamed++) : '';
      if (done !== value) put(at, end, JSON.stringify(done + unlike));
      if (isKey) frame.key = value;
      else frame?.near.saw(frame.array ? null : (frame.key ?? ''), value);
    } else {
      const { cls, name } = placeHere(frame);
      const kind = cls && isSecretNumber(cls, c) ? cls.kind : job.byName?.(name, c);
      if (kind !== undefined) {
        job.counts[kind] = (job.counts[kind] ?? 0) + 1;
        put(at, at + c.length, `"[REDACTED:${kind}]"`);
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
 * Booleans and null stay. The result is always JSON, as JSON.stringify would write it; cycles become
 * `[Circular]`, more than 200 levels `[Too deep]`, bigints strings, and a value that throws when it is read
 * `[Unreadable]`.
 */
export function redactValue(
  value: unknown,
  counts: RedactionCounts,
  policy: 'secrets' | 'personal' = 'secrets',
): unknown {
  const job = jobOf(policy, counts);
  const path: unknown[] = [];
  const readable = function (this: unknown, _key: string, item: unknown): unknown {
    if (typeof item === 'bigint') return String(item);
    if (typeof item !== 'object' || item === null) return item;
    // `this` holds the item: what is behind it on the path has been left.
    while (path.length && path[path.length - 1] !== this) path.pop();
    if (path.includes(item)) return '[Circular]';
    if (path.length >= MAX_DEPTH) return '[Too deep]';
    path.push(item);
    return item;
  };
  let text: string | undefined;
  try {
    text = JSON.stringify(value, readable);
  } catch {
    return '[Unreadable]';
  }
  if (text === undefined) return undefined;
  // A tab is two characters here, and between a name and its value it is a space.
  const touched = job.engine.touches(text.includes('\\t') ? text.replaceAll('\\t', ' ') : text);
  return JSON.parse(touched ? redactJson(text, job, -1) : text);
}
