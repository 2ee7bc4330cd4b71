/** How much of a long list is shown, and how the rest is told: one rule and the same words in all reports. */
import { formatCount } from '../model/format.ts';
import type { Style } from './style.ts';
import { wrapFacts } from './terminalText.ts';

export interface Bounded {
  /** Rows of a list that are shown; undefined: as many as that list usually has, Infinity: all. */
  most?: number | undefined;
}

/** How a person sees what a terminal does not show. */
export const SHOW_ALL = '--all shows all';

/** The first of a list, and how many more there are. */
export function firstOf<Row>(
  rows: readonly Row[],
  most: number,
): { shown: readonly Row[]; rest: number } {
  const shown = rows.length > most ? rows.slice(0, most) : rows;
  return { shown, rest: rows.length - shown.length };
}

/**
 * `… and 4,980 more files (--all shows all)`; empty where nothing is left out.
 *
 * @param how a person sees the rest; empty: that is not said
 */
export function moreText(rest: number, one = '', many = `${one}s`, how = SHOW_ALL): string {
  if (rest <= 0) return '';
  const noun = one === '' ? '' : ` ${rest === 1 ? one : many}`;
  return `… and ${formatCount(rest)} more${noun}${how === '' ? '' : ` (${how})`}`;
}

/** What is left out of a list, in lines under it; empty where that is nothing. @param text see {@link moreText} */
export const moreLines = (
  text: string,
  { style, width }: { style: Style; width?: number | undefined },
): string =>
  text === ''
    ? ''
    : wrapFacts(text, width)
        .map((line) => `${style.dim(line)}\n`)
        .join('');

/** `… phases 12 to 48, $1.23 (--all shows all)`: what lies between two rows that are shown. */
export const gapText = (words: string, how = SHOW_ALL): string =>
  `… ${words}${how === '' ? '' : ` (${how})`}`;

/** Rows in a row that are not shown: `from` (inclusive) to `to` (exclusive). */
export interface Gap {
  from: number;
  to: number;
}

/**
 * How a person sees what is in the gaps, for {@link gapText}: said once, at the last of them.
 *
 * @param how '' where it is not said at all
 */
export function gapHow(places: readonly Place[], place: Gap, how = SHOW_ALL): string {
  const last = places.at(-1);
  const lastGap =
    typeof last === 'number' ? places.findLast((one) => typeof one !== 'number') : last;
  return place === lastGap ? how : '';
}

/** Places of a list in its order: those that are shown, and the gaps between them. */
export type Place = number | Gap;

/**
 * Of a list that is too long the first, the last, and those that tell most, in their order. A gap of one row is no gap: the row
 * takes no more room than the word that it is left out.
 *
 * @param weight of the row at a place: the more it tells, the higher
 */
export function mostTelling(length: number, most: number, weight: (at: number) => number): Place[] {
  if (length <= most) return Array.from({ length }, (_, at) => at);
  const inner = Array.from({ length: Math.max(0, length - 2) }, (_, at) => at + 1);
  const weights = Float64Array.from({ length }, (_, at) => weight(at));
  inner.sort((x, y) => weights[y]! - weights[x]! || x - y);
  const kept = [0, ...inner.slice(0, Math.max(0, most - 2)), length - 1].slice(
    0,
    Math.max(1, most),
  );
  kept.sort((x, y) => x - y);
  const places: Place[] = [];
  let next = 0;
  const skip = (to: number): void => {
    if (to - next === 1) places.push(next);
    else if (to > next) places.push({ from: next, to });
  };
  for (const at of kept) {
    skip(at);
    places.push(at);
    next = at + 1;
  }
  skip(length);
  return places;
}
