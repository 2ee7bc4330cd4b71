import { MAX_DEPTH } from './sessionTree.ts';

/** A session by its id, and the one that started it. */
export interface StartedSession {
  id: string;
  parent?: string | undefined;
}

/**
 * All that a session started, at any depth, each once and after its parent; siblings in the order given. Whoever names
 * parents may name them in a circle.
 *
 * @returns with the depth below `root`, from 1; what is deeper than {@link MAX_DEPTH} is told at that depth
 */
export function descendants<Session>(
  root: string,
  sessions: readonly Session[],
  of: (session: Session) => StartedSession,
): { session: Session; depth: number }[] {
  const byParent = new Map<string, Session[]>();
  for (const session of sessions) {
    const { parent } = of(session);
    if (parent === undefined) continue;
    const siblings = byParent.get(parent);
    if (siblings) siblings.push(session);
    else byParent.set(parent, [session]);
  }
  const found: { session: Session; depth: number }[] = [];
  const seen = new Set([root]);
  // The next one last.
  const open: { session: Session; depth: number }[] = [];
  const enter = (id: string, depth: number): void => {
    for (const session of (byParent.get(id) ?? []).toReversed()) open.push({ session, depth });
  };
  enter(root, 1);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { id } = of(next.session);
    if (seen.has(id)) continue;
    seen.add(id);
    found.push(next);
    enter(id, Math.min(next.depth + 1, MAX_DEPTH));
  }
  return found;
}
