import { describe, expect, it } from 'vitest';
import { regexProblem } from './regex.ts';
import { type FileKind, readRuleText } from './ruleFile.ts';

const read = (
  text: string,
  {
    file = '/p/.watch-rules.yaml',
    repo = true,
    kind = 'rules' as FileKind,
  }: { file?: string; repo?: boolean; kind?: FileKind } = {},
) => readRuleText({ file, text, repo, checkRegex: regexProblem }, kind);

const saying = (text: string, options?: Parameters<typeof read>[1]) => {
  const { rules, problems } = read(text, options);
  expect(problems).toEqual([]);
  return rules.map(({ name, text: said, action }) => [name, said, action]);
};

describe('files of rules', () => {
  it('reads conditions that are written out', () => {
    const { rules, problems } = read(
      'rules:\n  - name: prod\n    condition: file_path matches "**/production.env"\n    action: kill\n    message: Not here.\n',
    );
    expect(problems).toEqual([]);
    expect(rules).toEqual([
      {
        name: 'prod',
        when: { kind: 'path', access: 'any', patterns: [{ glob: '**/production.env' }] },
        action: 'kill',
        text: 'file_path matches "**/production.env"',
        message: 'Not here.',
        file: '/p/.watch-rules.yaml',
        line: 2,
      },
    ]);
  });

  it('reads a word with its limit or pattern', () => {
    const text = `
- {name: a, condition: cost_usd, threshold: $5, action: stop}
- {name: b, condition: loop, threshold: 4, window: 12, action: block}
- {name: c, condition: sequence, length: 2, threshold: 5}
- {name: d, condition: file_path, glob: ["*.pem", "*.key"], access: read, action: deny}
- {name: e, condition: command, regex: "^rm ", action: require_approval}
- {name: f, condition: timeout, threshold: 30m, action: terminate}
- {name: g, condition: tool, pattern: "Web*"}
- {name: h, condition: secret, action: deny}
- {name: i, condition: outside, access: delete, action: deny}
- condition: errors > 3 and tokens > 1M`;
    expect(saying(text)).toEqual([
      ['a', 'cost_usd >= 5', 'stop'],
      ['b', 'loop 4/12', 'deny'],
      ['c', 'sequence 2 x 5', 'alert'],
      ['d', 'file_path reads "*.pem", "*.key"', 'deny'],
      ['e', 'command matches /^rm /', 'ask'],
      ['f', 'duration_minutes >= 30', 'stop'],
      ['g', 'tool matches "Web*"', 'alert'],
      ['h', 'secret in outgoing call', 'deny'],
      ['i', 'file_path deletes outside workspace', 'deny'],
      ['errors > 3 and tokens > 1M', 'errors > 3 and tokens > 1M', 'alert'],
    ]);
  });

  it('reads budgets and watchers as rules', () => {
    const text = `
retention: {max_age_days: 30}
budget: {weekly: 50, warn_at: 80%, stop_at: 1.0, per_session_max: $5}
watchers:
  retry: {max: 5}
  cost: {max_dollars: 10, action: pause}
  duration: {max_minutes: 1h}
  context: {max: 90%, alert: false}
  loop: {identical_calls: 3, window: 10, sequence_length: 3, max_repeats: 4}
  scope: {policy: strict.json}
rules:
  - condition: secret
    action: deny
`;
    const file = read(text, { file: '/p/.agent-strace.yaml', kind: 'settings' });
    expect(file.problems).toEqual([]);
    expect(file.budget).toEqual({ weekly: 50, perSession: 5, warnAt: 0.8, stopAt: 1 });
    expect(file.policies).toEqual(['strict.json']);
    expect(file.rules.map(({ name, text: said, action }) => [name, said, action])).toEqual([
      ['secret in outgoing call', 'secret in outgoing call', 'deny'],
      ['budget-weekly-warn', 'project_cost_7d >= 40', 'alert'],
      ['budget-weekly', 'project_cost_7d >= 50', 'stop'],
      ['budget-session', 'cost_usd >= 5', 'stop'],
      ['watch-retry', 'retries > 5', 'alert'],
      ['watch-cost', 'cost_usd > 10', 'pause'],
      ['watch-duration', 'duration_minutes > 60', 'alert'],
      ['watch-loop', 'loop 3/10', 'alert'],
      ['watch-sequence', 'sequence 3 x 4', 'alert'],
    ]);
  });

  it("reads the Python tool's configuration, comments and all", () => {
    const text = `{
  // of the watch command
  "watchers": {"retry": {"max": 5, "alert": true}},
  "operation_rules": [
    {"tool": "bash", "pattern": "rm *", "action": "block", "reason": "no"},
    {"tool": "write", "pattern": "*.env", "action": "block"},
    {"tool": "*", "pattern": "secrets*"},
  ],
  "built_in_rules": ["loop:3/10", "budget:$5"],
  "max_context_pct": 90,
}`;
    expect(saying(text, { file: '/p/.agent-watch.json' })).toEqual([
      ['command matches "rm *"', 'command matches "rm *"', 'deny'],
      [
        'tool matches "write" and (command matches "*.env" or file_path matches "*.env")',
        'tool matches "write" and (command matches "*.env" or file_path matches "*.env")',
        'deny',
      ],
      [
        'command matches "secrets*" or file_path matches "secrets*"',
        'command matches "secrets*" or file_path matches "secrets*"',
        'alert',
      ],
      ['loop', 'loop 3/10', 'deny'],
      ['budget', 'cost_usd >= 5', 'stop'],
      ['watch-retry', 'retries > 5', 'alert'],
      ['max-context-pct', 'context_pct >= 90%', 'alert'],
    ]);
  });

  it.each<[what: string, text: string, at: [number, number], message: RegExp, fix: RegExp]>([
    ['a wrong name', '- condition: cots_usd > 5', [1, 14], /nothing called "cots_usd"/, /cost_usd/],
    [
      'a mistake within quotes',
      '- name: a\n  condition: "file_path matches \\"a\\" and cots_usd > 5"',
      [2, 43],
      /cots_usd/,
      /cost_usd/,
    ],
    [
      'an unknown action',
      '- condition: secret\n  action: denny',
      [2, 11],
      /no action "denny"/,
      /deny/,
    ],
    ['an action of others', '- {condition: secret, action: forbid}', [1, 31], /no action/, /deny/],
    ['an unknown key', '- condition: secret\n  acton: deny', [2, 3], /has no "acton"/, /action/],
    [
      'a key that is there twice',
      '- condition: secret\n  condition: errors > 1',
      [2, 3],
      /twice/,
      /keep one/,
    ],
    ['a wrong type', '- condition: 5', [1, 14], /is a text/, /quotes/],
    ['a list for a text', '- condition: [secret]', [1, 14], /is a text/, /quotes/],
    ['no condition', '- name: a\n  action: deny', [1, 3], /no condition/, /cost_usd > 5/],
    ['no rule', '- secret', [1, 3], /a rule has/, /condition/],
    ['no limit', '- condition: cost_usd', [1, 14], /no limit/, /threshold: 5/],
    ['a wrong limit', '- condition: cost_usd\n  threshold: lots', [2, 14], /no value/, /\$0\.50/],
    ['no pattern', '- condition: tool', [1, 14], /no pattern/, /glob/],
    ['an empty pattern', '- {condition: tool, glob: " "}', [1, 15], /pattern is empty/, /"\*"/],
    ['an empty list', '- {condition: tool, glob: []}', [1, 27], /empty/, /at least one/],
    [
      'parts that say nothing',
      '- {condition: "errors > 3", threshold: 3}',
      [1, 29],
      /says nothing/,
      /take it out/,
    ],
    [
      'a bad regular expression',
      '- {condition: tool, regex: "("}',
      [1, 15],
      /cannot be used/,
      /RE2/,
    ],
    [
      'a rule that can never fire',
      '- condition: context_pct > 100%',
      [1, 14],
      /never be true/,
      /80%/,
    ],
    [
      'an alias',
      '- condition: secret\n- condition: tool\n  glob: *.env',
      [3, 9],
      /alias/,
      /"\*\.env"/,
    ],
    ['a tag', '- condition: !js secret', [1, 18], /tags/, /quotes/],
    [
      'a destination',
      '- condition: secret\n  notify: https://x',
      [2, 3],
      /user settings/,
      /take it out/,
    ],
    [
      'a destination of all',
      'webhook: {url: x}\nrules: []',
      [1, 1],
      /user settings/,
      /take it out/,
    ],
    ['an unknown part', 'rulez: []', [1, 1], /no "rulez"/, /rules/],
    ['rules that are no list', 'rules: {a: 1}', [1, 8], /is a list/, /"- "/],
    [
      'two rules of one name',
      '- {name: a, condition: secret}\n- {name: a, condition: errors > 1}',
      [2, 3],
      /in force as "a-2"/,
      /name/,
    ],
    ['an unknown watcher', 'watchers:\n  retries: {max: 3}', [2, 3], /no "retries"/, /retry/],
    [
      'a watcher without a limit',
      'watchers:\n  cost: {action: stop}',
      [2, 3],
      /no limit/,
      /max_dollars/,
    ],
    ['a share of nothing', 'budget: {warn_at: 0.8}', [1, 10], /weekly/, /add weekly/],
    ['a wrong amount', 'budget: {weekly: much}', [1, 18], /amount of USD/, /weekly: 50/],
    ['a wrong share', 'budget: {weekly: 5, warn_at: 80}', [1, 30], /share/, /0\.8/],
    [
      'a warning that comes too late',
      'budget: {weekly: 5, warn_at: 1, stop_at: 0.5}',
      [1, 21],
      /after it has stopped/,
      /below/,
    ],
    ['an unknown built-in rule', 'built_in_rules: ["lop:3"]', [1, 18], /no built-in rule/, /loop/],
    ['a text', 'hello', [1, 1], /list of rules/, /rules:/],
    ['no YAML', 'rules:\n - a: [1', [2, 9], /no YAML/, /./],
    ['two documents', 'rules: []\n---\nrules: []', [2, 1], /no YAML/, /second ---/],
    ['what is not text', 'rules: \0', [1, 8], /not a text file/, /YAML or JSON/],
  ])('tells of %s', (_what, text, [line, column], message, fix) => {
    const { problems } = read(text);
    expect(problems).toEqual([
      {
        file: '/p/.watch-rules.yaml',
        line,
        column,
        message: expect.stringMatching(message),
        fix: expect.stringMatching(fix),
      },
    ]);
  });

  it.each([
    ['{"rules": [', 1, 12],
    ['{"rules": []} x', 1, 15],
    ["{'rules': []}", 1, 2],
  ])('tells where JSON breaks: %s', (text, line, column) => {
    const file = read(text, { file: '/p/.watch-rules.json' });
    expect(file).toMatchObject({ unreadable: true, lost: 1, rules: [] });
    expect(file.problems[0]).toMatchObject({ line, column });
  });

  it('leaves out what is wrong, and keeps the rest', () => {
    const { rules, lost } = read(
      '- {name: a, condition: secret}\n- {name: b, condition: secrt}\n- {name: c, condition: errors > 1}\n',
    );
    expect(rules.map(({ name }) => name)).toEqual(['a', 'c']);
    expect(lost).toBe(1);
  });

  it('gives no other rule the name of one that cannot be read', () => {
    const { rules } = read('- {name: a, condition: secrt}\n- {name: a, condition: errors > 1}');
    expect(rules.map(({ name }) => name)).toEqual(['a-2']);
  });

  it('says nothing of other keys in a file that is about other things, too', () => {
    const text = 'retention: 5\nworkspaces: [a]\nrules: []';
    expect(read(text, { kind: 'settings' }).problems).toEqual([]);
    expect(read('budgets: {weekly: 5}', { kind: 'settings' }).problems).toHaveLength(1);
  });

  it('takes control characters out of what people and agents are shown', () => {
    const { rules } = read(
      '- {name: "a\\u001b[31m\\u202eb", condition: secret, message: "x\\ny\\u0007"}',
    );
    expect(rules[0]).toMatchObject({ name: 'a [31m b', message: 'x y' });
  });

  it('reads at most a thousand rules, and says so', () => {
    const text = Array.from({ length: 1100 }, (_, n) => `- {name: r${n}, condition: secret}`);
    const { rules, problems, lost } = read(text.join('\n'));
    expect(rules).toHaveLength(1000);
    expect(problems).toEqual([expect.objectContaining({ line: 1001 })]);
    expect(lost).toBeGreaterThan(0);
  });

  const bomb = [
    'a: &a ["x", "x"]',
    ...Array.from(
      { length: 30 },
      (_, n) => `b${n}: &b${n} [*${n ? `b${n - 1}` : 'a'}, *${n ? `b${n - 1}` : 'a'}]`,
    ),
    'rules: *b29',
  ].join('\n');
  it.each([
    ['brackets', '['.repeat(500_000)],
    ['braces', '{a: '.repeat(200_000)],
    ['dashes', '- '.repeat(300_000)],
    ['steps', Array.from({ length: 1300 }, (_, n) => `${' '.repeat(n)}a:\n`).join('')],
    ['quotes', '"'.repeat(1_000_000)],
    ['anchors', '&a '.repeat(300_000)],
    ['tags', '!a '.repeat(300_000)],
    ['comments', '#\n'.repeat(500_000)],
    ['keys', Array.from({ length: 80_000 }, (_, n) => `k${n}: 1\n`).join('')],
    ['aliases', bomb],
    ['prototypes', '__proto__: {rules: []}\nconstructor: 1\ntoString: 2'],
    [
      'bytes',
      String.fromCharCode(...Array.from({ length: 5000 }, (_, n) => (n * 7919) % 255 || 1)),
    ],
  ])('is not hurt by many %s', (_what, text) => {
    for (const file of ['/p/.watch-rules.yaml', '/p/.watch-rules.json']) {
      const { rules, problems, lost } = read(text, { file });
      expect(rules).toEqual([]);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.length).toBeLessThan(100);
      expect(lost).toBeGreaterThanOrEqual(0);
    }
  });
});
