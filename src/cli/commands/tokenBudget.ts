import { budgetMarkdown } from '../../report/budgetMarkdown.ts';
import { budgetInSlices, budgetText, WARN_AT } from '../../report/budgetReport.ts';
import { EXIT } from '../exit.ts';
import { type Io, inSlices, lookOf, mostOf, oneFormat, print, printJson } from '../io.ts';
import { findSession, openStore, readSession, type TraceOptions } from '../traces.ts';

export interface TokenBudgetOptions extends TraceOptions {
  json?: boolean;
  markdown?: boolean;
  warnAt?: number;
  warningThreshold?: number;
  /** Tokens. */
  window?: number;
  all?: boolean;
  limit?: number;
  peak?: boolean;
}

/** Ends with 1 where a window is as full as the threshold. */
export async function tokenBudget(
  io: Io,
  id: string | undefined,
  options: TokenBudgetOptions,
): Promise<number> {
  oneFormat(options);
  const most = mostOf(options);
  const entry = findSession(io, openStore(io, options), id);
  const session = await readSession(io, entry);
  const work = budgetInSlices(entry.id, session.fold, {
    warnAt: options.warnAt ?? options.warningThreshold ?? WARN_AT,
    peak: options.peak === true,
    window: options.window,
  });
  const report = await inSlices(io, work, `Looking at the windows of ${entry.id}`);
  if (options.json === true) await printJson(io, report);
  else if (options.markdown === true) await print(io, budgetMarkdown(report, { most }));
  else {
    const look = { ...lookOf(io), most };
    await print(io, budgetText(report, look));
  }
  return report.exceeded ? EXIT.none : EXIT.ok;
}
