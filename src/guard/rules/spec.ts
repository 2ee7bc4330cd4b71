/** Rules in a word, as flags and files have them: `loop:3/10,budget:$5,timeout:30m`. */
import { amountOf, EXAMPLES, unitOf } from './amounts.ts';
import { LOOP, SEQUENCE } from './conditionParser.ts';
import { conditionText, parseCondition } from './conditions.ts';
import {
  ACTIONS,
  type Action,
  type Condition,
  type Metric,
  type Rule,
  type RuleProblem,
} from './rule.ts';
import { meant } from './words.ts';

/** What each word limits, and what happens when the limit is reached. */
const LIMITS: Record<string, { metric: Metric; action: Action; default?: string }> = {
  budget: { metric: 'cost_usd', action: 'stop' },
  rate: { metric: 'cost_per_hour', action: 'pause' },
  weekly: { metric: 'project_cost_7d', action: 'stop' },
  tokens: { metric: 'tokens', action: 'stop' },
  timeout: { metric: 'duration_minutes', action: 'stop' },
  idle: { metric: 'idle_minutes', action: 'alert', default: '10m' },
  context: { metric: 'context_pct', action: 'alert', default: '90' },
  retries: { metric: 'retries', action: 'deny', default: '5' },
  files: { metric: 'files_modified', action: 'deny', default: '50' },
  lines: { metric: 'lines_changed', action: 'deny' },
  calls: { metric: 'tool_calls', action: 'stop' },
  errors: { metric: 'consecutive_errors', action: 'alert', default: '5' },
  tests: { metric: 'consecutive_test_failures', action: 'alert', default: '3' },
  subagents: { metric: 'subagents', action: 'deny' },
  depth: { metric: 'subagent_depth', action: 'deny' },
};

export const SPEC_WORDS = [...Object.keys(LIMITS), 'loop', 'sequence', 'secret'];

const SYNONYMS: Record<string, string> = {
  cost: 'budget',
  duration: 'timeout',
  retry: 'retries',
  'test-failures': 'tests',
};

/** Words of the Python tool for which there is no rule here. */
const NOT_HERE = ['mcp-poisoning', 'cognitive-debt'];

/**
 * Reads `word[:limit[=action]]`, with commas between.
 *
 * @param root absolute: what relative patterns are of
 */
export function parseRulesSpec(
  text: string,
  root: string,
): { rules: Rule[]; problems: RuleProblem[] } {
  const rules: Rule[] = [];
  const problems: RuleProblem[] = [];
  let column = 1;
  for (const part of text.split(',')) {
    const one = part.trim();
    const at = column + (part.length - part.trimStart().length);
    column += part.length + 1;
    if (one === '') continue;
    const made = ruleOf(one);
    if ('message' in made) problems.push({ file: '', line: 1, column: at, ...made });
    else if (rules.some(({ name }) => name === made.name))
      problems.push({
        file: '',
        line: 1,
        column: at,
        message: `"${made.name}" is there twice`,
        fix: 'keep one of them',
      });
    else rules.push({ ...made, scope: 'user', root });
  }
  return { rules, problems };
}

type Made = Pick<Rule, 'name' | 'when' | 'action' | 'text'>;
interface Wrong {
  message: string;
  fix?: string;
}

function ruleOf(text: string): Made | Wrong {
  const [, given = '', , value = '', , chosen] = /^([^:=]*)(:([^=]*))?(=(.*))?$/s.exec(text) ?? [];
  const lower = given.trim().toLowerCase();
  const word = Object.hasOwn(SYNONYMS, lower) ? SYNONYMS[lower]! : lower;
  if (NOT_HERE.includes(word))
    return {
      message: `there is no rule "${word}" here: it is a word of the Python tool`,
      fix: 'take it out',
    };
  if (!SPEC_WORDS.includes(word)) {
    const known = meant(word, SPEC_WORDS);
    return {
      message: `there is no built-in rule "${word.slice(0, 40)}"`,
      fix: known === undefined ? `there are: ${SPEC_WORDS.join(', ')}` : `did you mean ${known}?`,
    };
  }
  const made = conditionOf(word, value.trim());
  if ('message' in made) return made;
  const checked = parseCondition(conditionText(made));
  if (!checked.ok)
    return { message: checked.message, ...(checked.fix !== undefined && { fix: checked.fix }) };
  const action = chosen === undefined ? (LIMITS[word]?.action ?? 'deny') : actionOf(chosen.trim());
  if (action === undefined)
    return {
      message: `there is no action "${chosen?.slice(0, 40)}"`,
      fix: `there are: ${ACTIONS.join(', ')}`,
    };
  return { name: word, when: made, action, text: conditionText(made) };
}

const actionOf = (text: string): Action | undefined =>
  ACTIONS.find((action) => action === text.toLowerCase());

function conditionOf(word: string, value: string): Condition | Wrong {
  if (word === 'secret') return { kind: 'secret' };
  if (word === 'loop') {
    const [, calls = LOOP.calls, , window] = /^(\d{1,6})(\/(\d{1,6}))?$/.exec(value) ?? [];
    if (value !== '' && !/^\d{1,6}(\/\d{1,6})?$/.test(value))
      return {
        message: `"${value.slice(0, 40)}" is no loop`,
        fix: 'write loop:3/10 (3 equal calls among 10)',
      };
    const least = Number(calls);
    return { kind: 'loop', calls: least, window: Number(window ?? Math.max(LOOP.window, least)) };
  }
  if (word === 'sequence') {
    const [, length = SEQUENCE.length, repeats = SEQUENCE.repeats] =
      /^(\d{1,6})x(\d{1,6})$/.exec(value) ?? [];
    if (value !== '' && !/^\d{1,6}x\d{1,6}$/.test(value))
      return { message: `"${value.slice(0, 40)}" is no sequence`, fix: 'write sequence:3x3' };
    return { kind: 'sequence', length: Number(length), repeats: Number(repeats) };
  }
  const { metric, default: otherwise } = LIMITS[word]!;
  const limit = value === '' ? otherwise : value;
  if (limit === undefined)
    return {
      message: `"${word}" has no limit`,
      fix: `write ${word}:${EXAMPLES[unitOf(metric)].split(/[, ]/)[0]}`,
    };
  const amount = amountOf(limit, metric);
  if (amount === undefined)
    return {
      message: `"${limit.slice(0, 40)}" is no value of ${word}`,
      fix: `write ${word}: and ${EXAMPLES[unitOf(metric)]}`,
    };
  return { kind: 'metric', metric, op: '>=', value: amount };
}
