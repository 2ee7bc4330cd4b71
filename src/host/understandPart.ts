import * as vscode from 'vscode';
import { userName } from '../trace/stepNote.ts';
import { annotateStep } from './annotateStep.ts';
import type { ChangeContents } from './changeContents.ts';
import { CompareFeed } from './compareFeed.ts';
import type { LiveSession } from './liveSession.ts';
import { patiently } from './patiently.ts';
import { plainLabel } from './plainText.ts';
import { type AnswersHost, ReplayAnswers } from './replayAnswers.ts';
import { ReportDocuments } from './reportDocuments.ts';
import type { ReportName } from './reportTexts.ts';
import { SearchPick } from './searchPick.ts';
import { sessionFor } from './sessionArgument.ts';
import { exportName, exportSession } from './sessionExport.ts';
import { stepFor } from './stepArgument.ts';
import { TimeTravel } from './timeTravel.ts';
import type { UnderstandDeps } from './understandHost.ts';
import { whenRead } from './whenRead.ts';

/** Commands that open a report on a session. */
const REPORTS = {
  explain: 'explain',
  showTimeline: 'timeline',
  showCost: 'cost',
  showContext: 'context',
  showTree: 'tree',
} as const satisfies Record<string, ReportName>;

/** Commands of this part, by their id without `agentStrace.`. */
export type UnderstandCommand =
  | keyof typeof REPORTS
  | 'why'
  | 'annotate'
  | 'searchSessions'
  | 'openFileAsOf'
  | 'showRangeChanges'
  | 'showAllChanges';

/** What takes analyses: answers for replays, reports, search. Loaded when it is first asked for. */
export class UnderstandPart implements vscode.Disposable {
  private readonly deps: UnderstandDeps;
  private readonly travel: TimeTravel;
  private readonly reports: ReportDocuments;
  private readonly search: SearchPick;
  readonly CompareFeed = CompareFeed;
  readonly compareEnds: ChangeContents['compareEnds'];
  /** A session as a file: made of the same reports. */
  readonly exports = { exportName, exportSession };

  constructor(deps: UnderstandDeps) {
    this.deps = deps;
    this.compareEnds = (...asked) => deps.contents.compareEnds(...asked);
    this.travel = new TimeTravel(deps);
    this.reports = new ReportDocuments(deps);
    this.search = new SearchPick(deps);
  }

  answers(session: LiveSession, host: AnswersHost): ReplayAnswers {
    return new ReplayAnswers(session, host, userName());
  }

  /** @param values of the command, whatever they are: errors are told */
  async run(id: UnderstandCommand, values: readonly unknown[]): Promise<void> {
    try {
      await this.work(id, values);
    } catch (error) {
      this.deps.log.error(error as Error);
      void vscode.window.showErrorMessage(plainLabel((error as Error).message));
    }
  }

  private async work(id: UnderstandCommand, [session, second, third]: readonly unknown[]) {
    switch (id) {
      case 'openFileAsOf':
        await this.travel.openFileAsOf(session, second, third);
        break;
      case 'showRangeChanges':
        await this.travel.showRangeChanges(session, second, third);
        break;
      case 'showAllChanges':
        await this.travel.showAllChanges();
        break;
      case 'why':
        await this.why(session, second);
        break;
      case 'annotate':
        await annotateStep(this.deps, session, second);
        break;
      case 'searchSessions':
        await this.search.show(session);
        break;
      default:
        await this.report(id, session);
    }
  }

  private async why(argument: unknown, step: unknown): Promise<void> {
    const chosen = await stepFor(this.deps, argument, step, vscode.l10n.t('Why which step?'));
    if (!chosen) return;
    const words = vscode.l10n.t('Why step {0}', chosen.step + 1);
    try {
      await this.reports.open(chosen.session, 'why', words, chosen.step);
    } finally {
      chosen.release();
    }
  }

  private async report(id: keyof typeof REPORTS, argument: unknown): Promise<void> {
    const { engine, focus } = this.deps;
    const { title, word } = WORDS[id]();
    const chosen = await sessionFor(engine, focus, argument, { title, past: true });
    if (!chosen) return;
    const { session, release } = chosen;
    const cancel = new AbortController();
    const reading = whenRead(engine.live, session, cancel.signal);
    try {
      if (await patiently(vscode.l10n.t('Reading the session'), cancel, reading)) {
        await this.reports.open(session, REPORTS[id], word);
      }
    } finally {
      release();
    }
  }

  dispose(): void {
    this.search.dispose();
    this.reports.dispose();
  }
}

const WORDS: Record<keyof typeof REPORTS, () => { title: string; word: string }> = {
  explain: () => ({
    title: vscode.l10n.t('Explain which session?'),
    word: vscode.l10n.t('Explain'),
  }),
  showTimeline: () => ({
    title: vscode.l10n.t('Show the timeline of which session?'),
    word: vscode.l10n.t('Timeline'),
  }),
  showCost: () => ({
    title: vscode.l10n.t('Show the cost of which session?'),
    word: vscode.l10n.t('Cost'),
  }),
  showContext: () => ({
    title: vscode.l10n.t('Show the context window of which session?'),
    word: vscode.l10n.t('Context'),
  }),
  showTree: () => ({
    title: vscode.l10n.t('Show the subagents of which session?'),
    word: vscode.l10n.t('Tree'),
  }),
};
