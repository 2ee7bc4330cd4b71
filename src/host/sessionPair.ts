/** What a comparison of two sessions that are open takes. Knows nothing of VS Code. */
import type { SideInfo } from '../analysis/compare/compareSessions.ts';
import type { EndContents } from '../analysis/compare/comparison.ts';
import type { LiveSession } from './liveSession.ts';

/** Whether files ended the same in both sessions, by path, where that is known. */
export type CompareEnds = (
  a: LiveSession,
  b: LiveSession,
  paths: readonly string[],
) => Promise<EndContents>;

/** What a comparison is told of a side beside its trace. */
export function sideInfo(session: LiveSession): SideInfo {
  const info: SideInfo = { live: session.isActive(Date.now()) };
  if (session.name !== undefined) info.title = session.name;
  return info;
}
