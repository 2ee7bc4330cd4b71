import type { MarkKind } from '../model/lineMarks.ts';

export type ThemeKind = 'dark' | 'light' | 'highContrast' | 'highContrastLight';

/**
 * The default colours, as in package.json. A picture in the gutter cannot use a theme's colours, so
 * these and the person's own ones are drawn into it.
 */
export const BAR_COLOURS: Record<MarkKind, Record<ThemeKind, string>> = {
  read: {
    dark: '#4a9eff',
    light: '#1a73d9',
    highContrast: '#59b0ff',
    highContrastLight: '#0f4a85',
  },
  modified: {
    dark: '#e5a00d',
    light: '#b56a00',
    highContrast: '#ffb340',
    highContrastLight: '#7a4500',
  },
};

/**
 * The bar beside a line as the address of a picture: 4 px, as high as the line. In high contrast lines
 * that were read have a hollow one, so that colour is not all that tells.
 *
 * @param custom the person's own colours by name; anything may be in there
 */
export function gutterBar(
  kind: MarkKind,
  theme: ThemeKind,
  custom: Readonly<Record<string, unknown>> = {},
): string {
  const own = custom[`agentStrace.${kind}`];
  const colour =
    typeof own === 'string' && /^#[\da-f]{3,8}$/i.test(own) ? own : BAR_COLOURS[kind][theme];
  const hollow = kind === 'read' && theme.startsWith('high');
  const bars = hollow ? [bar(3, 1, colour), bar(6, 1, colour)] : [bar(3, 4, colour)];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="100%">${bars.join('')}</svg>`;
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}

const bar = (x: number, width: number, colour: string): string =>
  `<rect x="${x}" width="${width}" height="100%" fill="${colour}"/>`;
