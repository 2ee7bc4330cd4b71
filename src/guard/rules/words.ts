/** The words of the language of conditions: which there are, and which people may have meant. */
import { similar } from '../../model/similar.ts';
import type { OpaqueReason } from '../shell/reading.ts';
import { METRICS, type Metric } from './rule.ts';

/** Texts of a call that patterns are tried on. */
export const TEXT_KINDS = ['command', 'tool', 'host', 'mcp_server'] as const;
export type TextKind = (typeof TEXT_KINDS)[number];

/** With what a condition may begin. */
const STARTS = [...METRICS, 'file_path', ...TEXT_KINDS, 'loop', 'sequence', 'secret', 'not'];

/** What people write for a name that is spelled otherwise here. */
const MEANT: Record<string, string> = {
  cost: 'cost_usd',
  budget: 'cost_usd',
  spend: 'cost_usd',
  dollars: 'cost_usd',
  price: 'cost_usd',
  rate: 'cost_per_hour',
  context: 'context_pct',
  context_percent: 'context_pct',
  files: 'files_modified',
  files_changed: 'files_modified',
  lines: 'lines_changed',
  duration: 'duration_minutes',
  timeout: 'duration_minutes',
  time: 'duration_minutes',
  minutes: 'duration_minutes',
  idle: 'idle_minutes',
  calls: 'tool_calls',
  tools: 'tool_calls',
  retry: 'retries',
  test_failures: 'consecutive_test_failures',
  tests: 'consecutive_test_failures',
  depth: 'subagent_depth',
  agents: 'subagents',
  weekly: 'project_cost_7d',
  path: 'file_path',
  file: 'file_path',
  files_path: 'file_path',
  shell: 'command',
  bash: 'command',
  cmd: 'command',
  domain: 'host',
  network: 'host',
  url: 'host',
  mcp: 'mcp_server',
  server: 'mcp_server',
  secrets: 'secret',
  token: 'tokens',
  error: 'errors',
};

/** The name that was meant by one that there is not. */
export function meant(name: string, names: Iterable<string> = STARTS): string | undefined {
  const lower = name.toLowerCase();
  const all = [...names];
  const known = Object.hasOwn(MEANT, lower) ? MEANT[lower]! : lower.replaceAll('-', '_');
  return all.includes(known) ? known : similar(lower, all, 1)[0];
}

export const isMetric = (name: string): name is Metric =>
  (METRICS as readonly string[]).includes(name);

export const isTextKind = (name: string): name is TextKind =>
  (TEXT_KINDS as readonly string[]).includes(name);

/** Why a command hides what it does: after `command unreadable:`. */
export const REASONS = [
  'unparsable',
  'tooLong',
  'unknownProgram',
  'eval',
  'interpreter',
  'code',
  'pipedToShell',
  'otherShell',
  'environment',
  'loadedCode',
  'container',
  'writtenHere',
  'sourced',
  'script',
  'task',
] as const satisfies readonly OpaqueReason[];
