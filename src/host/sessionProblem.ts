import type { LiveSession } from './liveSession.ts';

/** What keeps a session from being shown whole, for the bar over a page. */
export interface SessionProblem {
  /** Empty: nothing does. */
  message: string;
  detail?: string;
}

export function sessionProblem({ gone, problem, trace }: LiveSession): SessionProblem {
  if (gone) return { message: 'The trace was moved or deleted. Showing what was read.' };
  if (problem !== undefined) {
    return { message: 'The trace cannot be read. Showing what was read.', detail: problem };
  }
  if (trace.fold.newerVersion > 0) {
    return {
      message: 'This trace was written by a newer version. Update agent-strace to open it.',
    };
  }
  return { message: '' };
}
