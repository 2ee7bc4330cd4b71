import type { LaneView } from '../../../src/protocol/replay.ts';

/** Heights of the rows above the lanes, px from the top; as drawn in the design. */
export const OVERVIEW = { y: 7, height: 24, bars: 19 } as const;
export const RULER = { y: 32, text: 43 } as const;
export const PHASES = { y: 54, height: 20 } as const;
export const MARKS_ROW = { y: 76, middle: 87, height: 22 } as const;
export const LANES_Y = 98;
const MAIN = { row: 45, top: 4, bar: 34 } as const;
const SUB = { row: 30, least: 22, bar: 20 } as const;
const TRACK_LEAST = 44;
/** Subagents that have rows of their own before they stack, and MCP servers. */
const MOST_ROWS = 4;
const MOST_SERVERS = 2;

export interface LaneRow {
  kind: LaneView['kind'];
  lanes: LaneView[];
  y: number;
  height: number;
  barY: number;
  barHeight: number;
}

export interface Layout {
  width: number;
  height: number;
  /** The plot, px. */
  left: number;
  right: number;
  /** As they were told. */
  lanes: readonly LaneView[];
  rows: LaneRow[];
  /** What is seen of the lanes, px. */
  lanesBottom: number;
  /** Height of all lanes, px. */
  lanesHeight: number;
  /** Lanes that have no row of their own. */
  folded: number;
  canFold: boolean;
  track?: { y: number; bottom: number };
}

/** Width of the label column and of the right one for a page of this width, px. */
function columnsFor(width: number): { labels: number; right: number } {
  if (width >= 900) return { labels: 150, right: 64 };
  if (width >= 600) return { labels: 116, right: 58 };
  return { labels: 74, right: 12 };
}

/**
 * Places the rows.
 *
 * @param lanes the main agent first
 * @param scroll px that the lanes are scrolled down
 */
export function layOut(
  width: number,
  height: number,
  lanes: readonly LaneView[],
  open: boolean,
  scroll: number,
): Layout {
  const { labels, right } = columnsFor(width);
  const main = lanes.filter(({ kind }) => kind === 'main');
  const subagents = byName(lanes.filter(({ kind }) => kind === 'subagent'));
  const servers = lanes.filter(({ kind }) => kind === 'mcp').map((one) => [one]);
  const subRows = open ? subagents : stacked(subagents, MOST_ROWS);
  const serverRows = open || servers.length <= MOST_SERVERS ? servers : [servers.flat()];
  const groups = [...subRows, ...serverRows];
  const ownRows = subagents.length + servers.length;
  const available = Math.max(0, height - LANES_Y);
  const tall = MAIN.row + groups.length * SUB.row;
  const subRow = tall + TRACK_LEAST <= available ? SUB.row : SUB.least;
  const lanesHeight = MAIN.row + groups.length * subRow;
  const track = Math.max(0, available - lanesHeight);
  const trackHeight =
    track >= TRACK_LEAST ? track : available >= MAIN.row + TRACK_LEAST ? TRACK_LEAST : 0;
  const lanesBottom = LANES_Y + Math.min(lanesHeight, available - trackHeight);
  const down = Math.max(0, Math.min(scroll, LANES_Y + lanesHeight - lanesBottom));
  const rows: LaneRow[] = [];
  let y = LANES_Y - down;
  const add = (kind: LaneView['kind'], of: LaneView[], size: number, bar: number, top: number) => {
    rows.push({ kind, lanes: of, y, height: size, barY: y + top, barHeight: bar });
    y += size;
  };
  add('main', main, MAIN.row, MAIN.bar, MAIN.top);
  for (const group of groups) {
    const [first] = group;
    add(first!.kind, group, subRow, SUB.bar, Math.floor((subRow - SUB.bar) / 2));
  }
  return {
    width,
    height,
    left: labels,
    right: Math.max(labels + 20, width - right),
    lanes,
    rows,
    lanesBottom,
    lanesHeight,
    folded: ownRows - groups.length,
    canFold: subagents.length > MOST_ROWS || servers.length > MOST_SERVERS,
    ...(trackHeight > 0 ? { track: { y: lanesBottom, bottom: height } } : {}),
  };
}

const endOf = ({ endMs }: LaneView): number => endMs ?? Number.POSITIVE_INFINITY;

/** Subagents of one name that ran one after the other share a row, each name in the place of its first. */
function byName(lanes: readonly LaneView[]): LaneView[][] {
  const rows: LaneView[][] = [];
  const latest = new Map<string, LaneView[]>();
  for (const lane of [...lanes].sort((a, b) => a.startMs - b.startMs)) {
    const row = latest.get(lane.name);
    if (row && endOf(row.at(-1)!) <= lane.startMs) row.push(lane);
    else {
      const made = [lane];
      rows.push(made);
      latest.set(lane.name, made);
    }
  }
  return rows;
}

/** Rows that have to share: one after the other where their times allow it, else in the row that is free first. */
function stacked(rows: readonly LaneView[][], most: number): LaneView[][] {
  if (rows.length <= most) return [...rows];
  const stacks: LaneView[][] = [];
  const ends: number[] = [];
  for (const lanes of rows) {
    let at = ends.findIndex((end) => end <= lanes[0]!.startMs);
    if (at < 0) at = stacks.length < most ? stacks.length : ends.indexOf(Math.min(...ends));
    stacks[at] ??= [];
    for (const lane of lanes) stacks[at]!.push(lane);
    ends[at] = Math.max(ends[at] ?? Number.NEGATIVE_INFINITY, endOf(lanes.at(-1)!));
  }
  return stacks;
}

export type Zone =
  | { zone: 'overview' | 'ruler' | 'phases' | 'marks' | 'track' | 'none' }
  | { zone: 'lane'; row: LaneRow };

/** What is at a height. */
export function zoneAt(layout: Layout, y: number): Zone {
  if (y < RULER.y) return { zone: 'overview' };
  if (y < PHASES.y) return { zone: 'ruler' };
  if (y < MARKS_ROW.y) return { zone: 'phases' };
  if (y < LANES_Y) return { zone: 'marks' };
  if (y < layout.lanesBottom) {
    const row = layout.rows.find((one) => y >= one.y && y < one.y + one.height);
    return row ? { zone: 'lane', row } : { zone: 'none' };
  }
  return layout.track ? { zone: 'track' } : { zone: 'none' };
}

/** The row that shows an agent's lane. */
export const rowOf = (layout: Layout, lane: number): LaneRow | undefined =>
  layout.rows.find(({ kind, lanes }) => kind !== 'mcp' && lanes.some((one) => one.lane === lane));
