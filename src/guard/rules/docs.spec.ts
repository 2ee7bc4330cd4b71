import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SAFE_NAMES } from './builtin.ts';
import { parseCondition } from './conditions.ts';
import { PROJECT_FILES } from './places.ts';
import { METRICS } from './rule.ts';
import { readRuleText } from './ruleFile.ts';
import { parseRulesSpec, SPEC_WORDS } from './spec.ts';

const docs = readFileSync(join(import.meta.dirname, '../../../docs/rules.md'), 'utf8');

describe('docs/rules.md', () => {
  const blocks = [...docs.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);

  it.each(blocks.map((text) => [text.split('\n')[0], text]))(
    'has examples that work: %s',
    (_first, text = '') => {
      const { problems, rules } = readRuleText({ file: '/p/x.yaml', text, repo: true }, 'rules');
      // Examples of one rule in two ways have its name twice.
      expect(problems.filter(({ message }) => !/another rule is called/.test(message))).toEqual([]);
      expect(rules.length).toBeGreaterThan(0);
    },
  );

  it('has conditions that can be read', () => {
    const table = docs.slice(docs.indexOf('| condition |'), docs.indexOf('They are joined'));
    const cells = [...table.matchAll(/^\| (`.*?`) \| /gm)].map(([, cell = '']) => cell);
    const conditions = cells.flatMap((cell) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text),
    );
    expect(conditions.length).toBeGreaterThan(15);
    for (const text of conditions) {
      const whole = /^(writes|deletes) /.test(text) ? `file_path ${text}` : text;
      expect({ whole, ...parseCondition(whole) }).toMatchObject({ ok: true });
    }
  });

  it('has rules in a word that can be read, and names all of them', () => {
    const lists = [...docs.matchAll(/`((?:[a-z]+:[^`\s,]+)(?:,[^`\s]+)*)`/g)].map(
      ([, text = '']) => text,
    );
    expect(lists.length).toBeGreaterThan(5);
    for (const text of lists) expect(parseRulesSpec(text, '/').problems).toEqual([]);
    for (const word of SPEC_WORDS) expect(docs).toMatch(new RegExp(`[\`,]${word}[:\`]`));
  });

  it('names all numbers, files and rules of the safe set', () => {
    for (const name of [...METRICS, ...SAFE_NAMES]) expect(docs).toContain(`\`${name}`);
    for (const name of PROJECT_FILES) expect(docs).toContain(name.replace(/\.\w+$/, ''));
  });
});
