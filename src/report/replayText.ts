/** Steps of a session as lines for a terminal. */
import { FLAG, TYPE } from '../model/columns.ts';
import type { SessionFold } from '../model/fold.ts';
import { formatClock, formatDuration, formatUsd, plural } from '../model/format.ts';
import type { Phase } from '../model/slices/phases.ts';
import { STEP_KINDS, type StepIcon, type StepView } from '../model/step.ts';
import type { SessionSummary } from '../model/summary.ts';
import { costCell } from './costText.ts';
import { dateTime } from './sessionTable.ts';
import type { Style } from './style.ts';
import { cutToWidth, padToWidth, sanitizeLine, textWidth, wrapFacts } from './terminalText.ts';
import { titleLine } from './titleLine.ts';

/** One column each, in fonts that terminals have. */
const SIGNS: Record<StepIcon, string> = {
  account: '❯',
  comment: '“',
  thinking: '∴',
  file: '<',
  edit: '>',
  search: '?',
  terminal: '$',
  globe: '@',
  plug: '~',
  robot: '◆',
  tools: '*',
  sparkle: '✦',
  info: 'i',
  bell: '!',
  error: '✗',
  'circle-slash': '⊘',
  play: '▶',
  'debug-stop': '■',
  archive: '▣',
};

export interface ReplayTextOptions {
  style: Style;
  /** Columns of the terminal; undefined: nothing is cut or aligned to a margin. */
  width?: number | undefined;
  /** The session's beginning, ms since the epoch. */
  startMs: number;
  /** Number of the step, 1-based, to be shown before it. */
  step?: number;
}

const STEP_COLUMNS = 6;
const OFFSET_COLUMNS = 8;
const DURATION_COLUMNS = 7;
const COST_COLUMNS = 9;
/** A narrower terminal has no margin for duration and cost: the words need the room. */
const NARROW = 60;
/** Words of a step are not cut to less for what stands beside them. */
const LEAST_WORDS = 12;

/** `+0:42`. */
const offset = (timeMs: number, startMs: number): string => `+${formatClock(timeMs - startMs)}`;

/** What stands before the words of a step: its number, where that is asked for, and its time. */
function leadOf(timeMs: number, { step, startMs }: ReplayTextOptions): string {
  const number =
    step === undefined ? '' : `${padToWidth(String(step), STEP_COLUMNS - 1, 'right')} `;
  return `${number}${padToWidth(offset(timeMs, startMs), OFFSET_COLUMNS, 'right')}  `;
}

/** A note that a person made on a step, under it. */
export function noteLine(
  label: string,
  note: string,
  author: string,
  options: ReplayTextOptions,
): string {
  const { style, width } = options;
  const under = ' '.repeat(OFFSET_COLUMNS + 2 + (options.step === undefined ? 0 : STEP_COLUMNS));
  const text = [
    ...(label === '' ? [] : [`[${sanitizeLine(label)}]`]),
    ...(note === '' ? [] : [sanitizeLine(note)]),
    ...(author === '' ? [] : [`(${sanitizeLine(author)})`]),
  ].join(' ');
  const cut = width === undefined ? text : cutToWidth(text, Math.max(4, width - under.length - 2));
  return `${under}${style.green(`✎ ${cut}`)}`;
}

/** First lines: what session this is. */
export function replayHead(
  id: string,
  summary: SessionSummary,
  options: ReplayTextOptions,
): string {
  const { style, width } = options;
  const facts = [
    sanitizeLine(summary.agent),
    ...(summary.model ? [sanitizeLine(summary.model)] : []),
    dateTime(summary.startedAtMs),
    sanitizeLine(id),
  ].join(' · ');
  const lines = wrapFacts(facts, width).map((line) => `${style.dim(line)}\n`);
  return `${titleLine(summary.title, { style, width })}\n${lines.join('')}`;
}

/** Last lines: what it came to. */
export function replayFoot(
  summary: SessionSummary,
  { style, width }: Pick<ReplayTextOptions, 'style' | 'width'>,
): string {
  return wrapFacts(
    [
      summary.status,
      formatDuration(summary.durationMs),
      plural(summary.calls, 'call'),
      plural(summary.errors, 'error'),
      ...(summary.denied > 0 ? [`${summary.denied} denied`] : []),
      ...(summary.retries > 0 ? [plural(summary.retries, 'retry', 'retries')] : []),
      costCell(summary.cost),
    ].join(' · '),
    width,
  )
    .map(style.dim)
    .join('\n');
}

/** A prompt stands over what it led to. */
export function promptHeading(
  view: StepView,
  timeMs: number,
  phase: Phase | undefined,
  options: ReplayTextOptions,
): string {
  const { style, width } = options;
  const lead = leadOf(timeMs, options);
  const facts = phase === undefined ? '' : phaseFacts(phase);
  const text = sanitizeLine(view.target);
  const told = (shown: string): string =>
    `\n${style.dim(lead)}${style.bold(style.cyan(`${SIGNS.account} ${shown}`))}`;
  if (width === undefined) return `${told(text)}  ${style.dim(facts)}`.trimEnd();
  const room = width - lead.length - 2;
  const beside = room - textWidth(facts) - 2;
  if (width >= NARROW && (facts === '' || beside >= Math.min(textWidth(text), width / 3))) {
    return `${told(cutToWidth(text, beside))}  ${style.dim(facts)}`.trimEnd();
  }
  // Beside each other neither would have the room.
  const under = ' '.repeat(lead.length + 2);
  const lines = facts === '' ? [] : wrapFacts(facts, room);
  return [told(cutToWidth(text, room)), ...lines.map((line) => `${under}${style.dim(line)}`)].join(
    '\n',
  );
}

