import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Approval } from '../../guard/approvals.ts';
import type { RuleProblem } from '../../guard/rules/rule.ts';
import type { Trip } from '../../guard/trips.ts';
import { isBelow } from '../../trace/paths.ts';
import type { LiveSession } from '../liveSession.ts';
import { openRuleAt } from './rulesFiles.ts';
import { stepOfCall } from './windowSessions.ts';

/** Shows where a rule stands, or where there is a mistake in one. */
export async function openRuleOf(about: Trip | Approval | RuleProblem | undefined): Promise<void> {
  if (about === undefined) return;
  const { file, line, column } = 'rule' in about ? { ...about.rule, column: 1 } : about;
  if (file !== undefined && file !== '') await openRuleAt(file, line, column);
}

/** As text: what is in it comes from a trace, in a folder that the agent can write. */
export async function openPostmortem(trip: Trip | undefined): Promise<void> {
  const path = trip?.postmortem;
  if (trip === undefined || path === undefined) return;
  const inside = isBelow(path, join(trip.traceDir, trip.session));
  if (!inside || lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return;
  await vscode.window.showTextDocument(vscode.Uri.file(path), { preview: true });
}

/** The replay of its session, at the call. */
export async function openSessionOf(
  about: Trip | Approval | undefined,
  session: LiveSession | undefined,
): Promise<void> {
  if (!about || !session) {
    const message = vscode.l10n.t('Its session is not open in this window.');
    vscode.window.setStatusBarMessage(message, 4000);
    return;
  }
  const { call } = about;
  const step = call === undefined ? undefined : stepOfCall(session, call.id);
  await vscode.commands.executeCommand('agentStrace.replay', session.key, step);
}
