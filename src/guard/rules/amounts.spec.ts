import { expect, test } from 'vitest';
import { amountOf, amountText } from './amounts.ts';
import type { Metric } from './rule.ts';

test.each<[Metric, number, string]>([
  ['cost_usd', 10, '$10'],
  ['cost_per_hour', 2.5, '$2.50'],
  ['context_pct', 80, '80%'],
  ['duration_minutes', 35, '35 min'],
  ['tool_calls', 1500, '1,500'],
])('%s of %s is written %s', (metric, value, text) => {
  expect(amountText(metric, value)).toBe(text);
  // Without the mark of thousands, which is for people only, it is what a rule may say.
  expect(amountOf(text.replace(',', ''), metric)).toBe(value);
});
