/** The first `max` characters on one line; never splits a character. */
export function oneLine(text: string, max = 300): string {
  // Cut before the replacement: the text may be huge.
  const line = text
    .slice(0, max * 4)
    .replace(/\s+/g, ' ')
    .trim();
  if (line.length <= max) return line;
  const last = line.charCodeAt(max - 2);
  const splits = last >= 0xd800 && last < 0xdc00;
  return `${line.slice(0, splits ? max - 2 : max - 1)}…`;
}
