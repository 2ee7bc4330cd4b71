import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { phasesInSlices } from '../analysis/phases/sessionPhases.ts';
import { noFile, textIn } from '../history/content.ts';
import { formatMoment } from '../model/format.ts';
import type { RowFileOp } from '../model/slices/files.ts';
import { oneLine } from '../model/text.ts';
import { contentAt, FILE_KIND } from './changeContents.ts';
import { linesText, unknownText } from './changeText.ts';
import { inSlices } from './inSlices.ts';
import type { LiveSession } from './liveSession.ts';
import { plainLabel } from './plainText.ts';
import { changedBetween, type RangeChange } from './rangeChanges.ts';
import { phaseLabels } from './replayOutline.ts';
import { sessionFor, sessionKeyOf } from './sessionArgument.ts';
import { fileKey } from './touchedFiles.ts';
import { kindOf } from './traceDocuments.ts';
import type { UnderstandDeps } from './understandHost.ts';

/** Files of one diff of many: an editor with more is no help. */
const MAX_FILES = 100;
/** Steps that a person picks from. */
const MAX_PICKS = 500;

/** Files as they were at a step, and what a stretch of a session changed. */
export class TimeTravel {
  private readonly deps: UnderstandDeps;

  constructor(deps: UnderstandDeps) {
    this.deps = deps;
  }

  /**
   * Opens a file, read-only, as it was when a step was over. Without arguments it is the file of the active editor, at the step
   * that the person picks.
   *
   * @param path as the trace names it
   * @param step from 0
   */
  async openFileAsOf(session: unknown, path: unknown, step: unknown): Promise<void> {
    const live = this.deps.engine.live.get(sessionKeyOf(session) ?? '');
    if (live && typeof path === 'string' && Number.isSafeInteger(step)) {
      await this.open(live, path, Number(step));
      return;
    }
    const picked = await this.pickStep();
    if (picked) await this.open(picked.session, picked.path, picked.step);
  }

  private async open(session: LiveSession, path: string, step: number): Promise<void> {
    const { fold } = session.trace;
    if (fold.files.paths.find(path) === undefined) return;
    const row = fold.steps.row(Math.min(step, fold.steps.length - 1));
    if (row < 0) return;
    const name = plainLabel(basename(path));
    const { content, course } = await this.deps.contents.asOf(session, path, row);
    if (content.known && !content.exists) {
      const first = course?.versions.find(({ after }) => textIn(after) !== undefined);
      const made = first ? fold.steps.stepOf(first.row) : -1;
      const later = made > step ? vscode.l10n.t(' Step {0} created it.', made + 1) : '';
      void vscode.window.showInformationMessage(
        vscode.l10n.t('{0} was not there after step {1}.{2}', name, step + 1, later),
      );
      return;
    }
    await vscode.commands.executeCommand(
      'vscode.open',
      this.deps.contents.uri(session, path, { at: 'asOf', row }),
      { preview: true },
      vscode.l10n.t('{0} (step {1})', name, step + 1),
    );
  }

