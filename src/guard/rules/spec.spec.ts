import { describe, expect, it } from 'vitest';
import { parseRulesSpec } from './spec.ts';

describe('rules in a word', () => {
  it('reads limits, their units, and other actions', () => {
    const { rules, problems } = parseRulesSpec(
      'loop:3/10, budget:$5,timeout:30m,idle:10m=pause,context:90,retries:5,files:50,errors,tests:3,secret',
      '/p',
    );
    expect(problems).toEqual([]);
    expect(rules.map(({ name, text, action }) => [name, text, action])).toEqual([
      ['loop', 'loop 3/10', 'deny'],
      ['budget', 'cost_usd >= 5', 'stop'],
      ['timeout', 'duration_minutes >= 30', 'stop'],
      ['idle', 'idle_minutes >= 10', 'pause'],
      ['context', 'context_pct >= 90', 'alert'],
      ['retries', 'retries >= 5', 'deny'],
      ['files', 'files_modified >= 50', 'deny'],
      ['errors', 'consecutive_errors >= 5', 'alert'],
      ['tests', 'consecutive_test_failures >= 3', 'alert'],
      ['secret', 'secret in outgoing call', 'deny'],
    ]);
    expect(rules.every(({ scope, root }) => scope === 'user' && root === '/p')).toBe(true);
  });

  it.each<[string, number, RegExp, RegExp]>([
    ['lop:3', 1, /no built-in rule "lop"/, /did you mean loop\?/],
    ['loop:3/10, budgt:5', 12, /"budgt"/, /did you mean budget\?/],
    ['budget', 1, /no limit/, /budget:5/],
    ['budget:lots', 1, /no value/, /\$0\.50/],
    ['loop:x', 1, /no loop/, /loop:3\/10/],
    ['loop:9/3', 1, /never be true/, /loop 9\/10/],
    ['budget:5=explode', 1, /no action "explode"/, /alert, ask/],
    ['loop,loop:4', 6, /twice/, /keep one/],
    ['mcp-poisoning', 1, /no rule "mcp-poisoning"/, /take it out/],
  ])('tells what is wrong with %s', (text, column, message, fix) => {
    const { problems } = parseRulesSpec(text, '/p');
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file: '', line: 1, column });
    expect(problems[0]!.message).toMatch(message);
    expect(problems[0]!.fix).toMatch(fix);
  });
});
