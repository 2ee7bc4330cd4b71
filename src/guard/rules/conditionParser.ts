/** The parser of the language of conditions: see `conditions.ts`. */
import { AMOUNT, amountOf, EXAMPLES, unitOf } from './amounts.ts';
import type { Access, Condition, Metric, Operator, TextPattern } from './rule.ts';
import { isMetric, isTextKind, meant, REASONS, type TextKind } from './words.ts';

/** What is wrong with a regular expression; undefined: nothing. Given by who has the library. */
export type CheckRegex = (source: string) => string | undefined;

const MAX_DEPTH = 32;
/** Conditions in one, and patterns of one. */
const MAX_PARTS = 200;
/** Calls that a loop is looked for in. */
export const MAX_WINDOW = 200;
const MAX_SEQUENCE = 20;

/** Of a `loop` and a `sequence` without numbers. */
export const LOOP = { calls: 3, window: 10 };
export const SEQUENCE = { length: 3, repeats: 3 };

const VERBS: Record<string, Access> = {
  matches: 'any',
  touches: 'any',
  reads: 'read',
  writes: 'write',
  deletes: 'delete',
};

/** `/etc/` is a path like any other; with these in it, it is none that anybody has. */
const looksLikeRegex = (glob: string, ofPath: boolean): boolean =>
  /^\/.+\/i?$/.test(glob) && (!ofPath || /\\[.\w/]|[$^|]/.test(glob));

/** What is wrong, and where: an offset in the text. */
export class Mistake extends Error {
  readonly at: number;
  readonly fix: string | undefined;
  constructor(at: number, message: string, fix?: string) {
    super(message);
    this.at = at;
    this.fix = fix;
  }
}

const WORD = /[A-Za-z_][\w-]*/y;
const OPERATOR = />=|<=|==|!=|<>|=~|[><=≥≤≠]/y;
const OPERATORS: Record<string, Operator> = {
  '>': '>',
  '>=': '>=',
  '<': '<',
  '<=': '<=',
  '==': '==',
  '!=': '!=',
};
const MEANT_OPERATOR: Record<string, Operator> = {
  '=': '==',
  '<>': '!=',
  '≥': '>=',
  '≤': '<=',
  '≠': '!=',
};

export class Parser {
  readonly #text: string;
  readonly #checkRegex: CheckRegex | undefined;
  #at = 0;
  #depth = 0;
  #parts = 0;

  constructor(text: string, checkRegex: CheckRegex | undefined) {
    this.#text = text;
    this.#checkRegex = checkRegex;
  }

