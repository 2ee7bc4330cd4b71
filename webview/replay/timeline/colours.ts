import { LOOKS, type Look } from './laneIndex.ts';

/** The colours and fonts that the canvas draws with, read from the page's variables. */
export interface Colours {
  page: string;
  side: string;
  text: string;
  muted: string;
  line: string;
  focus: string;
  error: string;
  denied: string;
  green: string;
  amber: string;
  /** By look. */
  looks: string[];
  lanes: [main: string, a: string, b: string];
  phases: Record<'ok' | 'mixed' | 'failed' | 'running', string>;
  /** Light on dark, for the badge of the playhead. */
  badge: string;
  badgeText: string;
  highContrast: boolean;
  contrastLine: string;
  font: string;
}

export function readColours(body: HTMLElement): Colours {
  const style = getComputedStyle(body);
  const of = (...names: string[]): string => {
    for (const name of names) {
      const value = style.getPropertyValue(`--${name}`).trim();
      if (value !== '') return value;
    }
    return style.color;
  };
  const looks: Record<Look, string> = {
    none: 'transparent',
    model: of('other'),
    agent: of('other'),
    other: of('other'),
    read: of('read'),
    modify: of('modified'),
    run: of('run'),
  };
  const text = of('vscode-foreground');
  const page = of('vscode-editor-background', 'page');
  return {
    page,
    side: of('vscode-sideBar-background', 'page'),
    text,
    muted: of('muted'),
    line: of('line'),
    focus: of('vscode-focusBorder'),
    error: of('failed'),
    denied: of('denied'),
    green: of('green', 'ok'),
    amber: of('amber'),
    looks: LOOKS.map((look) => looks[look]),
    lanes: [of('other'), of('lane-a'), of('lane-b')],
    phases: {
      ok: of('ok'),
      mixed: of('mixed'),
      failed: of('failed'),
      running: of('running'),
    },
    badge: text,
    badgeText: page,
    highContrast: body.classList.contains('vscode-high-contrast'),
    contrastLine: of('vscode-contrastBorder', 'line'),
    font: style.fontFamily,
  };
}
