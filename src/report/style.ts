/** Colours for text reports: by role, and none where the output is not a terminal. */

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

export type Colour = keyof typeof CODES;

/** Wraps text that is already harmless (see `sanitizeTerminal`). */
export type Style = Record<Colour, (text: string) => string>;

export function createStyle(colours: boolean): Style {
  return Object.fromEntries(
    Object.entries(CODES).map(([name, [on, off]]) => [
      name,
      (text: string) => (colours && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text),
    ]),
  ) as Style;
}

/**
 * Whether to write colours: `NO_COLOR` (not empty) says no, `FORCE_COLOR` says yes (`0` and `false`:
 * no), else only on a terminal that is not `dumb`.
 */
export function wantsColour(
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if (env.NO_COLOR) return false;
  const { FORCE_COLOR: force } = env;
  if (force !== undefined) return force !== '0' && force !== 'false';
  return isTerminal && env.TERM !== 'dumb';
}
