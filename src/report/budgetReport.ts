/** How full the context windows of a session are, against a threshold. */
import { type ContextCourse, coursesInSlices } from '../analysis/context/contextCourse.ts';
import { drain, type Sliced } from '../analysis/slices.ts';
import type { SessionFold } from '../model/fold.ts';
import { formatPercent, formatTokens, MISSING, plural } from '../model/format.ts';
import { type Bounded, moreLines, moreText } from './bounds.ts';
import { fullest } from './contextGaps.ts';
import { type LaneFactsJson, laneFacts } from './contextReport.ts';
import { laneName, NO_REQUESTS } from './contextText.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';
import { padToWidth, sanitizeLine, wrapFacts } from './terminalText.ts';
import { titleLine } from './titleLine.ts';

/** Share of a window from which on it is too full, unless told. */
export const WARN_AT = 0.9;

export type BudgetState = 'ok' | 'warn' | 'full' | 'unknown';

/** `tokens` are of the last request, prompt and answer: what the next one starts with. */
export interface BudgetLaneJson extends LaneFactsJson {
  /** null where the window is not known. */
  remaining_tokens: number | null;
  compactions: number;
  /** By its last request, or by its peak where that is judged. */
  state: BudgetState;
}

export interface BudgetReport {
  session_id: string;
  title: string;
  /** Share of the window from which on it is too full. */
  warn_at: number;
  judged_by: 'last' | 'peak';
  /** A window is as full as that, or fuller. */
  exceeded: boolean;
  lanes: BudgetLaneJson[];
}

export interface BudgetOptions {
  warnAt: number;
  peak?: boolean;
  /** Tokens, instead of what is known of the models. */
  window?: number | undefined;
}

export function budgetReport(id: string, fold: SessionFold, options: BudgetOptions): BudgetReport {
  return drain(budgetInSlices(id, fold, options));
}

/** As {@link budgetReport}. */
export function* budgetInSlices(
  id: string,
  fold: SessionFold,
  options: BudgetOptions,
): Sliced<BudgetReport> {
  const subagents = new Map(fold.subagents.all().map((agent) => [agent.lane, agent]));
  const { window, warnAt, peak } = options;
  const laneOf = (course: ContextCourse): BudgetLaneJson => {
    const agent = subagents.get(course.lane);
    const { sources: _, ...facts } = laneFacts(course, window);
    const judged = peak === true ? facts.peak_fill : facts.fill;
    return {
      lane: fold.lanes.name(course.lane),
      type: agent?.type ?? '',
      description: agent?.description ?? '',
      ...facts,
      remaining_tokens:
        facts.window_tokens === null ? null : Math.max(0, facts.window_tokens - facts.tokens),
      compactions: course.compactions.length,
      state: judged === null ? 'unknown' : judged >= 1 ? 'full' : judged >= warnAt ? 'warn' : 'ok',
    };
  };
  const lanes = (yield* coursesInSlices(fold)).map(laneOf);
  return {
    session_id: id,
    title: fold.session.title,
    warn_at: warnAt,
    judged_by: peak === true ? 'peak' : 'last',
    exceeded: lanes.some(({ state }) => state === 'warn' || state === 'full'),
    lanes,
  };
}

const BAR = 20;
/** Agents that are shown. */
const USUAL = 40;
const WORDS: Record<BudgetState, string> = {
  ok: '✓ ok',
  warn: '! over ',
  full: '✗ full',
  unknown: 'window not known',
};

/** The agents that are shown: the main one, and those with the fullest windows by what is judged. */
export const fullestLanes = (
  { lanes, judged_by }: BudgetReport,
  most = USUAL,
): { shown: readonly BudgetLaneJson[]; rest: number } =>
  fullest(lanes, most, (lane) => (judged_by === 'peak' ? lane.peak_fill : lane.fill));

export function budgetText(
  report: BudgetReport,
  { style, width, most }: Bounded & { style: Style; width?: number | undefined },
): string {
  const head = titleLine(report.title, { style, width });
  if (report.lanes.length === 0) return `${head}\n${moreLines(NO_REQUESTS, { style, width })}`;
  const { shown, rest } = fullestLanes(report, most);
  const paint = (cell: string, { state }: BudgetLaneJson): string =>
    state === 'full' ? style.red(cell) : state === 'warn' ? style.yellow(cell) : cell;
  const table = renderTable<BudgetLaneJson>(
    [
      { title: 'agent', flexible: true, text: laneName },
      {
        title: 'model',
        expendable: 5,
        text: ({ model }) => sanitizeLine(model) || MISSING,
      },
      {
        title: 'window',
        expendable: 6,
        text: ({ fill }) => (fill === null ? MISSING : fillBar(fill)),
        paint,
      },
      {
        title: 'last',
        align: 'right',
        text: ({ tokens }) => formatTokens(tokens),
      },
      {
        title: 'of',
        align: 'right',
        expendable: 3,
        text: ({ window_tokens: window }) => (window === null ? MISSING : formatTokens(window)),
      },
      {
        title: 'full',
        align: 'right',
        text: ({ fill }) => (fill === null ? MISSING : formatPercent(fill)),
        paint,
      },
      {
        title: 'peak',
        align: 'right',
        expendable: 2,
        text: ({ peak_fill: fill, peak_tokens: tokens }) =>
          fill === null ? formatTokens(tokens) : formatPercent(fill),
      },
      {
        title: '',
        expendable: 1,
        text: ({ state }) => stateWords(state, report.warn_at),
        paint,
      },
    ],
    shown,
    { style, ...(width === undefined ? {} : { width }) },
  );
  const notes = [...(rest > 0 ? [moreText(rest, 'agent')] : []), ...budgetNotes(report)];
  const lines = notes.flatMap((note) => wrapFacts(note, width)).map(style.dim);
  return `${head}\n\n${table}\n${lines.join('\n')}\n`;
}

export const stateWords = (state: BudgetState, warnAt: number): string =>
  `${WORDS[state]}${state === 'warn' ? formatPercent(warnAt) : ''}`;

/**
 * What there is to say of all windows together.
 *
 * @param how the size of a window is told that is not known; empty: that is not said
 */
export function budgetNotes(report: BudgetReport, how = '--window TOKENS says it'): string[] {
  const isPeak = report.judged_by === 'peak';
  const over = report.lanes.filter(({ state }) => state === 'warn' || state === 'full').length;
  const full = `${formatPercent(report.warn_at)} full`;
  const be = isPeak ? (over === 1 ? 'was' : 'were') : over === 1 ? 'is' : 'are';
  const when = isPeak ? ` at ${over > 1 ? 'their' : 'its'} peak` : '';
  const unknown = report.lanes.some(({ state }) => state === 'unknown');
  return [
    over === 0
      ? `No window ${isPeak ? 'was' : 'is'} ${full}${when}.`
      : `${plural(over, 'window')} ${be} ${full} or more${when}.`,
    ...(unknown
      ? [`How much fits is not known of every model${how === '' ? '' : `: ${how}`}.`]
      : []),
  ];
}

/** How full a window is. @param fill from 0 */
export function fillBar(fill: number): string {
  const columns = Math.min(BAR, Math.max(fill > 0 ? 1 : 0, Math.round(fill * BAR)));
  return padToWidth('█'.repeat(columns), BAR).replaceAll(' ', '·');
}
