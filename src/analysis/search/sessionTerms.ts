import { QueryError, type SessionHead, type SessionTerm } from './query.ts';

const NANO = 1e9;
const DAY_MS = 86_400_000;

/** @throws {QueryError} */
export function sessionTerm(
  field: SessionTerm['field'],
  value: string,
  nowMs: number,
): SessionTerm {
  switch (field) {
    case 'cost':
      return { field, holds: costHolds(value) };
    case 'date': {
      const [from, to] = dateWindow(value, nowMs);
      return { field, holds: ({ startMs }) => startMs >= from && startMs < to };
    }
    default: {
      if (value === '') throw new QueryError(`${field}: is not followed by anything to look for.`);
      const wanted = value.toLowerCase();
      return {
        field,
        holds: (head: SessionHead) =>
          (field === 'agent' ? head.agent : head.id).toLowerCase().includes(wanted),
      };
    }
  }
}

/** `>1`, `<=0.5`, `2` (to the cent). What has no price fits none. */
function costHolds(value: string): (head: SessionHead) => boolean {
  const match = /^(>=|<=|>|<|=)?\$?(\d{1,9}(?:\.\d{1,9})?)$/.exec(value);
  if (match === null) {
    throw new QueryError(`cost:${value} is no amount. Write cost:>1, cost:<0.50 or cost:2.`);
  }
  const [, sign = '=', amount] = match;
  const nano = Number(amount) * NANO;
  return ({ nanoUsd }) => {
    if (nanoUsd === undefined) return false;
    switch (sign) {
      case '>':
        return nanoUsd > nano;
      case '<':
        return nanoUsd < nano;
      case '>=':
        return nanoUsd >= nano;
      case '<=':
        return nanoUsd <= nano;
      default:
        return Math.abs(nanoUsd - nano) <= 0.01 * NANO;
    }
  };
}

/** @returns from (inclusive) and to (exclusive), ms since the epoch; days are those of the local clock */
function dateWindow(value: string, nowMs: number): [from: number, to: number] {
  const wanted = value.toLowerCase();
  const midnight = (days: number): number => {
    const date = new Date(nowMs);
    return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
  };
  const forever = Number.POSITIVE_INFINITY;
  switch (wanted) {
    case 'today':
      return [midnight(0), forever];
    case 'yesterday':
      return [midnight(-1), midnight(0)];
    case 'this-week':
      // Weeks begin on Monday.
      return [midnight(-((new Date(nowMs).getDay() + 6) % 7)), forever];
    case 'this-month':
      return [midnight(1 - new Date(nowMs).getDate()), forever];
    default:
  }
  const last = /^(\d{1,5})([dhw])$/.exec(wanted);
  if (last !== null) {
    const [, count, unit] = last;
    const each = unit === 'h' ? DAY_MS / 24 : unit === 'w' ? DAY_MS * 7 : DAY_MS;
    return [nowMs - Number(count) * each, forever];
  }
  const range = /^(\d{4}-\d\d-\d\d)(?:(?::|\.\.)(\d{4}-\d\d-\d\d))?$/.exec(wanted);
  const from = range === null ? undefined : dayOf(range[1]!);
  const to = range === null ? undefined : dayOf(range[2] ?? range[1]!, 1);
  if (from === undefined || to === undefined) {
    throw new QueryError(
      `date:${value} is no day. Write today, yesterday, this-week, this-month, 7d, 24h, 2026-05-31 or 2026-05-01:2026-05-31.`,
    );
  }
  return [from, to];
}

/** Midnight of a day, some days on; undefined: there is no such day. */
function dayOf(text: string, more = 0): number | undefined {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  const date = new Date(year, month - 1, day);
  const real = date.getMonth() === month - 1 && date.getDate() === day;
  return real ? new Date(year, month - 1, day + more).getTime() : undefined;
}
