/** Trace text in the editor's own places: nothing in it becomes an icon, a link or markup. Pure. */
import { cut } from '../model/text.ts';
import { visibleText } from '../model/visibleText.ts';

/** Text in which `$(name)` stays what it is, for places where that would be an icon. */
export const withoutIcons = (text: string): string => text.replaceAll('$(', '$\u2060(');

/**
 * Trace text as a label of one line, or in a notification, where `[x](command:…)` would be a link that runs the
 * command. @param max UTF-16 units
 */
export const plainLabel = (text: string, max = Number.POSITIVE_INFINITY): string =>
  withoutIcons(cut(visibleText(text), max)).replaceAll('](', ']\u2060(');

/** Of a tab, UTF-16 units. */
const TAB_LENGTH = 40;

/** A session's title as a tab has it: one short line; may be empty. */
export const tabWords = (title: string): string => cut(visibleText(title).trim(), TAB_LENGTH);

/**
 * Text as Markdown that says just that, wherever it stands, table cells and links included.
 * `MarkdownString.appendText` leaves `|`, `<` and bare addresses alone, so it does not do here: every
 * sign that could mean something to Markdown, HTML or an icon becomes a character reference.
 */
export function markdown(text: string): string {
  return visibleText(text)
    .replace(/[^\p{L}\p{N}\p{M} ·…’–−⟨⟩]/gu, (sign) => `&#${sign.codePointAt(0)};`)
    .replace(/ {2,}/g, (spaces) => '&nbsp;'.repeat(spaces.length));
}

/** Text in the code font, where it holds nothing but plain signs; else as Markdown that says just that. */
export function markdownCode(text: string): string {
  const shown = visibleText(text).trim();
  const plain = /^[\w ./=+:'"-]+$/.test(shown) && !/:\/\/|www\./i.test(shown);
  return plain ? `\`${shown}\`` : markdown(shown);
}

/** A command as the target of a Markdown link, which ends at a parenthesis. */
export function commandUri(command: string, ...values: readonly unknown[]): string {
  if (values.length === 0) return `command:${command}`;
  const query = encodeURIComponent(JSON.stringify(values)).replace(
    /[()'*!~]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  );
  return `command:${command}?${query}`;
}
