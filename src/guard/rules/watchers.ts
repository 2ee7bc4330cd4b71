/** Budgets, and the watchers of the Python tool's files: as rules. */
import { amountOf, EXAMPLES, unitOf } from './amounts.ts';
import { LOOP, SEQUENCE } from './conditionParser.ts';
import { conditionText } from './conditions.ts';
import { type FileReader, shown } from './fileReader.ts';
import type { Action, Budget, Condition, Metric } from './rule.ts';
import type { Entry, Tree } from './tree.ts';

type Fields = Map<string, Entry>;

function mapOf(
  reader: FileReader,
  entry: Entry,
  what: string,
): Extract<Tree, { kind: 'map' }> | undefined {
  const { node } = entry;
  if (node.kind === 'map') return node;
  if (node.kind === 'scalar' && node.value === null) return undefined;
  return reader.lose(node.start, `"${entry.key}" is ${what}`, 'write its parts indented below it');
}

export const BUDGET_KEYS = ['weekly', 'warn_at', 'stop_at', 'per_session_max'];

/** `budget:` of a project: also rules. */
export function readBudget(reader: FileReader, entry: Entry): Budget | undefined {
  const map = mapOf(reader, entry, 'weekly, warn_at, stop_at and per_session_max');
  if (map === undefined) return undefined;
  const fields = reader.fields(map, BUDGET_KEYS, 'a budget');
  const weekly = usd(reader, fields.get('weekly'));
  const perSession = usd(reader, fields.get('per_session_max'));
  const warnAt = share(reader, fields.get('warn_at')) ?? 0.8;
  const stopAt = share(reader, fields.get('stop_at')) ?? 1;
  const at = entry.keyStart;
  if (weekly === undefined) {
    for (const key of ['warn_at', 'stop_at'] as const) {
      const useless = fields.get(key);
      if (useless !== undefined && !fields.has('weekly'))
        reader.lose(
          useless.keyStart,
          `"${key}" is a share of the weekly budget, and there is none`,
          'add weekly: 50',
        );
    }
  } else {
    if (warnAt > stopAt)
      reader.tell(
        fields.get('warn_at')?.keyStart ?? at,
        'it would warn only after it has stopped',
        'write a warn_at below stop_at',
      );
    if (warnAt < stopAt)
      limit(reader, at, 'budget-weekly-warn', 'project_cost_7d', rounded(weekly * warnAt), 'alert');
    limit(reader, at, 'budget-weekly', 'project_cost_7d', rounded(weekly * stopAt), 'stop');
  }
  if (perSession !== undefined) limit(reader, at, 'budget-session', 'cost_usd', perSession, 'stop');
  if (weekly === undefined && perSession === undefined) return undefined;
  return {
    ...(weekly !== undefined && { weekly }),
    ...(perSession !== undefined && { perSession }),
    warnAt,
    stopAt,
  };
}

const rounded = (usdValue: number): number => Math.round(usdValue * 1e6) / 1e6;

function limit(
  reader: FileReader,
  at: number,
  name: string,
  metric: Metric,
  value: number,
  action: Action,
): void {
  const when = reader.checked(at, { kind: 'metric', metric, op: '>=', value });
  if (when !== undefined) reader.add(at, { name, when, action, text: conditionText(when) });
}

function usd(reader: FileReader, entry: Entry | undefined): number | undefined {
  const text = reader.amount(entry);
  if (text === undefined || entry === undefined) return undefined;
  const value = amountOf(text.trim(), 'cost_usd');
  if (value !== undefined && value > 0) return value;
  return reader.lose(
    entry.node.start,
    `"${entry.key}" is an amount of USD above 0`,
    `write: ${entry.key}: 50`,
  );
}

/** 0.8 or 80%. */
function share(reader: FileReader, entry: Entry | undefined): number | undefined {
  const text = reader.amount(entry)?.trim();
  if (text === undefined || entry === undefined) return undefined;
  const value = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (text !== '' && value > 0 && value <= 10) return value;
  return reader.lose(
    entry.node.start,
    `"${entry.key}" is a share, such as 0.8 or 80%`,
    `write: ${entry.key}: 0.8`,
  );
}

/** Watchers with one limit: their names for it, and what is watched. */
export const WATCHER_LIMITS: Record<string, { metric: Metric; keys: string[] }> = {
  retry: { metric: 'retries', keys: ['max'] },
  cost: { metric: 'cost_usd', keys: ['max_dollars', 'max'] },
  duration: { metric: 'duration_minutes', keys: ['max_minutes', 'max'] },
  idle: { metric: 'idle_minutes', keys: ['max_minutes', 'max'] },
  context: { metric: 'context_pct', keys: ['max_pct', 'max'] },
  tokens: { metric: 'tokens', keys: ['max'] },
  errors: { metric: 'errors', keys: ['max'] },
  files: { metric: 'files_modified', keys: ['max'] },
};

export const WATCHERS = [...Object.keys(WATCHER_LIMITS), 'loop', 'scope'];

/** @returns files of policies that the watchers name, as they are written */
export function readWatchers(reader: FileReader, entry: Entry): string[] {
  const map = mapOf(reader, entry, 'a watcher or several');
  if (map === undefined) return [];
  const policies: string[] = [];
  for (const [name, watcher] of reader.fields(map, WATCHERS, 'watchers')) {
    if (!WATCHERS.includes(name) || watcher.node.kind === 'wrong') continue;
    if (name === 'loop') readLoop(reader, watcher);
    else if (name === 'scope') policies.push(...readScope(reader, watcher));
    else readLimit(reader, name, watcher);
  }
  return policies;
}

