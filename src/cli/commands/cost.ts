import { costsInSlices } from '../../analysis/costs/sessionCosts.ts';
import type { BilledElsewhere } from '../../model/billing.ts';
import { isActive } from '../../model/summary.ts';
import { costTable } from '../../report/costBy.ts';
import { addCosts, allCostText, costReport, costText } from '../../report/costReport.ts';
import { costTableCsv } from '../../report/costTableText.ts';
import { COST_BY, type CostBy } from '../../report/costWays.ts';
import { costJson, sessionJson } from '../../report/sessionJson.ts';
import { promptsOf } from '../../trace/findings.ts';
import type { TraceStore } from '../../trace/store.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, inSlices, lookOf, oneFormat, print, printJson } from '../io.ts';
import { openSession, summariseAll, uniquePrefixes } from '../listing.ts';
import { openStore, type TraceOptions } from '../traces.ts';

export interface CostOptions extends TraceOptions {
  json?: boolean;
  all?: boolean;
  csv?: boolean;
  by?: CostBy;
}

export async function cost(io: Io, id: string | undefined, options: CostOptions): Promise<number> {
  if (options.csv === true && (options.by === undefined || options.by === 'waste')) {
    throw new CliError('--csv needs --by with one of the tables', EXIT.usage, CSV_HINT);
  }
  oneFormat(options);
  if (options.all === true) {
    if (options.by !== undefined) throw new CliError('--all takes no --by', EXIT.usage);
    if (id !== undefined) throw new CliError('--all takes no session id', EXIT.usage);
    return await costOfAll(io, options);
  }
  const { store, entry, session, summary, elsewhere } = await openSession(io, id, options);
  const { fold } = session;
  const work = costsInSlices(session, { live: isActive(summary) });
  const costs = await inSlices(io, work, `Adding up ${entry.id}`);
  const prompts = promptsOf(session);
  if (options.csv === true && options.by !== undefined && options.by !== 'waste') {
    await print(io, costTableCsv(costTable(options.by, fold, costs, prompts)));
    return EXIT.ok;
  }
  const report = costReport(entry.id, fold, summary, prompts, costs);
  if (options.json === true) {
    await printJson(io, report);
    return EXIT.ok;
  }
  const parts = { billedIn: billedIn(store, elsewhere), fold, costs, prompts };
  await print(io, costText(report, summary.cost, parts, { ...lookOf(io), by: options.by }));
  return EXIT.ok;
}

const CSV_HINT = `Such as: agent-strace cost --by tool --csv. Tables: ${COST_BY.filter((by) => by !== 'waste').join(', ')}.`;

/** The sessions that were billed for responses of this one, by ids that will do. */
function billedIn(store: TraceStore, elsewhere: BilledElsewhere): string[] {
  if (elsewhere.size === 0) return [];
  const short = uniquePrefixes(store.list().sessions.map(({ id }) => id));
  return [...new Set(elsewhere.values())].map((id) => short.get(id) ?? id);
}

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
  } else await print(io, allCostText(sum, sessions.length, lookOf(io)));
  return EXIT.ok;
}
