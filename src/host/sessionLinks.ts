import { isActive } from '../model/summary.ts';
import type { SessionFacts } from './sessionsModel.ts';

/** How one session stands to others. */
export interface SessionLink {
  /** The session that started it, where it is in the list. */
  parent?: SessionFacts;
  /** It is shown below its parent. */
  nested: boolean;
  /** What is shown below it, the first that began first. */
  children: SessionFacts[];
}

/** One agent that starts another that starts another: deeper than anybody looks. */
const MAX_DEPTH = 8;

/**
 * Which sessions started which. One that an agent started is shown below the session of that agent; but while it goes on and
 * that one is over, by itself among the live ones. What traces say is hostile: circles are cut.
 *
 * @returns by key; sessions that are linked to none have no entry
 */
export function linkSessions(all: readonly SessionFacts[]): Map<string, SessionLink> {
  const links = new Map<string, SessionLink>();
  if (!all.some(({ parent }) => parent !== undefined)) return links;
  const byId = new Map<string, SessionFacts>();
  for (const facts of all) if (!byId.has(facts.id)) byId.set(facts.id, facts);
  const parentOf = (facts: SessionFacts): SessionFacts | undefined => {
    const parent = byId.get(facts.parent ?? '');
    return parent === facts ? undefined : parent;
  };
  const linkOf = ({ key }: SessionFacts): SessionLink => {
    const link = links.get(key) ?? { nested: false, children: [] };
    links.set(key, link);
    return link;
  };
  for (const facts of all) {
    const parent = parentOf(facts);
    if (parent === undefined || isCircle(facts, parentOf)) continue;
    const link = linkOf(facts);
    link.parent = parent;
    link.nested = !goesOn(facts) || goesOn(parent);
    if (link.nested) linkOf(parent).children.push(facts);
  }
  for (const { children } of links.values()) children.sort(firstFirst);
  return links;
}

function isCircle(
  facts: SessionFacts,
  parentOf: (facts: SessionFacts) => SessionFacts | undefined,
): boolean {
  let at = parentOf(facts);
  for (let depth = 0; at !== undefined; depth++) {
    if (at === facts || depth >= MAX_DEPTH) return true;
    at = parentOf(at);
  }
  return false;
}

/** Whether a session is among the live ones. */
export const goesOn = ({ summary, transcript }: SessionFacts): boolean =>
  summary !== undefined && transcript === undefined && isActive(summary);

const startOf = ({ summary, lastMs }: SessionFacts): number => summary?.startedAtMs ?? lastMs;

const firstFirst = (a: SessionFacts, b: SessionFacts): number =>
  startOf(a) - startOf(b) || (a.key < b.key ? -1 : 1);

/** All that is shown below a session, at any depth. */
export function startedBy(
  key: string,
  links: ReadonlyMap<string, SessionLink>,
): readonly SessionFacts[] {
  const children = links.get(key)?.children ?? [];
  return children.flatMap((child) => [child, ...startedBy(child.key, links)]);
}
