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
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(columns.map(({ cell }) => cell(row)))),
  ].join('\n');
}
