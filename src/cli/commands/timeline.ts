import { timelineJson } from '../../report/timelineJson.ts';
import { timelineMarkdown } from '../../report/timelineMarkdown.ts';
import { timelineInSlices } from '../../report/timelineReport.ts';
import { timelineText } from '../../report/timelineText.ts';
import { EXIT } from '../exit.ts';
import {
  breathe,
  CliError,
  type Io,
  inSlices,
  oneFormat,
  print,
  styleFor,
  widthOf,
} from '../io.ts';
import { openSession } from '../listing.ts';
import type { TraceOptions } from '../traces.ts';

export interface TimelineCommandOptions extends TraceOptions {
  json?: boolean;
  markdown?: boolean;
  all?: boolean;
  limit?: number;
}

/** Lines a phase. */
const USUAL = 20;

/** Shows a session's phases with their steps. @throws CliError */
export async function timeline(
  io: Io,
  id: string | undefined,
  options: TimelineCommandOptions,
): Promise<number> {
  if (options.all === true && options.limit !== undefined)
    throw new CliError('--all and --limit say two things', EXIT.usage, 'Leave one of them out.');
  oneFormat(options);
  const { entry, session, summary } = await openSession(io, id, options);
  const work = timelineInSlices(session, summary);
  const found = await inSlices(io, work, `Looking through ${entry.id}`);
  const most = options.all === true ? undefined : (options.limit ?? USUAL);
  const look = { style: styleFor(io, io.stdout), width: widthOf(io) };
  if (options.json === true) await printPieces(io, timelineJson(session, found, options.limit));
  else if (options.markdown === true) {
    await printPieces(io, timelineMarkdown(session, found, { most }));
  } else await printPieces(io, timelineText(session, found, { ...look, most }));
  return EXIT.ok;
}

/** UTF-16 units that are written at once. */
const WRITTEN = 65_536;

async function printPieces(io: Io, pieces: Iterable<string>): Promise<void> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < WRITTEN) continue;
    await print(io, text);
    text = '';
    await breathe(io);
  }
  await print(io, text);
}
