import { formatDuration, formatUsd } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import { Icon } from '../shared/icons.tsx';
import { KIND_WORDS, laneClass, TIMELESS } from '../shared/rowMarks.ts';
import { Missing, RuleTag, StepSummary } from '../shared/step.tsx';
import type { ReplayApp } from './app.ts';
import { clock } from './header.tsx';
import { IconOf, stepNumber, stepWords } from './stepWords.tsx';

/** The row of one step: a button that moves the playhead there. */
export function Step({ app, step, here }: { app: ReplayApp; step: number; here: boolean }) {
  const { rows } = app;
  const kind = rows.kind(step);
  const kinds = ['step-button', 'step-hover', `kind-${kind}`, rows.isPrompt(step) ? 'prompt' : ''];
  if (rows.has(step, 'denied')) kinds.push('denied');
  else if (rows.has(step, 'error')) kinds.push('failed');
  return (
    <button
      type="button"
      class={kinds.filter(Boolean).join(' ')}
      tabIndex={here ? 0 : -1}
      aria-current={step === app.step ? 'step' : undefined}
      onPointerEnter={(event) => {
        event.currentTarget.title = stepWords(app, step);
      }}
      onClick={() => app.goTo(step)}
      onDblClick={() => app.openStep(step)}
    >
      <StepCells app={app} step={step} />
    </button>
  );
}

/** Columns of one step: number | icon | what | duration | cost. */
export function StepCells({
  app,
  step,
  brief = step === app.step && isLong(app),
}: {
  app: ReplayApp;
  step: number;
  /** Its text stands below, in full. */
  brief?: boolean;
}) {
  const { rows, words } = app;
  if (!rows.known(step)) return null;
  const view = words.get(step);
  const kind = rows.kind(step);
  const lane = rows.lane(step);
  const unseen = [
    step > app.step ? 'Later' : '',
    rows.has(step, 'denied') && view?.verb !== 'Denied' ? 'Denied' : '',
    rows.has(step, 'error') && !rows.has(step, 'denied') ? 'Failed' : '',
    rows.has(step, 'running') ? 'Running' : '',
    lane > 0 ? `By ${laneName(app, lane)}` : '',
  ].filter(Boolean);
  return (
    <>
      <span class={`lane ${laneClass(lane)}`} />
      <span class="number">{stepNumber(app, step)}</span>
      {unseen.length > 0 && <span class="sr-only">{unseen.join(', ')}:</span>}
      <IconOf app={app} step={step} />
      <span class="summary">
        {view &&
          (brief ? (
            <span class="target muted">{KIND_WORDS[kind] ?? 'Text'}</span>
          ) : (
            <>
              <StepSummary view={view} kind={kind} />
              {view.rule && <RuleTag rule={view.rule} />}
            </>
          ))}
        <Marks app={app} step={step} />
      </span>
      <span class="duration">{durationOf(app, step)}</span>
      <span class="price">{priceOf(app, step)}</span>
    </>
  );
}

/** What people noted on it. */
function Marks({ app, step }: { app: ReplayApp; step: number }) {
  const notes = app.notes.at(step);
  if (notes.length === 0) return null;
  const words = notes.map(({ label, note }) => (note ? `${label}: ${note}` : label)).join('; ');
  const only = notes.every(({ label }) => label === 'bookmark');
  return (
    <span class="mark" title={visibleText(words)}>
      <Icon name={only ? 'bookmark' : 'note'} />
      <span class="sr-only">{only ? 'Bookmark' : 'Note'}</span>
    </span>
  );
}

/** The current step is a text that does not fit its row. */
export function isLong(app: ReplayApp): boolean {
  const { details } = app.asOf;
  return !!details?.prose && (details.input.length > 90 || details.input.includes('\n'));
}

export const laneName = ({ header, outline }: ReplayApp, lane: number): string =>
  visibleText(
    outline?.lanes.find((one) => one.kind !== 'mcp' && one.lane === lane)?.name ||
      header?.lanes[lane] ||
      `subagent ${lane}`,
  );

function durationOf(app: ReplayApp, step: number) {
  const { rows } = app;
  if (rows.isPrompt(step)) return clock(app.offsetOf(step));
  const ms = rows.durationMs(step);
  if (!Number.isNaN(ms)) return formatDuration(ms);
  return rows.has(step, 'running') || TIMELESS.includes(rows.kind(step)) ? '' : <Missing />;
}

function priceOf({ rows }: ReplayApp, step: number) {
  const nanoUsd = rows.nanoUsd(step);
  if (Number.isNaN(nanoUsd)) {
    return rows.has(step, 'running') || TIMELESS.includes(rows.kind(step)) ? '' : <Missing />;
  }
  const text = formatUsd(nanoUsd, { estimate: rows.has(step, 'estimate') });
  return nanoUsd === 0 ? <span class="dim">{text}</span> : text;
}
