import type { Style } from './style.ts';
import { cutStart, cutToWidth, padToWidth, textWidth } from './terminalText.ts';

export interface TableColumn<Row> {
  title: string;
  /** Harmless plain text. */
  text(row: Row): string;
  /** Colours a cell that is cut and padded already. */
  paint?(cell: string, row: Row): string;
  align?: 'left' | 'right';
  /** Takes what room is left, and is cut first. */
  flexible?: boolean;
  /** Where it is cut its end stays: of a path that tells most. */
  keepsEnd?: boolean;
  /** Left out where there is no room: the column with the highest number first. */
  expendable?: number;
}

const GAP = 2;
const MIN_FLEXIBLE = 12;
/** A column of less says nothing. */
const LEAST = 4;
/**
 * Where nothing is cut, the flexible column is padded to no more than this: one long title must not move
 * what is behind it out of sight in every row.
 */
const MOST_PADDING = 60;

/**
 * A table for a terminal, one line a row.
 *
 * @param width columns, which no line exceeds; undefined: nothing is cut (a file or a pipe)
 */
export function renderTable<Row>(
  allColumns: readonly TableColumn<Row>[],
  rows: readonly Row[],
  options: { style: Style; width?: number | undefined },
): string {
  const { style, width } = options;
  let columns = [...allColumns];
  const widthOf = (column: TableColumn<Row>): number =>
    rows.reduce(
      (most, row) => Math.max(most, textWidth(column.text(row))),
      textWidth(column.title),
    );
  const full = new Map(allColumns.map((column) => [column, widthOf(column)]));
  const least = (): number =>
    columns.reduce((sum, column) => {
      const own = full.get(column)!;
      return sum + GAP + (column.flexible === true ? Math.min(own, MIN_FLEXIBLE) : own);
    }, -GAP);
  while (width !== undefined && least() > width) {
    const first = columns.reduce((a, b) => ((b.expendable ?? 0) > (a.expendable ?? 0) ? b : a));
    if (first.expendable === undefined) break;
    columns = columns.filter((column) => column !== first);
  }
  const cells = rows.map((row) => columns.map((column) => column.text(row)));
  const widths = columns.map((column) => full.get(column)!);
  const flexible = columns.findIndex((column) => column.flexible === true);
  if (width !== undefined && flexible >= 0) {
    const fixed = widths.reduce((sum, one, at) => (at === flexible ? sum : sum + one + GAP), 0);
    widths[flexible] = Math.min(widths[flexible]!, Math.max(MIN_FLEXIBLE, width - fixed));
  }
  if (width !== undefined) shrink(widths, width);
  else if (flexible >= 0) widths[flexible] = Math.min(widths[flexible]!, MOST_PADDING);
  const line = (
    texts: readonly string[],
    paint: (cell: string, at: number) => string,
    isHead = false,
  ): string =>
    texts
      .map((text, at) => {
        const last = at === texts.length - 1 && columns[at]!.align !== 'right';
        const fit = columns[at]!.keepsEnd === true && !isHead ? cutStart : cutToWidth;
        const cut = width === undefined ? text : fit(text, widths[at]!);
        return paint(last ? cut : padToWidth(cut, widths[at]!, columns[at]!.align), at);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const head = line(
    columns.map(({ title }) => title),
    (cell) => style.dim(cell),
    true,
  );
  const body = rows.map((row, index) =>
    line(cells[index]!, (cell, at) => columns[at]!.paint?.(cell, row) ?? cell),
  );
  return `${[head, ...body].join('\n')}\n`;
}

/** Takes from the widest columns what is too much. */
function shrink(widths: number[], width: number): void {
  const gaps = GAP * (widths.length - 1);
  let excess = widths.reduce((sum, one) => sum + one, gaps) - width;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= LEAST) return;
    widths[widest]! -= 1;
    excess -= 1;
  }
}
