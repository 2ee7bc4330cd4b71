import * as vscode from 'vscode';
import type { LiveSession } from './liveSession.ts';
import { plainLabel } from './plainText.ts';
import { type AnswersHost, ReplayAnswers } from './replayAnswers.ts';
import { TimeTravel } from './timeTravel.ts';
import type { UnderstandDeps } from './understandHost.ts';

/** Commands of this part, by their id without `agentStrace.`. */
export type UnderstandCommand = 'openFileAsOf' | 'showRangeChanges';

/** What takes analyses: answers for replays, reports, search. Loaded when it is first asked for. */
export class UnderstandPart {
  private readonly deps: UnderstandDeps;
  private readonly travel: TimeTravel;

  constructor(deps: UnderstandDeps) {
    this.deps = deps;
    this.travel = new TimeTravel(deps);
  }

  /** @param values of the command, whatever they are: errors are told */
  async run(id: UnderstandCommand, values: readonly unknown[]): Promise<void> {
    const [session, second, third] = values;
    try {
      switch (id) {
        case 'openFileAsOf':
          await this.travel.openFileAsOf(session, second, third);
          break;
        case 'showRangeChanges':
          await this.travel.showRangeChanges(session, second, third);
          break;
      }
    } catch (error) {
      this.deps.log.error(error as Error);
      void vscode.window.showErrorMessage(plainLabel((error as Error).message));
    }
  }

  answers(session: LiveSession, host: AnswersHost): ReplayAnswers {
    return new ReplayAnswers(session, host);
  }

  dispose(): void {}
}
