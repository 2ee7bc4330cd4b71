import {
  formatCount,
  formatDuration,
  formatPercent,
  formatTokens,
  formatUsd,
  MISSING,
} from '../../model/format.ts';
import type { Measure, MeasureName } from './comparison.ts';

/** Measures as people read them: the same in the page, the terminal and Markdown. */
export const MEASURE_LABELS: Record<MeasureName, string> = {
  cost: 'Cost',
  duration: 'Duration',
  calls: 'Tool calls',
  errors: 'Errors',
  wasted: 'Wasted',
  tokens: 'Tokens',
  cacheHits: 'Cache hits',
  lines: 'Lines changed',
};

export const MEASURE_HINTS: Record<MeasureName, string> = {
  cost: 'What was billed, subagents in it',
  duration:
    'From each prompt to the last thing that it led to; the time until the next prompt is not in it',
  calls: 'Tool calls, those of subagents in it',
  errors: 'Failed calls and other errors; denials are not errors',
  wasted: 'Share of the cost: failed phases, retries, redundant reads, lost caches',
  tokens: 'Prompts, whether cached or not, and answers',
  cacheHits: 'Share of the prompt tokens that came from the cache',
  lines: 'Lines added and removed',
};

export function measureValue(measure: Measure, side: 'a' | 'b'): string {
  const value = measure[side];
  if (value === undefined || Number.isNaN(value)) {
    const doubt = side === 'a' ? measure.aCost : measure.bCost;
    return doubt === 'unpriced' ? 'unpriced' : MISSING;
  }
  switch (measure.name) {
    case 'cost': {
      const doubt = side === 'a' ? measure.aCost : measure.bCost;
      const text = formatUsd(value, { estimate: doubt === 'estimate' });
      return doubt === 'unpriced' ? `≥${text}` : text;
    }
    case 'duration':
      return formatDuration(value);
    case 'wasted':
    case 'cacheHits':
      return formatPercent(value);
    case 'tokens':
      return formatTokens(value);
    case 'lines': {
      const removed = (side === 'a' ? measure.aRemoved : measure.bRemoved) ?? 0;
      return value + removed === 0 ? '0' : `+${formatCount(value)} −${formatCount(removed)}`;
    }
    default:
      return formatCount(value);
  }
}

/** B against A: `−73%`, `+4`, `−32 pt`; empty where nothing can be said, `=` where they are equal. */
export function measureDifference({ name, a, b, aCost, bCost }: Measure): string {
  if (a === undefined || b === undefined || name === 'lines') return '';
  if (name === 'cost' && (aCost !== undefined || bCost !== undefined)) return '';
  if (a === b) return '=';
  switch (name) {
    case 'errors':
      return signed(b - a, formatCount(Math.abs(b - a)));
    case 'wasted':
    case 'cacheHits': {
      const points = Math.round(Math.abs(b - a) * 100);
      return points === 0 ? '<1 pt' : signed(b - a, `${points} pt`);
    }
    default: {
      // No share of nothing.
      if (a === 0) return '';
      const share = b / a - 1;
      // What no session comes to: the trace is damaged, or invented.
      if (!(share < 100_000)) return '';
      // More than three times as much: percents are no longer read.
      if (share >= 2) return `×${(b / a).toFixed(b / a >= 10 ? 0 : 1)}`;
      const percent = Math.round(Math.abs(share) * 100);
      return percent === 0
        ? '<1%'
        : signed(share, `${Math.min(percent, share < 0 ? 99 : percent)}%`);
    }
  }
}

const signed = (value: number, text: string): string => `${value < 0 ? '−' : '+'}${text}`;
