import { formatClock, formatDuration, formatUsd } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { RowKind } from '../../src/protocol/rows.ts';
import { KIND_WORDS, laneClass, TIMELESS } from '../shared/rowMarks.ts';
import { Missing, RuleTag, StepIcon, StepSummary } from '../shared/step.tsx';
import type { StreamApp } from './app.ts';

/** Columns of one row: lane | icon | summary | duration | cost. */
export function RowCells({ app, row }: { app: StreamApp; row: number }) {
  const { rows } = app;
  if (!rows.known(row)) return null;
  const view = app.words.get(row);
  const kind = rows.kind(row);
  const denied = rows.has(row, 'denied');
  return (
    <>
      <span class={`lane ${laneClass(rows.lane(row))}`} />
      <Unseen words={unseenWords(app, row)} />
      <StepIcon kind={kind} view={view} denied={denied} failed={rows.has(row, 'error')} />
      <span class="summary">
        {rows.isPrompt(row) && <span class="verb">{rows.promptIndex(row) + 1} ·</span>}
        {view && <StepSummary view={view} kind={kind} plain />}
      </span>
      {denied && view?.rule ? (
        <RuleTag rule={view.rule} />
      ) : (
        <>
          <span class="duration">{duration(app, row, kind)}</span>
          <span class="price">{price(app, row, kind)}</span>
        </>
      )}
    </>
  );
}

function duration(app: StreamApp, row: number, kind: RowKind) {
  if (kind === 'prompt') {
    const startedAtMs = app.header?.startedAtMs ?? app.tab?.startedAtMs ?? Number.NaN;
    return formatClock(app.rows.timeMs(row) - startedAtMs);
  }
  const ms = app.rows.durationMs(row);
  if (!Number.isNaN(ms)) return formatDuration(ms);
  return app.rows.has(row, 'running') || TIMELESS.includes(kind) ? '' : <Missing />;
}

function price(app: StreamApp, row: number, kind: RowKind) {
  const nanoUsd = app.rows.nanoUsd(row);
  const running = app.rows.has(row, 'running');
  if (Number.isNaN(nanoUsd)) return running || TIMELESS.includes(kind) ? '' : <Missing />;
  if (nanoUsd === 0 && app.header?.cost.unknown) return <Missing />;
  const text = formatUsd(nanoUsd, { estimate: app.rows.has(row, 'estimate') });
  return nanoUsd === 0 ? <span class="dim">{text}</span> : text;
}

/** What only colour, icon or place say to the eye, in words for a screen reader. */
function unseenWords({ rows, header, words }: StreamApp, row: number): string {
  const view = words.get(row);
  const kind = rows.kind(row);
  const parts: string[] = [];
  if (!view?.verb) parts.push(KIND_WORDS[kind] ?? (view ? '' : kind));
  if (rows.has(row, 'denied')) {
    if (view?.verb !== 'Denied') parts.push('Denied');
  } else if (rows.has(row, 'error')) parts.push('Failed');
  if (rows.has(row, 'running')) parts.push('Running');
  if (rows.has(row, 'redacted')) parts.push('Redacted');
  const lane = rows.lane(row);
  if (lane > 0) parts.push(`By ${header?.lanes[lane]?.name ?? `subagent ${lane}`}`);
  return visibleText(parts.filter(Boolean).join(', '));
}

function Unseen({ words }: { words: string }) {
  return words ? <span class="sr-only">{words}:</span> : null;
}

/** The whole row in words, for the pointer: what is shown may be cut. */
export function rowLabel(app: StreamApp, row: number): string {
  const { rows, header } = app;
  if (!rows.known(row)) return 'Not read yet';
  const view = app.words.get(row);
  const kind = rows.kind(row);
  const parts: string[] = [];
  const denied = rows.has(row, 'denied');
  if (denied && view?.verb !== 'Denied') parts.push('Denied');
  if (rows.isPrompt(row)) parts.push(`Prompt ${rows.promptIndex(row) + 1}`);
  else if (!view?.verb) parts.push(KIND_WORDS[kind] ?? (view ? '' : kind));
  if (view) {
    parts.push(`${view.verb} ${view.target}`.trim());
    if (view.attempt !== undefined && view.attempt > 1) parts.push(`retry ${view.attempt}`);
    if (view.added !== undefined) parts.push(`${view.added} lines added`);
    if (view.removed !== undefined) parts.push(`${view.removed} removed`);
    parts.push(view.detail);
    if (view.rule) parts.push(`rule ${view.rule}`);
  }
  if (rows.has(row, 'error') && !denied) parts.push('failed');
  if (rows.has(row, 'running')) parts.push('running');
  if (rows.has(row, 'redacted')) parts.push('redacted');
  const lane = rows.lane(row);
  if (lane > 0) parts.push(`by ${header?.lanes[lane]?.name ?? `subagent ${lane}`}`);
  const ms = rows.durationMs(row);
  if (!Number.isNaN(ms)) parts.push(formatDuration(ms));
  const nanoUsd = rows.nanoUsd(row);
  if (!Number.isNaN(nanoUsd)) {
    parts.push(formatUsd(nanoUsd, { estimate: rows.has(row, 'estimate') }));
  }
  return visibleText(parts.filter(Boolean).join(', '));
}
