import { contextMarkdown } from '../../report/contextMarkdown.ts';
import { type ContextReport, contextInSlices } from '../../report/contextReport.ts';
import { contextText } from '../../report/contextText.ts';
import { sanitizeLine } from '../../report/terminalText.ts';
import { wordsOf } from '../../trace/findings.ts';
import type { TraceSession } from '../../trace/session.ts';
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
import { findSession, openStore, readSession, type TraceOptions } from '../traces.ts';

export interface ContextOptions extends TraceOptions {
  json?: boolean;
  markdown?: boolean;
  requests?: boolean;
  all?: boolean;
  lane?: string;
  subagents?: boolean;
  limit?: number;
  /** Tokens. */
  window?: number;
}

export async function context(
  io: Io,
  id: string | undefined,
  options: ContextOptions,
): Promise<number> {
  oneFormat(options);
  const most = mostOf(options);
  const entry = findSession(io, openStore(io, options), id);
  const session = await readSession(io, entry);
  const work = reportOf(session, options);
  const report = await inSlices(io, work, `Looking through ${entry.id}`);
  if (options.json === true) await printJson(io, report);
  else if (options.markdown === true) await print(io, contextMarkdown(report, { most }));
  else {
    const look = { style: styleFor(io, io.stdout), width: widthOf(io), most };
    await print(io, contextText(report, look));
  }
  return EXIT.ok;
}

function reportOf(session: TraceSession, options: ContextOptions): Generator<void, ContextReport> {
  return contextInSlices(session.id, session.fold, wordsOf(session), {
    lanes: lanesOf(session, options),
    requests: options.requests === true,
    ...(options.window === undefined ? {} : { window: options.window }),
  });
}

/** @throws CliError where there is no such subagent */
function lanesOf(
  { fold }: TraceSession,
  options: { lane?: string; subagents?: boolean },
): number[] | 'all' {
  if (options.subagents === true) return 'all';
  const asked = options.lane;
  if (asked === undefined || asked === 'main') return [0];
  const agents = fold.subagents.all();
  const found = agents.filter(
    ({ id, type }) => asked !== '' && (id.startsWith(asked) || type === asked),
  );
  if (found.length === 1) return [found[0]!.lane];
  const some = (found.length > 0 ? found : agents)
    .slice(0, 10)
    .map(({ id, type }) => sanitizeLine(`  ${id}  ${type}`.trimEnd()));
  throw new CliError(
    found.length > 1
      ? `"${sanitizeLine(asked)}" fits ${found.length} subagents`
      : `There is no subagent "${sanitizeLine(asked)}" in this session`,
    EXIT.none,
    some.length > 0 ? `Its subagents:\n${some.join('\n')}` : 'It has none: --lane main',
  );
}
