/** The table of sessions. */
import {
  formatCount,
  formatDuration,
  formatKnownUsd,
  formatUsd,
  MISSING,
} from '../model/format.ts';
import { isCostKnown, type SessionSummary } from '../model/summary.ts';
import { costCell } from './costText.ts';
import type { Style } from './style.ts';
import { renderTable, type TableColumn } from './table.ts';
import { sanitizeLine } from './terminalText.ts';

export interface SessionRow {
  /** Enough of the id to name it. */
  shortId: string;
  summary: SessionSummary;
  /** That the person gave it: in place of its title. */
  name?: string;
  badLines: number;
  newerVersion: boolean;
  /** Id of the session that started it. */
  parent?: string;
}

/** What stands before a session: filled while it works, open while it rests, `✗` where it broke off. */
export const STATUS_MARKS: Record<SessionSummary['status'], string> = {
  live: '●',
  waiting: '◐',
  idle: '○',
  paused: '‖',
  ended: '',
  failed: '✗',
};

export function sessionTable(
  rows: readonly SessionRow[],
  options: { style: Style; width?: number | undefined },
): string {
  const { style } = options;
  const dimZero = (cell: string): string => (/^ *(0|–)$/.test(cell) ? style.dim(cell) : cell);
  const columns: TableColumn<SessionRow>[] = [
    {
      title: '',
      text: ({ summary }) => STATUS_MARKS[summary.status],
      paint: (cell, { summary }) =>
        summary.status === 'failed' ? style.red(cell) : style.green(cell),
    },
    {
      title: 'id',
      text: ({ shortId }) => sanitizeLine(shortId),
      paint: (cell) => style.cyan(cell),
    },
    { title: 'started', text: ({ summary }) => dateTime(summary.startedAtMs), expendable: 1 },
    { title: 'agent', text: ({ summary }) => sanitizeLine(summary.agent), expendable: 5 },
    { title: 'title', flexible: true, text: titleOf },
    {
      title: 'duration',
      align: 'right',
      text: ({ summary }) =>
        summary.startedAtMs > 0 ? formatDuration(summary.durationMs) : MISSING,
      paint: dimZero,
      expendable: 2,
    },
    {
      title: 'calls',
      align: 'right',
      text: ({ summary }) => formatCount(summary.calls),
      paint: dimZero,
      expendable: 3,
    },
    {
      title: 'errors',
      align: 'right',
      text: ({ summary }) => formatCount(summary.errors),
      paint: (cell, { summary }) => (summary.errors > 0 ? style.red(cell) : dimZero(cell)),
      expendable: 4,
    },
    {
      title: 'cost',
      align: 'right',
      text: ({ summary }) => costCell(summary.cost),
      paint: (cell, { summary }) =>
        summary.cost.unpriced > 0 ? style.yellow(cell) : dimZero(cell),
    },
  ];
  return renderTable(columns, rows, options);
}

function titleOf({ summary, name, badLines, newerVersion, parent }: SessionRow): string {
  const notes = [
    ...(newerVersion ? ['newer format'] : []),
    ...(badLines > 0 ? [`${formatCount(badLines)} bad lines`] : []),
  ];
  const started = parent === undefined ? '' : '↳ ';
  const title = `${started}${sanitizeLine(name ?? summary.title) || MISSING}`;
  return notes.length > 0 ? `[${notes.join(', ')}] ${title}` : title;
}

/** The last line under the table: how many, and what they cost together. */
export function sessionTotals(all: readonly SessionSummary[]): string {
  const billed = all.reduce((sum, { cost }) => sum + cost.nanoUsd, 0);
  const estimated = all.reduce((sum, { cost }) => sum + cost.estimatedNanoUsd, 0);
  const unpriced = all.filter(({ cost }) => cost.unpriced > 0).length;
  const known = all.some(({ cost }) => isCostKnown(cost));
  return [
    `${formatCount(all.length)} ${all.length === 1 ? 'session' : 'sessions'}`,
    ...(known ? [formatKnownUsd(billed, unpriced)] : []),
    ...(estimated > 0 ? [`${formatUsd(estimated, { estimate: true })} estimated`] : []),
    ...(unpriced > 0 ? [`${formatCount(unpriced)} with responses that have no price`] : []),
  ].join(' · ');
}

const pad = (value: number): string => String(value).padStart(2, '0');

/** `2026-05-01 14:02` in local time; `–` for never. */
export function dateTime(ms: number): string {
  if (!(ms > 0)) return MISSING;
  const at = new Date(ms);
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return `${day} ${pad(at.getHours())}:${pad(at.getMinutes())}`;
}
