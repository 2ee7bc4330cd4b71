/** Of very many turns, requests and agents those that tell most of the context window. */
import { formatCount, formatTokens, plural } from '../model/format.ts';
import { type Gap, gapText, mostTelling, type Place } from './bounds.ts';
import type { ContextRequestJson, LaneFactsJson } from './contextReport.ts';

/** Agents whose window is shown. */
export const USUAL_LANES = 20;
/** Turns, or requests, of one. */
const USUAL_ROWS = 40;

type Lane = Pick<LaneFactsJson, 'lane' | 'fill' | 'tokens'>;

/**
 * The main agent and the fullest windows, in the order of the list.
 *
 * @param fillOf a lane, a share; by its last request unless told
 */
export function fullest<Row extends Lane>(
  lanes: readonly Row[],
  most: number,
  fillOf: (lane: Row) => number | null = ({ fill }) => fill,
): { shown: readonly Row[]; rest: number } {
  if (lanes.length <= most) return { shown: lanes, rest: 0 };
  const fill = (lane: Row): number =>
    lane.lane === '' ? Number.POSITIVE_INFINITY : (fillOf(lane) ?? 0);
  const order = lanes.map((_, at) => at);
  order.sort((x, y) => {
    const [a, b] = [lanes[x]!, lanes[y]!];
    return fill(b) - fill(a) || b.tokens - a.tokens || x - y;
  });
  const shown = order.slice(0, most).sort((x, y) => x - y);
  return { shown: shown.map((at) => lanes[at]!), rest: lanes.length - shown.length };
}

export interface Turn {
  request: ContextRequestJson | null;
  growth: number;
  compactions: readonly number[];
}

/** The first and last, the fullest, and where the window changed most. */
export function tellingTurns(turns: readonly Turn[], most = USUAL_ROWS): Place[] {
  let peak = -1;
  let tokens = 0;
  for (const [at, { request }] of turns.entries()) {
    if ((request?.tokens ?? 0) <= tokens) continue;
    tokens = request!.tokens;
    peak = at;
  }
  return mostTelling(turns.length, most, (at) =>
    at === peak ? Number.POSITIVE_INFINITY : Math.abs(turns[at]!.growth),
  );
}

/** `… 1,204 turns, 12k to 167k tokens, 3 compactions (--all shows all)`. */
export function turnsGap(
  turns: readonly Turn[],
  { from, to }: Gap,
  noun: string,
  how?: string,
): string {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  let compactions = 0;
  for (let at = from; at < to; at++) {
    const { request, compactions: own } = turns[at]!;
    compactions += own.length;
    if (request === null) continue;
    least = Math.min(least, request.tokens);
    most = Math.max(most, request.tokens);
  }
  const [low, high] = [formatTokens(least), formatTokens(most)];
  const tokens = low === high ? high : `${low} to ${high}`;
  const parts = [
    `${formatCount(to - from)} ${noun}`,
    ...(most > 0 ? [`${tokens} tokens`] : []),
    ...(compactions > 0 ? [plural(compactions, 'compaction')] : []),
  ];
  return gapText(parts.join(', '), how);
}
