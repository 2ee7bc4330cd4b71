import { TYPE } from '../model/columns.ts';
import type { SessionFold } from '../model/fold.ts';
import { STEP_KINDS } from '../model/step.ts';
import type { AnalysedSession } from './analysed.ts';

/** The call that started a subagent. */
export interface Spawn {
  /** The fold's row of the call; -1 where it is not known. */
  row: number;
  /** The lane that the call is in. */
  lane: number;
  /** `evidence`: ids say so; `likely`: the last call of that kind before it began. */
  sure: 'evidence' | 'likely' | 'unknown';
}

const AGENT = STEP_KINDS.indexOf('agent');
/** Results that are read for the ids in them: more subagents than anybody looks at; in one go, and bytes of all. */
const MOST_READ = 2000;
const BATCH = 100;
const MOST_BYTES = 64 * 1_048_576;
/** Clocks of two writers, ms. */
const CLOCKS = 1000;

/**
 * Who started each subagent, by lane: as ids tell, else what the calls' results say, else the last such call before it.
 * Circles of calls end at the main agent. O(steps), and reads those results once, where ids do not tell of all.
 */
export function spawnsOf(session: AnalysedSession): Map<number, Spawn> {
  const { fold } = session;
  const { columns } = fold;
  const agents = fold.subagents.all().sort((a, b) => a.startMs - b.startMs || a.lane - b.lane);
  const spawns = new Map<number, Spawn>();
  if (agents.length === 0) return spawns;
  const put = (lane: number, row: number, sure: Spawn['sure']): void => {
    spawns.set(lane, { row, lane: columns.lane[row]!, sure });
  };
  const open = [];
  for (const agent of agents) {
    const row = fold.spawnedBy(agent.lane);
    if (row >= 0 && columns.lane[row] !== agent.lane) put(agent.lane, row, 'evidence');
    else open.push(agent);
  }
  if (open.length > 0) {
    const calls = agentCalls(session);
    for (const { row, lane } of namedBy(session, calls)) {
      if (!spawns.has(lane) && columns.lane[row] !== lane) put(lane, row, 'evidence');
    }
    const taken = new Set(Array.from(spawns.values(), ({ row }) => row));
    for (const { lane, startMs } of open) {
      if (spawns.has(lane)) continue;
      const row = lastBefore(session, calls, startMs + CLOCKS, lane, taken);
      if (row >= 0) {
        taken.add(row);
        put(lane, row, 'likely');
      } else spawns.set(lane, { row: -1, lane: 0, sure: 'unknown' });
    }
  }
  cutCircles(spawns);
  return spawns;
}

/** Calls that start agents, in time order. */
function agentCalls({ fold: { steps, columns } }: AnalysedSession): number[] {
  const rows: number[] = [];
  for (let step = 0; step < steps.length; step++) {
    const row = steps.row(step);
    if (columns.type[row] === TYPE.tool_call && columns.kind[row] === AGENT) rows.push(row);
  }
  return rows;
}

/** What the results of those calls say of whom they started. */
function namedBy(
  session: AnalysedSession,
  calls: readonly number[],
): { row: number; lane: number }[] {
  const { fold } = session;
  const { pair } = fold.columns;
  const ended = calls.filter((row) => pair[row]! >= 0).slice(0, MOST_READ);
  const ids = idsIn(
    session,
    ended.map((row) => pair[row]!),
  );
  return ended.flatMap((row) => {
    const id = ids.get(pair[row]!)?.id ?? '';
    const lane = id === '' ? undefined : fold.lanes.find(id);
    return lane === undefined || lane === 0 ? [] : [{ row, lane }];
  });
}

/** What was read: a session that goes on is asked again and again. By row, with the size of what stood there. */
const READ = new WeakMap<SessionFold, Map<number, { size: number; id: string }>>();

function idsIn(
  session: AnalysedSession,
  results: readonly number[],
): ReadonlyMap<number, { id: string }> {
  const { fold } = session;
  const { size } = fold.columns;
  const known = READ.get(fold) ?? new Map<number, { size: number; id: string }>();
  READ.set(fold, known);
  const missing: number[] = [];
  let bytes = 0;
  for (const row of results) {
    bytes += size[row]!;
    if (bytes <= MOST_BYTES && known.get(row)?.size !== size[row]) missing.push(row);
  }
  for (let at = 0; at < missing.length; at += BATCH) {
    const some = missing.slice(at, at + BATCH);
    for (const [i, event] of session.readEvents(some).entries()) {
      const id = event?.data.subagent_id;
      known.set(some[i]!, { size: size[some[i]!]!, id: typeof id === 'string' ? id : '' });
    }
  }
  return known;
}

/** The last of these calls before a moment that is nobody else's. */
function lastBefore(
  { fold: { columns } }: AnalysedSession,
  calls: readonly number[],
  beforeMs: number,
  lane: number,
  taken: ReadonlySet<number>,
): number {
  let low = 0;
  let high = calls.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (columns.timeMs[calls[middle]!]! <= beforeMs) low = middle + 1;
    else high = middle;
  }
  for (let at = low - 1, tries = 0; at >= 0 && tries < 64; at--, tries++) {
    const row = calls[at]!;
    if (!taken.has(row) && columns.lane[row] !== lane) return row;
  }
  return -1;
}

/** Traces are hostile: a subagent may claim to have started who started it. */
function cutCircles(spawns: Map<number, Spawn>): void {
  const ends = new Set([0]);
  for (const lane of spawns.keys()) {
    const path: number[] = [];
    const seen = new Set<number>();
    let at = lane;
    while (!ends.has(at) && !seen.has(at)) {
      seen.add(at);
      path.push(at);
      at = spawns.get(at)?.lane ?? 0;
    }
    // The first of a circle in time order is given to the main agent.
    if (!ends.has(at)) spawns.set(at, { row: -1, lane: 0, sure: 'unknown' });
    for (const one of path) ends.add(one);
  }
}
