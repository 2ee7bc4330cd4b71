/** When a budget will be used up, if the session goes on as it did: `at this rate $5.00 in 6 minutes`. Pure. */
import { formatUsd } from '../model/format.ts';
import type { Facts } from './decision/facts.ts';
import type { Budget, Condition, RuleSet } from './rules/rule.ts';

const NANO = 1e9;
/** What is further away than this is no forecast, minutes. */
const FAR_MINUTES = 12 * 60;
/** USD an hour: below this a session stands still. */
const STILL = 0.01;

export interface Forecast {
  /** The limit that is reached, USD. */
  limit: number;
  /** Whose limit it is. */
  of: 'session' | 'project';
  /** Until then, minutes; 0: it is reached. */
  minutes: number;
  /** USD an hour over the last ten minutes. */
  perHour: number;
}

/**
 * @returns undefined where there is no budget, no price, or the session stands still
 */
export function forecast(
  facts: Pick<Facts, 'metric'>,
  budget: Budget | undefined,
  nowMs: number,
): Forecast | undefined {
  const perHour = facts.metric('cost_per_hour', nowMs);
  if (budget === undefined || perHour === undefined || !(perHour >= STILL)) return undefined;
  const limits: Pick<Forecast, 'limit' | 'of'>[] = [];
  if (budget.perSession !== undefined) limits.push({ limit: budget.perSession, of: 'session' });
  if (budget.weekly !== undefined) {
    limits.push({ limit: budget.weekly * budget.stopAt, of: 'project' });
  }
  let nearest: Forecast | undefined;
  for (const { limit, of } of limits) {
    const spent = facts.metric(of === 'session' ? 'cost_usd' : 'project_cost_7d', nowMs);
    if (spent === undefined) continue;
    const minutes = Math.max(0, ((limit - spent) / perHour) * 60);
    if (minutes > FAR_MINUTES || (nearest !== undefined && nearest.minutes <= minutes)) continue;
    nearest = { limit, of, minutes, perHour };
  }
  return nearest;
}

/**
 * The budget of a set: the one that was written down, and the nearest limits that rules on money set for a session.
 *
 * @param raised limits that a person raised, by the rule's name
 */
export function budgetOf(
  { rules, budget }: Pick<RuleSet, 'rules' | 'budget'>,
  raised: Record<string, number> = {},
): Budget | undefined {
  let perSession = budget?.perSession;
  for (const { name, when, action } of rules) {
    const limit = action === 'alert' ? undefined : costLimit(when);
    if (limit === undefined) continue;
    const inForce = Math.max(limit, raised[name] ?? limit);
    if (perSession === undefined || inForce < perSession) perSession = inForce;
  }
  if (budget === undefined && perSession === undefined) return undefined;
  return {
    warnAt: 0.8,
    stopAt: 1,
    ...budget,
    ...(perSession !== undefined && { perSession }),
  };
}

/** Only a condition that is nothing but a limit says when it will be true. */
const costLimit = (when: Condition): number | undefined =>
  when.kind === 'metric' && when.metric === 'cost_usd' && (when.op === '>' || when.op === '>=')
    ? when.value
    : undefined;

/** `at this rate $5.00 in 6 minutes`. */
export function forecastText({ limit, minutes, of }: Forecast): string {
  const whose = of === 'project' ? " of the project's week" : '';
  const money = formatUsd(limit * NANO) + whose;
  if (minutes <= 0) return `${money} is reached`;
  if (minutes < 1) return `at this rate ${money} in less than a minute`;
  const whole = Math.round(minutes);
  const when =
    whole < 120
      ? `${whole} ${whole === 1 ? 'minute' : 'minutes'}`
      : `${Math.round(whole / 60)} hours`;
  return `at this rate ${money} in ${when}`;
}
