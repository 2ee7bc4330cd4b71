/** What is looked for across sessions, as people write it. Pure. */
import { similar } from '../../model/similar.ts';
import { STEP_KINDS } from '../../model/step.ts';
import { sessionTerm } from './sessionTerms.ts';

/** Something that a step must say. */
export interface Term {
  field: 'text' | 'tool' | 'file' | 'error' | 'kind';
  /** As it was written; empty: any (`error:`). */
  value: string;
}

/** Something that holds of a whole session. */
export interface SessionTerm {
  field: 'cost' | 'date' | 'agent' | 'session';
  holds(session: SessionHead): boolean;
}

/** What is known of a session before its events are looked at. */
export interface SessionHead {
  id: string;
  /** As its first events say; empty: not known. */
  agent: string;
  /** ms since the epoch. */
  startMs: number;
  /** Undefined: not asked for, or not known. */
  nanoUsd?: number | undefined;
}

/** What one step must say, all of it, and none of `not`. */
export interface Clause {
  terms: Term[];
  not: Term[];
}

/** What one session must have, all of it. A clause without terms is one that no step may fit. */
export interface Group {
  clauses: Clause[];
  session: SessionTerm[];
}

/** A session fits where one of the groups does. */
export interface Query {
  groups: Group[];
  /** What is probably a slip: `tol:` for `tool:`. */
  hint: string;
}

/** A query that cannot be read, in words for people. */
export class QueryError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'QueryError';
  }
}

const MAX_QUERY = 2000;
const MAX_TERMS = 40;
const STEP_FIELDS = ['tool', 'file', 'error', 'kind'] as const;
const SESSION_FIELDS = ['cost', 'date', 'agent', 'session'] as const;
const SEARCH_FIELDS: readonly string[] = [...STEP_FIELDS, ...SESSION_FIELDS];
/** Other words for kinds of steps. */
const KIND_WORDS: Readonly<Record<string, string>> = {
  answer: 'assistant',
  edit: 'modify',
  command: 'run',
  subagent: 'agent',
  thought: 'reasoning',
};
const KINDS = [...STEP_KINDS, 'denied', 'call', 'result'];

interface Token {
  text: string;
  /** It begins with a quotation mark: a phrase, never an operator or a field. */
  quoted: boolean;
  not: boolean;
}

/**
 * Reads a query. Words side by side must be said by one step; `AND` joins what one session must have, and binds tighter
 * than `OR`; `NOT` or `-` is what it must not have.
 *
 * @param nowMs what `date:7d` counts from, ms since the epoch
 * @throws {QueryError}
 */
export function parseQuery(text: string, nowMs: number): Query {
  if (text.length > MAX_QUERY) {
    throw new QueryError(`The query is longer than ${MAX_QUERY} characters.`);
  }
  const tokens = tokensOf(text);
  if (tokens.length === 0) throw new QueryError('There is nothing to look for.');
  if (tokens.length > MAX_TERMS * 2) {
    throw new QueryError(`The query has more than ${MAX_TERMS} words.`);
  }
  const hints: string[] = [];
  const groups: Group[] = [];
  let group: Group = { clauses: [], session: [] };
  let clause: Clause = { terms: [], not: [] };
  let wanted = '';
  let negate = false;
  const endClause = (): void => {
    if (clause.terms.length + clause.not.length > 0) group.clauses.push(clause);
    clause = { terms: [], not: [] };
  };
  const isEmpty = (): boolean =>
    group.clauses.length + group.session.length + clause.terms.length + clause.not.length === 0;
  let afterTerm = false;
  for (const [at, token] of tokens.entries()) {
    const operator = operatorOf(tokens, at);
    if (operator === 'NOT') {
      negate = true;
      wanted = 'NOT';
      continue;
    }
    if (operator !== undefined) {
      if (!afterTerm)
        throw new QueryError(`${operator} stands where something to look for should.`);
      endClause();
      if (operator === 'OR') {
        groups.push(group);
        group = { clauses: [], session: [] };
      }
      wanted = operator;
      afterTerm = false;
      continue;
    }
    const not = token.not || negate;
    negate = false;
    wanted = '';
    afterTerm = true;
    const [field, value] = fieldOf(token, hints);
    if ((SESSION_FIELDS as readonly string[]).includes(field)) {
      const term = sessionTerm(field as SessionTerm['field'], value, nowMs);
      group.session.push(not ? { ...term, holds: (head) => !term.holds(head) } : term);
      continue;
    }
    const term: Term = { field: field as Term['field'], value: checked(field, value) };
    (not ? clause.not : clause.terms).push(term);
  }
  if (wanted !== '' || isEmpty()) {
    throw new QueryError(`${wanted || 'The query'} is not followed by anything to look for.`);
  }
  endClause();
  groups.push(group);
  return { groups, hint: hints[0] ?? '' };
}

