import { budgetReport, budgetText } from '../../report/budgetReport.ts';
import { EXIT } from '../exit.ts';
import { type Io, mostOf, print, printJson, styleFor, widthOf } from '../io.ts';
import { findSession, openStore, readSession, type TraceOptions } from '../traces.ts';

export interface TokenBudgetOptions extends TraceOptions {
  json?: boolean;
  warnAt?: number;
  warningThreshold?: number;
  /** Tokens. */
  window?: number;
  all?: boolean;
  limit?: number;
  peak?: boolean;
}

const WARN_AT = 0.9;

/** Ends with 1 where a window is as full as the threshold. */
export async function tokenBudget(
  io: Io,
  id: string | undefined,
  options: TokenBudgetOptions,
): Promise<number> {
  const most = mostOf(options);
  const entry = findSession(io, openStore(io, options), id);
  const session = await readSession(io, entry);
  const report = budgetReport(entry.id, session.fold, {
    warnAt: options.warnAt ?? options.warningThreshold ?? WARN_AT,
    peak: options.peak === true,
    window: options.window,
  });
  if (options.json === true) await printJson(io, report);
  else {
    const look = { style: styleFor(io, io.stdout), width: widthOf(io), most };
    await print(io, budgetText(report, look));
  }
  return report.exceeded ? EXIT.none : EXIT.ok;
}
