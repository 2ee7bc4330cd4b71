import { sessionTree, type TreeSession } from '../../analysis/tree/sessionTree.ts';
import { summarise } from '../../model/summary.ts';
import { treeJson, treeText } from '../../report/treeReport.ts';
import { readMeta } from '../../trace/meta.ts';
import { EXIT } from '../exit.ts';
import { type Io, print, printJson, styleFor, warn, widthOf } from '../io.ts';
import { type NamedSession, summariseAll, uniquePrefixes } from '../listing.ts';
import { findSession, openStore, processState, readSession, type TraceOptions } from '../traces.ts';

export interface TreeOptions extends TraceOptions {
  json?: boolean;
}

/** A hostile folder may have any number of sessions that name one as their parent. */
const MOST_SESSIONS = 500;

export async function tree(io: Io, id: string | undefined, options: TreeOptions): Promise<number> {
  const store = openStore(io, options);
  const entry = findSession(io, store, id);
  const all = await summariseAll(io, store);
  const own = all.find((one) => one.entry.directory === entry.directory);
  const family = own === undefined ? [] : withDescendants(own, all);
  if (family.length > MOST_SESSIONS) {
    warn(io, `It started ${family.length - 1} sessions, of which ${MOST_SESSIONS} are shown`);
  }
  const sessions: TreeSession[] = [];
  for (const { entry: one, parent, billedElsewhere } of family.slice(0, MOST_SESSIONS)) {
    const session = await readSession(io, one, { billedElsewhere });
    const process = processState(io, one.id);
    sessions.push({
      session,
      summary: summarise(session.fold, { nowMs: io.now(), process }),
      parent,
      parentEvent: eventOf(readMeta(one)?.parent_event_id),
    });
  }
  const nodes = sessionTree(sessions);
  if (options.json === true) await printJson(io, treeJson(nodes));
  else {
    const parent = all.find((one) => one.entry.id === own?.parent)?.entry.id;
    const ids = uniquePrefixes(all.map((one) => one.entry.id));
    const short = (session: string): string => ids.get(session) ?? session;
    const look = { style: styleFor(io, io.stdout), width: widthOf(io) };
    await print(
      io,
      treeText(nodes, { ...look, short, ...(parent === undefined ? {} : { parent }) }),
    );
  }
  return EXIT.ok;
}

/** The session and all that it started, at any depth, each once. */
function withDescendants(root: NamedSession, all: readonly NamedSession[]): NamedSession[] {
  const byParent = new Map<string, NamedSession[]>();
  for (const session of all) {
    if (session.parent === undefined) continue;
    const siblings = byParent.get(session.parent) ?? [];
    siblings.push(session);
    byParent.set(session.parent, siblings);
  }
  const found = [root];
  const seen = new Set([root.entry.id]);
  for (const { entry } of found) {
    for (const child of byParent.get(entry.id) ?? []) {
      if (seen.has(child.entry.id)) continue;
      seen.add(child.entry.id);
      found.push(child);
    }
  }
  return found;
}

const eventOf = (id: unknown): string | undefined =>
  typeof id === 'string' && /^[0-9a-f]{12}$/.test(id) ? id : undefined;
