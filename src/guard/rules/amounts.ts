/** Numbers as people write them: `$5`, `200k`, `1h30m`, `80%`. */
import { formatCount, formatUsd } from '../../model/format.ts';
import type { Metric } from './rule.ts';

/** What a metric is counted in. */
export type Unit = 'usd' | 'count' | 'percent' | 'minutes';

const UNITS: Partial<Record<Metric, Unit>> = {
  cost_usd: 'usd',
  cost_per_hour: 'usd',
  project_cost_7d: 'usd',
  context_pct: 'percent',
  duration_minutes: 'minutes',
  idle_minutes: 'minutes',
};

export const unitOf = (metric: Metric): Unit => UNITS[metric] ?? 'count';

/** How a value of the unit is written, for those who wrote it otherwise. */
export const EXAMPLES: Record<Unit, string> = {
  usd: '5, $0.50 or 1k',
  count: '3, 200k or 1.5M',
  percent: '80%',
  minutes: '30m, 1h30m or 90s (30 alone is minutes)',
};

/** A value of a metric for people: `$10`, `80%`, `35 min`, `150`. */
export function amountText(metric: Metric, value: number): string {
  switch (unitOf(metric)) {
    case 'usd':
      return formatUsd(value * 1e9).replace(/\.00$/, '');
    case 'percent':
      return `${formatCount(value)}%`;
    case 'minutes':
      return `${formatCount(value)} min`;
    case 'count':
      return formatCount(value);
  }
}

/** A word that may be an amount: to where it is read. */
export const AMOUNT = /[-+]?\$?[\d.][\w.%$]*(?:\/h(?:our)?\b)?/y;

const NUMBER = '(\\d[\\d_]*(?:\\.\\d+)?(?:e[-+]?\\d+)?|\\.\\d+)';
const PLAIN = new RegExp(`^${NUMBER}$`, 'i');
const SCALED = new RegExp(
  `^(\\$?)${NUMBER}\\s*([kKmM]?)(%|(?:\\s*(?:usd|\\$))?(?:/h(?:our)?)?)$`,
  'i',
);
const MINUTES: Record<string, number> = { d: 1440, h: 60, m: 1, s: 1 / 60 };

/** @returns the value in the metric's own unit (USD, minutes, 0–100, a count); undefined: it is none */
export function amountOf(text: string, metric: Metric): number | undefined {
  const unit = unitOf(metric);
  const number = PLAIN.exec(text)?.[1];
  if (number !== undefined) return finite(Number(number.replaceAll('_', '')));
  if (unit === 'minutes') return minutesOf(text);
  const [, dollar = '', digits = '', scale = '', tail = ''] = SCALED.exec(text) ?? [];
  if (digits === '') return undefined;
  const perHour = /\/h/i.test(tail);
  if (unit !== 'usd' && (dollar !== '' || /usd|\$|\/h/i.test(tail))) return undefined;
  if (perHour && metric !== 'cost_per_hour') return undefined;
  if (tail === '%' && unit !== 'percent') return undefined;
  if (unit === 'percent' && scale !== '') return undefined;
  const times = scale === '' ? 1 : scale.toLowerCase() === 'k' ? 1e3 : 1e6;
  return finite(Math.round(Number(digits.replaceAll('_', '')) * times * 1e9) / 1e9);
}

const LONG: Record<string, string> = {
  min: 'm',
  mins: 'm',
  minute: 'm',
  minutes: 'm',
  hour: 'h',
  hours: 'h',
  sec: 's',
  seconds: 's',
  day: 'd',
  days: 'd',
};

/** `1h30m`, `90s`: minutes. */
function minutesOf(text: string): number | undefined {
  let sum = 0;
  let rest = text.trim().toLowerCase();
  if (rest === '') return undefined;
  while (rest !== '') {
    const part = /^(\d+(?:\.\d+)?)\s*([a-z]+)\s*/.exec(rest);
    if (part === null) return undefined;
    const [whole, number = '', word = ''] = part;
    const unit = LONG[word] ?? word;
    if (!Object.hasOwn(MINUTES, unit)) return undefined;
    sum += Number(number) * MINUTES[unit]!;
    rest = rest.slice(whole.length);
  }
  return finite(sum);
}

const finite = (value: number): number | undefined =>
  Number.isFinite(value) && value <= 1e15 ? value : undefined;
