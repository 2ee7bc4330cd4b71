/**
 * Secrets known by the name beside them: `password=…`, `"apiKey": "…"`, `export FOO_TOKEN=…`,
 * `Authorization: …`, `<password>…</password>`, `--token …`. What is code (`password = getPassword()`),
 * a type, a placeholder or a reference to a variable is left alone.
 *
 * Deliberately no secrets: empty values, booleans, null, references (`$X`, `${…}`, `{{…}}`, `%X%`,
 * `process.env.X`, `os.environ[…]`), and placeholders that say nothing (`<…>`, `xxx`, `***`, `changeme`,
 * `your-…`, the name of the key itself).
 */
import type { Finder, ScanState, Span } from './engine.ts';
import { MARK } from './engine.ts';
import { classifyKey, type KeyClass } from './keys.ts';

/** How sure we are that what stands there is data: quoted (or a JSON value), tight (`A=b`), loose (`a: b`, `a = b`). */
export type Form = 'quoted' | 'tight' | 'loose';

/** Tells the kind of a vendor's secret when the whole value is one, so that the marker says more. */
export type NameVendor = (value: string) => string | undefined;

// Written as they are read; V8 compiles each on first use.
const PLACEHOLDER =
  /^(?:your[-_ ]?.*|(?:change|replace)[-_ ]?(?:me|this|it)\W*|(?:insert|enter|put|add)[-_ ].*|.*[-_ ]here|.*\.{3}.*|.*….*|placeholder|example|dummy|todo|tbd|redacted|removed|hidden|masked|filtered|none|null|nil|undefined|true|false|yes|no|on|off|string|number|boolean|bool|object|any|unknown|never|void|str|int|bytes|optional|required|inherit|empty|n\/?a|bearer|basic|password|passwd|token|api[-_]?key|x+|(.)\1*|[^\w\u0080-\uffff]*)$/i;
