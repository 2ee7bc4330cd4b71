import { visibleText } from './visibleText.ts';

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
      .replace(/:\/\//g, '\\://')
      .replace(/\bwww\./gi, (sign) => `${sign.slice(0, 3)}\\.`)
  );
}
