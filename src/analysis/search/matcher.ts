import { isObject, type Json, type JsonObject, type TraceEvent } from '../../model/event.ts';
import { isFailure } from '../../model/rank.ts';
import { toolKind } from '../../model/tools.ts';
import { needlesOf } from './needles.ts';
import type { Clause, Query, SessionHead, Term } from './query.ts';

/** What was found in an event. All of it is hostile. */
export interface EventMatch {
  /** Where in the event: `prompt`, `text`, `arguments`, `result`, `error`, `files`, … */
  field: string;
  /** Part of it, on one line. */
  excerpt: string;
  /** What was found in the excerpt: pairs of place and length, UTF-16 units. */
  ranges: [at: number, length: number][];
  /** Which groups of the query it counts for. */
  groups: number[];
}

const MAX_STRINGS = 5000;
const MAX_TEXT = 2_000_000;
const MAX_DEPTH = 40;
const BEFORE = 60;
const EXCERPT = 220;
const MAX_RANGES = 20;

/** A query made ready to be asked of sessions, one after the other. */
export class QueryMatcher {
  /** A line that none of these is in, whatever its case, need not be looked at; undefined: all must be. */
  readonly lines: RegExp | undefined;
  /** Whether a session's cost must be known. */
  readonly needsCost: boolean;
  private readonly query: Query;
  private readonly patterns = new Map<string, RegExp>();
  private head: SessionHead = { id: '', agent: '', startMs: 0 };
  /** Of the session under way: groups that may still hold, and which of their clauses were met. */
  private open: boolean[] = [];
  private met: boolean[][] = [];

  constructor(query: Query) {
    this.query = query;
    this.needsCost = query.groups.some(({ session }) => session.some((t) => t.field === 'cost'));
    this.lines = needlesOf(query);
  }

  /** Begins with a session. @returns whether its events need be looked at */
  begin(head: SessionHead): boolean {
    this.head = head;
    const { groups } = this.query;
    this.open = groups.map(({ session }) => session.every((term) => term.holds(this.head)));
    this.met = groups.map(({ clauses }) => clauses.map(() => false));
    return groups.some(({ clauses }, at) => this.open[at] && clauses.length > 0);
  }

  /** What an event says of what is looked for; undefined: nothing. */
  match(event: TraceEvent): EventMatch | undefined {
    const { event_type: type } = event;
    // What a response cost says nothing, and `usage` would be found in each.
    if (type === 'llm_response' && event.data.text === undefined) return undefined;
    let said: Said[] | undefined;
    const groups: number[] = [];
    let clause: Clause | undefined;
    for (const [at, { clauses }] of this.query.groups.entries()) {
      if (!this.open[at]) continue;
      for (const [nth, each] of clauses.entries()) {
        said ??= saidBy(event);
        if (each.terms.length === 0) {
          // No step may fit: one that does shuts the group.
          if (each.not.some((term) => this.holds(term, event, said!))) this.open[at] = false;
        } else if (this.fits(each, event, said)) {
          this.met[at]![nth] = true;
          if (!groups.includes(at)) groups.push(at);
          clause ??= each;
        }
      }
    }
    if (clause === undefined || said === undefined) return undefined;
    return { ...this.excerpt(clause, said), groups };
  }

  /** Whether a group holds by now, whatever the rest of the session says. */
  holdsAlready(group: number): boolean {
    return (
      this.query.groups[group]!.clauses.every(({ terms }) => terms.length > 0) &&
      this.holdsNow(group)
    );
  }

  /** Whether a group holds of the session, all of which was looked at. */
  holdsNow(group: number): boolean {
    const { clauses } = this.query.groups[group]!;
    return (
      this.open[group] === true &&
      clauses.every(({ terms }, nth) => terms.length === 0 || this.met[group]![nth])
    );
  }

  /** Whether the session is found by what it is as a whole, and not by any step of it. */
  get holdsAsWhole(): boolean {
    return this.query.groups.some(
      ({ clauses }, at) => this.holdsNow(at) && clauses.every(({ terms }) => terms.length === 0),
    );
  }

  private fits({ terms, not }: Clause, event: TraceEvent, said: readonly Said[]): boolean {
    return (
      terms.every((term) => this.holds(term, event, said)) &&
      !not.some((term) => this.holds(term, event, said))
    );
  }

  private holds(term: Term, event: TraceEvent, said: readonly Said[]): boolean {
    const { data, event_type: type } = event;
    switch (term.field) {
      case 'tool':
        return typeof data.tool_name === 'string' && this.pattern(term).test(data.tool_name);
      case 'file':
        return said.some(({ path, text }) => path && this.pattern(term).test(text));
      case 'error': {
        if (!failed(event)) return false;
        if (term.value === '') return true;
        return said.some(
          ({ field, text }) => ERROR_FIELDS.has(field) && this.pattern(term).test(text),
        );
      }
      case 'kind':
        return kindOf(event, term.value, type);
      default:
        return said.some(({ text }) => this.pattern(term).test(text));
    }
  }

  private pattern({ value }: Term): RegExp {
    let pattern = this.patterns.get(value);
    if (pattern === undefined) {
      pattern = new RegExp(patternOf(value), 'iu');
      this.patterns.set(value, pattern);
    }
    return pattern;
  }

