import { formatUsd } from '../../../src/model/format.ts';
import { visibleText } from '../../../src/model/visibleText.ts';
import type { LaneView } from '../../../src/protocol/replay.ts';
import { Icon } from '../../shared/icons.tsx';
import { laneClass } from '../../shared/rowMarks.ts';
import type { ReplayApp } from '../app.ts';
import { LANES_Y, type LaneRow, type Layout, MARKS_ROW, PHASES, RULER } from './layout.ts';

/** The column left of the plot. The canvas draws the rest. */
export function Labels({ app, layout }: { app: ReplayApp; layout: Layout }) {
  const { timeline } = app;
  const { rows, lanesBottom, track, left } = layout;
  const seen = rows.filter(({ y, height }) => y + height > LANES_Y && y < lanesBottom);
  const others = layout.lanes.filter(({ kind }) => kind !== 'main').length;
  const foldWords = timeline.lanesOpen
    ? 'Stack the lanes'
    : `+${layout.folded}: show all ${others} lanes`;
  return (
    <div class={`timeline-labels ${left < 100 ? 'tight' : ''}`} style={{ width: `${left}px` }}>
      <Caption y={7} height={24} text="Overview" />
      <Caption y={RULER.y} height={22} text={ORDER_WORDS[timeline.order]} />
      <Caption y={PHASES.y} height={20} text="Phases" />
      <Caption y={MARKS_ROW.y} height={22} text="Marks" />
      {layout.canFold && (
        <button
          type="button"
          class="timeline-fold"
          style={{ top: `${MARKS_ROW.y + 2}px` }}
          aria-expanded={timeline.lanesOpen}
          aria-label={foldWords}
          title={foldWords}
          onClick={() => timeline.toggleLanes()}
        >
          {timeline.lanesOpen ? <Icon name="chevron-down" /> : `+${layout.folded}`}
        </button>
      )}
      <div
        class="timeline-lanes"
        style={{ top: `${LANES_Y}px`, height: `${Math.max(0, lanesBottom - LANES_Y)}px` }}
      >
        {seen.map((row) => (
          <LaneLabel
            key={`${row.kind}${row.lanes[0]?.lane ?? 0}${row.lanes[0]?.name ?? ''}`}
            row={row}
          />
        ))}
      </div>
      {track && (
        <div class="timeline-track" style={{ top: `${track.y + 6}px` }}>
          {(['cost', 'context'] as const).map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={timeline.track === name}
              title={`${TRACK_TITLES[name]} (C)`}
              onClick={() => timeline.setTrack(name)}
            >
              {name === 'cost' ? 'Cost' : 'Context'}
            </button>
          ))}
          <span class="timeline-track-what">
            {timeline.track === 'cost' ? 'cumulative' : 'tokens in the window'}
          </span>
        </div>
      )}
    </div>
  );
}

const ORDER_WORDS = { time: 'Time', steps: 'Steps', cost: 'Cost' } as const;
const TRACK_TITLES = {
  cost: 'What it has cost so far',
  context: 'How full the main agent’s window is',
} as const;

function Caption({ y, height, text }: { y: number; height: number; text: string }) {
  return (
    <span class="timeline-caption" style={{ top: `${y}px`, lineHeight: `${height}px` }}>
      {text}
    </span>
  );
}

function LaneLabel({ row }: { row: LaneRow }) {
  const [first] = row.lanes;
  const name = first ? laneName(first) : 'Main';
  const more = row.lanes.length - 1;
  const all = row.lanes
    .slice(0, 20)
    .map((lane) => laneName(lane))
    .join(', ');
  const together = more === 0 || sameName(row.lanes);
  const cost = together ? costOf(row.lanes) : '';
  return (
    <div
      class="timeline-lane"
      style={{ top: `${row.y - LANES_Y}px`, height: `${row.height}px` }}
      title={all}
    >
      <span
        class={`timeline-edge ${row.kind === 'subagent' && first ? laneClass(first.lane) : row.kind}`}
      />
      <span class="timeline-name cut">{name}</span>
      {!together && <span class="dim">+{more}</span>}
      {cost !== '' && <span class="timeline-cost">{cost}</span>}
    </div>
  );
}

const sameName = (lanes: readonly LaneView[]): boolean =>
  lanes.every(({ name }) => name === lanes[0]!.name);

const laneName = ({ name, kind }: LaneView): string =>
  visibleText(
    kind === 'main' && /^(main)?$/i.test(name) ? 'Main' : (name || 'Subagent').slice(0, 120),
  );

/** What the lanes cost by themselves; empty: not told. */
function costOf(lanes: readonly LaneView[]): string {
  let sum = 0;
  for (const { nanoUsd } of lanes) {
    if (nanoUsd === undefined || !Number.isFinite(nanoUsd)) return '';
    sum += nanoUsd;
  }
  return lanes.length > 0 ? formatUsd(sum) : '';
}
