/** The phases of two sessions side by side, and of very many those that tell most. */
import type { Comparison, Likeness } from '../analysis/compare/comparison.ts';
import { formatCount } from '../model/format.ts';
import { type Gap, gapText, mostTelling, type Place } from './bounds.ts';
import { costsText, phaseWeight } from './phaseGaps.ts';

/** Indexes of the phases; -1: that side has none. */
export interface PhaseRow {
  a: number;
  b: number;
  like: Likeness;
}

/** Phases in the order of both sides. */
export function phaseRows({ phases: { a, b, pairs } }: Comparison): PhaseRow[] {
  const rows: PhaseRow[] = [];
  let i = 0;
  let j = 0;
  for (const [x, y, like] of [...pairs, [a.length, b.length, 'same'] as const]) {
    while (i < x) rows.push({ a: i++, b: -1, like: 'onlyA' });
    while (j < y) rows.push({ a: -1, b: j++, like: 'onlyB' });
    if (x < a.length && y < b.length) rows.push({ a: i++, b: j++, like });
  }
  return rows;
}

/** Rows that are shown, where there are more. */
export const USUAL_ROWS = 40;

/** The first and last, what failed on one side only, what only one side has, what is not alike, the dearest. */
export function tellingRows(
  { phases }: Comparison,
  rows: readonly PhaseRow[],
  most = USUAL_ROWS,
): Place[] {
  return mostTelling(rows.length, most, (at) => {
    const { a, b, like } = rows[at]!;
    const sides = [phases.a[a], phases.b[b]].filter((phase) => phase !== undefined);
    const unlike =
      sides.length < 2 || sides[0]!.outcome !== sides[1]!.outcome ? 2 : like === 'same' ? 0 : 1;
    return unlike * 1e17 + sides.reduce((sum, phase) => sum + phaseWeight(phase), 0);
  });
}

/** `… 37 more phases, A $1.23, B $1.20 (--all shows all)`. */
export function rowsGap(
  { phases }: Comparison,
  rows: readonly PhaseRow[],
  { from, to }: Gap,
  how?: string,
): string {
  const left = rows.slice(from, to);
  const costOf = (side: 'a' | 'b'): string =>
    costsText(left.flatMap((row) => phases[side][row[side]] ?? []));
  const costs = `A ${costOf('a')}, B ${costOf('b')}`;
  return gapText(`${formatCount(left.length)} more phases, ${costs}`, how);
}
