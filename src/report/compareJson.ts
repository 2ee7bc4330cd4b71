/** A comparison as data: keys are stable, see docs/commands.md for units. */

import type { GroupComparison, GroupMeasure } from '../analysis/compare/compareRuns.ts';
import type { SideFacts } from '../analysis/compare/compareSessions.ts';
import {
  type ComparedSession,
  type Comparison,
  LIKENESSES,
  type Measure,
  type Outcome,
  type Verdict,
} from '../analysis/compare/comparison.ts';
import type { StepView } from '../model/step.ts';
import { phaseRows } from './compareRows.ts';
import { stepWords } from './compareText.ts';
import { type PhaseJson, phaseJson } from './phaseJson.ts';
import { seconds, snake, usd } from './sessionJson.ts';

/** Divergences whose steps are told in words. */
const MOST_WORDED = 100;

const orNull = (value: number | undefined): number | null =>
  value === undefined || Number.isNaN(value) ? null : value;

/** What both sides' phases are told from. */
export interface ComparedFacts {
  a: PhaseFacts;
  b: PhaseFacts;
}

type PhaseFacts = Pick<SideFacts, 'session' | 'phases' | 'names' | 'waste'>;

export function comparisonJson(
  comparison: Comparison,
  facts: ComparedFacts,
  describe: (side: 'a' | 'b', step: number) => StepView | undefined,
) {
  const { verdict, steps, divergences } = comparison;
  return {
    a: sessionJson(comparison.a),
    b: sessionJson(comparison.b),
    same_prompt: comparison.samePrompt,
    verdict: verdictJson(verdict),
    measures: Object.fromEntries(comparison.measures.map((m) => [snake(m.name), measureJson(m)])),
    outcomes: { a: outcomeJson(comparison.outcomes.a), b: outcomeJson(comparison.outcomes.b) },
    phases: phaseRows(comparison).map(({ a, b, like }) => ({
      like: snake(like),
      a: comparedPhaseJson(facts.a, a),
      b: comparedPhaseJson(facts.b, b),
    })),
    steps: {
      rows: steps.length,
      counts: Object.fromEntries(
        LIKENESSES.map((name, code) => [snake(name), count(steps.like, code)]),
      ),
      approximate: comparison.approximate,
    },
    divergences: divergences.map((row, at) => ({
      row,
      like: snake(LIKENESSES[steps.like[row]!]!),
      a: stepJson('a', steps.a[row]!, at < MOST_WORDED ? describe : undefined),
      b: stepJson('b', steps.b[row]!, at < MOST_WORDED ? describe : undefined),
    })),
    read_events: comparison.readEvents,
  };
}

const count = (codes: Uint8Array, code: number): number => {
  let sum = 0;
  for (const one of codes) if (one === code) sum++;
  return sum;
};

function sessionJson(side: ComparedSession) {
  return {
    session_id: side.id,
    title: side.title,
    agent: side.agent,
    models: side.models,
    started_at: side.startedAtMs > 0 ? seconds(side.startedAtMs) : null,
    duration_ms: Math.round(side.durationMs),
    branch: side.branch ?? null,
    commit: side.commit ?? null,
  };
}

const verdictJson = (verdict: Verdict) => ({
  winner: verdict.winner,
  sure: verdict.sure,
  refused: verdict.refused ?? null,
  by: verdict.by.map(snake),
  against: verdict.against.map(snake),
  fact: verdict.fact,
  cause: verdict.cause,
  caution: verdict.caution,
});

function measureJson(measure: Measure) {
  const { name, verdict } = measure;
  const value = (side: 'a' | 'b') => {
    const one = orNull(measure[side]);
    if (one === null) return null;
    return name === 'cost' ? usd(one) : name === 'duration' ? Math.round(one) : one;
  };
  return {
    unit:
      name === 'cost'
        ? 'usd'
        : name === 'duration'
          ? 'ms'
          : name === 'wasted' || name === 'cacheHits'
            ? 'share'
            : 'count',
    a: value('a'),
    b: value('b'),
    ...(name === 'lines'
      ? { a_removed: measure.aRemoved ?? 0, b_removed: measure.bRemoved ?? 0 }
      : {}),
    ...(name === 'cost' ? { a_doubt: measure.aCost ?? null, b_doubt: measure.bCost ?? null } : {}),
    verdict,
  };
}

export function outcomeJson(outcome: Outcome) {
  return {
    ending: outcome.ending,
    tests: outcome.tests,
    tests_passed: outcome.passed ?? null,
    tests_failed: outcome.failed ?? null,
    changes_after_tests: outcome.untested,
    commits: outcome.commits,
    errors_left: outcome.errorsLeft,
    files_changed: outcome.filesChanged,
    unrecorded_changes: outcome.unknownChanges,
    retries: outcome.retries,
    denied: outcome.denied,
  };
}

/** A phase as all reports have it; null where the side has none there. @param at its place; -1: none */
export function comparedPhaseJson(
  { session, phases, names, waste }: PhaseFacts,
  at: number,
): PhaseJson | null {
  const phase = phases[at];
  if (phase === undefined) return null;
  const { firstMs } = session.fold.session;
  return phaseJson(phase, names[at] ?? '', waste.byPhase[at] ?? 0, firstMs);
}

function stepJson(
  side: 'a' | 'b',
  step: number,
  describe: ((side: 'a' | 'b', step: number) => StepView | undefined) | undefined,
) {
  if (step < 0) return null;
  return { step: step + 1, ...(describe ? { text: stepWords(describe(side, step)) } : {}) };
}

export function groupJson(
  comparison: GroupComparison,
  groups: { a: { name: string; sessions: string[] }; b: { name: string; sessions: string[] } },
) {
  const { verdict } = comparison;
  const side = (name: 'a' | 'b') => ({ ...groups[name], ...comparison[name] });
  return {
    a: side('a'),
    b: side('b'),
    same_prompt: comparison.samePrompt,
    verdict: verdictJson(verdict),
    passed_p: comparison.passedP,
    measures: Object.fromEntries(
      comparison.measures.map((measure: GroupMeasure) => [
        snake(measure.name),
        { ...measureJson(measure), n_a: measure.n, n_b: measure.m, p: orNull(measure.p) },
      ]),
    ),
  };
}