function readLimit(reader: FileReader, name: string, entry: Entry): void {
  const { metric, keys } = WATCHER_LIMITS[name]!;
  const map = mapOf(reader, entry, `${keys[0]} and action`);
  if (map === undefined) return;
  const fields = reader.fields(
    map,
    [...keys, 'action', 'alert', 'enabled'],
    `the watcher "${name}"`,
  );
  const action = actionOf(reader, fields);
  const key = keys.find((each) => fields.has(each));
  const field = key === undefined ? undefined : fields.get(key)!;
  if (field === undefined) {
    reader.lose(
      entry.keyStart,
      `the watcher "${name}" has no limit`,
      `add ${keys[0]}: ${EXAMPLES[unitOf(metric)].split(/[, ]/)[0]}`,
    );
    return;
  }
  const text = reader.amount(field);
  if (text === undefined || action === undefined) return;
  const value = amountOf(text.trim(), metric);
  if (value === undefined) {
    reader.lose(
      field.node.start,
      `"${shown(text)}" is no value of ${metric}`,
      `write ${EXAMPLES[unitOf(metric)]}`,
    );
    return;
  }
  if (action === 'off') return;
  // A maximum may be reached, not passed.
  addWatcher(reader, entry, `watch-${name}`, { kind: 'metric', metric, op: '>', value }, action);
}

function readLoop(reader: FileReader, entry: Entry): void {
  const map = mapOf(
    reader,
    entry,
    'identical_calls and window, or sequence_length and max_repeats',
  );
  if (map === undefined) return;
  const keys = ['identical_calls', 'window', 'sequence_length', 'max_repeats'];
  const fields = reader.fields(map, [...keys, 'action', 'alert', 'enabled'], 'the watcher "loop"');
  const action = actionOf(reader, fields);
  const count = (key: string, otherwise: number): number | undefined =>
    fields.has(key) ? reader.count(fields.get(key), 2) : otherwise;
  const calls = count('identical_calls', LOOP.calls);
  const window = count('window', Math.max(LOOP.window, calls ?? 0));
  const length = count('sequence_length', SEQUENCE.length);
  const repeats = count('max_repeats', SEQUENCE.repeats);
  if (action === undefined || action === 'off') return;
  if (calls !== undefined && window !== undefined)
    addWatcher(reader, entry, 'watch-loop', { kind: 'loop', calls, window }, action);
  if (length !== undefined && repeats !== undefined)
    addWatcher(reader, entry, 'watch-sequence', { kind: 'sequence', length, repeats }, action);
}

function readScope(reader: FileReader, entry: Entry): string[] {
  const map = mapOf(reader, entry, 'the name of a policy');
  if (map === undefined) return [];
  const fields = reader.fields(
    map,
    ['policy', 'action', 'alert', 'enabled'],
    'the watcher "scope"',
  );
  const policy = reader.string(fields.get('policy'));
  return policy === undefined || policy.trim() === '' ? [] : [policy.trim()];
}

function actionOf(reader: FileReader, fields: Fields): Action | 'off' | undefined {
  for (const key of ['alert', 'enabled']) {
    const entry = fields.get(key);
    if (entry === undefined) continue;
    const { node } = entry;
    if (node.kind !== 'scalar' || typeof node.value !== 'boolean')
      return reader.lose(node.start, `"${key}" is true or false`, `write: ${key}: true`);
    if (!node.value) return 'off';
  }
  return reader.action(fields.get('action'), 'alert');
}

function addWatcher(
  reader: FileReader,
  entry: Entry,
  name: string,
  condition: Condition,
  action: Action,
): void {
  const when = reader.checked(entry.keyStart, condition);
  if (when !== undefined)
    reader.add(entry.keyStart, { name, when, action, text: conditionText(when) });
}

const SHELLS = ['bash', 'shell', 'sh', 'run_shell_command', 'exec_command', 'local_shell'];

/** `operation_rules:` `{tool, pattern, action, reason}`: the pattern is of the command, or of the path. */
export function readOperation(reader: FileReader, tree: Tree): void {
  if (tree.kind !== 'map') {
    reader.lose(
      tree.start,
      'an operation rule has a tool, a pattern and an action',
      'write: {"tool": "bash", "pattern": "rm *", "action": "block"}',
    );
    return;
  }
  const before = reader.lost;
  const fields = reader.fields(
    tree,
    ['tool', 'pattern', 'action', 'reason', 'name'],
    'an operation rule',
  );
  const tool = reader.string(fields.get('tool'))?.trim() ?? '';
  const patterns = reader.strings(fields.get('pattern'));
  const action = reader.action(fields.get('action'), 'alert');
  const message = reader.message(fields.get('reason'));
  const name = reader.string(fields.get('name'));
  if (reader.lost > before || action === undefined) return;
  const anyTool = tool === '' || tool === '*';
  if (anyTool && patterns === undefined) {
    reader.lose(tree.start, 'the operation rule has neither tool nor pattern', 'add pattern: "…"');
    return;
  }
  const texts = (patterns ?? []).map((glob) => ({ glob }));
  const command: Condition = { kind: 'command', patterns: texts };
  const path: Condition = { kind: 'path', access: 'any', patterns: texts };
  const isTool: Condition = { kind: 'tool', patterns: [{ glob: tool }] };
  const condition: Condition =
    patterns === undefined
      ? isTool
      : SHELLS.includes(tool.toLowerCase())
        ? command
        : anyTool
          ? { kind: 'or', of: [command, path] }
          : { kind: 'and', of: [isTool, { kind: 'or', of: [command, path] }] };
  const when = reader.checked(tree.start, condition);
  if (when !== undefined)
    reader.add(tree.start, {
      name,
      when,
      action,
      text: conditionText(when),
      ...(message !== undefined && { message }),
    });
}
