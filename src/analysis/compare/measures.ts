import type { SessionFold } from '../../model/fold.ts';
import { costOf, isCostKnown } from '../../model/summary.ts';
import type { Waste } from '../waste/waste.ts';
import { type CostDoubt, MEASURES, type Measure, type MeasureName } from './comparison.ts';

/** The numbers of one run; undefined: not known. Units as in {@link Measure}. */
export interface RunNumbers {
  values: Record<MeasureName, number | undefined>;
  removed: number;
  doubt?: CostDoubt;
}

/** A difference of less than this share says nothing: the next run of the same agent differs by more. */
const NOISE = 0.05;
/** Of shares: two points. */
const NOISE_POINTS = 0.02;

export function runNumbers(fold: SessionFold, waste: Waste, live: boolean): RunNumbers {
  const cost = costOf(fold, !live);
  const known = isCostKnown(cost);
  const estimated = !known && cost.estimated > 0;
  const doubt: CostDoubt | undefined = estimated
    ? 'estimate'
    : cost.unpriced > 0
      ? 'unpriced'
      : undefined;
  const nanoUsd = known ? cost.nanoUsd : estimated ? cost.estimatedNanoUsd : undefined;
  const { usage } = cost;
  const tokens = usage.input_tokens + usage.output_tokens;
  let added = 0;
  let removed = 0;
  let changed = false;
  for (const file of fold.files.summaries()) {
    changed ||= file.writes > 0;
    added += file.added;
    removed += file.removed;
  }
  return {
    values: {
      cost: nanoUsd,
      duration: workingMs(fold),
      calls: fold.counts.calls,
      errors: fold.counts.errors,
      // Of a cost that is not wholly known no share is known: what was wasted may be what has no price.
      wasted:
        known && cost.nanoUsd > 0 && cost.unpriced === 0
          ? Math.min(1, waste.nanoUsd / cost.nanoUsd)
          : undefined,
      tokens: tokens > 0 ? tokens : undefined,
      cacheHits:
        usage.input_tokens > 0 ? usage.cache_read_input_tokens / usage.input_tokens : undefined,
      // Files were changed, and nobody counted the lines.
      lines: added + removed > 0 || !changed ? added : undefined,
    },
    removed,
    ...(doubt === undefined ? {} : { doubt }),
  };
}

/**
 * How long a session was at work, ms: from each prompt to the last thing that it led to. What a person took to write
 * the next prompt is no difference between agents.
 */
function workingMs(fold: SessionFold): number | undefined {
  let sum = 0;
  let any = false;
  for (const { row, startMs, endMs } of fold.phases.all()) {
    if (row < 0) continue;
    any = true;
    sum += Math.max(0, endMs - startMs);
  }
  if (any) return sum;
  const { firstMs, lastMs } = fold.session;
  return Number.isFinite(firstMs) ? Math.max(0, lastMs - firstMs) : undefined;
}

export function compareMeasures(a: RunNumbers, b: RunNumbers): Measure[] {
  return MEASURES.map((name) => {
    const measure: Measure = {
      name,
      a: a.values[name],
      b: b.values[name],
      verdict: 'none',
    };
    if (name === 'lines') {
      measure.aRemoved = a.removed;
      measure.bRemoved = b.removed;
    }
    if (name === 'cost') {
      if (a.doubt) measure.aCost = a.doubt;
      if (b.doubt) measure.bCost = b.doubt;
    }
    // A guess, or a sum with holes, is not set against what was billed.
    const comparable = name !== 'cost' || (a.doubt === undefined && b.doubt === undefined);
    if (comparable) measure.verdict = verdictOf(name, measure.a, measure.b);
    return measure;
  });
}

/** Of B against A. */
export function verdictOf(
  name: MeasureName,
  a: number | undefined,
  b: number | undefined,
): Measure['verdict'] {
  if (a === undefined || b === undefined || name === 'lines') return 'none';
  switch (name) {
    case 'errors':
      return a === b ? 'none' : b < a ? 'better' : 'worse';
    case 'wasted':
      return Math.abs(a - b) < NOISE_POINTS ? 'none' : b < a ? 'better' : 'worse';
    case 'cacheHits':
      return Math.abs(a - b) < NOISE_POINTS ? 'none' : b > a ? 'better' : 'worse';
    default:
      if (Math.abs(a - b) <= NOISE * Math.max(a, b)) return 'none';
      return b < a ? 'better' : 'worse';
  }
}
