import { explainJson } from '../../report/explainJson.ts';
import { explainMarkdown } from '../../report/explainMarkdown.ts';
import { explainInSlices } from '../../report/explainReport.ts';
import { explainText } from '../../report/explainText.ts';
import { EXIT } from '../exit.ts';
import {
  CliError,
  type Io,
  inSlices,
  mostOf,
  oneFormat,
  print,
  printJson,
  styleFor,
  widthOf,
} from '../io.ts';
import { openSession, uniquePrefixes } from '../listing.ts';
import type { TraceOptions } from '../traces.ts';

export interface ExplainCommandOptions extends TraceOptions {
  json?: boolean;
  markdown?: boolean;
  all?: boolean;
  limit?: number;
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
  const most = mostOf(options);
  const { store, entry, session, summary } = await openSession(io, id, options);
  const work = explainInSlices(session, summary, {
    most,
    ...(options.phase === undefined ? {} : { phase: options.phase - 1 }),
  });
  const explanation = await inSlices(io, work, `Looking through ${entry.id}`);
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