/** `and` and `or` in small letters join fields, but in a text they are words. */
function operatorOf(tokens: readonly Token[], at: number): 'AND' | 'OR' | 'NOT' | undefined {
  const { text, quoted, not } = tokens[at]!;
  if (quoted || not) return undefined;
  if (text === 'AND' || text === 'OR' || text === 'NOT') return text;
  if (text !== 'and' && text !== 'or') return undefined;
  const joins = [tokens[at - 1], tokens[at + 1]].every(
    (each) => each !== undefined && !each.quoted && isField(each.text),
  );
  return joins ? (text.toUpperCase() as 'AND' | 'OR') : undefined;
}

const isField = (text: string): boolean =>
  SEARCH_FIELDS.includes(text.slice(0, Math.max(0, text.indexOf(':'))).toLowerCase());

function fieldOf({ text, quoted }: Token, hints: string[]): [field: string, value: string] {
  const colon = quoted ? -1 : text.indexOf(':');
  if (colon <= 0) return ['text', text];
  const name = text.slice(0, colon).toLowerCase();
  if (SEARCH_FIELDS.includes(name)) return [name, text.slice(colon + 1)];
  const [near] = similar(name, SEARCH_FIELDS);
  if (near !== undefined) hints.push(`"${text}" was looked for as text. Did you mean ${near}:?`);
  else if (/^[a-z_]+:[^/:]/i.test(text)) {
    hints.push(`"${text}" was looked for as text. Fields are ${SEARCH_FIELDS.join(', ')}.`);
  }
  return ['text', text];
}

function checked(field: string, value: string): string {
  if (field === 'error' || field === 'text') return value;
  if (value === '') throw new QueryError(`${field}: is not followed by anything to look for.`);
  if (field !== 'kind') return value;
  const kind = value.toLowerCase();
  const known = Object.hasOwn(KIND_WORDS, kind) ? KIND_WORDS[kind]! : kind;
  if (KINDS.includes(known)) return known;
  const near = similar(kind, [...KINDS, ...Object.keys(KIND_WORDS)]);
  throw new QueryError(
    near.length > 0
      ? `There is no kind "${value}". Did you mean ${near.join(' or ')}?`
      : `There is no kind "${value}". Kinds are ${KINDS.join(', ')}.`,
  );
}

/** Words, and phrases in quotation marks; a mark that is never closed goes to the end. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at++;
      continue;
    }
    const not = text[at] === '-' && /[^\s-]/.test(text[at + 1] ?? ' ');
    if (not) at++;
    const quoted = text[at] === '"';
    let word = '';
    let inside = false;
    for (; at < text.length && (inside || !/\s/.test(text[at]!)); at++) {
      const character = text[at]!;
      if (character === '\\' && inside && /["\\]/.test(text[at + 1] ?? '')) word += text[++at];
      else if (character === '"') inside = !inside;
      else word += character;
    }
    if (word.trim() !== '') tokens.push({ text: word, quoted, not });
  }
  return tokens;
}
