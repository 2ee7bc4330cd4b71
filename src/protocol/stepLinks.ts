/** Steps that a report names, so that they can be clicked. Pure. */
import type { StepCounts } from './report.ts';

export interface StepLink {
  /** 0-based. */
  line: number;
  /** UTF-16 units in the line; the end is not in it. */
  start: number;
  end: number;
  /** From 0. */
  step: number;
  side: 'a' | 'b';
}

/** A report with more has a table of its own for each. */
const MAX_LINKS = 20_000;

const DIGITS = '(\\d{1,3}(?:,\\d{3})+|\\d{1,9})(?!\\d)';
const STEPS = `[Ss]teps?(?:\\*\\*)? ${DIGITS}(?:(?:–|-| to | and )${DIGITS})?`;
const NAMED = new RegExp(`\\b()${STEPS}`, 'g');
const NAMED_OF_SIDE = new RegExp(`\\b([AB]) ${STEPS}`, 'g');
const NUMBER = new RegExp(`^\\s*${DIGITS}(?:[–-]${DIGITS})?\\s*$`);
const COLUMN = /^steps?$/i;
const COLUMN_OF_SIDE = /^([AB]) steps?$/;

/**
 * `step 118`, `steps 12–40`, and the numbers of table columns that are headed `Step`. Only of steps that there are: words of a
 * trace can lead nowhere else. In a report on two sessions, `A step 118` and columns that are headed `A step`.
 *
 * @param steps how many there are
 */
export function stepLinks(text: string, steps: StepCounts): StepLink[] {
  const links: StepLink[] = [];
  const isPair = typeof steps !== 'number';
  const counts = isPair ? steps : { a: steps, b: 0 };
  const named = isPair ? NAMED_OF_SIDE : NAMED;
  const headed = isPair ? COLUMN_OF_SIDE : COLUMN;
  let columns: { column: number; side: 'a' | 'b' }[] = [];
  const take = (
    line: number,
    at: number,
    digits: string,
    side: 'a' | 'b' = 'a',
    start = at,
  ): void => {
    const step = Number(digits.replaceAll(',', '')) - 1;
    if (step < 0 || step >= counts[side] || links.length >= MAX_LINKS) return;
    links.push({ line, start, end: at + digits.length, step, side });
  };
  for (const [at, line] of text.split('\n').entries()) {
    if (!line.startsWith('|')) {
      columns = [];
      for (const match of line.matchAll(named)) {
        const [whole, letter, first = '', last] = match;
        const side = letter === 'B' ? 'b' : 'a';
        take(at, match.index + whole.indexOf(first), first, side, match.index);
        if (last !== undefined) {
          take(at, match.index + whole.length - last.length, last, side);
        }
      }
      continue;
    }
    const cells = cellsOf(line);
    const heads = cells.flatMap(({ text: cell }, column) => {
      const match = headed.exec(cell.trim());
      return match ? [{ column, side: match[1] === 'B' ? ('b' as const) : ('a' as const) }] : [];
    });
    if (heads.length > 0) columns = heads;
    for (const { column, side } of columns) {
      const cell = cells[column];
      const match = cell && NUMBER.exec(cell.text);
      if (!match) continue;
      const [, first = '', last] = match;
      take(at, cell.start + cell.text.indexOf(first), first, side);
      if (last !== undefined) take(at, cell.start + cell.text.lastIndexOf(last), last, side);
    }
  }
  return links;
}

/** A row's cells; `\|` is none of its bars. */
function cellsOf(line: string): { text: string; start: number }[] {
  const cells: { text: string; start: number }[] = [];
  let start = 1;
  for (let i = 1; i < line.length; i++) {
    if (line[i] === '\\') i++;
    else if (line[i] === '|') {
      cells.push({ text: line.slice(start, i), start });
      start = i + 1;
    }
  }
  return cells;
}
