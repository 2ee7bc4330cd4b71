import { TYPE } from '../../model/columns.ts';
import { STEP_KINDS } from '../../model/step.ts';
import type { AnalysedSession } from '../analysed.ts';

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
/** Results that are read for the ids in them: more subagents than anybody looks at. */
const MOST_READ = 2000;
/** Clocks of two writers, ms. */
const CLOCKS = 1000;

/** Who started each subagent, by lane. Circles of calls end at the main agent. */
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
    const row = agent.toolUseId === undefined ? -1 : fold.callRow(session.id, agent.toolUseId);
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
  const ended = calls.filter((row) => fold.columns.pair[row]! >= 0).slice(0, MOST_READ);
  const results = session.readEvents(ended.map((row) => fold.columns.pair[row]!));
  return ended.flatMap((row, at) => {
    const id = results[at]?.data.subagent_id;
    const lane = typeof id === 'string' && id !== '' ? fold.lanes.find(id) : undefined;
    return lane === undefined || lane === 0 ? [] : [{ row, lane }];
  });
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
