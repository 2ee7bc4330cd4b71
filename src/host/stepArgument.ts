import * as vscode from 'vscode';
import { FLAG } from '../model/columns.ts';
import { formatTimeOfDay } from '../model/format.ts';
import { STEP_KINDS, stepTitle } from '../model/step.ts';
import { oneLine } from '../model/text.ts';
import type { LiveSession } from './liveSession.ts';
import { patiently } from './patiently.ts';
import { plainLabel } from './plainText.ts';
import { sessionFor, sessionKeyOf } from './sessionArgument.ts';
import type { UnderstandDeps } from './understandHost.ts';
import { whenRead } from './whenRead.ts';

export interface ChosenStep {
  session: LiveSession;
  /** From 0. */
  step: number;
  /** The session need not stay open any longer. */
  release: () => void;
}

/** Steps that are offered; any other is found by its number. */
const MAX_OFFERED = 300;
const PROMPT = STEP_KINDS.indexOf('prompt');
const MODIFY = STEP_KINDS.indexOf('modify');
const OFFERED = FLAG.error | FLAG.denied | FLAG.commit | FLAG.compaction;

/**
 * The step that a command is about: the one that is named, else that of the line of the cursor where it is marked, else the one
 * that the person picks.
 *
 * @param title of the lists that the person picks from
 */
export async function stepFor(
  deps: UnderstandDeps,
  argument: unknown,
  step: unknown,
  title: string,
): Promise<ChosenStep | undefined> {
  const given = Number.isSafeInteger(step) ? Number(step) : undefined;
  const marked = argument === undefined ? deps.markedStep() : undefined;
  const chosen = await sessionFor(deps.engine, deps.focus, marked?.key ?? sessionKeyOf(argument), {
    title,
    past: true,
  });
  if (!chosen) return undefined;
  const { session, release } = chosen;
  const cancel = new AbortController();
  const reading = whenRead(deps.engine.live, session, cancel.signal);
  const read = await patiently(vscode.l10n.t('Reading the session'), cancel, reading);
  const at = read ? (given ?? marked?.step ?? (await pickStep(session, title))) : undefined;
  const isThere = at !== undefined && at >= 0 && at < session.trace.fold.steps.length;
  if (isThere) return { session, step: at, release };
  release();
  return undefined;
}

interface StepItem extends vscode.QuickPickItem {
  step: number;
}

/** From the prompts, changes, errors, denials and commits, the last first; or by its number. */
async function pickStep(session: LiveSession, title: string): Promise<number | undefined> {
  const { columns, steps } = session.trace.fold;
  const offered: StepItem[] = [];
  for (let step = steps.length - 1; step >= 0 && offered.length < MAX_OFFERED; step--) {
    const row = steps.row(step);
    const kind = columns.kind[row];
    const isOffered = kind === PROMPT || kind === MODIFY || (columns.flags[row]! & OFFERED) !== 0;
    if (isOffered) offered.push(itemOf(session, step));
  }
  const list = vscode.window.createQuickPick<StepItem>();
  list.title = title;
  list.placeholder = vscode.l10n.t(
    'The number of a step, 1 to {0}, or words of one of these',
    steps.length,
  );
  list.matchOnDescription = true;
  list.items = offered;
  const step = await new Promise<number | undefined>((resolve) => {
    list.onDidChangeValue((value) => {
      const named = /^\d{1,9}$/.test(value.trim()) ? Number(value) - 1 : -1;
      const item = named >= 0 && named < steps.length ? itemOf(session, named) : undefined;
      list.items = item ? [{ ...item, alwaysShow: true }] : offered;
    });
    list.onDidAccept(() => resolve(list.activeItems[0]?.step));
    list.onDidHide(() => resolve(undefined));
    list.show();
  });
  list.dispose();
  return step;
}

function itemOf({ trace }: LiveSession, step: number): StepItem {
  const view = trace.describe(step, step + 1)[0];
  const words = stepTitle(view);
  const timeMs = trace.fold.columns.timeMs[trace.fold.steps.row(step)] ?? 0;
  return {
    step,
    label: `$(${view?.icon ?? 'tools'}) ${step + 1} · ${plainLabel(oneLine(words, 120))}`,
    description: [plainLabel(view?.detail ?? ''), formatTimeOfDay(timeMs)]
      .filter(Boolean)
      .join(' · '),
  };
}
