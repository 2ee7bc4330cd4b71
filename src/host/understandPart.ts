import type { LiveSession } from './liveSession.ts';
import { type AnswersHost, ReplayAnswers } from './replayAnswers.ts';
import type { UnderstandDeps } from './understandHost.ts';

/** What takes analyses: answers for replays, reports, search. Loaded when it is first asked for. */
export class UnderstandPart {
  readonly deps: UnderstandDeps;

  constructor(deps: UnderstandDeps) {
    this.deps = deps;
  }

  answers(session: LiveSession, host: AnswersHost): ReplayAnswers {
    return new ReplayAnswers(session, host);
  }

  dispose(): void {}
}
