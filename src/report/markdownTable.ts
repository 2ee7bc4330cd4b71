/** @param cells harmless Markdown without a bare `|` */
export const tableRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** A column of a table in Markdown. */
export interface MarkdownColumn<Row> {
  title: string;
  align?: 'right';
  /** Markdown of a cell: what a trace says is escaped already. */
  cell(row: Row): string;
}

export function markdownTable<Row>(
  columns: readonly MarkdownColumn<Row>[],
  rows: readonly Row[],
): string {
  return [
    tableRow(columns.map(({ title }) => title)),
    tableRow(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => tableRow(columns.map(({ cell }) => cell(row)))),
  ].join('\n');
}
