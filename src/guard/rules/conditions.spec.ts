import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_WINDOW } from './conditionParser.ts';
import { conditionText, MAX_TEXT, parseCondition } from './conditions.ts';
import { regexProblem } from './regex.ts';
import { type Condition, METRICS, type Metric, type TextPattern } from './rule.ts';

const parsed = (text: string): Condition => {
  const result = parseCondition(text, regexProblem);
  if (!result.ok) throw new Error(`${text}: ${result.message}`);
  return result.condition;
};

const metric = (name: Metric, op: '>' | '>=' | '<', value: number): Condition => ({
  kind: 'metric',
  metric: name,
  op,
  value,
});

describe('conditions', () => {
  it.each<[string, Condition]>([
    ['cost_usd > 0.50', metric('cost_usd', '>', 0.5)],
    ['cost_usd > $5', metric('cost_usd', '>', 5)],
    ['cost_usd>=$1.5k', metric('cost_usd', '>=', 1500)],
    ['cost_per_hour >= $5/h', metric('cost_per_hour', '>=', 5)],
    ['tokens > 1.5M', metric('tokens', '>', 1_500_000)],
    ['tokens > 200k', metric('tokens', '>', 200_000)],
    ['context_pct >= 80%', metric('context_pct', '>=', 80)],
    ['duration_minutes > 30m', metric('duration_minutes', '>', 30)],
    ['duration_minutes > 2h', metric('duration_minutes', '>', 120)],
    ['duration_minutes > 1h30m', metric('duration_minutes', '>', 90)],
    ['idle_minutes > 90s', metric('idle_minutes', '>', 1.5)],
    ['idle_minutes > 10', metric('idle_minutes', '>', 10)],
    ['COST_USD > 5', metric('cost_usd', '>', 5)],
    [
      'file_path matches "**/production.env"',
      { kind: 'path', access: 'any', patterns: [{ glob: '**/production.env' }] },
    ],
    ['file_path reads "a"', { kind: 'path', access: 'read', patterns: [{ glob: 'a' }] }],
    [
      'file_path writes "a", "b"',
      { kind: 'path', access: 'write', patterns: [{ glob: 'a' }, { glob: 'b' }] },
    ],
    ["file_path deletes 'a'", { kind: 'path', access: 'delete', patterns: [{ glob: 'a' }] }],
    ['file_path outside workspace', { kind: 'outside', access: 'any' }],
    ['file_path deletes outside workspace', { kind: 'outside', access: 'delete' }],
    ['file_path writes outside the project', { kind: 'outside', access: 'write' }],
    ['command matches "rm -rf *"', { kind: 'command', patterns: [{ glob: 'rm -rf *' }] }],
    ['command matches /rm\\s+\\/x/', { kind: 'command', patterns: [{ regex: 'rm\\s+/x' }] }],
    ['command matches /[/]x/i', { kind: 'command', patterns: [{ regex: '(?i)[/]x' }] }],
    ['command matches "say \\"hi\\""', { kind: 'command', patterns: [{ glob: 'say "hi"' }] }],
    ['command unreadable', { kind: 'opaque' }],
    [
      'command unreadable: pipedToShell, eval',
      { kind: 'opaque', reasons: ['pipedToShell', 'eval'] },
    ],
    ['tool matches "Web*"', { kind: 'tool', patterns: [{ glob: 'Web*' }] }],
    ['tool == "Bash"', { kind: 'tool', patterns: [{ glob: 'Bash' }] }],
    ['tool == "a*"', { kind: 'tool', patterns: [{ glob: 'a\\*' }] }],
    ['tool != "Bash"', { kind: 'not', of: { kind: 'tool', patterns: [{ glob: 'Bash' }] } }],
    [
      'tool not matches "Bash"',
      { kind: 'not', of: { kind: 'tool', patterns: [{ glob: 'Bash' }] } },
    ],
    ['host matches "*.evil.dev"', { kind: 'host', patterns: [{ glob: '*.evil.dev' }] }],
    ['mcp_server matches "x"', { kind: 'mcp_server', patterns: [{ glob: 'x' }] }],
    ['loop 3/10', { kind: 'loop', calls: 3, window: 10 }],
    ['loop 4 of 20', { kind: 'loop', calls: 4, window: 20 }],
    ['loop', { kind: 'loop', calls: 3, window: 10 }],
    ['sequence 3 x 4', { kind: 'sequence', length: 3, repeats: 4 }],
    ['secret in outgoing call', { kind: 'secret' }],
    ['secret', { kind: 'secret' }],
    [
      'cost_usd > 5 or errors > 3 and not secret',
      {
        kind: 'or',
        of: [
          metric('cost_usd', '>', 5),
          { kind: 'and', of: [metric('errors', '>', 3), { kind: 'not', of: { kind: 'secret' } }] },
        ],
      },
    ],
    [
      '(cost_usd > 5 || errors > 3) && !secret',
      {
        kind: 'and',
        of: [
          { kind: 'or', of: [metric('cost_usd', '>', 5), metric('errors', '>', 3)] },
          { kind: 'not', of: { kind: 'secret' } },
        ],
      },
    ],
  ])('reads %s', (text, condition) => {
    expect(parsed(text)).toEqual(condition);
  });

  it.each<[string, number, RegExp, RegExp]>([
    ['', 1, /empty/, /cost_usd > 5/],
    ['cots_usd > 5', 1, /nothing called "cots_usd"/, /did you mean cost_usd\?/],
    ['cost > 5', 1, /nothing called "cost"/, /did you mean cost_usd\?/],
    ['errors > 1 and duration > 5', 16, /"duration"/, /duration_minutes/],
    ['cost_usd', 9, /needs a comparison/, />=/],
    ['cost_usd = 5', 10, /no "="/, /==/],
    ['cost_usd > ', 12, /compared with nothing/, /\$0\.50/],
    ['cost_usd > lots', 12, /"lots" is no value of cost_usd/, /\$0\.50/],
    ['cost_usd > -1', 12, /no value/, /\$0\.50/],
    ['tokens > $5', 10, /no value of tokens/, /200k/],
    ['duration_minutes > 5x', 20, /no value/, /1h30m/],
    ['context_pct > 0.8', 1, /0 to 100/, /context_pct > 80%/],
    ['context_pct > 100', 1, /never be true/, /80%/],
    ['cost_usd >= 0', 1, /true of every session/, /cost_usd > 0/],
    ['cost_usd < 0', 1, /never be true/, /cost_usd > 5/],
    ['cost_usd > 5 and cost_usd < 3', 1, /never be true/, /"or"/],
    ['file_path "x"', 11, /needs a verb/, /reads, writes/],
    ['file_path writtes "x"', 11, /needs a verb/, /did you mean writes\?/],
    ['file_path matches x', 19, /a pattern must follow/, /"x"/],
    ['file_path matches ""', 19, /empty/, /"\*"/],
    ['file_path outside', 18, /"workspace" is missing/, /outside workspace/],
    ['command "rm"', 9, /needs "matches"/, /command matches/],
    ['command matches "rm', 17, /not closed/, /add a "/],
    ['command matches /rm', 17, /not closed/, /\//],
    ['command matches /(?=x)/', 17, /cannot be used/, /RE2/],
    ['command matches /(/', 17, /cannot be used/, /RE2/],
    ['command matches "/rm .*/"', 17, /in quotes/, /take the quotes away: \/rm \.\*\//],
    ["tool matches '/^Web/i'", 14, /in quotes/, /take the quotes away: \/\^Web\/i/],
    ['file_path reads "/\\.env$/"', 17, /in quotes/, /take the quotes away/],
    ['command matches /a/gi', 20, /no flag "gi"/, /only i/],
    ['command unreadable: evil', 21, /no reason/, /did you mean eval\?/],
    ['loop 5/3', 6, /never be true/, /loop 5\/10/],
    ['loop 1/3', 6, /at least 2/, /loop 3\/10/],
    ['loop 3', 6, /two numbers/, /loop 3\/10/],
    [`loop 3/${MAX_WINDOW + 1}`, 6, /at most/, new RegExp(`loop 3/${MAX_WINDOW}`)],
    ['sequence 3', 10, /two numbers/, /sequence 3 x 3/],
    ['sequence 1 x 3', 10, /from 2/, /sequence 3 x 3/],
    ['(cost_usd > 5', 1, /not closed/, /add a \)/],
    ['cost_usd > 5)', 13, /closes nothing/, /take it out/],
    ['cost_usd > 5 secret', 14, /cannot follow/, /"and" or "or"/],
    ['cost_usd > 5 and', 17, /missing at the end/, /write a condition/],
    ['"rm"', 1, /does not begin/, /begin with a name/],
  ])('tells what is wrong with %s', (text, column, message, fix) => {
    const result = parseCondition(text, regexProblem);
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.message).toMatch(message);
    expect(result.fix).toMatch(fix);
    expect(result.column).toBe(column);
  });

  it.each<[string, string, number, RegExp]>([
    ['depth', `${'('.repeat(100)}secret`, 33, /nested/],
    ['number', `secret${' or secret'.repeat(300)}`, 2001, /more than 200/],
    ['length', `tool matches "${'x'.repeat(MAX_TEXT)}"`, 1, /characters/],
  ])('bounds the %s', (_name, text, column, message) => {
    expect(parseCondition(text)).toEqual({
      ok: false,
      column,
      message: expect.stringMatching(message),
      fix: 'make several rules of it',
    });
  });

  const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
  const pattern: fc.Arbitrary<TextPattern> = fc.oneof(
    word.filter((text) => text.trim() !== '' && !/[\0\r\n]/.test(text)).map((glob) => ({ glob })),
    word.filter((text) => regexProblem(text) === undefined).map((regex) => ({ regex })),
    fc.constantFrom({ regex: '[/a]/b' }, { regex: '\\\\/x' }, { glob: '\\"' }, { glob: '\\\\' }),
  );
  const patterns = fc.array(pattern, { minLength: 1, maxLength: 3 });
  const access = fc.constantFrom('any', 'read', 'write', 'delete' as const);
  const leaf: fc.Arbitrary<Condition> = fc.oneof(
    fc.record({
      kind: fc.constant('metric' as const),
      metric: fc.constantFrom(...METRICS),
      op: fc.constantFrom('>', '>=', '!=' as const),
      value: fc.double({ min: 1, max: 99, noNaN: true }),
    }),
    fc.integer({ min: 2, max: 50 }).chain((calls) =>
      fc.record({
        kind: fc.constant('loop' as const),
        calls: fc.constant(calls),
        window: fc.integer({ min: calls, max: MAX_WINDOW }),
      }),
    ),
    fc.record({
      kind: fc.constant('sequence' as const),
      length: fc.integer({ min: 2, max: 20 }),
      repeats: fc.integer({ min: 2, max: 20 }),
    }),
    fc.record({ kind: fc.constant('path' as const), access, patterns }),
    fc.record({ kind: fc.constant('outside' as const), access }),
    fc.record({
      kind: fc.constantFrom('command', 'tool', 'host', 'mcp_server' as const),
      patterns,
    }),
    fc.constantFrom<Condition>(
      { kind: 'secret' },
      { kind: 'opaque' },
      { kind: 'opaque', reasons: ['eval'] },
    ),
  );
  const { any } = fc.letrec<{ any: Condition }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.record({
        kind: fc.constantFrom('and', 'or' as const),
        of: fc.array(tie('any'), { minLength: 2, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant('not' as const), of: tie('any') }),
    ),
  }));

  it('reads what it writes', () => {
    fc.assert(
      fc.property(any, (condition) => {
        const text = conditionText(condition);
        fc.pre(text.length <= MAX_TEXT);
        const result = parseCondition(text, regexProblem);
        // Of some, two parts together can never be true: that is told, and no mistake of the language.
        if (!result.ok) expect(result.message).toMatch(/never be true/);
        else expect(result.condition).toEqual(condition);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws, whatever the text', () => {
    const bits = fc.constantFrom(
      ...[
        'cost_usd',
        '>',
        '5',
        '(',
        ')',
        'and',
        'not',
        '"',
        '/',
        '\\',
        'matches',
        'loop',
        ' ',
        ',',
      ],
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(bits, fc.string()), { maxLength: 30 }), (parts) => {
        const text = parts.join('');
        const result = parseCondition(text, regexProblem);
        if (!result.ok) expect(result.column).toBeLessThanOrEqual(text.length + 1);
      }),
    );
  });
});
