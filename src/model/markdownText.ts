import { visibleText } from './visibleText.ts';

/** What stands for the `://` of an address, so that no editor makes it a link. */
export const BROKEN_SLASHES = '\\://';

/**
 * Text as Markdown that says just that, on one line: no links, images, HTML or marks of its own, in a
 * paragraph, a list or a table.
 */
export function markdownText(text: string): string {
  return (
    visibleText(text)
      .replace(/[\\`*_[\]<>|~&#$!{}@]/g, '\\$&')
      // Signs that mean something at the start of a line, and bare addresses.
      .replace(/^([-+=]|\d+(?=[.)]))/, (sign) => (/\d/.test(sign) ? `${sign}\\` : `\\${sign}`))
      .replaceAll('://', BROKEN_SLASHES)
      .replace(/\bwww\./gi, (sign) => `${sign.slice(0, 3)}\\.`)
  );
}
