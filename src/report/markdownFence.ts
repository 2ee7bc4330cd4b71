import { BROKEN_SLASHES } from '../model/markdownText.ts';

/** Lines as a block of code in Markdown, which nothing in them can end. @param language for its colours; empty: none */
export function fenced(language: string, lines: readonly string[]): string {
  let longest = 2;
  for (const line of lines) {
    for (const run of line.match(/`+/g) ?? []) longest = Math.max(longest, run.length);
  }
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, ...lines, fence].join('\n');
}

/** Lines as plain text in a document that is opened in an editor: addresses in it are not to be clicked. */
export const fencedText = (lines: readonly string[]): string =>
  fenced(
    'text',
    lines.map((line) => line.replaceAll('://', BROKEN_SLASHES)),
  );