export function phaseFacts(phase: Phase): string {
  return [
    ...(phase.calls > 0 ? [plural(phase.calls, 'call')] : []),
    ...(phase.errors > 0 ? [plural(phase.errors, 'error')] : []),
    ...(phase.denied > 0 ? [`${phase.denied} denied`] : []),
    ...(phase.nanoUsd > 0 ? [formatUsd(phase.nanoUsd)] : []),
    ...(phase.endMs > phase.startMs && phase.row >= 0
      ? [formatDuration(phase.endMs - phase.startMs)]
      : []),
  ].join(' · ');
}

/** The name of a step's lane: a subagent; empty for the main agent. */
export function laneName(fold: SessionFold, lane: number): string {
  if (lane === 0) return '';
  const known = fold.subagents.all().find((subagent) => subagent.lane === lane);
  return sanitizeLine(known?.type || fold.lanes.name(lane) || 'subagent').slice(0, 40);
}

/**
 * One step: offset, subagent lanes indented, sign, words; outcome, duration and cost at the margin.
 *
 * @param reason first words of what went wrong, shown on a line of its own
 */
export function stepLine(
  fold: SessionFold,
  row: number,
  view: StepView,
  options: ReplayTextOptions & { lane: string; reason?: string; running?: boolean },
): string {
  const { style, width, lane } = options;
  const { columns } = fold;
  const flags = columns.flags[row]!;
  const kind = STEP_KINDS[columns.kind[row]!] ?? 'other';
  const failed = (flags & FLAG.error) !== 0;
  const denied = (flags & FLAG.denied) !== 0;
  const lead = leadOf(columns.timeMs[row]!, options);
  const isNarrow = width !== undefined && width < NARROW;
  const name = width === undefined ? lane : cutToWidth(lane, width >> (isNarrow ? 3 : 2));
  const indent = lane === '' ? '' : `│ ${name} `;
  const failure = failed && view.icon !== 'error' ? ['✗'] : [];
  const marks = [
    // What is cut off must not be that it failed.
    ...(isNarrow ? failure : []),
    ...(view.attempt !== undefined && view.attempt > 1 ? [`retry ${view.attempt}`] : []),
    ...(view.added !== undefined ? [`+${view.added}`] : []),
    ...(view.removed !== undefined ? [`−${view.removed}`] : []),
    ...(view.detail !== '' ? [sanitizeLine(view.detail)] : []),
    ...(view.rule !== undefined ? [sanitizeLine(view.rule)] : []),
    ...(isNarrow ? [] : failure),
    ...(options.running === true ? ['…'] : []),
  ].join(' ');
  const isCall = columns.type[row] === TYPE.tool_call;
  const ms = columns.durationMs[row]!;
  const duration = isCall && !Number.isNaN(ms) ? formatDuration(ms) : '';
  const nano = fold.stepNanoUsd(row);
  const cost = Number.isNaN(nano) ? '' : formatUsd(Math.round(nano));
  const words = [sanitizeLine(view.verb), sanitizeLine(view.target)].filter(Boolean).join(' ');
  const paint = painter(style, kind, failed, denied, view.style === 'muted');
  const sign = paint(SIGNS[view.icon]);
  const tint = failed ? style.red : denied ? style.yellow : style.dim;
  let line: string;
  if (width === undefined) {
    line = [
      `${style.dim(lead)}${style.dim(indent)}${sign} ${paint(words)}`,
      tint(marks),
      duration,
      cost,
    ]
      .filter(Boolean)
      .join('  ');
  } else {
    const whole = width - lead.length - textWidth(indent) - 2;
    // A long one (`15m 40s`) takes from the words, and does not stick to what stands before it.
    const durationColumns = Math.max(DURATION_COLUMNS, textWidth(duration) + 2);
    const margin = durationColumns + COST_COLUMNS;
    const end =
      isNarrow || whole - margin < LEAST_WORDS
        ? ''
        : padToWidth(duration, durationColumns, 'right') + padToWidth(cost, COST_COLUMNS, 'right');
    const room = Math.max(4, whole - end.length);
    const least = Math.min(LEAST_WORDS, textWidth(words));
    const beside = cutToWidth(marks, room - least - 2);
    const marksWidth = beside === '' ? 0 : textWidth(beside) + 2;
    const shown = cutToWidth(words, room - marksWidth);
    const gap = ' '.repeat(room - textWidth(shown) - textWidth(beside));
    line =
      `${style.dim(lead)}${style.dim(indent)}${sign} ${paint(shown)}${gap}${tint(beside)}` +
      style.dim(end);
    line = line.trimEnd();
  }
  const { reason } = options;
  if (reason === undefined || reason === '') return line;
  const under = ' '.repeat(lead.length) + indent;
  const text = sanitizeLine(reason);
  const cut = cutToWidth(
    text,
    width === undefined ? 300 : Math.max(4, width - textWidth(under) - 2),
  );
  return `${line}\n${style.dim(under)}${tint(`└ ${cut}`)}`;
}

function painter(
  style: Style,
  kind: (typeof STEP_KINDS)[number],
  failed: boolean,
  denied: boolean,
  muted: boolean,
): (text: string) => string {
  if (failed) return style.red;
  if (denied) return style.yellow;
  if (muted) return style.dim;
  switch (kind) {
    case 'read':
      return style.blue;
    case 'modify':
      return style.yellow;
    case 'run':
      return style.magenta;
    case 'session':
    case 'notice':
    case 'reasoning':
      return style.dim;
    default:
      return (text) => text;
  }
}
