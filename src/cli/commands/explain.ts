import { summarise } from '../../model/summary.ts';
import { explainJson } from '../../report/explainJson.ts';
import { explainMarkdown } from '../../report/explainMarkdown.ts';
import { explainSession } from '../../report/explainReport.ts';
import { explainText } from '../../report/explainText.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, oneFormat, print, printJson, styleFor, widthOf } from '../io.ts';
import { billedElsewhere, uniquePrefixes } from '../listing.ts';
import { findSession, openStore, processState, readSession, type TraceOptions } from '../traces.ts';

export interface ExplainCommandOptions extends TraceOptions {
  json?: boolean;
  markdown?: boolean;
  all?: boolean;
  /** 1-based. */
  phase?: number;
}

/** Says in plain words what a session did. @throws CliError */
export async function explain(
  io: Io,
  id: string | undefined,
  options: ExplainCommandOptions,
): Promise<number> {
  oneFormat(options);
  const store = openStore(io, options);
  const entry = findSession(io, store, id);
  const elsewhere = await billedElsewhere(io, store, entry);
  const session = await readSession(io, entry, { billedElsewhere: elsewhere });
  const summary = summarise(session.fold, {
    nowMs: io.now(),
    process: processState(io, entry.id),
  });
  const explanation = explainSession(session, summary, {
    ...(options.all === true ? { all: true } : {}),
    ...(options.phase === undefined ? {} : { phase: options.phase - 1 }),
  });
  if (options.phase !== undefined && explanation.told.length === 0) {
    const { length } = explanation.phases;
    throw new CliError(
      `There is no phase ${options.phase}`,
      EXIT.none,
      length === 0 ? 'The session has no steps yet.' : `The session has the phases 1 to ${length}.`,
    );
  }
  if (options.json === true) await printJson(io, explainJson(explanation));
  else if (options.markdown === true) await print(io, explainMarkdown(explanation));
  else {
    const short = uniquePrefixes(store.list().sessions.map((each) => each.id));
    const shortId = short.get(entry.id) ?? entry.id;
    const look = { style: styleFor(io, io.stdout), width: widthOf(io), shortId };
    await print(io, explainText(explanation, look));
  }
  return EXIT.ok;
}