  private excerpt(
    { terms }: Clause,
    said: readonly Said[],
  ): Pick<EventMatch, 'field' | 'excerpt' | 'ranges'> {
    const worded = terms.filter(({ field, value }) => field !== 'kind' && value !== '');
    let best: { said: Said; at: number } | undefined;
    for (const term of worded) {
      if (term.field === 'tool') continue;
      for (const each of said) {
        if (term.field === 'file' && !each.path) continue;
        if (term.field === 'error' && !ERROR_FIELDS.has(each.field)) continue;
        const at = each.text.search(this.pattern(term));
        if (at < 0) continue;
        best = { said: each, at };
        break;
      }
      if (best !== undefined) break;
    }
    best ??= { said: said.find(({ field }) => field !== 'tool_name') ?? said[0] ?? NOTHING, at: 0 };
    const { text, field } = best.said;
    const from = wholeFrom(text, Math.max(0, best.at - BEFORE));
    const part = text.slice(from, from + EXCERPT).replace(/[\s\u2028\u2029]/g, ' ');
    const excerpt = `${from > 0 ? '…' : ''}${part}${from + EXCERPT < text.length ? '…' : ''}`;
    const ranges: [number, number][] = [];
    for (const term of worded) {
      for (const found of excerpt.matchAll(new RegExp(this.pattern(term), 'giu'))) {
        if (ranges.length >= MAX_RANGES) break;
        ranges.push([found.index, found[0].length]);
      }
    }
    ranges.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
    return { field, excerpt, ranges: apart(ranges) };
  }
}

/** A text with any white space where a query has some; nothing in it is an expression. */
const patternOf = (value: string): string =>
  value
    .replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    .trim()
    .replace(/\s+/g, '\\s+');

/** Ranges that do not overlap. */
function apart(ranges: readonly [number, number][]): [number, number][] {
  const kept: [number, number][] = [];
  let end = 0;
  for (const [at, length] of ranges) {
    if (at < end) continue;
    kept.push([at, length]);
    end = at + length;
  }
  return kept;
}

/** Never in the middle of a character. */
const wholeFrom = (text: string, from: number): number => {
  const unit = text.charCodeAt(from);
  return unit >= 0xdc00 && unit < 0xe000 ? from + 1 : from;
};

interface Said {
  field: string;
  text: string;
  /** It is the path of a file. */
  path: boolean;
}

const NOTHING: Said = { field: '', text: '', path: false };
const ERROR_FIELDS = new Set(['error', 'message', 'result', 'content_preview']);
/** Keys that say where an event comes from, not what it says. */
const SILENT = new Set([
  'recorded_by',
  'provider',
  'prompt_id',
  'tool_use_id',
  'request_id',
  'message_id',
  'agent_id',
  'subagent_id',
  'call_key',
  'transcript_path',
  'permission_mode',
  'event_subtype',
  'tool_use_ids',
  'usage',
  'cwd',
  'truncated',
  'redacted',
  'hook_event_name',
  'trace_version',
]);
const PATH_KEYS =
  /^(?:path|paths|uri|file|filePath|file_path|notebook_path|absolute_path|target_file)$/;

/** All that an event says, piece by piece. */
function saidBy({ data }: TraceEvent): Said[] {
  const all: Said[] = [];
  let left = MAX_TEXT;
  const stack: { field: string; key: string; value: Json; depth: number }[] = [];
  const push = (object: JsonObject): void => {
    for (const key of Object.keys(object).reverse()) {
      if (!SILENT.has(key)) stack.push({ field: key, key, value: object[key]!, depth: 0 });
    }
  };
  push(data);
  while (stack.length > 0 && all.length < MAX_STRINGS && left > 0) {
    const { field, key, value, depth } = stack.pop()!;
    if (typeof value === 'string') {
      if (value === '') continue;
      const text = value.slice(0, left);
      left -= text.length;
      all.push({ field, text, path: PATH_KEYS.test(key) });
    } else if (Array.isArray(value)) {
      if (depth >= MAX_DEPTH) continue;
      for (let at = Math.min(value.length, MAX_STRINGS) - 1; at >= 0; at--) {
        stack.push({ field, key, value: value[at]!, depth: depth + 1 });
      }
    } else if (isObject(value) && depth < MAX_DEPTH) {
      for (const inner of Object.keys(value).reverse()) {
        stack.push({ field, key: inner, value: value[inner]!, depth: depth + 1 });
      }
    }
  }
  return all;
}

const failed = ({ event_type: type, data }: TraceEvent): boolean =>
  type === 'error' || (type === 'tool_result' && isFailure(data));

function kindOf({ data, ...event }: TraceEvent, kind: string, type: string): boolean {
  switch (kind) {
    case 'prompt':
      return type === 'user_prompt';
    case 'assistant':
      return type === 'assistant_response' && data.event_subtype !== 'reasoning';
    case 'reasoning':
      return type === 'assistant_response' && data.event_subtype === 'reasoning';
    case 'error':
      return failed({ data, ...event }) && data.event_subtype !== 'denied';
    case 'denied':
      return data.event_subtype === 'denied';
    case 'call':
      return type === 'tool_call';
    case 'result':
      return type === 'tool_result' || type === 'error';
    case 'session':
      return type === 'session_start' || type === 'session_end';
    case 'notice':
      return type === 'decision';
    case 'model':
      return type === 'llm_request' || type === 'llm_response';
    case 'other':
      return false;
    default: {
      if (type === 'file_read') return kind === 'read';
      if (type === 'file_write') return kind === 'modify';
      return typeof data.tool_name === 'string' && toolKind(data.tool_name) === kind;
    }
  }
}
