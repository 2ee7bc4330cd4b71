import * as vscode from 'vscode';
import type { ListedFile, ListedStep } from '../history/changeList.ts';
import type { UnknownReason } from '../history/content.ts';
import type { TargetProblem } from '../history/restoreTarget.ts';
import { formatTimeOfDay } from '../model/format.ts';
import { plainLabel } from './plainText.ts';

/** `+9 −3`; empty where no line is known. */
export function linesText(item: {
  added?: number | undefined;
  removed?: number | undefined;
}): string {
  const parts: string[] = [];
  if (item.added) parts.push(`+${item.added}`);
  if (item.removed) parts.push(`−${item.removed}`);
  return parts.join(' ');
}

/** `+9 −3  src/payments · 2 steps`: what matters first, where the view is narrow. */
export function fileDescription(file: ListedFile): string {
  const parts = [
    [linesText(file), plainLabel(file.folder)].filter(Boolean).join('  '),
    file.steps.length > 1 ? vscode.l10n.t('{0} steps', file.steps.length) : '',
  ];
  return parts.filter(Boolean).join(' · ');
}

/** `118 · Edit`: steps count from 1, as in the event stream. */
export function stepLabel({ step, tool }: ListedStep): string {
  return step < 0 ? plainLabel(tool) : `${step + 1} · ${plainLabel(tool)}`;
}

/** `+9 −3 · 14:16` */
export function stepDescription(step: ListedStep): string {
  const lines =
    step.kind === 'delete'
      ? vscode.l10n.t('deleted')
      : step.added === undefined
        ? vscode.l10n.t('changed')
        : linesText(step);
  return [
    lines,
    formatTimeOfDay(step.timeMs),
    step.subagent ? vscode.l10n.t('subagent') : '',
    step.failed ? vscode.l10n.t('failed') : '',
  ]
    .filter(Boolean)
    .join(' · ');
}

/** Why a content is not known, as a sentence. */
export function unknownText(why: UnknownReason): string {
  switch (why) {
    case 'noRecord':
      return vscode.l10n.t(
        "Neither the agent's transcript nor Agent Strace's own notes have this step.",
      );
    case 'gone':
      return vscode.l10n.t('Its content was kept for a while, but is gone by now.');
    case 'binary':
      return vscode.l10n.t('It is not a text file.');
    case 'large':
      return vscode.l10n.t('It is too large.');
    case 'sensitive':
      return vscode.l10n.t('It may hold secrets, so its content is never kept.');
    case 'late':
      return vscode.l10n.t(
        'It could not be looked at in the few milliseconds that a command waits for.',
      );
    case 'untracked':
      return vscode.l10n.t('Git did not track it before the command, so nobody saw what it was.');
    case 'filtered':
      return vscode.l10n.t('Git stores it in another form than this folder has it (a filter).');
    case 'unreadable':
      return vscode.l10n.t('It could not be read.');
    case 'outside':
      return vscode.l10n.t(
        'It is not in an open folder, and the trace that names it was not recorded on this machine.',
      );
    case 'untrusted':
      return vscode.l10n.t('In Restricted Mode neither git nor transcripts are read.');
    case 'off':
      return vscode.l10n.t(
        'Transcripts are not read: see the setting "agentStrace.readTranscripts".',
      );
    case 'changedLater':
      return vscode.l10n.t(
        'The session is not known to have changed it, and it was changed after this step.',
      );
  }
}

/** Why a file is not written to, as a sentence. */
export function problemText(problem: TargetProblem): string {
  switch (problem) {
    case 'outside':
      return vscode.l10n.t('It is not in an open folder.');
    case 'link':
      return vscode.l10n.t('A symbolic link is on the way to it.');
    case 'notFile':
      return vscode.l10n.t('There is something else than a file in its place.');
  }
}
