import { padToWidth, textWidth } from './terminalText.ts';

/** A cell that is longer moves what stands after it. */
const MOST_COLUMNS = 60;
const BETWEEN = / (?<!\\)\| /;
const RULE = /^\|(?: :?-+:? \|)+$/;

/**
 * Tables of a Markdown document with their columns under each other, for those who read its text. What it says stays: a table is
 * padded only where each of its rows has as many cells as its head. Blocks of code stay as they are.
 */
export function alignTables(markdown: string): string {
  const lines = markdown.split('\n');
  let fence = '';
  for (let at = 0; at < lines.length; at++) {
    const [mark = ''] = /^`{3,}/.exec(lines[at]!) ?? [];
    if (fence === '') fence = mark;
    else if (mark.length >= fence.length) fence = '';
    if (fence !== '' || at === 0 || !RULE.test(lines[at]!)) continue;
    let end = at + 1;
    while (end < lines.length && isRow(lines[end]!)) end++;
    if (isRow(lines[at - 1]!))
      lines.splice(at - 1, end - at + 1, ...aligned(lines.slice(at - 1, end)));
    at = end - 1;
  }
  return lines.join('\n');
}

const isRow = (line: string): boolean => line.startsWith('| ') && line.endsWith(' |');

/** @param rows the head, the rule, and the rest */
function aligned(rows: string[]): string[] {
  const cells = rows.map((row) => row.slice(2, -2).split(BETWEEN));
  const [head, rule] = [cells[0]!, cells[1]!];
  if (cells.some((row) => row.length !== head.length)) return rows;
  const widths = head.map((_, column) =>
    cells.reduce((most, row, at) => {
      const width = at === 1 ? 4 : textWidth(row[column]!.trim());
      return Math.max(most, Math.min(width, MOST_COLUMNS));
    }, 0),
  );
  return cells.map((row, at) => {
    const padded = row.map((cell, column) => {
      const right = rule[column]!.endsWith(':');
      const width = widths[column]!;
      if (at === 1) return right ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width);
      return padToWidth(cell.trim(), width, right ? 'right' : 'left');
    });
    return `| ${padded.join(' | ')} |`;
  });
}
