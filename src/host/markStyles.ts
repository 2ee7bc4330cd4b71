import * as vscode from 'vscode';
import type { MarkKind } from '../model/lineMarks.ts';
import { gutterBar, type ThemeKind } from './gutterBar.ts';
import type { Settings } from './settings.ts';

/** How marks look: made anew when the theme, its colours or the settings change. */
export class MarkStyles implements vscode.Disposable {
  readonly read: vscode.TextEditorDecorationType;
  readonly modified: vscode.TextEditorDecorationType;
  readonly label: vscode.TextEditorDecorationType;

  constructor(settings: Settings) {
    this.read = lineStyle('read', settings.markRead, settings.overviewRuler);
    this.modified = lineStyle('modified', settings.markModified, settings.overviewRuler);
    this.label = vscode.window.createTextEditorDecorationType({
      after: { color: new vscode.ThemeColor('agentStrace.label'), margin: '0 0 0 3ch' },
      rangeBehavior: vscode.DecorationRangeBehavior.ClosedOpen,
    });
  }

  dispose(): void {
    this.read.dispose();
    this.modified.dispose();
    this.label.dispose();
  }
}

function lineStyle(
  kind: MarkKind,
  enabled: boolean,
  inRuler: boolean,
): vscode.TextEditorDecorationType {
  const lane = kind === 'read' ? 'Left' : 'Center';
  return vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    ...(enabled && {
      gutterIconPath: vscode.Uri.parse(gutterBar(kind, themeKind(), customColours())),
      gutterIconSize: '100% 100%',
    }),
    ...(enabled &&
      inRuler && {
        overviewRulerColor: new vscode.ThemeColor(`agentStrace.${kind}Overview`),
        overviewRulerLane: vscode.OverviewRulerLane[lane],
      }),
  });
}

function themeKind(): ThemeKind {
  switch (vscode.window.activeColorTheme.kind) {
    case vscode.ColorThemeKind.Light:
      return 'light';
    case vscode.ColorThemeKind.HighContrast:
      return 'highContrast';
    case vscode.ColorThemeKind.HighContrastLight:
      return 'highContrastLight';
    default:
      return 'dark';
  }
}

/** The person's own colours: for all themes, then for the one in use. */
function customColours(): Record<string, unknown> {
  const workbench = vscode.workspace.getConfiguration('workbench');
  const own = workbench.get<Record<string, unknown>>('colorCustomizations') ?? {};
  const theme = workbench.get<string>('colorTheme') ?? '';
  const ofTheme = Object.entries(own)
    .filter(([key]) => key.startsWith('[') && key.includes(`[${theme}]`))
    .map(([, colours]) => colours);
  return Object.assign({}, own, ...ofTheme);
}

/** Whether marks look different after such a change. */
export const affectsColours = (event: vscode.ConfigurationChangeEvent): boolean =>
  event.affectsConfiguration('workbench.colorCustomizations') ||
  event.affectsConfiguration('workbench.colorTheme');
