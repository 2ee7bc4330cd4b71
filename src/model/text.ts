/** The first `max` characters on one line; never splits a character. */
export function oneLine(text: string, max = 300): string {
  // Cut before the replacement: the text may be huge.
  const line = text
    .slice(0, max * 4)
    .replace(/\s+/g, ' ')
    .trim();
  return cut(line, max);
}

/** The text, or its beginning with `…`, in at most `max` UTF-16 units; never splits a character. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 2);
  const splits = last >= 0xd800 && last < 0xdc00;
  return `${text.slice(0, splits ? max - 2 : max - 1)}…`;
}
