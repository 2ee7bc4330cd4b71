import { sessionJson } from '../../report/sessionJson.ts';
import { sessionTable, sessionTotals } from '../../report/sessionTable.ts';
import { wrapFacts } from '../../report/terminalText.ts';
import type { TraceStore } from '../../trace/store.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, print, printJson, styleFor, widthOf } from '../io.ts';
import { summariseAll, uniquePrefixes } from '../listing.ts';
import { listEntries, openStore, type TraceOptions } from '../traces.ts';

export interface ListOptions extends TraceOptions {
  json?: boolean;
  limit?: number;
}

/** Rows on a terminal where nobody asked for more: the newest must not scroll away. */
const TERMINAL_ROWS = 50;

/** A script is told of no session in the same way whether there is a folder or not. @throws CliError */
async function storeOrEmpty(io: Io, options: ListOptions): Promise<TraceStore> {
  try {
    return openStore(io, options);
  } catch (error) {
    if (options.json === true && error instanceof CliError && error.code === EXIT.none) {
      await printJson(io, []);
    }
    throw error;
  }
}

export async function list(io: Io, options: ListOptions): Promise<number> {
  const store = await storeOrEmpty(io, options);
  const sessions = await summariseAll(io, store, listEntries(io, store, true));
  const standard = options.json !== true && io.stdout.isTTY === true ? TERMINAL_ROWS : 0;
  const limit = options.limit ?? standard;
  const shown = limit > 0 ? sessions.slice(0, limit) : sessions;
  if (options.json === true) {
    await printJson(
      io,
      shown.map(({ entry, summary, badLines, newerVersion, parent, name }) => ({
        ...sessionJson(entry.id, summary),
        name: name ?? null,
        parent_session_id: parent ?? null,
        bad_lines: badLines,
        newer_version: newerVersion,
        path: entry.directory,
      })),
    );
    return sessions.length > 0 ? EXIT.ok : EXIT.none;
  }
  if (sessions.length === 0) {
    io.stderr.write('No session is recorded here yet. Start your agent; see: agent-strace setup\n');
    return EXIT.none;
  }
  const style = styleFor(io, io.stdout);
  const shortIds = uniquePrefixes(sessions.map(({ entry }) => entry.id));
  await print(
    io,
    sessionTable(
      shown.map((session) => ({ ...session, shortId: shortIds.get(session.entry.id)! })),
      { style, width: widthOf(io) },
    ),
  );
  const hidden = sessions.length - shown.length;
  const more = hidden > 0 ? ` · ${hidden} older ones not shown (--limit 0 shows all)` : '';
  const totals = sessionTotals(sessions.map(({ summary }) => summary)) + more;
  const lines = wrapFacts(totals, widthOf(io)).map((line) => style.dim(line));
  await print(io, `\n${lines.join('\n')}\n`);
  return EXIT.ok;
}
