/**
 * A file of rules, read: `.watch-rules.*`, `.agent-strace.*`, `.agent-watch.json`, and the user's own. What is wrong in it is told
 * with its place; the rest of it is in force.
 */
import { type FileContext, FileReader, type FileRule } from './fileReader.ts';
import type { Budget, RuleProblem } from './rule.ts';
import { readRule } from './ruleEntry.ts';
import { parseRulesSpec } from './spec.ts';
import { type Entry, readTree, type Tree } from './tree.ts';
import { readBudget, readOperation, readWatchers } from './watchers.ts';

/** `settings`: a file that is about other things, too (`.agent-strace.yaml`). */
export type FileKind = 'rules' | 'settings';

export interface ReadFile {
  rules: FileRule[];
  budget?: Budget;
  problems: RuleProblem[];
  /** Rules that could not be read. */
  lost: number;
  /** Nothing of it could be read. */
  unreadable: boolean;
  /** Policies that it names, as they are written. */
  policies: string[];
}

export const FILE_KEYS = [
  'rules',
  'budget',
  'watchers',
  'operation_rules',
  'built_in_rules',
  'max_context_pct',
  'webhook',
  'notify',
  'version',
  'name',
  'description',
  '$schema',
  'cognitive_debt_threshold',
];

/** Reads the text of a file. Never throws. */
export function readRuleText(context: FileContext, kind: FileKind): ReadFile {
  const reader = new FileReader(context);
  const read: ReadFile = {
    rules: reader.rules,
    problems: reader.problems,
    lost: 0,
    unreadable: false,
    policies: [],
  };
  if (context.text.includes('\0')) {
    reader.lose(context.text.indexOf('\0'), 'this is not a text file', 'write YAML or JSON');
    return { ...read, lost: 1, unreadable: true };
  }
  const tree = readTree(context.text, context.file.endsWith('.json') ? 'json' : 'yaml');
  if (tree === undefined) return read;
  if (!('kind' in tree)) {
    reader.lose(tree.at, tree.message, tree.fix);
    return { ...read, lost: 1, unreadable: true };
  }
  if (tree.kind === 'list') for (const item of tree.items) readRule(reader, item);
  else if (tree.kind === 'map') readTop(reader, tree, kind, read);
  else if (tree.kind === 'wrong' || tree.value !== null) {
    reader.lose(
      tree.start,
      'a file of rules is a list of rules',
      'write: rules: [{ name: …, condition: "cost_usd > 5", action: deny }]',
    );
    return { ...read, lost: 1, unreadable: true };
  }
  reader.problems.sort((a, b) => a.line - b.line || a.column - b.column);
  return { ...read, lost: reader.lost };
}

function readTop(
  reader: FileReader,
  tree: Extract<Tree, { kind: 'map' }>,
  kind: FileKind,
  read: ReadFile,
): void {
  // One rule by itself.
  if (
    tree.entries.some(({ key }) => key === 'condition') &&
    !tree.entries.some(({ key }) => key === 'rules')
  ) {
    readRule(reader, tree);
    return;
  }
  const fields = reader.fields(tree, FILE_KEYS, 'the file', kind === 'rules');
  const { repo } = reader.context;
  for (const item of itemsOf(reader, fields.get('rules'))) readRule(reader, item);
  for (const item of itemsOf(reader, fields.get('operation_rules'))) readOperation(reader, item);
  for (const item of itemsOf(reader, fields.get('built_in_rules'))) builtIn(reader, item);
  const entry = fields.get('budget');
  const budget = entry && readBudget(reader, entry);
  if (budget !== undefined) read.budget = budget;
  const watchers = fields.get('watchers');
  if (watchers !== undefined) read.policies.push(...readWatchers(reader, watchers));
  contextLimit(reader, fields.get('max_context_pct'));
  const webhook = fields.get('webhook');
  if (webhook !== undefined && (repo || kind === 'rules')) reader.destination(webhook);
  reader.destination(fields.get('notify'));
  const debt = fields.get('cognitive_debt_threshold');
  if (debt !== undefined)
    reader.tell(debt.keyStart, 'no rule goes by "cognitive_debt_threshold"', 'take it out');
}

function itemsOf(reader: FileReader, entry: Entry | undefined): Tree[] {
  if (entry === undefined) return [];
  const { node } = entry;
  if (node.kind === 'list') return node.items;
  if (node.kind === 'map') {
    // `rules: { name: {condition, action} }` is easily written, and plain enough to be told.
    reader.lose(node.start, `"${entry.key}" is a list`, 'begin each of its rules with "- "');
  } else if (node.kind === 'scalar' && node.value !== null)
    reader.lose(node.start, `"${entry.key}" is a list`, `write: ${entry.key}: [ … ]`);
  return [];
}

function builtIn(reader: FileReader, item: Tree): void {
  const text = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : undefined;
  if (text === undefined) {
    reader.lose(item.start, 'a built-in rule is a text', 'write: "loop:3/10"');
    return;
  }
  const { rules, problems } = parseRulesSpec(text, '/');
  for (const { message, fix } of problems) reader.lose(item.start, message, fix);
  for (const { name, when, action, text: said } of rules)
    reader.add(item.start, { name, when, action, text: said });
}

function contextLimit(reader: FileReader, entry: Entry | undefined): void {
  const text = reader.amount(entry)?.replace(/%$/, '').trim();
  if (entry === undefined || text === undefined) return;
  const value = Number(text);
  const when = reader.checked(entry.node.start, {
    kind: 'metric',
    metric: 'context_pct',
    op: '>=',
    value: Number.isFinite(value) ? value : 0,
  });
  if (when !== undefined)
    reader.add(entry.keyStart, {
      name: 'max-context-pct',
      when,
      action: 'alert',
      text: `context_pct >= ${value}%`,
    });
}
