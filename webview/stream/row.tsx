import {
  formatClock,
  formatCount,
  formatDuration,
  formatUsd,
  MISSING,
} from '../../src/model/format.ts';
import type { StepView } from '../../src/model/step.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { RowKind } from '../../src/protocol/rows.ts';
import { Icon } from '../shared/icons.tsx';
import { KIND_ICONS, KIND_ROLES, KIND_WORDS, laneClass, TIMELESS } from '../shared/rowMarks.ts';
import type { StreamApp } from './app.ts';

/** Columns of one row: lane | icon | summary | duration | cost. */
export function RowCells({ app, row }: { app: StreamApp; row: number }) {
  const { rows } = app;
  if (!rows.known(row)) return null;
  const view = app.words.get(row);
  const kind = rows.kind(row);
  const denied = rows.has(row, 'denied');
  const icon = denied ? 'circle-slash' : (view?.icon ?? KIND_ICONS[kind]);
  const role =
    denied || rows.has(row, 'error')
      ? 'error'
      : kind === 'agent'
        ? laneClass(view?.spawns ?? 1)
        : `role-${KIND_ROLES[kind] ?? 'other'}`;
  return (
    <>
      <span class={`lane ${laneClass(rows.lane(row))}`} />
      <Unseen words={unseenWords(app, row)} />
      <span class={`row-icon ${role}`}>
        <Icon name={icon} />
      </span>
      <span class="summary">
        {rows.isPrompt(row) && <span class="verb">{rows.promptIndex(row) + 1} ·</span>}
        {view && <Summary view={view} kind={kind} />}
      </span>
      {denied && view?.rule ? (
        <span class="tag red rule">
          <Icon name="shield" />
          <span class="cut">{visibleText(view.rule)}</span>
        </span>
      ) : (
        <>
          <span class="duration">{duration(app, row, kind)}</span>
          <span class="price">{price(app, row, kind)}</span>
        </>
      )}
    </>
  );
}

function Summary({ view, kind }: { view: StepView; kind: RowKind }) {
  const { verb, target, detail, attempt, added, removed } = view;
  const italic = kind === 'reasoning' ? 'italic' : '';
  return (
    <>
      {attempt !== undefined && attempt > 1 && (
        <span class="tag amber">
          <Icon name="refresh" />
          retry {attempt}
        </span>
      )}
      {verb && <span class="verb">{visibleText(verb)}</span>}
      {verb && view.style === 'muted' && target && <span class="muted">·</span>}
      {target && (
        <span class={`target ${view.style} ${italic} ${view.file ? 'opens' : ''}`}>
          {visibleText(target)}
        </span>
      )}
      {added !== undefined && <span class="added">+{formatCount(added)}</span>}
      {removed !== undefined && <span class="removed">−{formatCount(removed)}</span>}
      {detail && <span class="detail">{visibleText(detail)}</span>}
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

const Missing = () => <span class="dim">{MISSING}</span>;

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
