import { QueryMatcher } from '../../analysis/search/matcher.ts';
import { parseQuery, type Query, QueryError } from '../../analysis/search/query.ts';
import { stepsOfEvents } from '../../model/eventStep.ts';
import { formatBytes, formatCount, formatPercent, plural } from '../../model/format.ts';
import { isCostKnown, type SessionSummary } from '../../model/summary.ts';
import { type FoundSession, foundJson, foundSession } from '../../report/searchText.ts';
import { sanitizeLine } from '../../report/terminalText.ts';
import { type SearchHit, searchSessions } from '../../trace/search.ts';
import { TraceSession } from '../../trace/session.ts';
import type { SessionEntry, TraceStore } from '../../trace/store.ts';
import { EXIT } from '../exit.ts';
import {
  breathe,
  CliError,
  Interrupted,
  type Io,
  Progress,
  print,
  printJson,
  styleFor,
  warn,
  widthOf,
} from '../io.ts';
import { summariseAll, uniquePrefixes } from '../listing.ts';
import { listEntries, noSession, openStore, type TraceOptions } from '../traces.ts';

export interface SearchOptions extends TraceOptions {
  limit?: number;
  json?: boolean;
}

/** Hits that are shown unless told. */
const DEFAULT_LIMIT = 50;
/** Hits of one session: the next one has its turn. */
const PER_SESSION = 200;
/** Steps are counted in sessions up to this size, bytes; of larger ones the events' ids are shown. */
const MAX_COUNTED = 64 * 1_048_576;
const SLICE = 4 * 1_048_576;

export async function search(
  io: Io,
  words: readonly string[],
  options: SearchOptions,
): Promise<number> {
  const query = read(words.join(' '), io.now());
  const store = openStore(io, options);
  const entries = listEntries(io, store);
  if (entries.length === 0) {
    if (options.json === true) await printJson(io, []);
    throw noSession(store);
  }
  const matcher = new QueryMatcher(query);
  const costs = matcher.needsCost ? await costsOf(io, store, entries) : undefined;
  const limit = options.limit ?? DEFAULT_LIMIT;
  const most = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  const shortIds = uniquePrefixes(entries.map(({ id }) => id));
  const progress = new Progress(io);
  const json: object[] = [];
  let count = 0;
  let sessions = 0;
  let cut = false;
  let waiting: SearchHit[] = [];
  const flush = async (): Promise<void> => {
    const [first] = waiting;
    if (first === undefined) return;
    const found = await countSteps(io, first, waiting, shortIds.get(first.entry.id));
    waiting = [];
    sessions++;
    progress.clear();
    if (options.json === true) json.push(...foundJson(found));
    else {
      const gap = sessions > 1 ? '\n' : '';
      const style = styleFor(io, io.stdout);
      await print(io, `${gap}${foundSession(found, { style, width: widthOf(io) })}`);
    }
  };
  try {
    const found = searchSessions({
      entries,
      query: matcher,
      signal: io.signal,
      costOf: (entry) => costs?.get(entry.directory),
      perSession: Math.min(PER_SESSION, most),
      sliceMs: 50,
    });
    for await (const each of found) {
      if (each.type === 'progress') {
        const share = each.allBytes > 0 ? each.bytes / each.allBytes : 1;
        progress.show(
          `Searching ${formatPercent(share)} of ${formatBytes(each.allBytes)}, ${formatCount(count)} found`,
        );
        continue;
      }
      if (waiting[0] !== undefined && waiting[0].entry !== each.entry) await flush();
      if (count >= most) {
        cut = true;
        break;
      }
      count++;
      waiting.push(each);
    }
    await flush();
    if (io.signal.aborted) throw new Interrupted();
  } finally {
    progress.clear();
  }
  if (options.json === true) await printJson(io, json);
  if (query.hint !== '' && count === 0) warn(io, sanitizeLine(query.hint));
  if (count === 0) {
    if (options.json !== true) {
      io.stderr.write(
        `Nothing was found in ${plural(entries.length, 'session')} (${formatBytes(sizeOf(entries))}).\n`,
      );
    }
    return EXIT.none;
  }
  if (options.json !== true) {
    const more = cut || count === most ? `; there may be more: --limit ${limit * 4}` : '';
    warn(io, `${plural(count, 'hit')} in ${plural(sessions, 'session')}${more}`, 'dim');
  }
  return EXIT.ok;
}

function read(text: string, nowMs: number): Query {
  try {
    return parseQuery(text, nowMs);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw new CliError(
      error.message,
      EXIT.usage,
      'Examples: agent-strace search "cannot find module", tool:Bash error:timeout, file:auth.ts AND cost:>1',
    );
  }
}

const sizeOf = (entries: readonly SessionEntry[]): number =>
  entries.reduce((sum, { size }) => sum + size, 0);

async function costsOf(
  io: Io,
  store: TraceStore,
  entries: readonly SessionEntry[],
): Promise<Map<string, number | undefined>> {
  const all = await summariseAll(io, store, entries);
  return new Map(all.map(({ entry, summary }) => [entry.directory, knownCost(summary)]));
}

/** What was billed, as far as it is known; undefined: nothing is. */
const knownCost = ({ cost }: SessionSummary): number | undefined =>
  isCostKnown(cost) ? cost.nanoUsd : undefined;

/** Gives the hits of a session the numbers of their steps. */
async function countSteps(
  io: Io,
  { entry, agent, title }: SearchHit,
  hits: readonly SearchHit[],
  shortId = entry.id,
): Promise<FoundSession> {
  let session: TraceSession | undefined;
  if (entry.size <= MAX_COUNTED) {
    session = new TraceSession(entry.directory, entry.id);
    try {
      while (session.update(SLICE)) await breathe(io);
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      session = undefined;
    }
  }
  const firstMs = session?.fold.session.firstMs ?? Number.NaN;
  const steps = session && stepsOfEvents(session.fold);
  const stepOf = (hit: SearchHit): number | undefined => {
    const step = steps?.(hit.eventId) ?? -1;
    return step < 0 ? undefined : step + 1;
  };
  // Two things that one step says are one line: the first.
  const known = new Set<number>();
  const found = hits.flatMap((hit) => {
    const step = stepOf(hit);
    if (step !== undefined && known.has(step)) return [];
    if (step !== undefined) known.add(step);
    return [{ ...hit, step }];
  });
  return {
    id: entry.id,
    shortId,
    agent,
    title,
    startMs: Number.isFinite(firstMs) ? firstMs : (hits[0]?.timeMs ?? entry.modifiedMs),
    hits: found,
  };
}
