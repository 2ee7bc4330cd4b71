import { type ProcessState, type SessionSummary, summarise } from '../model/summary.ts';
import type { Pricer } from '../model/usage.ts';
import { metaParent } from './meta.ts';
import { badLines, TraceSession } from './session.ts';
import type { SessionEntry } from './store.ts';
import type { CachedSession, SummaryCache } from './summaryCache.ts';

/** A session as lists show it. */
export interface ListedSession {
  entry: SessionEntry;
  summary: SessionSummary;
  badLines: number;
  newerVersion: boolean;
  /** The session that started this one, where the trace says so. */
  parent?: string;
  /** Responses that count here: see `CostSlice.responses`. */
  responses: { main: string; side: string };
}

export interface SummaryOptions {
  cache: SummaryCache;
  pricer: () => Promise<Pricer | undefined>;
  nowMs: number;
  /** Of the agent behind the session; asked only where the trace does not say that it ended. */
  process: () => ProcessState;
  /** Between two slices: gives others a turn, and may throw to end the reading. */
  breathe: () => Promise<void>;
  /** Read between two breaths, bytes. */
  sliceBytes: number;
  /** Told of a session whose file had to be read: who wants all of it need not read it again. */
  read?: (session: TraceSession) => void;
}

/** The summary of one session: out of the cache, or folded from its file. @throws what `breathe` does */
export async function readSummary(
  entry: SessionEntry,
  options: SummaryOptions,
): Promise<ListedSession> {
  const { cache, nowMs } = options;
  const cached = cache.get(entry);
  // One that did not say it ended may still run, however long it has been silent.
  if (cached !== undefined && (!cached.open || options.process() === 'unknown')) {
    return listed(entry, cached);
  }
  const session = new TraceSession(entry.directory, entry.id, await pricerOf(options));
  try {
    while (session.update(options.sliceBytes)) await options.breathe();
    options.read?.(session);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    // One unreadable file is no reason to show none: it counts as a bad line.
    session.problems.malformed++;
  }
  const parent = metaParent(entry);
  const read: CachedSession = {
    summary: summarise(session.fold, { nowMs }),
    open: isOpen(session),
    badLines: badLines(session.problems),
    newerVersion: session.fold.newerVersion > 0,
    responses: session.fold.cost.responses(),
    ...(parent === undefined ? {} : { parent }),
  };
  if (read.summary.status === 'ended') cache.set(entry, read);
  if (!read.open) return listed(entry, read);
  const process = options.process();
  return listed(entry, { ...read, summary: summarise(session.fold, { nowMs, process }) });
}

async function pricerOf({ pricer }: SummaryOptions): Promise<{ pricer?: Pricer }> {
  const found = await pricer();
  return found ? { pricer: found } : {};
}

function isOpen({ fold }: TraceSession): boolean {
  const { session } = fold;
  return session.endMs === 0 || Math.max(session.startMs, session.promptMs) > session.endMs;
}

function listed(entry: SessionEntry, from: CachedSession): ListedSession {
  return {
    entry,
    summary: from.summary,
    badLines: from.badLines,
    newerVersion: from.newerVersion,
    responses: from.responses,
    ...(from.parent === undefined ? {} : { parent: from.parent }),
  };
}
