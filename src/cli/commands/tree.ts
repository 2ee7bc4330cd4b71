import { descendants } from '../../analysis/tree/descendants.ts';
import { sessionTree, type TreeSession } from '../../analysis/tree/sessionTree.ts';
import { summarise } from '../../model/summary.ts';
import { treeJson, treeText } from '../../report/treeReport.ts';
import { metaParentEvent } from '../../trace/meta.ts';
import { EXIT } from '../exit.ts';
import { type Io, mostOf, print, printJson, styleFor, warn, widthOf } from '../io.ts';
import { type NamedSession, summariseAll, uniquePrefixes } from '../listing.ts';
import { findSession, openStore, processState, readSession, type TraceOptions } from '../traces.ts';

export interface TreeOptions extends TraceOptions {
  json?: boolean;
  all?: boolean;
  limit?: number;
}

/** A hostile folder may have any number of sessions that name one as their parent. */
const MOST_SESSIONS = 500;

export async function tree(io: Io, id: string | undefined, options: TreeOptions): Promise<number> {
  const most = mostOf(options);
  const store = openStore(io, options);
  const entry = findSession(io, store, id);
  const all = await summariseAll(io, store);
  const own = all.find((one) => one.entry.directory === entry.directory);
  const family = own === undefined ? [] : [own, ...below(own, all)];
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
      parentEvent: metaParentEvent(one),
    });
  }
  const nodes = sessionTree(sessions);
  if (options.json === true) await printJson(io, treeJson(nodes));
  else {
    const parent = all.find((one) => one.entry.id === own?.parent)?.entry.id;
    const ids = uniquePrefixes(all.map((one) => one.entry.id));
    const short = (session: string): string => ids.get(session) ?? session;
    const look = { style: styleFor(io, io.stdout), width: widthOf(io), most };
    await print(
      io,
      treeText(nodes, { ...look, short, ...(parent === undefined ? {} : { parent }) }),
    );
  }
  return EXIT.ok;
}

const below = (root: NamedSession, all: readonly NamedSession[]): NamedSession[] =>
  descendants(root.entry.id, all, ({ entry: { id }, parent }) => ({ id, parent })).map(
    ({ session }) => session,
  );
