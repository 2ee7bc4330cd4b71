import { describe, expect, it } from 'vitest';
import { budgetOf, forecast, forecastText } from './forecast.ts';
import type { Metric, Rule } from './rules/rule.ts';

const facts = (values: Partial<Record<Metric, number>>) => ({
  metric: (name: Metric) => values[name],
});
const budget = { warnAt: 0.8, stopAt: 1 };
const rule = (text: string, value: number, change: Partial<Rule> = {}): Rule => ({
  name: text,
  when: { kind: 'metric', metric: 'cost_usd', op: '>', value },
  action: 'stop',
  scope: 'user',
  text,
  root: '/p',
  ...change,
});

describe('forecast', () => {
  it('says when a budget will be used up', () => {
    const at = forecast(facts({ cost_usd: 4, cost_per_hour: 10 }), { ...budget, perSession: 5 }, 0);
    expect(at).toMatchObject({ limit: 5, of: 'session' });
    expect(at?.minutes).toBeCloseTo(6);
    expect(forecastText(at!)).toBe('at this rate $5.00 in 6 minutes');
  });

  it('takes the nearest of the session’s and the project’s', () => {
    const both = { ...budget, perSession: 50, weekly: 20, stopAt: 0.5 };
    const at = forecast(facts({ cost_usd: 1, project_cost_7d: 9, cost_per_hour: 1 }), both, 0);
    expect(forecastText(at!)).toBe("at this rate $10.00 of the project's week in 60 minutes");
    const over = forecast(facts({ project_cost_7d: 11, cost_per_hour: 1 }), both, 0);
    expect(forecastText(over!)).toBe("$10.00 of the project's week is reached");
  });

  it('says nothing of a session that stands still, without a price, or far away', () => {
    const five = { ...budget, perSession: 5 };
    expect(forecast(facts({ cost_usd: 4, cost_per_hour: 0 }), five, 0)).toBeUndefined();
    expect(forecast(facts({ cost_usd: 4 }), five, 0)).toBeUndefined();
    expect(forecast(facts({ cost_per_hour: 4 }), five, 0)).toBeUndefined();
    expect(forecast(facts({ cost_usd: 0, cost_per_hour: 0.02 }), five, 0)).toBeUndefined();
    expect(forecast(facts({ cost_usd: 4, cost_per_hour: 9 }), undefined, 0)).toBeUndefined();
  });

  it('knows the nearest limit that stops a session', () => {
    const rules = [rule('a', 10), rule('b', 3), rule('c', 1, { action: 'alert' })];
    expect(budgetOf({ rules })?.perSession).toBe(3);
    expect(budgetOf({ rules }, { b: 20 })?.perSession).toBe(10);
    expect(budgetOf({ rules: [], budget: { ...budget, weekly: 7 } })).toMatchObject({ weekly: 7 });
    expect(budgetOf({ rules: [] })).toBeUndefined();
  });
});
