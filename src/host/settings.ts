import * as vscode from 'vscode';
import type { PriceOverride } from '../analysis/price.ts';

const SECTION = 'agentStrace';

/** The person's settings. What a workspace brings never counts where money or private files are concerned. */
export interface Settings {
  showStatusBar: boolean;
  readTranscripts: boolean;
  /** List the sessions that are in agents' own transcripts. */
  pastSessions: boolean;
  /** Copy agents' transcripts before they delete them. */
  archiveTranscripts: boolean;
  prices: Record<string, PriceOverride>;
  markRead: boolean;
  markModified: boolean;
  overviewRuler: boolean;
  inlineLabel: 'onDemand' | 'always' | 'never';
  hover: boolean;
  explorerBadges: boolean;
  replaySpeed: number;
  replaySkipIdle: boolean;
  /** Of one session, nano-dollars; undefined: none is set. */
  budgetNanoUsd: number | undefined;
  confirmStop: boolean;
  /** Between asking an agent to end and killing it, ms. */
  stopGraceMs: number;
}

export function readSettings(): Settings {
  const settings = vscode.workspace.getConfiguration(SECTION);
  const prices = settings.inspect<Record<string, PriceOverride>>('prices')?.globalValue;
  const user = <T>(key: string): T | undefined => settings.inspect<T>(key)?.globalValue;
  const label = settings.get<string>('inlineLabel');
  const budget = Number(settings.get('budget', 0));
  return {
    showStatusBar: settings.get('statusBar.enabled', true),
    readTranscripts: user<boolean>('readTranscripts') !== false,
    pastSessions: user<boolean>('pastSessions') !== false,
    archiveTranscripts: user<boolean>('archiveTranscripts') === true,
    prices: typeof prices === 'object' && prices !== null ? prices : {},
    markRead: settings.get('gutter.read', true),
    markModified: settings.get('gutter.modified', true),
    overviewRuler: settings.get('overviewRuler.enabled', true),
    inlineLabel: label === 'always' || label === 'never' ? label : 'onDemand',
    hover: settings.get('hover.enabled', true),
    explorerBadges: settings.get('explorerBadges.enabled', true),
    replaySpeed: within(settings.get('replay.speed'), 0.5, 16, 4),
    replaySkipIdle: settings.get('replay.skipIdle', true),
    budgetNanoUsd: budget > 0 ? Math.round(budget * 1e9) : undefined,
    confirmStop: user<boolean>('confirmStop') !== false,
    stopGraceMs: within(user('stopGraceSeconds'), 1, 60, 5) * 1000,
  };
}

/** Whether sessions must be read anew. */
export const affectsEngine = (event: vscode.ConfigurationChangeEvent): boolean =>
  event.affectsConfiguration(`${SECTION}.prices`) ||
  event.affectsConfiguration(`${SECTION}.readTranscripts`) ||
  event.affectsConfiguration(`${SECTION}.pastSessions`);

export const affectsArchive = (event: vscode.ConfigurationChangeEvent): boolean =>
  event.affectsConfiguration(`${SECTION}.archiveTranscripts`);

export const affectsStatusBar = (event: vscode.ConfigurationChangeEvent): boolean =>
  event.affectsConfiguration(`${SECTION}.statusBar`) ||
  event.affectsConfiguration(`${SECTION}.budget`);

export const affectsMarks = (event: vscode.ConfigurationChangeEvent): boolean =>
  ['gutter', 'overviewRuler', 'inlineLabel', 'hover', 'explorerBadges'].some((key) =>
    event.affectsConfiguration(`${SECTION}.${key}`),
  );

/** A settings file can hold anything. */
function within(value: unknown, least: number, most: number, otherwise: number): number {
  return typeof value === 'number' && value >= least && value <= most ? value : otherwise;
}
