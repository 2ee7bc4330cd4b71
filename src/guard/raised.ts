/** Limits that a person raised for one session: `guard/raised/<session>.json`. They end with the session. */
import { join } from 'node:path';
import { readSmallFile, writeSmallFile } from '../trace/files.ts';
import { isSafeSessionId } from '../trace/paths.ts';
import { ensureGuardFolder, guardPlace } from './guardHome.ts';
import type { Metric } from './rules/rule.ts';

type Env = Record<string, string | undefined>;

/** By the rule's name: its limit in this session. */
export type Raised = Record<string, number>;

/** A file of ours, but not one that may grow. */
const MOST_RULES = 500;

/** What was raised. Where there is no such file, or it cannot be read, nothing was: the stricter side. */
export function readRaised(session: string, env: Env = process.env): Raised {
  const raised: Raised = Object.create(null) as Raised;
  if (!isSafeSessionId(session)) return raised;
  const text = readSmallFile(join(guardPlace(env, 'raised'), `${session}.json`));
  if (text === undefined) return raised;
  try {
    const { limits } = JSON.parse(text) as { limits?: unknown };
    if (!Array.isArray(limits)) return raised;
    for (const [rule, limit] of (limits as unknown[][]).slice(0, MOST_RULES)) {
      if (typeof rule === 'string' && typeof limit === 'number' && Number.isFinite(limit)) {
        raised[rule] = limit;
      }
    }
  } catch {
    // As if there were no such file.
  }
  return raised;
}

/**
 * Raises the limit of one rule for one session. A lower one than what stands is not taken.
 *
 * @param rule the rule's name
 * @throws a system error, or one with a code of ours
 */
export function raiseLimit(
  session: string,
  rule: string,
  limit: number,
  env: Env = process.env,
): void {
  if (!isSafeSessionId(session)) throw Object.assign(new Error('EBADID'), { code: 'EBADID' });
  const raised = readRaised(session, env);
  if ((raised[rule] ?? Number.NEGATIVE_INFINITY) >= limit) return;
  const folder = ensureGuardFolder('raised', env);
  const limits = [...Object.entries(raised).filter(([name]) => name !== rule), [rule, limit]];
  writeSmallFile(
    join(folder, `${session}.json`),
    JSON.stringify({ version: 1, limits: limits.slice(-MOST_RULES) }),
  );
}

/** The next multiple of `step` above a value. */
function stepAbove(value: number, step: number): number {
  const next = (Math.floor(value / step) + 1) * step;
  return Number(next.toPrecision(12));
}

const sizeOf = (value: number): number => 10 ** Math.floor(Math.log10(Math.max(1, value)));

/**
 * Where a session that goes on is stopped next: money at the next whole dollar (from $100 on: ten dollars), the rest at
 * the next half of its power of ten, so that `30 min` comes again at 35, and `105 calls` at 150.
 *
 * @param value what the metric is at, in its own unit
 */
export function nextLimit(metric: Metric, value: number): number {
  const at = Number.isFinite(value) ? Math.max(0, value) : 0;
  switch (metric) {
    case 'cost_usd':
    case 'cost_per_hour':
    case 'project_cost_7d':
      return stepAbove(at, at >= 100 ? 10 : 1);
    case 'context_pct':
      return Math.min(100, stepAbove(at, 5));
    default:
      return stepAbove(at, Math.max(1, sizeOf(at) / 2));
  }
}

/** What "Resume and raise" offers: twice the limit, at least the next step above the value, a round number. */
export function raisedLimit(metric: Metric, value: number, limit: number): number {
  const wanted = Math.max(2 * limit, nextLimit(metric, value));
  if (metric === 'context_pct') return Math.min(100, wanted);
  const step = sizeOf(wanted) / 2;
  const rounded = Math.ceil(Number((wanted / step).toPrecision(12))) * step;
  return Number(rounded.toPrecision(12));
}
