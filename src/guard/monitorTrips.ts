/** What a monitor writes down of what it found. */
import type { SessionRecord } from '../agents/process.ts';
import type { Fired } from './decision/verdict.ts';
import { type Disobeyed, detailOf } from './deniedRuns.ts';
import type { Action, Rule, RuleSet } from './rules/rule.ts';
import { type Trip, tripId } from './trips.ts';

export interface TripMoment {
  record: SessionRecord;
  /** Absolute. */
  traceDir: string;
  rules: RuleSet;
  /** ms since the epoch. */
  nowMs: number;
}

/** A rule that is true between calls. @param action what is done, which may be less or more than the rule says */
export function interruptTrip(
  at: TripMoment,
  { rule, detail, value, limit }: Omit<Fired, 'action'>,
  action: Action,
): Trip {
  const session = at.record.session_id;
  return {
    ...headOf(at, rule),
    id: tripId({ session, rule: rule.name, line: 'interrupt', limit }),
    action,
    detail,
    line: 'interrupt',
    ...(value !== undefined && { value }),
    ...(limit !== undefined && { limit }),
  };
}

/** A call that was denied and ran all the same: as the hook would call it, so that one of them tells. */
export function verifyTrip(at: TripMoment, ran: Disobeyed, action: 'pause' | 'kill'): Trip {
  const { verdict, event } = ran;
  const name = verdict.rule ?? 'guard';
  const known = at.rules.rules.find((rule) => rule.name === name);
  const rule = known ?? { ...builtIn(name, at), scope: 'user' as const };
  return {
    ...headOf(at, rule),
    id: tripId({ session: at.record.session_id, rule: name, line: 'verify', call: event }),
    action,
    detail: detailOf(ran),
    line: 'verify',
    call: { tool: verdict.tool, target: verdict.target ?? '', id: event },
  };
}

/** Rules on cost do not see a model without a price. */
export function unpricedTrip(at: TripMoment, model: string): Trip {
  const rule = builtIn('unpriced model', at);
  return {
    ...headOf(at, rule),
    id: tripId({
      session: at.record.session_id,
      rule: rule.name,
      line: 'interrupt',
      call: model,
    }),
    action: 'alert',
    detail: `${model} has no price here: what it costs is not counted, and no rule on cost sees it`,
    line: 'interrupt',
  };
}

/** Never asked. */
const builtIn = (name: string, { record }: TripMoment): Rule => ({
  name,
  when: { kind: 'or', of: [] },
  action: 'alert',
  scope: 'builtin',
  text: name,
  root: record.project,
});

function headOf({ record, traceDir, rules, nowMs }: TripMoment, rule: Rule) {
  const { name, text, scope, file, line, message } = rule;
  return {
    version: 1 as const,
    session: record.session_id,
    agent: record.agent,
    traceDir,
    project: record.project,
    rule: {
      name,
      text,
      scope,
      ...(file !== undefined && { file }),
      ...(line !== undefined && { line }),
      ...(message !== undefined && { message }),
    },
    at: nowMs / 1000,
    state: 'open' as const,
    ...(rules.dryRun === true && { dryRun: true as const }),
  };
}
