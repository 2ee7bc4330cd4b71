/** What a report begins with. */
import type { Style } from './style.ts';
import { cutToWidth, sanitizeLine } from './terminalText.ts';

/** The session's title on one line. @param title hostile; may be empty */
export const titleLine = (
  title: string,
  { style, width }: { style: Style; width?: number | undefined },
): string => style.bold(cutToWidth(sanitizeLine(title) || 'Untitled session', width));
