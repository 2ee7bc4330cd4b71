import type { BilledElsewhere } from '../../model/billing.ts';
import { summarise } from '../../model/summary.ts';
import { addCosts, allCostText, costReport, costText } from '../../report/costReport.ts';
import { costJson, sessionJson } from '../../report/sessionJson.ts';
import { promptsOf } from '../../trace/findings.ts';
import type { TraceStore } from '../../trace/store.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, print, printJson, styleFor, widthOf } from '../io.ts';
import { billedElsewhere, summariseAll, uniquePrefixes } from '../listing.ts';
import { findSession, openStore, processState, readSession, type TraceOptions } from '../traces.ts';

export interface CostOptions extends TraceOptions {
  json?: boolean;
  all?: boolean;
}

export async function cost(io: Io, id: string | undefined, options: CostOptions): Promise<number> {
  if (options.all === true) {
    if (id !== undefined) throw new CliError('--all takes no session id', EXIT.usage);
    return await costOfAll(io, options);
  }
  const store = openStore(io, options);
  const entry = findSession(io, store, id);
  const elsewhere = await billedElsewhere(io, store, entry);
  const session = await readSession(io, entry, { billedElsewhere: elsewhere });
  const summary = summarise(session.fold, {
    nowMs: io.now(),
    process: processState(io, entry.id),
  });
  const report = costReport(entry.id, session.fold, summary, promptsOf(session));
  if (options.json === true) await printJson(io, report);
  else await print(io, costText(report, summary.cost, billedIn(store, elsewhere), look(io)));
  return EXIT.ok;
}

/** The sessions that were billed for responses of this one, by ids that will do. */
function billedIn(store: TraceStore, elsewhere: BilledElsewhere): string[] {
  if (elsewhere.size === 0) return [];
  const short = uniquePrefixes(store.list().sessions.map(({ id }) => id));
  return [...new Set(elsewhere.values())].map((id) => short.get(id) ?? id);
}

const look = (io: Io) => ({ style: styleFor(io, io.stdout), width: widthOf(io) });

async function costOfAll(io: Io, options: CostOptions): Promise<number> {
  const sessions = await summariseAll(io, openStore(io, options));
  if (sessions.length === 0) throw new CliError('No session is recorded here yet', EXIT.none);
  const sum = addCosts(sessions.map(({ summary }) => summary.cost));
  if (options.json === true) {
    await printJson(io, {
      ...costJson(sum),
      sessions: sessions.map(({ entry, summary }) => {
        const { session_id, title, agent, started_at, cost } = sessionJson(entry.id, summary);
        return { session_id, title, agent, started_at, ...cost };
      }),
    });
  } else await print(io, allCostText(sum, sessions.length, look(io)));
  return EXIT.ok;
}
