/** One rule of a file, in either shape: `condition: "cost_usd > 5"`, or `condition: cost_usd` with `threshold: 5`. */
import { amountOf, EXAMPLES, unitOf } from './amounts.ts';
import { LOOP, SEQUENCE } from './conditionParser.ts';
import { conditionText } from './conditions.ts';
import { type FileReader, shown } from './fileReader.ts';
import type { Access, Condition, Metric, TextPattern } from './rule.ts';
import type { Entry, Tree } from './tree.ts';
import { isMetric, isTextKind, meant } from './words.ts';

const PARTS = ['threshold', 'window', 'length', 'glob', 'pattern', 'regex', 'access'] as const;
type Part = (typeof PARTS)[number];

export const RULE_KEYS = ['name', 'condition', 'action', 'message', 'reason', 'notify', ...PARTS];

/** Words of the second shape, and what they stand for. */
const SHORT: Record<string, Metric> = {
  cost: 'cost_usd',
  budget: 'cost_usd',
  timeout: 'duration_minutes',
  duration: 'duration_minutes',
  idle: 'idle_minutes',
  context: 'context_pct',
  retry: 'retries',
};

const PATHS: Record<string, Access> = {
  file_path: 'any',
  path: 'any',
  file_read: 'read',
  file_write: 'write',
  file_delete: 'delete',
};

const ACCESS: Record<string, Access> = {
  read: 'read',
  write: 'write',
  delete: 'delete',
  any: 'any',
};

export const WORDS_ALONE = [...Object.keys(SHORT), ...Object.keys(PATHS), 'outside', 'unreadable'];

type Fields = Map<string, Entry>;

/** Reads one rule into the reader; what is wrong with it is told, and it is left out. */
export function readRule(reader: FileReader, tree: Tree): void {
  if (tree.kind === 'wrong') {
    reader.lose(tree.start, tree.message, tree.fix);
    return;
  }
  if (tree.kind !== 'map') {
    reader.lose(
      tree.start,
      'a rule has a name, a condition and an action',
      'write: { name: …, condition: "cost_usd > 5", action: deny }',
    );
    return;
  }
  const lostBefore = reader.lost;
  const fields = reader.fields(tree, RULE_KEYS, 'a rule');
  reader.destination(fields.get('notify'));
  const name = reader.string(fields.get('name'));
  const action = reader.action(fields.get('action'), 'alert');
  const message = reader.message(fields.get('message')) ?? reader.message(fields.get('reason'));
  const entry = fields.get('condition');
  if (entry === undefined) {
    reader.lose(
      tree.start,
      'the rule has no condition',
      'write one, such as: condition: "cost_usd > 5"',
    );
    reader.reserve(name);
    return;
  }
  const text = reader.string(entry);
  const when = text === undefined ? undefined : conditionOf(reader, entry, text, fields);
  // One mistake is enough: half a rule is none.
  if (when === undefined || action === undefined || reader.lost > lostBefore) {
    if (reader.lost > lostBefore) reader.lost = lostBefore + 1;
    reader.reserve(name);
    return;
  }
  reader.add(tree.start, {
    name,
    when,
    action,
    text: isWord(text!) ? conditionText(when) : text!.trim().replace(/\s+/g, ' '),
    ...(message !== undefined && { message }),
  });
}

const isWord = (text: string): boolean => /^\s*[\w-]+\s*$/.test(text);

function conditionOf(
  reader: FileReader,
  entry: Entry,
  text: string,
  fields: Fields,
): Condition | undefined {
  if (isWord(text)) {
    const built = fromWord(reader, entry, text.trim().toLowerCase(), fields);
    return built === undefined ? undefined : reader.checked(entry.node.start, built);
  }
  nothingElse(reader, fields, [], 'a condition that is written out');
  return reader.condition(entry, text);
}