  whole(): Condition {
    if (this.#text.trim() === '')
      throw new Mistake(0, 'the condition is empty', 'write one, such as: cost_usd > 5');
    const condition = this.#or();
    this.#space();
    if (this.#at < this.#text.length) {
      const stray = this.#text.slice(this.#at);
      if (stray.startsWith(')'))
        throw new Mistake(this.#at, 'this ) closes nothing', 'take it out');
      throw new Mistake(
        this.#at,
        `${quoted(shortened(stray))} cannot follow here`,
        'join conditions with "and" or "or"',
      );
    }
    return condition;
  }

  #or(): Condition {
    return this.#joined('or', '||', () => this.#joined('and', '&&', () => this.#unary()));
  }

  #joined(kind: 'and' | 'or', sign: string, one: () => Condition): Condition {
    const of = [one()];
    while (this.#takeWord(kind) || this.#take(sign)) of.push(one());
    return of.length === 1 ? of[0]! : { kind, of };
  }

  #unary(): Condition {
    this.#space();
    const start = this.#at;
    if (++this.#depth > MAX_DEPTH)
      throw new Mistake(
        start,
        `conditions are nested more than ${MAX_DEPTH} deep`,
        'make several rules of it',
      );
    if (++this.#parts > MAX_PARTS)
      throw new Mistake(
        start,
        `there are more than ${MAX_PARTS} conditions in one`,
        'make several rules of it',
      );
    let condition: Condition;
    if (this.#takeWord('not') || this.#take('!')) condition = { kind: 'not', of: this.#unary() };
    else if (this.#take('(')) {
      condition = this.#or();
      if (!this.#take(')')) throw new Mistake(start, 'this ( is not closed', 'add a )');
    } else condition = this.#primary(start);
    this.#depth--;
    return condition;
  }

  #primary(start: number): Condition {
    const word = this.#word();
    if (word === undefined) {
      const rest = this.#text.slice(this.#at);
      throw rest === ''
        ? new Mistake(
            start,
            'something is missing at the end',
            'write a condition, such as: cost_usd > 5',
          )
        : new Mistake(
            start,
            `${quoted(shortened(rest))} does not begin a condition`,
            'begin with a name, such as cost_usd or command',
          );
    }
    const name = word.toLowerCase();
    if (isMetric(name)) return this.#metric(name);
    if (name === 'file_path') return this.#path();
    if (isTextKind(name)) return this.#textual(name);
    if (name === 'loop') return this.#loop();
    if (name === 'sequence') return this.#sequence();
    if (name === 'secret') {
      if (this.#takeWord('in')) {
        if (!this.#takeWord('outgoing'))
          throw this.#expected('outgoing call', 'secret in outgoing call');
        if (!this.#takeWord('call')) this.#takeWord('calls');
      }
      return { kind: 'secret' };
    }
    const known = meant(word);
    throw new Mistake(
      start,
      `there is nothing called ${quoted(word)}`,
      known === undefined ? 'docs/rules.md lists the names' : `did you mean ${known}?`,
    );
  }

  #metric(metric: Metric): Condition {
    const { op } = this.#operator(metric);
    this.#space();
    const start = this.#at;
    const quote = this.#text[start] === '"' || this.#text[start] === "'";
    const text = quote ? this.#string() : (this.#match(AMOUNT) ?? this.#word());
    if (text === undefined)
      throw new Mistake(
        start,
        `${metric} is compared with nothing`,
        `write ${EXAMPLES[unitOf(metric)]} after it`,
      );
    const value = amountOf(text.trim(), metric);
    if (value === undefined)
      throw new Mistake(
        start,
        `${quoted(text)} is no value of ${metric}`,
        `write ${EXAMPLES[unitOf(metric)]}`,
      );
    return { kind: 'metric', metric, op, value };
  }

  #operator(name: string): { op: Operator; at: number } {
    this.#space();
    const at = this.#at;
    const text = this.#match(OPERATOR);
    if (text === undefined)
      throw new Mistake(
        at,
        `${name} needs a comparison`,
        `write >, >=, <, <=, == or != after ${name}`,
      );
    const op = OPERATORS[text];
    if (op === undefined) {
      const other = MEANT_OPERATOR[text];
      throw new Mistake(
        at,
        `there is no ${quoted(text)}`,
        other === undefined ? 'write: matches /…/' : `write ${other}`,
      );
    }
    return { op, at };
  }

  #path(): Condition {
    const negated = this.#takeWord('not');
    this.#space();
    const start = this.#at;
    const verb = this.#word()?.toLowerCase();
    const condition = this.#pathVerb(start, verb);
    return negated ? { kind: 'not', of: condition } : condition;
  }

  #pathVerb(start: number, verb: string | undefined): Condition {
    if (verb === 'outside') return this.#outside('any');
    if (verb !== undefined && Object.hasOwn(VERBS, verb)) {
      const access = VERBS[verb]!;
      if (this.#takeWord('outside')) return this.#outside(access);
      return { kind: 'path', access, patterns: this.#patterns(verb) };
    }
    const known = verb === undefined ? undefined : meant(verb, [...Object.keys(VERBS), 'outside']);
    throw new Mistake(
      start,
      'file_path needs a verb',
      known === undefined
        ? 'write: matches, reads, writes or deletes "…", or: outside workspace'
        : `did you mean ${known}?`,
    );
  }

  #outside(access: Access): Condition {
    this.#takeWord('the');
    if (!this.#takeWord('workspace') && !this.#takeWord('project'))
      throw this.#expected('workspace', 'outside workspace');
    return { kind: 'outside', access };
  }

  #textual(kind: TextKind): Condition {
    const negated = this.#takeWord('not');
    this.#space();
    const start = this.#at;
    let condition: Condition;
    if (this.#takeWord('matches'))
      condition = { kind, patterns: this.#patterns(`${kind} matches`) };
    else if (kind === 'command' && this.#takeWord('unreadable')) condition = this.#unreadable();
    else if (
      kind !== 'command' &&
      (this.#text.startsWith('==', start) || this.#text.startsWith('!=', start))
    ) {
      const { op } = this.#operator(kind);
      const value = this.#quoted(kind);
      condition = { kind, patterns: [{ glob: value.replace(/[*?[\]{}\\]/g, '\\$&') }] };
      if (op === '!=') condition = { kind: 'not', of: condition };
    } else {
      throw new Mistake(
        start,
        `${kind} needs "matches"`,
        kind === 'command'
          ? 'write: command matches "rm -rf *", or: command unreadable'
          : `write: ${kind} matches "…"`,
      );
    }
    return negated ? { kind: 'not', of: condition } : condition;
  }

  #unreadable(): Condition {
    if (!this.#take(':')) return { kind: 'opaque' };
    const reasons: string[] = [];
    do {
      this.#space();
      const at = this.#at;
      const word = this.#word();
      const known = word === undefined ? undefined : meant(word, REASONS);
      if (word === undefined || !(REASONS as readonly string[]).includes(word))
        throw new Mistake(
          at,
          `${quoted(word ?? '')} is no reason why a command is unreadable`,
          known === undefined ? `there are: ${REASONS.join(', ')}` : `did you mean ${known}?`,
        );
      reasons.push(word);
    } while (this.#take(','));
    return { kind: 'opaque', reasons: reasons as (typeof REASONS)[number][] };
  }

  #loop(): Condition {
    const start = this.#skipped();
    const calls = this.#count();
    if (calls === undefined) return { kind: 'loop', ...LOOP };
    const window =
      this.#take('/') || this.#takeWord('of') || this.#takeWord('in') ? this.#count() : undefined;
    if (window === undefined)
      throw new Mistake(
        start,
        'a loop needs two numbers',
        'write: loop 3/10 (3 equal calls among 10)',
      );
    if (calls < 2) throw new Mistake(start, 'a loop is at least 2 equal calls', 'write: loop 3/10');
    if (window < calls)
      throw new Mistake(
        start,
        `${calls} calls are never among ${window}: this can never be true`,
        `write: loop ${calls}/${Math.max(calls, LOOP.window)}`,
      );
    if (window > MAX_WINDOW)
      throw new Mistake(
        start,
        `a loop is looked for among the last ${MAX_WINDOW} calls at most`,
        `write: loop ${Math.min(calls, MAX_WINDOW)}/${MAX_WINDOW}`,
      );
    return { kind: 'loop', calls, window };
  }

  #sequence(): Condition {
    const start = this.#skipped();
    const length = this.#count();
    if (length === undefined) return { kind: 'sequence', ...SEQUENCE };
    const repeats =
      this.#take('x') || this.#take('×') || this.#take('*') ? this.#count() : undefined;
    if (repeats === undefined)
      throw new Mistake(
        start,
        'a sequence needs two numbers',
        'write: sequence 3 x 3 (up to 3 calls, 3 times)',
      );
    for (const value of [length, repeats])
      if (value < 2 || value > MAX_SEQUENCE)
        throw new Mistake(
          start,
          `the numbers of a sequence are from 2 to ${MAX_SEQUENCE}`,
          'write: sequence 3 x 3',
        );
    return { kind: 'sequence', length, repeats };
  }

  #count(): number | undefined {
    this.#space();
    const text = this.#match(/\d{1,6}/y);
    return text === undefined ? undefined : Number(text);
  }

  #patterns(after: string): TextPattern[] {
    const patterns: TextPattern[] = [];
    do {
      patterns.push(this.#pattern(after));
      if (patterns.length > MAX_PARTS)
        throw new Mistake(
          this.#at,
          `there are more than ${MAX_PARTS} patterns in one condition`,
          'make several rules of it',
        );
    } while (this.#take(','));
    return patterns;
  }

  #pattern(after: string): TextPattern {
    this.#space();
    const start = this.#at;
    if (this.#text[start] === '/') return { regex: this.#regex() };
    const glob = this.#quoted(after);
    // A rule that never trips would be the worst mistake of all: nobody would be told.
    if (looksLikeRegex(glob, Object.hasOwn(VERBS, after)))
      throw new Mistake(
        start,
        'in quotes this is no regular expression: it would match these very characters',
        `take the quotes away: ${glob.slice(0, 60)}`,
      );
    return { glob };
  }

  #quoted(after: string): string {
    this.#space();
    const start = this.#at;
    const quote = this.#text[start];
    if (quote !== '"' && quote !== "'") {
      const bare = this.#match(/[^\s()",]+/y);
      throw new Mistake(
        start,
        `a pattern must follow ${quoted(after)}`,
        bare === undefined ? `write: ${after} "…"` : `put it in quotes: "${bare}"`,
      );
    }
    const text = this.#string();
    if (text.trim() === '')
      throw new Mistake(start, 'the pattern is empty', 'write "*" for everything');
    if (/[\0\r\n]/.test(text))
      throw new Mistake(start, 'a pattern is one line', 'take the line break out');
    return text;
  }

  /** Between quotes a backslash makes a quote or itself literal; elsewhere it is part of the pattern. */
  #string(): string {
    const start = this.#at;
    const quote = this.#text[this.#at++]!;
    let out = '';
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined)
        throw new Mistake(start, `this ${quote} is not closed`, `add a ${quote}`);
      this.#at++;
      if (char === quote) return out;
      const next = this.#text[this.#at];
      if (char === '\\' && (next === quote || next === '\\')) {
        out += next;
        this.#at++;
      } else out += char;
    }
  }

  #regex(): string {
    const start = this.#at++;
    let source = '';
    let inClass = false;
    for (;;) {
      const char = this.#text[this.#at++];
      if (char === undefined)
        throw new Mistake(start, 'this / is not closed', 'end the regular expression with a /');
      if (char === '\\') {
        const next = this.#text[this.#at++];
        if (next === undefined)
          throw new Mistake(start, 'this / is not closed', 'end the regular expression with a /');
        source += next === '/' ? '/' : `\\${next}`;
        continue;
      }
      if (char === '[') inClass = true;
      else if (char === ']') inClass = false;
      else if (char === '/' && !inClass) break;
      source += char;
    }
    const flags = this.#match(/[a-z]+/y) ?? '';
    if (flags !== '' && flags !== 'i')
      throw new Mistake(
        this.#at - flags.length,
        `there is no flag ${quoted(flags)}`,
        'only i (upper and lower case alike)',
      );
    if (source === '') throw new Mistake(start, 'the regular expression is empty', 'write /…/');
    const whole = flags === 'i' ? `(?i)${source}` : source;
    const wrong = this.#checkRegex?.(whole);
    if (wrong !== undefined)
      throw new Mistake(
        start,
        `the regular expression cannot be used: ${wrong}`,
        'no look-around and no back references: RE2 syntax',
      );
    return whole;
  }

  #expected(what: string, example: string): Mistake {
    this.#space();
    return new Mistake(this.#at, `${quoted(what)} is missing here`, `write: ${example}`);
  }

  #skipped(): number {
    this.#space();
    return this.#at;
  }

  #space(): void {
    this.#match(/\s+/y);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0];
    if (text !== undefined) this.#at += text.length;
    return text;
  }

  #word(): string | undefined {
    this.#space();
    return this.#match(WORD);
  }

  /** Takes this very word, in any case of letters. */
  #takeWord(word: string): boolean {
    this.#space();
    const before = this.#at;
    if (this.#match(WORD)?.toLowerCase() === word) return true;
    this.#at = before;
    return false;
  }

  #take(sign: string): boolean {
    this.#space();
    if (!this.#text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }
}

const quoted = (text: string): string => `"${text}"`;
const shortened = (text: string): string => (text.length > 30 ? `${text.slice(0, 29)}…` : text);
