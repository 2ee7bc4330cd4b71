import * as vscode from 'vscode';
import { formatUsd } from '../model/format.ts';
import type { Engine } from './engine.ts';
import type { Focus } from './focus.ts';
import type { LiveSession } from './liveSession.ts';
import { plainLabel } from './plainText.ts';

/** What commands about a session take: its key, or a tree item that has one. Anything may come. */
export function sessionKeyOf(argument: unknown): string | undefined {
  if (typeof argument === 'string') return argument;
  const key = (argument as { sessionKey?: unknown } | null | undefined)?.sessionKey;
  return typeof key === 'string' ? key : undefined;
}

/**
 * The session that a command is about: the one that is named, else the only one that `fits`, else
 * the one that the person picks. The caller lets go of it with `release`.
 *
 * @param options.title of the list that the person picks from
 * @param options.past those that are not read are in the list, too
 * @returns undefined: there is none (said so), or the person picked none
 */
export async function sessionFor(
  engine: Engine,
  focus: Focus,
  argument: unknown,
  options: PickOptions,
): Promise<{ session: LiveSession; release: () => void } | undefined> {
  const key = sessionKeyOf(argument) ?? (await pick(engine, focus, options));
  if (key === undefined) return undefined;
  const release = engine.live.hold(key);
  const session = engine.live.get(key);
  if (session) return { session, release };
  release();
  void vscode.window.showWarningMessage(vscode.l10n.t('This session is no longer there.'));
  return undefined;
}

interface PickOptions {
  title: string;
  fits?: (session: LiveSession) => boolean;
  none?: string;
  past?: boolean;
}

async function pick(
  { live }: Engine,
  focus: Focus,
  { title, fits = () => true, none, past = false }: PickOptions,
): Promise<string | undefined> {
  const found = live.sessions.filter(fits);
  const unread = past ? live.all.filter(({ key }) => live.get(key) === undefined) : [];
  if (found.length + unread.length === 0) {
    void vscode.window.showInformationMessage(
      none ?? vscode.l10n.t('No session is recorded here yet.'),
    );
    return undefined;
  }
  if (found.length === 1 && unread.length === 0) return found[0]!.key;
  const nowMs = Date.now();
  const first = focus.session;
  const items = found
    .toSorted((a, b) => Number(b === first) - Number(a === first))
    .map((session) => {
      const summary = session.summary(nowMs);
      return {
        key: session.key,
        label: plainLabel(summary.title || session.id),
        description: `${plainLabel(summary.agent)} · ${formatUsd(summary.cost.nanoUsd)}`,
        detail: `${session.workspace} · ${new Date(summary.startedAtMs).toLocaleString()}`,
      };
    });
  for (const { key, entry, workspace } of unread) {
    items.push({
      key,
      label: plainLabel(entry.id),
      description: '',
      detail: `${workspace} · ${new Date(entry.modifiedMs).toLocaleString()}`,
    });
  }
  return (await vscode.window.showQuickPick(items, { title, matchOnDescription: true }))?.key;
}
