/** Reports as documents: an editor shows so much of one, whichever report it is. */

/** A document with more is no help, UTF-16 units. */
export const MAX_DOCUMENT = 2_000_000;

const FENCE = /^(`{3,})/gm;

/**
 * A document of at most so many UTF-16 units: cut at the end of a line, with a block of code that was open closed, and a word that
 * there is more.
 *
 * @param command that prints all of it
 */
export function boundedDocument(text: string, command: string, most = MAX_DOCUMENT): string {
  if (text.length <= most) return text;
  const kept = text.slice(0, text.lastIndexOf('\n', most - 1) + 1);
  return `${kept}${openFence(kept)}\n${documentRest(command)}\n`;
}

const documentRest = (command: string): string => `… the rest: \`${command}\``;

/** The line that closes the block of code that a text ends in; empty where it ends in none. */
function openFence(text: string): string {
  let open = '';
  for (const [, mark = ''] of text.matchAll(FENCE)) {
    if (open === '') open = mark;
    else if (mark.length >= open.length) open = '';
  }
  return open === '' ? '' : `${open}\n`;
}
