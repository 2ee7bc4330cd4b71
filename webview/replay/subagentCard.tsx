import { formatElapsed, formatUsd, plural } from '../../src/model/format.ts';
import { laneClass } from '../shared/rowMarks.ts';
import type { ReplayApp } from './app.ts';
import { laneName } from './step.tsx';

/** Below the step that started a subagent: who it is, how far it is, its own cost, and its steps folded or not. */
export function SubagentCard({ app, lane }: { app: ReplayApp; lane: number }) {
  const { listing, outline, step } = app;
  const view = outline?.lanes.find((one) => one.kind === 'subagent' && one.lane === lane);
  const steps = listing.stepsOf(lane);
  const name = laneName(app, lane);
  const folded = listing.filter.folded.has(lane);
  const only = listing.filter.lane === lane;
  const nowMs = app.rows.timeMs(step);
  // As of the playhead, like everything that is shown.
  const state = !view
    ? ''
    : nowMs < view.startMs
      ? 'not started yet'
      : view.endMs !== undefined && view.endMs <= nowMs
        ? `done in ${formatElapsed(view.endMs - view.startMs)}`
        : `running for ${formatElapsed(nowMs - view.startMs)}`;
  const facts = [
    state,
    steps ? plural(steps.count, 'step') : 'no steps',
    view?.nanoUsd === undefined ? '' : `${formatUsd(view.nanoUsd)} of its own`,
  ].filter(Boolean);
  const of = <span class="sr-only"> of {name}</span>;
  return (
    <div class={`subagent ${laneClass(lane)}`}>
      <b class="cut">{name}</b>
      <span class="muted cut">{facts.join(' · ')}</span>
      {steps && (
        <span class="links">
          <button
            type="button"
            class="link"
            aria-expanded={!folded}
            onClick={() =>
              app.refilter((filter) => {
                if (!filter.folded.delete(lane)) filter.folded.add(lane);
              })
            }
          >
            {folded ? 'Show steps' : 'Fold steps'}
            {of}
          </button>
          <button type="button" class="link" onClick={() => app.goTo(steps.first)}>
            Go to lane{of}
          </button>
          <button
            type="button"
            class="link"
            aria-pressed={only}
            onClick={() =>
              app.refilter((filter) => {
                filter.lane = only ? undefined : lane;
              })
            }
          >
            Only these{of}
          </button>
        </span>
      )}
    </div>
  );
}
