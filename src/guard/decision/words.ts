/** What a verdict says to people and agents. */
import { formatCount, formatPercent, formatTokens, formatUsd, plural } from '../../model/format.ts';
import type { Metric, Operator } from '../rules/rule.ts';
import { type Pattern, textOf, UNKNOWN } from '../shell/pattern.ts';
import type { Touch } from './guardedCall.ts';

/** One line of at most so many characters, without what does not show. */
export function shown(text: string, max: number): string {
  const line = text
    .replaceAll(UNKNOWN, '…')
    .replace(/[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/g, ' ')
    .trim();
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
}

export const named = (pattern: Pattern): string => shown(textOf(pattern), 160);

const VERBS = { read: 'reads', write: 'writes', delete: 'deletes', unknown: 'touches' } as const;

export function touchText({ path, access, how, deep }: Touch, project: string): string {
  const subject = how === 'argument' || how === '' ? 'a program' : shown(how, 40);
  if (path === undefined) return `${subject} ${VERBS[access]} a path that is not known`;
  const text = textOf(path);
  const short = text.startsWith(`${project}/`) ? text.slice(project.length + 1) : text;
  return `${subject} ${VERBS[access]} ${shown(short, 160)}${deep && access === 'delete' ? ' and all in it' : ''}`;
}

/** … with the file that is meant, where the call does not name it, and a way round. */
export function stakeText(text: string, project: string, file?: string, advice?: string): string {
  if (file === undefined) return text;
  const short = file.startsWith(`${project}/`) ? file.slice(project.length + 1) : file;
  const way = advice === undefined ? '' : ` (${advice})`;
  return `${text}, with ${shown(short, 120)} among it${way}`;
}

export const loopText = (tool: string | undefined, count: number, window: number): string =>
  `${tool === undefined ? 'the same call was made' : `${shown(tool, 60)} was called with the same input`} ${plural(count, 'time')} in the last ${window} calls`;

const OPERATORS: Record<Operator, string> = {
  '>': 'is over',
  '>=': 'has reached',
  '<': 'is under',
  '<=': 'is at most',
  '==': 'is',
  '!=': 'is not',
};

const usd = (value: number): string => formatUsd(Math.round(value * 1e9));
const minutes = (value: number): string => `${round(value)} min`;
const round = (value: number): string => String(Math.round(value * 10) / 10);

const METRIC_WORDS: Record<Metric, [name: string, format: (value: number) => string]> = {
  cost_usd: ['cost', usd],
  cost_per_hour: ['cost an hour', usd],
  tokens: ['tokens', formatTokens],
  context_pct: ['the context window', (value) => formatPercent(value / 100)],
  files_modified: ['files modified', formatCount],
  lines_changed: ['lines changed', formatCount],
  duration_minutes: ['duration', minutes],
  idle_minutes: ['time without a sign of life', minutes],
  tool_calls: ['tool calls', formatCount],
  errors: ['errors', formatCount],
  consecutive_errors: ['errors in a row', formatCount],
  consecutive_test_failures: ['failed test runs in a row', formatCount],
  retries: ['retries', formatCount],
  subagents: ['subagents', formatCount],
  subagent_depth: ['depth of subagents', formatCount],
  project_cost_7d: ['cost of the project in seven days', usd],
};

/** `cost $5.02 is over $5.00`. */
export function metricText(metric: Metric, value: number, op: Operator, limit: number): string {
  const [name, format] = METRIC_WORDS[metric];
  return `${name} ${format(value)} ${OPERATORS[op]} ${format(limit)}`;
}
