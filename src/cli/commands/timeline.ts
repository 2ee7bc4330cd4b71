import { timelineJson } from '../../report/timelineJson.ts';
import { timelineInSlices } from '../../report/timelineReport.ts';
import { timelineText } from '../../report/timelineText.ts';
import { EXIT } from '../exit.ts';
import { type Io, inSlices, mostOf, printPieces, styleFor, widthOf } from '../io.ts';
import { openSession } from '../listing.ts';
import type { TraceOptions } from '../traces.ts';

export interface TimelineCommandOptions extends TraceOptions {
  json?: boolean;
  all?: boolean;
  limit?: number;
}

/** Shows a session's phases with their steps. @throws CliError */
export async function timeline(
  io: Io,
  id: string | undefined,
  options: TimelineCommandOptions,
): Promise<number> {
  const most = mostOf(options);
  const { entry, session, summary } = await openSession(io, id, options);
  const work = timelineInSlices(session, summary);
  const found = await inSlices(io, work, `Looking through ${entry.id}`);
  const pieces =
    options.json === true
      ? timelineJson(session, found, most)
      : timelineText(session, found, {
          style: styleFor(io, io.stdout),
          width: widthOf(io),
          most,
        });
  await printPieces(io, pieces);
  return EXIT.ok;
}
