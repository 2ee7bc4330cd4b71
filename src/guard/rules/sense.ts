/** Conditions that are never true, or true of every session: a rule of one is a mistake. */
import type { Condition, Metric } from './rule.ts';

interface Wrong {
  message: string;
  fix: string;
}

/** Writes a condition for people. */
type TextOf = (condition: Condition) => string;

type Compared = Extract<Condition, { kind: 'metric' }>;

/** @returns what is wrong with it, if anything */
export function impossible(condition: Condition, textOf: TextOf): Wrong | undefined {
  switch (condition.kind) {
    case 'metric':
      return single(condition, textOf(condition));
    case 'and':
      return firstOf(condition.of, textOf) ?? clash(condition.of);
    case 'or':
      return firstOf(condition.of, textOf);
    default:
      return undefined;
  }
}

const firstOf = (of: readonly Condition[], textOf: TextOf): Wrong | undefined =>
  of.map((one) => impossible(one, textOf)).find((wrong) => wrong !== undefined);

function single(condition: Compared, text: string): Wrong | undefined {
  const { metric, op, value } = condition;
  const example = `${metric} > ${metric === 'context_pct' ? '80%' : '5'}`;
  const never: Wrong = {
    message: `${text} can never be true`,
    fix: `write a limit that is reached, such as: ${example}`,
  };
  const most = metric === 'context_pct' ? 100 : Number.POSITIVE_INFINITY;
  if (op === '<' && value <= 0) return never;
  if (op === '>' && value >= most) return never;
  if ((op === '>=' || op === '==') && value > most) return never;
  if (op === '>=' && value <= 0)
    return { message: `${text} is true of every session`, fix: `write: ${metric} > 0` };
  if (metric === 'context_pct' && value > 0 && value < 1)
    return {
      message: 'context_pct goes from 0 to 100',
      fix: `write: ${metric} ${op} ${Math.round(value * 100)}%`,
    };
  return undefined;
}

interface Range {
  low: number;
  lowOpen: boolean;
  high: number;
  highOpen: boolean;
}

/** Of one metric, a limit from below above one from above. */
function clash(of: readonly Condition[]): Wrong | undefined {
  const ranges = new Map<Metric, Range>();
  for (const one of of) {
    if (one.kind !== 'metric' || one.op === '!=') continue;
    const range = ranges.get(one.metric) ?? {
      low: 0,
      lowOpen: false,
      high: Number.POSITIVE_INFINITY,
      highOpen: false,
    };
    narrow(range, one);
    ranges.set(one.metric, range);
    const empty = range.low === range.high && (range.lowOpen || range.highOpen);
    if (range.low > range.high || empty)
      return {
        message: `${one.metric} cannot be all of that at once: this can never be true`,
        fix: 'join them with "or"',
      };
  }
  return undefined;
}

function narrow(range: Range, { op, value }: Compared): void {
  const fromBelow = op === '>' || op === '>=' || op === '==';
  const fromAbove = op === '<' || op === '<=' || op === '==';
  if (fromBelow && value >= range.low) {
    range.lowOpen = op === '>' || (value === range.low && range.lowOpen);
    range.low = value;
  }
  if (fromAbove && value <= range.high) {
    range.highOpen = op === '<' || (value === range.high && range.highOpen);
    range.high = value;
  }
}