  /** Steps that changed or read the file of the active editor, the newest first. */
  private async pickStep(): Promise<
    { session: LiveSession; path: string; step: number } | undefined
  > {
    const uri = vscode.window.activeTextEditor?.document.uri;
    const title = vscode.l10n.t('File as of Step');
    if (!uri || (uri.scheme !== 'file' && kindOf(uri) !== FILE_KIND)) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('Open a file first: it is shown as it was at a step.'),
      );
      return undefined;
    }
    const found = this.sourcesOf(uri);
    const items = found
      .flatMap(({ session, path }) =>
        session.trace.fold.files.opsOf(path).map((op) => ({ session, path, op })),
      )
      .sort((a, b) => b.op.timeMs - a.op.timeMs || b.op.row - a.op.row)
      .slice(0, MAX_PICKS)
      .flatMap((one) => itemsOf(one, found.length > 1));
    if (items.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('No session that is open here read or changed this file.'),
      );
      return undefined;
    }
    return await vscode.window.showQuickPick(items, {
      title: `${title}: ${plainLabel(basename(uri.path))}`,
      placeHolder: vscode.l10n.t('The file is shown as it was after the step.'),
      matchOnDescription: true,
      matchOnDetail: true,
    });
  }

  private sourcesOf(uri: vscode.Uri): { session: LiveSession; path: string }[] {
    const { live } = this.deps.engine;
    if (kindOf(uri) === FILE_KIND) {
      const query = new URLSearchParams(uri.query);
      const session = live.get(query.get('session') ?? '');
      return session ? [{ session, path: query.get('path') ?? '' }] : [];
    }
    const keys = new Set([fileKey(uri.fsPath), fileKey(realPathOf(uri.fsPath))]);
    return live.sessions.flatMap((session) => {
      const { fold } = session.trace;
      const names = fold.files.toldSince(0);
      return [...names]
        .filter((name) => keys.has(fileKey(name, fold.session.cwd)))
        .map((path) => ({ session, path }));
    });
  }

  /**
   * Shows what the steps `from … to` changed in all, file by file. Without a range the person picks a phase.
   *
   * @param from from 0, as `to`, which is in it
   */
  async showRangeChanges(argument: unknown, from: unknown, to: unknown): Promise<void> {
    const { engine, focus } = this.deps;
    const chosen = await sessionFor(engine, focus, argument, {
      title: vscode.l10n.t('Show the changes of which session?'),
      past: true,
    });
    if (!chosen) return;
    const { session, release } = chosen;
    try {
      const given = Number.isSafeInteger(from) && Number.isSafeInteger(to);
      const range = given
        ? { from: Number(from), to: Number(to), title: '' }
        : await pickPhase(session);
      if (range) await this.showRange(session, range);
    } finally {
      release();
    }
  }

  /** What the session that the window is about changed, from its beginning to its end. */
  async showAllChanges(): Promise<void> {
    const { session } = this.deps.focus;
    if (!session) await this.showRangeChanges(undefined, 0, Number.MAX_SAFE_INTEGER);
    else await this.showRangeChanges(session.key, 0, session.trace.fold.steps.length - 1);
  }

  private async showRange(
    session: LiveSession,
    { from, to, title }: { from: number; to: number; title: string },
  ): Promise<void> {
    const last = Math.min(to, session.trace.fold.steps.length - 1);
    const all = changedBetween(session.trace.fold, from, to);
    const span =
      from === to
        ? vscode.l10n.t('step {0}', from + 1)
        : vscode.l10n.t('steps {0}–{1}', from + 1, last + 1);
    if (all.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('Nothing that is known was changed in {0}.', span),
      );
      return;
    }
    const shown: [vscode.Uri, vscode.Uri | undefined, vscode.Uri | undefined][] = [];
    let unknown: RangeChange | undefined;
    let why = '';
    for (const change of all.slice(0, MAX_FILES)) {
      const course = await this.deps.contents.course(session, change.path);
      const before = course ? contentAt(course, { at: 'before', row: change.firstRow }) : noFile;
      const after = course ? contentAt(course, { at: 'after', row: change.lastRow }) : noFile;
      if (!before.known && !after.known) {
        unknown ??= change;
        why ||= unknownText(before.why);
        continue;
      }
      const left = this.deps.contents.uri(session, change.path, {
        at: 'before',
        row: change.firstRow,
      });
      const right = this.deps.contents.uri(session, change.path, {
        at: 'after',
        row: change.lastRow,
      });
      const isThere = (content: typeof before): boolean => !content.known || content.exists;
      shown.push([
        isThere(after) ? right : left,
        isThere(before) ? left : undefined,
        isThere(after) ? right : undefined,
      ]);
    }
    const hidden = all.length - shown.length;
    if (hidden > 0) {
      const first = unknown ? plainLabel(basename(unknown.path)) : '';
      void vscode.window.showInformationMessage(
        shown.length === 0
          ? vscode.l10n.t('What {0} held in {1} is not known. {2}', first, span, why)
          : all.length > MAX_FILES
            ? vscode.l10n.t('{0} of {1} files are shown.', shown.length, all.length)
            : vscode.l10n.t('{0} of {1} files are not shown. {2}', hidden, all.length, why),
      );
    }
    const [only] = shown;
    if (!only) return;
    const what = `${title === '' ? '' : `${title}, `}${span}`;
    if (shown.length === 1) {
      const [, left, right] = only;
      const name = plainLabel(basename(all.find((one) => one !== unknown)?.path ?? ''));
      if (left && right) {
        await vscode.commands.executeCommand('vscode.diff', left, right, `${name} (${what})`, {
          preview: true,
        });
        return;
      }
    }
    await vscode.commands.executeCommand(
      'vscode.changes',
      vscode.l10n.t('Changes of {0}', what),
      shown,
    );
  }
}

interface StepItem extends vscode.QuickPickItem {
  session: LiveSession;
  path: string;
  step: number;
}

function itemsOf(
  { session, path, op }: { session: LiveSession; path: string; op: RowFileOp },
  several: boolean,
): StepItem[] {
  const { trace } = session;
  const step = trace.fold.steps.stepOf(op.row);
  const words = step < 0 ? undefined : trace.describe(step, step + 1)[0];
  if (!words) return [];
  const verb = words.verb === '' ? words.target : words.verb;
  return [
    {
      session,
      path,
      step,
      label: `$(${op.kind === 'read' ? 'book' : 'edit'}) ${step + 1} · ${plainLabel(oneLine(verb, 60))}`,
      description: [linesText(op), formatMoment(op.timeMs)].filter(Boolean).join(' · '),
      ...(several ? { detail: plainLabel(session.summary(Date.now()).title || session.id) } : {}),
    },
  ];
}

async function pickPhase(
  session: LiveSession,
): Promise<{ from: number; to: number; title: string } | undefined> {
  const { trace } = session;
  const last = trace.fold.steps.length - 1;
  const live = session.isActive(Date.now());
  const phases = await inSlices(session, () => phasesInSlices(trace.fold, { live }));
  const labels = phaseLabels(trace, phases);
  const whole = { from: 0, to: last, title: '' };
  const items = phases.map((phase, at) => ({
    label: plainLabel(oneLine(labels[at] ?? '', 120)),
    description: vscode.l10n.t('steps {0}–{1}', phase.firstStep + 1, phase.lastStep + 1),
    range: { from: phase.firstStep, to: phase.lastStep, title: labels[at] ?? '' },
  }));
  if (items.length <= 1) return whole;
  const picked = await vscode.window.showQuickPick(
    [
      {
        label: vscode.l10n.t('Whole session'),
        description: vscode.l10n.t('steps {0}–{1}', 1, last + 1),
        range: whole,
      },
      ...items,
    ],
    { title: vscode.l10n.t('Show the changes of which phase?'), matchOnDescription: true },
  );
  return picked && { ...picked.range, title: plainLabel(oneLine(picked.range.title, 60)) };
}

function realPathOf(path: string): string {
  try {
    // It is open, so it may be looked at.
    return realpathSync(path);
  } catch {
    return path;
  }
}
