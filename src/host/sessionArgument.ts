import * as vscode from 'vscode';
import { formatMoment } from '../model/format.ts';
import type { SessionSummary } from '../model/summary.ts';
import type { Engine } from './engine.ts';
import type { Focus } from './focus.ts';
import type { LiveSession } from './liveSession.ts';
import { plainLabel } from './plainText.ts';
import { costText, STATUS_WORDS } from './statusText.ts';

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
  await engine.live.opened();
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
  engine: Engine,
  focus: Focus,
  { title, fits = () => true, none, past = false }: PickOptions,
): Promise<string | undefined> {
  const { live } = engine;
  const found = live.sessions.filter(fits);
  const unread = past
    ? live.all.filter(({ key, entry }) => entry.size > 0 && live.get(key) === undefined)
    : [];
  if (found.length + unread.length === 0) {
    void vscode.window.showInformationMessage(
      none ?? vscode.l10n.t('No session is recorded here yet.'),
    );
    return undefined;
  }
  if (found.length === 1 && unread.length === 0) return found[0]!.key;
  const nowMs = Date.now();
  const first = focus.session;
  const recent = found
    .toSorted((a, b) => Number(b === first) - Number(a === first))
    .map((session) =>
      itemOf(session.key, session.id, session.summary(nowMs), session.workspace, nowMs),
    );
  const items = (): SessionItem[] => [
    ...recent,
    ...unread.map((one) => {
      const { key, entry, workspace } = one;
      const summary = engine.past.get(one)?.summary;
      const name = engine.names.get(entry.traceDir, entry.id);
      const named = summary && name !== undefined ? { ...summary, title: name } : summary;
      return named
        ? itemOf(key, entry.id, named, workspace, nowMs)
        : {
            key,
            label: plainLabel(name ?? entry.id),
            detail: place(workspace, engine.past.lastMs(one)),
          };
    }),
  ];
  if (unread.length === 0) {
    return (await vscode.window.showQuickPick(items(), { title, matchOnDetail: true }))?.key;
  }
  void engine.past.want(unread.slice(0, MAX_READ), live.all);
  return await pickFrom(title, items, engine.onDidReadPast);
}

interface SessionItem extends vscode.QuickPickItem {
  key: string;
}

/** So many past sessions are read for their titles; of the others the time is told. */
const MAX_READ = 200;
/** The list is brought up to date so often, ms. */
const TOGETHER_MS = 300;

/** Lets the person pick from a list whose words come in as they are read. */
async function pickFrom(
  title: string,
  items: () => SessionItem[],
  onDidRead: vscode.Event<void>,
): Promise<string | undefined> {
  const list = vscode.window.createQuickPick<SessionItem>();
  list.title = title;
  list.matchOnDetail = true;
  list.items = items();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const update = (): void => {
    timer = undefined;
    const active = list.activeItems[0]?.key;
    list.keepScrollPosition = true;
    list.items = items();
    list.activeItems = list.items.filter(({ key }) => key === active);
  };
  const reading = onDidRead(() => {
    timer ??= setTimeout(update, TOGETHER_MS);
  });
  const key = await new Promise<string | undefined>((resolve) => {
    list.onDidAccept(() => resolve(list.activeItems[0]?.key));
    list.onDidHide(() => resolve(undefined));
    list.show();
  });
  clearTimeout(timer);
  reading.dispose();
  list.dispose();
  return key;
}

function itemOf(
  key: string,
  id: string,
  summary: SessionSummary,
  workspace: string,
  nowMs: number,
): SessionItem {
  return {
    key,
    label: plainLabel(summary.title || id),
    // Not beside the title, which takes the whole width.
    detail: [
      costText(summary),
      STATUS_WORDS[summary.status],
      plainLabel(summary.agent),
      place(workspace, summary.startedAtMs || nowMs),
    ].join(' · '),
  };
}

const place = (workspace: string, ms: number): string => `${workspace} · ${formatMoment(ms)}`;
