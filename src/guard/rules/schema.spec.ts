import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseCondition } from './conditions.ts';
import { RULE_KEYS } from './ruleEntry.ts';
import { FILE_KEYS, readRuleText } from './ruleFile.ts';
import { CONDITION_EXAMPLES, rulesSchema, settingsSchema } from './schema.ts';
import { BUDGET_KEYS, WATCHERS } from './watchers.ts';

/** As much of JSON Schema as ours use. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  enumDescriptions?: string[];
  anyOf?: Schema[];
  minItems?: number;
  items?: Schema;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean;
  definitions?: Record<string, Schema>;
}

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** @returns where a value is not what the schema says */
function wrong(value: unknown, schema: Schema, whole: Schema, at = ''): string[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return wrong(value, whole.definitions?.[name] ?? {}, whole, at);
  }
  const type = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  const fits = (one: string): boolean =>
    one === type || (one === 'integer' && Number.isInteger(value));
  if (schema.type !== undefined && ![schema.type].flat().some(fits)) return [`${at}: ${type}`];
  const found: string[] = [];
  if (schema.enum?.includes(value) === false) found.push(`${at}: not one of the words`);
  if (schema.anyOf?.every((one) => wrong(value, one, whole, at).length > 0))
    found.push(`${at}: none of the forms`);
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) found.push(`${at}: too few`);
    for (const [index, item] of value.entries())
      found.push(...wrong(item, schema.items ?? {}, whole, `${at}/${index}`));
  } else if (typeof value === 'object' && value !== null) {
    for (const key of schema.required ?? []) if (!(key in value)) found.push(`${at}: no ${key}`);
    for (const [key, item] of Object.entries(value)) {
      const inner = schema.properties?.[key];
      if (inner !== undefined) found.push(...wrong(item, inner, whole, `${at}/${key}`));
      else if (schema.additionalProperties === false) found.push(`${at}: unknown ${key}`);
    }
  }
  return found;
}

describe('the schemas', () => {
  it.each([
    ['watch-rules', rulesSchema()],
    ['agent-strace', settingsSchema()],
  ])('%s is shipped as it is here', async (name, schema) => {
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(
      join(root, `media/schemas/${name}.schema.json`),
    );
  });

  it('know the keys that the reader knows', () => {
    const keysOf = (schema: Schema | undefined): string[] =>
      Object.keys(schema?.properties ?? {}).sort();
    const rule = (rulesSchema() as Schema).definitions?.rule;
    expect(keysOf(rule)).toEqual([...RULE_KEYS].sort());
    const settings: Schema = settingsSchema();
    // Those that are told to be useless are not offered.
    const useless = ['webhook', 'notify', 'cognitive_debt_threshold'];
    expect(keysOf(settings)).toEqual(FILE_KEYS.filter((key) => !useless.includes(key)).sort());
    expect(keysOf(settings.properties?.budget)).toEqual([...BUDGET_KEYS].sort());
    expect(keysOf(settings.properties?.watchers)).toEqual([...WATCHERS].sort());
    const { enum: words = [], enumDescriptions = [] } = rule?.properties?.action ?? {};
    expect(words.length).toBeGreaterThan(0);
    expect(enumDescriptions).toHaveLength(words.length);
  });

  it('offer conditions that can be read', () => {
    for (const text of CONDITION_EXAMPLES)
      expect({ text, ok: parseCondition(text).ok }).toEqual({ text, ok: true });
  });

  const mistakes = (text: string, file: string): { read: number; schema: number } => {
    const settings = file.includes('.agent-strace.');
    const schema: Schema = settings ? settingsSchema() : rulesSchema();
    const { problems } = readRuleText({ file, text, repo: true }, settings ? 'settings' : 'rules');
    return { read: problems.length, schema: wrong(parse(text), schema, schema).length };
  };

  it.each([
    ['- {name: a, condition: cost_usd > 5, action: stop, message: x}'],
    ['rules:\n- condition: file_path\n  glob: ["*.pem"]\n  access: read\n  action: block'],
    ['- {condition: cost_usd, threshold: $5}\n- {condition: loop, threshold: 3, window: 10}'],
    ['condition: secret\naction: deny'],
    [
      'built_in_rules: ["loop:3/10"]\noperation_rules: [{tool: bash, pattern: "rm *", action: block}]',
    ],
    ['watchers: {retry: {max: 5, alert: true}, loop: {identical_calls: 3}}\nbudget: {weekly: 50}'],
  ])('take what the reader takes: %s', (text) => {
    expect(mistakes(text, '/p/.watch-rules.yaml')).toEqual({ read: 0, schema: 0 });
  });

  it.each([
    ['- {name: a, action: stop}'],
    ['- {condition: secret, acton: stop}'],
    ['- {condition: secret, action: denny}'],
    ['- {condition: 5}'],
    ['- {condition: tool, glob: []}'],
    ['rulez: []'],
    ['rules: {a: 1}'],
    ['watchers: {retries: {max: 3}}'],
    ['budget: {weekly: [5]}'],
  ])('refuse what the reader refuses: %s', (text) => {
    const found = mistakes(text, '/p/.watch-rules.yaml');
    expect(found.read).toBeGreaterThan(0);
    expect(found.schema).toBeGreaterThan(0);
  });

  it('leave other parts of a settings file alone', () => {
    const text = 'retention: {days: 3}\nbudget: {weekly: 50, per_session_max: $5}';
    expect(mistakes(text, '/p/.agent-strace.yaml')).toEqual({ read: 0, schema: 0 });
  });

  it('are offered for every file of rules, and shipped', () => {
    const { contributes } = JSON.parse(read('package.json'));
    const offered = [...contributes.jsonValidation, ...contributes.yamlValidation];
    const files = offered.flatMap(({ fileMatch }: { fileMatch: string | string[] }) => fileMatch);
    for (const name of [
      '.watch-rules.json',
      '.watch-rules.yaml',
      '.watch-rules.yml',
      '.agent-strace.yaml',
      '.agent-strace.yml',
      '.agent-strace.json',
      '.agent-watch.json',
      'rules.yaml',
    ])
      expect(files.some((file: string) => file.endsWith(name))).toBe(true);
    for (const { url } of offered) expect(JSON.parse(read(url))).toHaveProperty('title');
    expect(read('.vscodeignore')).toContain('!media/schemas/**');
  });
});