function fromWord(
  reader: FileReader,
  entry: Entry,
  word: string,
  fields: Fields,
): Condition | undefined {
  const metric = isMetric(word) ? word : Object.hasOwn(SHORT, word) ? SHORT[word] : undefined;
  const only = (...parts: Part[]): void => nothingElse(reader, fields, parts, word);
  if (metric !== undefined) {
    only('threshold');
    return fromMetric(reader, entry, metric, fields.get('threshold'));
  }
  if (Object.hasOwn(PATHS, word)) {
    only('glob', 'pattern', 'regex', 'access');
    const patterns = patternsOf(reader, entry, fields, word);
    const access = accessOf(reader, fields.get('access'), PATHS[word]!);
    return patterns && access && { kind: 'path', access, patterns };
  }
  if (isTextKind(word)) {
    only('glob', 'pattern', 'regex');
    const patterns = patternsOf(reader, entry, fields, word);
    return patterns && { kind: word, patterns };
  }
  if (word === 'loop') {
    only('threshold', 'window');
    const calls = number(reader, fields.get('threshold'), LOOP.calls);
    const window = number(reader, fields.get('window'), Math.max(calls ?? 0, LOOP.window));
    return calls === undefined || window === undefined
      ? undefined
      : { kind: 'loop', calls, window };
  }
  if (word === 'sequence') {
    only('threshold', 'length');
    const length = number(reader, fields.get('length'), SEQUENCE.length);
    const repeats = number(reader, fields.get('threshold'), SEQUENCE.repeats);
    return length === undefined || repeats === undefined
      ? undefined
      : { kind: 'sequence', length, repeats };
  }
  if (word === 'outside') {
    only('access');
    const access = accessOf(reader, fields.get('access'), 'any');
    return access && { kind: 'outside', access };
  }
  if (word === 'secret' || word === 'unreadable') {
    only();
    return word === 'secret' ? { kind: 'secret' } : { kind: 'opaque' };
  }
  const known = meant(word, [...WORDS_ALONE]) ?? meant(word);
  return reader.lose(
    entry.node.start,
    `there is nothing called "${shown(word)}"`,
    known === undefined ? 'write a condition, such as: "cost_usd > 5"' : `did you mean ${known}?`,
  );
}

const number = (
  reader: FileReader,
  entry: Entry | undefined,
  otherwise: number,
): number | undefined => (entry === undefined ? otherwise : reader.count(entry, 2));

/** The limit is reached: that is when it trips. */
function fromMetric(
  reader: FileReader,
  entry: Entry,
  metric: Metric,
  threshold: Entry | undefined,
): Condition | undefined {
  const example = EXAMPLES[unitOf(metric)];
  if (threshold === undefined)
    return reader.lose(
      entry.node.start,
      `${metric} has no limit`,
      `add threshold: ${example.split(/[, ]/)[0]}, or write: condition: "${metric} > …"`,
    );
  const text = reader.amount(threshold);
  if (text === undefined) return undefined;
  const value = amountOf(text.trim(), metric);
  if (value === undefined)
    return reader.lose(
      threshold.node.start,
      `"${shown(text)}" is no value of ${metric}`,
      `write ${example}`,
    );
  return { kind: 'metric', metric, op: '>=', value };
}

function patternsOf(
  reader: FileReader,
  entry: Entry,
  fields: Fields,
  word: string,
): TextPattern[] | undefined {
  const globs = reader.strings(fields.get('glob') ?? fields.get('pattern'));
  const regexes = reader.strings(fields.get('regex'));
  const patterns: TextPattern[] = [
    ...(globs ?? []).map((glob) => ({ glob })),
    ...(regexes ?? []).map((regex) => ({ regex })),
  ];
  if (patterns.length > 0) return patterns;
  if (fields.has('glob') || fields.has('pattern') || fields.has('regex')) return undefined;
  return reader.lose(entry.node.start, `${word} has no pattern`, 'add glob: "…"');
}

function accessOf(
  reader: FileReader,
  entry: Entry | undefined,
  otherwise: Access,
): Access | undefined {
  if (entry === undefined) return otherwise;
  const text = reader.string(entry)?.trim().toLowerCase();
  if (text !== undefined && Object.hasOwn(ACCESS, text)) return ACCESS[text];
  return text === undefined
    ? undefined
    : reader.lose(
        entry.node.start,
        `"${shown(text)}" is no access`,
        'there are: read, write, delete, any',
      );
}

function nothingElse(
  reader: FileReader,
  fields: Fields,
  but: readonly Part[],
  beside: string,
): void {
  for (const part of PARTS) {
    const entry = fields.get(part);
    if (entry !== undefined && !but.includes(part))
      reader.lose(
        entry.keyStart,
        `"${part}" says nothing beside ${beside}`,
        'take it out, or write it into the condition',
      );
  }
}
