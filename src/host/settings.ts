import * as vscode from 'vscode';
import type { PriceOverride } from '../analysis/price.ts';

const SECTION = 'agentStrace';

/** The person's settings. What a workspace brings never counts where money or private files are concerned. */
export interface Settings {
  showStatusBar: boolean;
  readTranscripts: boolean;
  prices: Record<string, PriceOverride>;
}

export function readSettings(): Settings {
  const settings = vscode.workspace.getConfiguration(SECTION);
  const prices = settings.inspect<Record<string, PriceOverride>>('prices')?.globalValue;
  const transcripts = settings.inspect<boolean>('readTranscripts')?.globalValue;
  return {
    showStatusBar: settings.get('statusBar.enabled', true),
    readTranscripts: transcripts !== false,
    prices: typeof prices === 'object' && prices !== null ? prices : {},
  };
}

/** Whether sessions must be read anew. */
export const affectsEngine = (event: vscode.ConfigurationChangeEvent): boolean =>
  event.affectsConfiguration(`${SECTION}.prices`) ||
  event.affectsConfiguration(`${SECTION}.readTranscripts`);

export const affectsStatusBar = (event: vscode.ConfigurationChangeEvent): boolean =>
  event.affectsConfiguration(`${SECTION}.statusBar`);
