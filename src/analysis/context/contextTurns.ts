import type { SessionFold } from '../../model/fold.ts';
import type { ContextCourse, ContextPoint } from './contextCourse.ts';

/** What one prompt did to a window. */
export interface ContextTurn {
  /** 1 for P1; 0: before the first prompt. */
  prompt: number;
  /** The fold's row of the prompt; -1: before the first. */
  promptRow: number;
  /** Index of its first and last request; both -1 where none was told. */
  first: number;
  last: number;
  /** Tokens that it added; negative where more was dropped. */
  growth: number;
  /** Indexes of the compactions in it. */
  compactions: number[];
}

/** The requests of a window by the prompts that they served, in time order; turns without a request, too. */
export function contextTurns(fold: SessionFold, course: ContextCourse): ContextTurn[] {
  const { points, compactions } = course;
  const turns: ContextTurn[] = fold.phases
    .all()
    .filter(({ row }) => row >= 0)
    .map(({ row }, at) => emptyTurn(at + 1, row));
  const begins = turns.map(({ promptRow }) => fold.columns.timeMs[promptRow]!);
  const before = emptyTurn(0, -1);
  let at = -1;
  const turnAt = (timeMs: number): ContextTurn => {
    while (at + 1 < begins.length && begins[at + 1]! <= timeMs) at++;
    return turns[at] ?? before;
  };
  let tokens = 0;
  for (const [index, point] of points.entries()) {
    const turn = turnAt(point.timeMs);
    if (turn.first < 0) turn.first = index;
    turn.last = index;
    turn.growth += point.tokens - tokens;
    tokens = point.tokens;
  }
  at = -1;
  for (const [index, { timeMs }] of compactions.entries()) turnAt(timeMs).compactions.push(index);
  const isEmpty = before.first < 0 && before.compactions.length === 0;
  return isEmpty ? turns : [before, ...turns];
}

const emptyTurn = (prompt: number, promptRow: number): ContextTurn => ({
  prompt,
  promptRow,
  first: -1,
  last: -1,
  growth: 0,
  compactions: [],
});

/** How a window fills if it goes on like this. */
export interface ContextForecast {
  /** Tokens a request, over the last requests since the last compaction. */
  perRequest: number;
  /** Requests that it was taken from. */
  over: number;
  /** Requests until the window is full. */
  requests: number;
  /** Where the agent compacted by itself before, tokens; and requests until then. */
  compactsAt?: number;
  untilCompaction?: number;
}

/** Requests that say how fast a window fills; fewer than the least say nothing. */
const RECENT = 20;
const LEAST = 5;

/** Undefined where the window is not known, or does not fill. */
export function contextForecast(course: ContextCourse): ContextForecast | undefined {
  const { points, window, compactions } = course;
  if (window === undefined) return undefined;
  const since = compactions.reduce((most, { point }) => Math.max(most, point), 0);
  const from = Math.max(since, points.length - 1 - RECENT);
  const over = points.length - 1 - from;
  if (over < LEAST) return undefined;
  const last = points[points.length - 1] as ContextPoint;
  const perRequest = (last.tokens - points[from]!.tokens) / over;
  if (!(perRequest > 0)) return undefined;
  const until = (limit: number): number =>
    Math.max(0, Math.ceil((limit - last.tokens) / perRequest));
  const forecast: ContextForecast = { perRequest, over, requests: until(window) };
  const compactsAt = compactsAtOf(course);
  if (compactsAt !== undefined && compactsAt <= window) {
    forecast.compactsAt = compactsAt;
    forecast.untilCompaction = until(compactsAt);
  }
  return forecast;
}

/** Where the agent last compacted by itself, tokens: it will do so again. */
function compactsAtOf({ compactions }: ContextCourse): number | undefined {
  for (let at = compactions.length - 1; at >= 0; at--) {
    const { trigger, before } = compactions[at]!;
    if (trigger === 'auto' && before > 0) return before;
  }
  return undefined;
}

/** Whether what came in with this point is still there, as far as compactions tell. */
export const isInWindow = ({ compactions }: ContextCourse, point: number): boolean =>
  compactions.every((compaction) => compaction.point <= point);
