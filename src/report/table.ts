import type { Style } from './style.ts';
import { cutToWidth, padToWidth, textWidth } from './terminalText.ts';

export interface TableColumn<Row> {
  title: string;
  /** Harmless plain text. */
  text(row: Row): string;
  /** Colours a cell that is cut and padded already. */
  paint?(cell: string, row: Row): string;
  align?: 'left' | 'right';
  /** Takes what room is left, and is cut first. */
  flexible?: boolean;
  /** Left out from the right of the table on where the terminal is narrower than this. */
  minTerminal?: number;
}

const GAP = 2;
const MIN_FLEXIBLE = 12;

/**
 * A table for a terminal, one line a row.
 *
 * @param width columns; undefined: as wide as the content (a file or a pipe)
 */
export function renderTable<Row>(
  allColumns: readonly TableColumn<Row>[],
  rows: readonly Row[],
  options: { style: Style; width?: number | undefined },
): string {
  const { style, width } = options;
  const columns = allColumns.filter(
    ({ minTerminal = 0 }) => width === undefined || width >= minTerminal,
  );
  const cells = rows.map((row) => columns.map((column) => column.text(row)));
  const widths = columns.map((column, at) =>
    cells.reduce((most, line) => Math.max(most, textWidth(line[at]!)), textWidth(column.title)),
  );
  const flexible = columns.findIndex((column) => column.flexible === true);
  if (width !== undefined && flexible >= 0) {
    const fixed = widths.reduce((sum, one, at) => (at === flexible ? sum : sum + one + GAP), 0);
    widths[flexible] = Math.min(widths[flexible]!, Math.max(MIN_FLEXIBLE, width - fixed));
  }
  const line = (texts: readonly string[], paint: (cell: string, at: number) => string): string =>
    texts
      .map((text, at) => {
        const last = at === texts.length - 1 && columns[at]!.align !== 'right';
        const cut = cutToWidth(text, widths[at]!);
        return paint(last ? cut : padToWidth(cut, widths[at]!, columns[at]!.align), at);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const head = line(
    columns.map(({ title }) => title),
    (cell) => style.dim(cell),
  );
  const body = rows.map((row, index) =>
    line(cells[index]!, (cell, at) => columns[at]!.paint?.(cell, row) ?? cell),
  );
  return `${[head, ...body].join('\n')}\n`;
}