const REFERENCE =
  /^(?:\$\w+$|\$[({]|[<{[(@&*]|%\w+%|#\{|env[:.(]|vault:|arn:|op:\/\/|!+\w)|\$\{|\{\{|<%|%\(|\{\w*\}|\$\(|^#[0-9a-f]{3,8}$|^0x[\da-f]{1,16}$/i;
/** Of documents: no secret, however much it looks like one. */
export const DUMMY = /([xX])\1{7}|EXAMPLE(?:KEY)?$/;
const CALL = /^[A-Za-z_$][\w$]*(?:(?:\?\.|\.|::|->)[A-Za-z_$][\w$]*)*!?[([{<`]/;
const WORDISH = /^[A-Za-z_$][A-Za-z_$]*(?:(?:\?\.|\.|::|->)[A-Za-z_$][\w$]*)*[!?]*$/;
const PROSE =
  /^\D*\b(?:password|passphrase|secrets?|tokens?|keys?|credentials?|your|enter|must|invalid|required|the|is|are|for|please|not|of|and|to|with|no)\b\D*$|[.?:]$/i;
const PATH =
  /^(?:\.{0,2}\/|~\/|[A-Za-z]:\\|[\w.-]+\/[\w./-]*\.\w{1,5}$)|^[\w.-]+\.(?:pem|key|json|ya?ml|txt|env|[jt]sx?|py|go|rs|md)$|^https?:\/\//;
const HASH = /^sha\d{1,3}[:-]/;
const SCHEME =
  /^(?:Bearer|Basic|Token|Digest|Negotiate|ApiKey|Api-Key|Bot|SSWS|GenieKey|AWS4-HMAC-SHA256)\s+/i;
/** Between a name and its value, but of neither: colours of a terminal, bold of Markdown, nothing at all. */
export const GAP =
  '(?:\\*\\*|[\\u200b-\\u200d\\u2060\\ufeff]|(?:\\x1b|\\\\u001b)\\[[\\d;]{0,9}[mK]){0,4}';
const SEPARATOR = new RegExp(
  `(\\\\*["'\`])?\\]?([?!])?${GAP}([^\\S\\n]{0,8})(=>|:=|[?+|]{0,2}={1,3}|:(?!:)|,|\\(|>|[|：＝])${GAP}([^\\S\\n]{0,8})${GAP}`,
  'y',
);
const COLOUR = /(?:\x1b|\\u001b)\[[\d;]*$/;
/** `password: |`, and its first line. */
const BLOCK = /[|>][+-]?\d?[ \t]*\n([ \t]+)/y;
const TYPED = /[A-Za-z_][\w.<>[\]|]{0,40}[^\S\n]?=(?!=)[^\S\n]?/y;
const IDENTIFIER =
  /^[a-z_$.]*(?:token|pass|pwd|secret|key|cred|auth|jwt)[a-z_$.]*(?:_v)?\d{0,2}(?:_[a-z_]*)?$/i;
const NAME =
  /^(?:access|auth|client|api|user|refresh|id|db|bearer|new|old|app|admin|private|public|shared|csrf|session|mock|fake|test)?[-_ ]?(?:tokens?|pass(?:word|wd)?|secrets?|keys?|credentials?|auth|cookies?)$/i;
const PASSNAME =
  /^(?:(?:user|db|new|old|current|login|admin)?[-_ ]?(?:pass(?:word|wd|phrase)?|pwd)s?|[ck]ennwort|pass[wo]ord|passwort|mot de passe|contrase[ñn]a|senha|wachtwoord|has[łl]o|l[öo]senord|adgangskode|salasana|heslo|parola|[şs]ifre|jelsz[óo]|пароль|密[码碼]|パスワード|暗証番号|비밀번호)$/i;

/** A value no human would choose and no programmer would name a variable. */
const strong = (v: string): boolean => {
  if (v.length < 8 || /\s/.test(v)) return false;
  const digits = /\d/.test(v);
  const letters = /[A-Za-z]/.test(v);
  if (digits && letters) return true;
  if (/[!@#^&*+=~%]/.test(v) && (digits || letters)) return true;
  if (digits) return /^\d{12,}$/.test(v);
  // A run of letters with no word structure.
  return v.length >= 20 && /^[a-z]+$|[A-Z]{2,}[a-z]+[A-Z]|[a-z][A-Z][a-z][A-Z]/.test(v);
};

/** Whether a value beside a name of this class is to be taken. */
export const isSecretValue = (cls: KeyClass, value: string, form: Form): boolean => {
  const v = value.length > 300 ? value.slice(0, 300) : value;
  const { kind, weak } = cls;
  if (!v || value.slice(0, 320).includes(MARK)) return false;
  if (PLACEHOLDER.test(v) || REFERENCE.test(v) || HASH.test(v) || DUMMY.test(v)) return false;
  // Keys in base64 have slashes too; a path has words.
  if (PATH.test(v) && !/[\w+=]{12}/.test(v.replace(/[A-Za-z]?[a-z]{3,}|\d{6,}/g, '/')))
    return false;
  if (kind === 'connection-string') return !/:\/\/|=/.test(v) && strong(v);
  if (kind === 'cookie')
    return /=[^\s;]{2,}/.test(v) && (/\d/.test(v) ? v.length > 5 : v.length > 24);
  if (kind === 'authorization') {
    // Schemes are cut off before; what is left is one opaque word, or parameters.
    return /\s/.test(v)
      ? /^\w+="?[^\s,]{6,}/.test(v)
      : strong(v) || (v.length > 15 && !weak && !WORDISH.test(v));
  }
  if (kind === 'password' && PASSNAME.test(v)) return false;
  if (/\s/.test(v)) return kind === 'password' && form === 'quoted' && !weak && !PROSE.test(v);
  // The name of the thing, not the thing: `"access-token"`, `RESET_PASSWORD_V2`, `auth.password`.
  const bare = v.toLowerCase().replace(/[^a-z]+/g, '');
  if (bare.length > 3 && cls.name.endsWith(bare) && !/\d/.test(v)) return false;
  if (kind !== 'password' && NAME.test(v)) return false;
  if (/^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/.test(v) && !/\d{2}/.test(v) && IDENTIFIER.test(v))
    return false;
  if (/^(?:token|api-key|credential)$/.test(kind) && WORDISH.test(v) && IDENTIFIER.test(v))
    return false;
  if (weak) return strong(v) && !IDENTIFIER.test(v) && !CALL.test(v);
  if (form !== 'loose') {
    if (WORDISH.test(v) && v.includes('.') && (form === 'tight' || IDENTIFIER.test(v)))
      return false;
    if (form === 'tight' && CALL.test(v)) return false;
    return (
      strong(v) ||
      v.length > (kind === 'password' ? 2 : kind === 'secret' ? 3 : form === 'quoted' ? 7 : 5)
    );
  }
  if (CALL.test(v) || IDENTIFIER.test(v) || WORDISH.test(v.split(/[?!|&]/, 1)[0]!)) return false;
  return (v.length > 5 && /\d/.test(v) && /[A-Za-z]/.test(v)) || strong(v);
};

/**
 * Where a quoted value ends: at the same quote behind as many backslashes as the opening one has (each
 * layer of JSON around doubles them and adds one), or where an outer string ends, so that the JSON
 * around stays whole. -1 when it does not end on its line.
 */
const closing = (
  text: string,
  from: number,
  quote: string,
  level: number,
  state: ScanState,
): number => {
  const memo = `${quote}${level}`;
  const stop = state[memo] ?? 0;
  // A search from an earlier place has already come this far without finding the end.
  if (stop < 0 && from <= -stop) return -1;
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 10) {
      state[memo] = -i;
      return -1;
    }
    if (c !== 34 && text[i] !== quote) continue;
    let run = 0;
    while (i - run > from && text.charCodeAt(i - run - 1) === 92) run++;
    if (text[i] === quote) {
      if (run % (2 * (level + 1)) <= level) return i - run;
    } else if (/^\s{0,4}(?:[,}\]:]|$)/.test(text.slice(i + 1, i + 6))) {
      // A `"` in a '…' that is followed like the end of a JSON string.
      return i - run;
    }
  }
  state[memo] = -text.length;
  return -1;
};

/** Where an unquoted value ends. An escape such as `\n` or `\"` ends it; other backslashes belong to it. */
const unquotedEnd = (text: string, from: number, stops: RegExp, state: ScanState): number => {
  // Runs without an end are measured once, from whichever place came first.
  const memo = `u${stops.source.length}`;
  const seen = state[memo] ?? 0;
  if (from < seen && from >= (state[`${memo}s`] ?? 0)) return seen;
  stops.lastIndex = from;
  const end = stops.exec(text)?.index ?? text.length;
  state[memo] = end;
  state[`${memo}s`] = from;
  return end;
};

// A colour of the terminal ends a value, too.
const stop = (chars: string): RegExp =>
  new RegExp(`[${chars}\\x1b]|\\\\+(?:[nrtu"'\`\\\\]|$)`, 'g');
const STOP = stop('\\s"\'`;&|<>),');
const STOP_ENV = stop('\\s"\'`');
const STOP_LINE = stop('\\n\\r"\'`');

/** The span of a value beside a name of this class, or none when it is no secret. */
export const valueSpan = (
  nameVendor: NameVendor,
  cls: KeyClass,
  text: string,
  start: number,
  end: number,
  form: Form,
): Span[] => {
  let from = start;
  if (cls.kind === 'authorization') {
    from += SCHEME.exec(text.slice(start, Math.min(end, start + 40)))?.[0].length ?? 0;
  }
  const value = text.slice(from, end);
  if (!isSecretValue(cls, value, form)) return [];
  return [{ start: from, end, kind: nameVendor(value) ?? cls.kind }];
};

/** Whether a JSON number beside a name of this class is to be taken (a PIN, a numeric password). */
export const isSecretNumber = (cls: KeyClass, digits: string): boolean =>
  !cls.weak &&
  /^(?:password|secret|api-key|credential|token)$/.test(cls.kind) &&
  digits.length > (cls.kind === 'token' ? 7 : 3);

/** The rule that reads names and values. */
export const keyedFinder = (nameVendor: NameVendor): Finder => {
  const span: MakeSpan = (cls, text, start, end, form) =>
    valueSpan(nameVendor, cls, text, start, end, form);
  return (text, at, _hit, state) => {
    let s = at - /[\w.$-]*$/.exec(text.slice(Math.max(0, at - 64), at))![0].length;
    const e = at + /^[\w.$-]*/.exec(text.slice(at, at + 64))![0].length;
    // The letter of an escape (`\nPASSWORD`) is not part of the name.
    if (text[s - 1] === '\\' && /[nrt]/.test(text.charAt(s))) s++;
    if (COLOUR.test(text.slice(Math.max(0, s - 16), s)))
      s += /^\d*[mK]/.exec(text.slice(s, e))?.[0].length ?? 0;
    // `API Key: x`
    if (/^keys?$/i.test(text.slice(s, e))) {
      s -=
        /(?:\b|_)(?:api|access|secret) $/i.exec(text.slice(Math.max(0, s - 8), s))?.[0].length ?? 0;
    }
    const cls = classifyKey(text.slice(s, e));
    if (!cls) return [];
    SEPARATOR.lastIndex = e;
    const m = SEPARATOR.exec(text);
    const flag = text[s] === '-';
    if (!m) return spaced(text, s, e, flag, cls, state, span);
    const keyQuote = m[1] ?? '';
    // `ok ? 'pass' : 'fail'`
    if (keyQuote && /\?\s*\\*["'`]$/.test(text.slice(Math.max(0, s - 8), s))) return [];
    let sep = '：＝'.includes(m[4]!) ? ':' : m[4]!;
    let p = SEPARATOR.lastIndex;
    const loose = m[3] !== '' || m[5] !== '';
    if (keyQuote && /[\n\r]/.test(text.charAt(p)))
      while (p - e < 80 && /\s/.test(text.charAt(p))) p++;
    if (sep === '>') {
      // <password>…</password>
      if (!/<[\w:]*$/.test(text.slice(Math.max(0, s - 20), s))) return [];
      const end = text.slice(p, p + 500).search(/[<\n"]/);
      return end < 0 ? [] : span(cls, text, p, p + end, 'quoted');
    }
    if (sep === ':') {
      // const password: string = '…'
      TYPED.lastIndex = p;
      const typed = TYPED.exec(text);
      // … but `Cookie: session=…` has a name there.
      if (typed && (cls.kind !== 'cookie' || /\s=/.test(typed[0]))) {
        p = TYPED.lastIndex;
        sep = '=';
      }
    }
    if (sep === '|') return cell(cls, text, s, p, span);
    if (sep === ':') {
      const lines = block(cls, text, p, span);
      if (lines.length) return lines;
    }
    const key = text.slice(s, e);
    const upper = key === key.toUpperCase();
    const careful = sep === ',' || sep === '(' || sep === '==' || sep === '===' || m[2] === '!';
    if (sep === ',' && !keyQuote) return [];
    const strict = careful && cls.kind !== 'authorization' ? { ...cls, weak: true } : cls;
    // An opening quote, perhaps with a prefix (f'…', b"…", L"…", @"…").
    const head = /^(?:[A-Za-z]{1,2}|@)?(\\*)(["'`])/.exec(text.slice(p, p + 70));
    if (head) {
      const level = head[1]!.length;
      // `"a": \"` cannot be: a value is not deeper than its name.
      const start = p + head[0].length;
      const end = closing(text, start, head[2]!, level, state);
      // `pass show db` in a shell: what runs is no secret.
      const runs = head[2] === '`' && (upper || /\s/.test(text.slice(start, end)));
      if (end >= 0)
        return runs && sep === '=' && !loose ? [] : span(strict, text, start, end, 'quoted');
      if (careful) return [];
      // Cut off, e.g. the end of a shortened output: to the end of the line or of what is around.
      return span(strict, text, start, unquotedEnd(text, start, STOP, state), 'loose');
    }
    if (careful) return [];
    if (cls.kind === 'cookie' || cls.kind === 'authorization') {
      if (sep !== ':' && sep !== '=') return [];
      let end = unquotedEnd(text, p, STOP_LINE, state);
      // `session="…"`, but not `'Cookie: session=' + id`
      if (text[end - 1] === '=' && /^["'][\w%]/.test(text.slice(end, end + 2))) {
        end = Math.max(end, closing(text, end + 1, text[end]!, 0, state));
      }
      return span(cls, text, p, end, 'loose');
    }
    if (keyQuote && sep === ':') {
      // A bare value in JSON: only numbers are taken, and quoted as their name is.
      const number = /^-?\d[\d.eE+-]{3,60}/.exec(text.slice(p, p + 64));
      if (number && isSecretNumber(cls, number[0])) {
        return [{ start: p, end: p + number[0].length, kind: cls.kind, wrap: keyQuote }];
      }
    }
    const lineStart =
      /(?:^|\n|\\n|\b(?:export|set|setx|ENV|ARG)\s|\s-e\s?|--env[ =])["'+\- ]{0,3}$/.test(
        text.slice(Math.max(0, s - 12), s),
      );
    if (!loose && sep.endsWith('=')) {
      const env = upper && lineStart;
      const end = unquotedEnd(text, p, env ? STOP_ENV : STOP, state);
      const code = !upper && /[,)]/.test(text.charAt(end));
      return span(cls, text, p, end, code ? 'loose' : 'tight');
    }
    const end = unquotedEnd(text, p, STOP, state);
    // A whole YAML line of lower-case letters is a value; `token: Token` or `password: pw,` is code.
    const yaml =
      sep === ':' &&
      m[5] !== '' &&
      !m[2] &&
      lineOnly(text, s, end) &&
      /^[a-z]{6,}$/.test(text.slice(p, Math.min(end, p + 40)));
    return span(cls, text, p, end, yaml ? 'tight' : 'loose');
  };
};

const lineOnly = (text: string, s: number, end: number): boolean =>
  /(?:^|\n)[ \t+-]*$/.test(text.slice(Math.max(0, s - 24), s)) &&
  /^\s*?(?:\n|$|#)/.test(text.slice(end, end + 8));

/** `| password | x |`: a row of a table. */
const cell = (cls: KeyClass, text: string, s: number, p: number, span: MakeSpan): Span[] => {
  if (!/\|[ *]{0,8}$/.test(text.slice(Math.max(0, s - 12), s))) return [];
  const value = /^([^|\n]{1,200}?)\s{0,40}\|/.exec(text.slice(p, p + 260))?.[1];
  return value ? span(cls, text, p, p + value.length, 'loose') : [];
};

/** The lines below `password: |` that look like one. */
const block = (cls: KeyClass, text: string, p: number, span: MakeSpan): Span[] => {
  BLOCK.lastIndex = p;
  const indent = BLOCK.exec(text)?.[1];
  const out: Span[] = [];
  if (!indent) return out;
  const form = cls.kind === 'password' ? 'tight' : 'loose';
  let at = BLOCK.lastIndex - indent.length;
  for (let lines = 0; lines < 20 && text.startsWith(indent, at); lines++) {
    const line = /^[^\n]{0,1000}/.exec(text.slice(at, at + 1000))![0];
    out.push(...span(cls, text, at + indent.length, at + line.trimEnd().length, form));
    at += line.length + 1;
  }
  return out;
};

type MakeSpan = (cls: KeyClass, text: string, start: number, end: number, form: Form) => Span[];

/** `--password x`, and `login me password x` of .netrc. */
const spaced = (
  text: string,
  s: number,
  e: number,
  flag: boolean,
  cls: KeyClass,
  state: ScanState,
  span: MakeSpan,
): Span[] => {
  const netrc = !flag && /\blogin\s+\S{1,60}\s+$/.test(text.slice(Math.max(0, s - 80), s));
  const sql = !flag && /^\s'/.test(text.slice(e, e + 2));
  const redis = text.slice(s, e) === 'requirepass';
  if (!flag && !netrc && !sql && !redis) return [];
  const head = /^[ \t]{1,4}(?:(\\*)(["']))?/.exec(text.slice(e, e + 40));
  if (!head) return [];
  const start = e + head[0].length;
  if (head[2]) {
    const end = closing(text, start, head[2], head[1]!.length, state);
    return end < 0 ? [] : span(sql ? { ...cls, weak: true } : cls, text, start, end, 'quoted');
  }
  const end = unquotedEnd(text, start, STOP, state);
  const value = text.slice(start, Math.min(end, start + 20));
  const word =
    /^(?:-.*|flags?|options?|is|to|and|or|for|from|in|on|arguments?|values?|was|should|must|prompt|instead|with|if|when|parameters?|can|will|as|the|a)$/i;
  return word.test(value) ? [] : span(cls, text, start, end, 'tight');
};
