import { formatDuration, formatUsd, plural } from '../../../src/model/format.ts';
import { visibleText } from '../../../src/model/visibleText.ts';
import { Icon } from '../../shared/icons.tsx';
import { refocus } from '../../shared/refocus.ts';
import type { ReplayApp } from '../app.ts';
import { xOf } from './frame.ts';
import { exact, pageSums } from './rangeSums.ts';
import type { Stage } from './stage.ts';

/** What the chosen steps come to, and what can be done with them. */
export function RangeCard({ app, stage }: { app: ReplayApp; stage: Stage }) {
  const { timeline } = app;
  const { selection, sums } = timeline;
  if (!selection) return null;
  const { from, to, phase } = selection;
  const { durationMs, nanoUsd, estimatedNanoUsd, calls, errors, denied } = exact(
    pageSums(app, from, to),
    sums,
  );
  const files = sums?.filesChanged;
  const { estimated } = timeline.index;
  const { layout } = stage;
  const middle = (timeline.axis.start(from) + timeline.axis.end(to)) / 2;
  const x = Math.max(layout.left, Math.min(layout.right, xOf(stage.projection(), middle)));
  const share = (x - layout.left) / Math.max(1, layout.right - layout.left);
  return (
    <section
      class="timeline-range"
      aria-label="Selected steps"
      style={{
        '--at': String(share),
        left: `${layout.left}px`,
        right: `${layout.width - layout.right}px`,
      }}
    >
      <div class="timeline-range-box">
        <span class="timeline-range-name cut">
          {phase
            ? visibleText(phase.name.slice(0, 120))
            : from === to
              ? `Step ${from + 1}`
              : `Steps ${from + 1}–${to + 1}`}
        </span>
        <span class="timeline-range-sums">
          <b>{formatDuration(durationMs)}</b>
          <b>
            {formatUsd(nanoUsd, { estimate: estimated && sums === undefined })}
            {estimatedNanoUsd > 0 && (
              <span class="dim"> + {formatUsd(estimatedNanoUsd, { estimate: true })}</span>
            )}
            {sums !== undefined && sums.unpriced > 0 && (
              <span class="amber"> {sums.unpriced} unpriced</span>
            )}
          </b>
          <span>{plural(calls, 'call')}</span>
          <span class={errors > 0 ? 'red' : 'dim'}>{plural(errors, 'error')}</span>
          {denied > 0 && <span class="red">{plural(denied, 'denied', 'denied')}</span>}
          <span class={files === 0 ? 'dim' : ''} title={sums ? `${sums.filesRead} read` : ''}>
            {files === undefined ? '– files' : `${plural(files, 'file')} changed`}
          </span>
        </span>
        <span class="timeline-range-acts">
          <button
            type="button"
            class="link"
            disabled={files === 0}
            onClick={() => timeline.openChanges()}
          >
            Open changes
          </button>
          <button type="button" class="link" onClick={() => timeline.copyMarkdown()}>
            Copy as Markdown
          </button>
          <button
            type="button"
            class="icon-button"
            aria-label="Clear the selection"
            title="Clear the selection (Esc)"
            onClick={() => {
              timeline.clearSelection();
              refocus('.timeline-stage');
            }}
          >
            <Icon name="close" />
          </button>
        </span>
      </div>
    </section>
  );
}
