import * as vscode from 'vscode';
import type { ReportName } from '../protocol/report.ts';
import { userName } from '../trace/stepNote.ts';
import { annotateStep } from './annotateStep.ts';
import type { ChangeContents } from './changeContents.ts';
import { CompareFeed } from './compareFeed.ts';
import type { LiveSession } from './liveSession.ts';
import { pairFor } from './pairArgument.ts';
import { plainLabel } from './plainText.ts';
import { type AnswersHost, ReplayAnswers } from './replayAnswers.ts';
import { ReportDocuments } from './reportDocuments.ts';
import { ReportMaker } from './reportMaker.ts';
import { ReportPanels } from './reportPanels.ts';
import { SearchPick } from './searchPick.ts';
import { sessionFor } from './sessionArgument.ts';
import { exportName, exportSession } from './sessionExport.ts';
import { stepFor } from './stepArgument.ts';
import { TimeTravel } from './timeTravel.ts';
import type { UnderstandDeps } from './understandHost.ts';

/** Commands that open a report on a session. */
const COMMANDS = {
  explain: 'explain',
  showTimeline: 'timeline',
  showCost: 'cost',
  showContext: 'context',
  showBudget: 'budget',
  showTree: 'tree',
  showStats: 'stats',
} as const satisfies Record<string, ReportName>;

/** Commands of this part, by their id without `agentStrace.`. */
export type UnderstandCommand =
  | keyof typeof COMMANDS
  | 'why'
  | 'inspectStep'
  | 'diff'
  | 'annotate'
  | 'searchSessions'
  | 'openFileAsOf'
  | 'showRangeChanges'
  | 'showAllChanges';

/** What takes analyses: answers for replays, reports, search. Loaded when it is first asked for. */
export class UnderstandPart implements vscode.Disposable {
  private readonly deps: UnderstandDeps;
  private readonly travel: TimeTravel;
  private readonly maker: ReportMaker;
  private readonly documents: ReportDocuments;
  private readonly panels: ReportPanels;
  private readonly search: SearchPick;
  private readonly replacing: vscode.Disposable;
  readonly CompareFeed = CompareFeed;
  readonly compareEnds: ChangeContents['compareEnds'];
  /** A session as a file: made of the same reports. */
  readonly exports = { exportName, exportSession };

  constructor(deps: UnderstandDeps) {
    this.deps = deps;
    this.compareEnds = (...asked) => deps.contents.compareEnds(...asked);
    this.travel = new TimeTravel(deps);
    this.maker = new ReportMaker(deps.engine.live, this.compareEnds);
    // Before those that ask it for reports hear of the new sessions.
    this.replacing = deps.engine.onDidReplace((live) => this.maker.replace(live));
    this.documents = new ReportDocuments(deps, this.maker);
    this.panels = new ReportPanels(deps, this.maker, this.documents);
    this.search = new SearchPick(deps);
  }

  answers(session: LiveSession, host: AnswersHost): ReplayAnswers {
    return new ReplayAnswers(session, host, userName());
  }

  /** After a reload. @param state what the page kept, whatever it is */
  restoreReport(panel: vscode.WebviewPanel, state: unknown): void {
    this.panels.restore(panel, state);
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
        await this.stepReport('why', session, second, vscode.l10n.t('Why which step?'));
        break;
      case 'inspectStep':
        await this.stepReport('inspect', session, second, vscode.l10n.t('Inspect which step?'));
        break;
      case 'diff':
        await this.diff(session, second);
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

  private async stepReport(
    report: 'why' | 'inspect',
    argument: unknown,
    step: unknown,
    title: string,
  ): Promise<void> {
    const chosen = await stepFor(this.deps, argument, step, title);
    if (!chosen) return;
    this.panels.show({ session: chosen.session.key, report, step: chosen.step });
    chosen.release();
  }

  private async diff(first: unknown, second: unknown): Promise<void> {
    const { engine, focus } = this.deps;
    const pair = await pairFor(engine, focus, first, second, {
      first: vscode.l10n.t('Diff which session?'),
      second: vscode.l10n.t('Diff it with which session?'),
    });
    if (pair) this.panels.show({ session: pair[0], other: pair[1], report: 'diff' });
  }

  private async report(id: keyof typeof COMMANDS, argument: unknown): Promise<void> {
    const { engine, focus } = this.deps;
    const chosen = await sessionFor(engine, focus, argument, { title: TITLES[id](), past: true });
    if (!chosen) return;
    this.panels.show({ session: chosen.session.key, report: COMMANDS[id] });
    chosen.release();
  }

  dispose(): void {
    this.search.dispose();
    this.replacing.dispose();
    this.panels.dispose();
    this.documents.dispose();
    this.maker.dispose();
  }
}

const TITLES: Record<keyof typeof COMMANDS, () => string> = {
  explain: () => vscode.l10n.t('Explain which session?'),
  showTimeline: () => vscode.l10n.t('Show the timeline of which session?'),
  showCost: () => vscode.l10n.t('Show the cost of which session?'),
  showContext: () => vscode.l10n.t('Show the context window of which session?'),
  showBudget: () => vscode.l10n.t('Show the token budget of which session?'),
  showTree: () => vscode.l10n.t('Show the subagents of which session?'),
  showStats: () => vscode.l10n.t('Show the statistics of which session?'),
};
