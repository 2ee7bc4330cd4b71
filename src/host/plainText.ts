import { visibleText } from '../model/visibleText.ts';

/**
 * Trace text where VS Code makes more of text than text: no icons (`$(x)`, in labels and lists), and no links
 * (`[x](command:…)`, in notifications, where a click runs the command).
 */
export const plainText = (text: string): string =>
  visibleText(text).replaceAll('$(', '$\u2060(').replaceAll('](', ']\u2060(');

/** The same, of one line at most so long. */
export function plainLine(text: string, max = 80): string {
  const line = plainText(text);
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
}
