/** Steps that a report names, so that they can be clicked. Pure. */

export interface StepLink {
  /** 0-based. */
  line: number;
  /** UTF-16 units in the line; the end is not in it. */
  start: number;
  end: number;
  /** From 0. */
  step: number;
}

/** A report with more has a table of its own for each. */
const MAX_LINKS = 20_000;

const DIGITS = '(\\d{1,3}(?:,\\d{3})+|\\d{1,9})(?!\\d)';
const NAMED = new RegExp(`\\b[Ss]teps?(?:\\*\\*)? ${DIGITS}(?:(?:–|-| to | and )${DIGITS})?`, 'g');
/** A row of a timeline: sign, step, time. */
const ROW = new RegExp(`^ {2}\\S +${DIGITS} +(?:\\d+:)?\\d+:\\d\\d `);
const NUMBER = new RegExp(`^\\s*${DIGITS}(?:[–-]${DIGITS})?\\s*$`);

/**
 * `step 118`, `steps 12–40`, rows of a timeline, and the numbers of table columns that are headed `Step`. Only of steps that there are: words of a
 * trace can lead nowhere else.
 *
 * @param steps how many there are
 */
export function stepLinks(text: string, steps: number): StepLink[] {
  const links: StepLink[] = [];
  let columns: number[] = [];
  const take = (line: number, at: number, digits: string, start = at): void => {
    const step = Number(digits.replaceAll(',', '')) - 1;
    if (step < 0 || step >= steps || links.length >= MAX_LINKS) return;
    links.push({ line, start, end: at + digits.length, step });
  };
  for (const [at, line] of text.split('\n').entries()) {
    if (!line.startsWith('|')) {
      columns = [];
      const row = ROW.exec(line);
      if (row) {
        take(at, line.indexOf(row[1] ?? '', 3), row[1] ?? '');
        continue;
      }
      for (const match of line.matchAll(NAMED)) {
        const [whole, first = '', last] = match;
        take(at, match.index + whole.indexOf(first), first, match.index);
        if (last !== undefined) take(at, match.index + whole.length - last.length, last);
      }
      continue;
    }
    const cells = cellsOf(line);
    const headed = cells.flatMap(({ text: cell }, column) =>
      /^steps?$/i.test(cell.trim()) ? [column] : [],
    );
    if (headed.length > 0) columns = headed;
    for (const column of columns) {
      const cell = cells[column];
      const match = cell && NUMBER.exec(cell.text);
      if (!match) continue;
      const [, first = '', last] = match;
      take(at, cell.start + cell.text.indexOf(first), first);
      if (last !== undefined) take(at, cell.start + cell.text.lastIndexOf(last), last);
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
