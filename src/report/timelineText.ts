/** A timeline for a terminal. */
import type { AnalysedSession } from '../analysis/analysed.ts';
import type { SessionPhase } from '../analysis/phases/phase.ts';
import { formatClock, formatCount, formatDuration, formatUsd, plural } from '../model/format.ts';
import { OUTCOME_SIGNS } from '../model/outcomeWords.ts';
import type { StepKind } from '../model/step.ts';
import { type Bounded, gapHow, type Place } from './bounds.ts';
import { costCell } from './costText.ts';
import { nothingYet, OUTCOME_COLOURS } from './explainText.ts';
import { phaseFacts, STATUS_WORDS } from './explainWords.ts';
import { phaseGap, tellingPhases } from './phaseGaps.ts';
import { dateTime } from './sessionTable.ts';
import type { Style } from './style.ts';
import { cutToWidth, sanitizeLine, textWidth, wrapFacts } from './terminalText.ts';
import {
  entriesOf,
  outline,
  type Timeline,
  type TimelineEntry,
  type TimelineFold,
  type TimelinePhase,
} from './timelineReport.ts';
import { titleLine } from './titleLine.ts';

/** `most`: lines a phase. */
export interface TimelineTextOptions extends Bounded {
  style: Style;
  width?: number | undefined;
}

/** Lines a phase. */
export const USUAL_LINES = 20;
/** Phases that are shown, where there are more. */
const MOST_PHASES = 100;

/** The phases that are shown, and the gaps between them: all of them where every step is. @param most lines a phase */
export const shownPhases = (phases: readonly SessionPhase[], most: number | undefined): Place[] =>
  tellingPhases(phases, most === Number.POSITIVE_INFINITY ? most : MOST_PHASES);

/** How a step came out, in a sign. */
export const STATUS_SIGNS: Record<TimelineEntry['status'], string> = {
  ok: '✓',
  fail: '✕',
  denied: '⊘',
  running: '●',
  info: '·',
};
const BAR = 24;

/** Piece by piece, for a session may be long. */
export function* timelineText(
  session: AnalysedSession,
  timeline: Timeline,
  options: TimelineTextOptions,
): Generator<string> {
  yield head(timeline, options);
  if (timeline.phases.length === 0) yield `\n${nothingYet(options.width).join('\n')}\n`;
  const phases = timeline.phases.map(({ phase }) => phase);
  const places = shownPhases(phases, options.most);
  for (const place of places) {
    if (typeof place !== 'number') {
      const gap = wrapFacts(phaseGap(phases, place, gapHow(places, place)), options.width);
      yield `\n${gap.map((line) => `${options.style.dim(line)}\n`).join('')}`;
      continue;
    }
    const one = timeline.phases[place]!;
    yield `\n${phaseHead(timeline, one, options)}`;
    yield* entries(session, timeline, one, options);
  }
}

/** What the session came to: hostile words. */
export function timelineFacts({ summary, wastedNanoUsd, phases }: Timeline): string[] {
  return [
    summary.agent,
    dateTime(summary.startedAtMs),
    formatDuration(summary.durationMs),
    costCell(summary.cost),
    ...(wastedNanoUsd > 0 ? [`${formatUsd(wastedNanoUsd)} wasted`] : []),
    plural(phases.length, 'phase'),
    plural(summary.calls, 'call'),
    plural(summary.errors, 'error'),
    ...(summary.retries > 0 ? [plural(summary.retries, 'retry', 'retries')] : []),
    STATUS_WORDS[summary.status],
  ];
}

function head(timeline: Timeline, { style, width }: TimelineTextOptions): string {
  const facts = timelineFacts(timeline).map(sanitizeLine).join(' · ');
  return [
    titleLine(timeline.summary.title, { style, width }),
    ...wrapFacts(facts, width).map((line) => style.dim(line)),
    '',
  ].join('\n');
}

function phaseHead(
  { summary, phases }: Timeline,
  { phase, name, prompt, wastedNanoUsd }: TimelinePhase,
  { style, width }: TimelineTextOptions,
): string {
  const colour = style[OUTCOME_COLOURS[phase.outcome]];
  const tag = phase.promptNumber > 0 ? `P${phase.promptNumber} ` : '';
  const words = sanitizeLine(phase.parts === 1 ? prompt || name : name);
  const label = `${OUTCOME_SIGNS[phase.outcome]} ${String(phase.index + 1).padStart(2)}  `;
  const room = width === undefined ? undefined : Math.max(12, width - label.length - tag.length);
  const lines: string[] = [];
  if (phase.parts > 1 && prompt !== '') {
    const said = sanitizeLine(prompt);
    const lead = `P${phase.promptNumber}  `;
    lines.push(
      `${style.dim(lead)}${width === undefined ? said : cutToWidth(said, width - lead.length)}`,
    );
  }
  const shown = cutToWidth(words, room);
  lines.push(`${colour(label)}${style.dim(tag)}${style.bold(shown)}`);
  const last = phases.at(-1)!.phase;
  const bar = barOf(phase, summary.startedAtMs, Math.max(last.endMs, phase.endMs));
  const facts = phaseFacts(phase, wastedNanoUsd).join(' · ');
  const clock = `${formatClock(phase.startMs - summary.startedAtMs)}–${formatClock(phase.endMs - summary.startedAtMs)}`;
  const line = `${clock} · ${facts}`;
  const fits = width === undefined || 8 + BAR + textWidth(line) <= width;
  if (fits) lines.push(`      ${colour(bar)}  ${style.dim(line)}`);
  else {
    lines.push(...wrapFacts(line, width - 6).map((part) => `      ${style.dim(part)}`));
  }
  return `${lines.join('\n')}\n`;
}

/** Where in the session the phase lies. */
function barOf({ startMs, endMs }: TimelinePhase['phase'], fromMs: number, toMs: number): string {
  const span = Math.max(1, toMs - fromMs);
  const place = (ms: number): number => Math.min(BAR, Math.max(0, ((ms - fromMs) / span) * BAR));
  const from = Math.min(BAR - 1, Math.floor(place(startMs)));
  const to = Math.max(from + 1, Math.round(place(endMs)));
  return '─'.repeat(from) + '█'.repeat(to - from) + '─'.repeat(BAR - to);
}

function* entries(
  session: AnalysedSession,
  { summary }: Timeline,
  { phase }: TimelinePhase,
  options: TimelineTextOptions,
): Generator<string> {
  const startMs = summary.startedAtMs;
  const { most = USUAL_LINES } = options;
  if (most === Number.POSITIVE_INFINITY) {
    for (const entry of entriesOf(session, phase.firstStep, phase.lastStep)) {
      yield entryLine(entry, startMs, options);
    }
    return;
  }
  for (const one of outline(session, phase, most)) {
    if (typeof one !== 'number') yield foldLine(one, startMs, options);
    else for (const entry of entriesOf(session, one, one)) yield entryLine(entry, startMs, options);
  }
}

/** Which attempt, how many lines, what came of it: hostile, may be empty. */
export function entryDetail({ added, removed, attempt, detail }: TimelineEntry): string {
  return [
    attempt === undefined ? '' : `(attempt ${formatCount(attempt)})`,
    added !== undefined || removed !== undefined
      ? `+${formatCount(added ?? 0)} −${formatCount(removed ?? 0)}`
      : '',
    detail,
  ]
    .filter((word) => word !== '')
    .join(' ');
}

const STATUS_COLOURS = {
  ok: 'green',
  fail: 'red',
  denied: 'yellow',
  running: 'blue',
  info: 'dim',
} as const;

function entryLine(
  entry: TimelineEntry,
  startMs: number,
  { style, width }: TimelineTextOptions,
): string {
  const sign = style[STATUS_COLOURS[entry.status]](STATUS_SIGNS[entry.status]);
  const what = sanitizeLine(entryDetail(entry));
  const words = sanitizeLine(entry.words);
  const sub = entry.lane === 0 ? '' : '│ ';
  const told = `${sub}${entry.kind === 'prompt' ? '❯ ' : ''}${words}`;
  return line(
    sign,
    place(entry.step, entry.timeMs, startMs),
    told,
    what,
    tail(entry.durationMs, entry.kind === 'prompt' ? Number.NaN : entry.nanoUsd),
    { style, width },
  );
}

const NAMES: Partial<Record<StepKind, [one: string, many: string]>> = {
  read: ['read', 'reads'],
  search: ['search', 'searches'],
  reasoning: ['thought', 'thoughts'],
  assistant: ['text', 'texts'],
  modify: ['edit', 'edits'],
  run: ['command', 'commands'],
  web: ['page', 'pages'],
  mcp: ['MCP call', 'MCP calls'],
  agent: ['subagent', 'subagents'],
  notice: ['notice', 'notices'],
};

/** What a run of quiet steps was: words of ours. */
export function foldWords({ counts, errors }: TimelineFold): string {
  const all = counts.map(([kind, count]) => {
    const [one, many] = NAMES[kind] ?? ['other step', 'other steps'];
    return plural(count, one, many);
  });
  return [...all, ...(errors > 0 ? [`${plural(errors, 'error')} in them`] : [])].join(', ');
}

function foldLine(
  fold: TimelineFold,
  startMs: number,
  { style, width }: TimelineTextOptions,
): string {
  const errors = fold.errors > 0 ? `${plural(fold.errors, 'error')} in them` : '';
  return line(
    style.dim('…'),
    place(fold.firstStep, fold.timeMs, startMs),
    foldWords({ ...fold, errors: 0 }),
    errors,
    tail(fold.durationMs > 0 ? fold.durationMs : Number.NaN, fold.nanoUsd),
    { style, width },
    true,
  );
}

/** As wide for every step of a session that is shorter than ten hours. */
const place = (step: number, timeMs: number, startMs: number): string =>
  `${String(step + 1).padStart(5)}  ${formatClock(timeMs - startMs).padStart(7)}  `;

const tail = (durationMs: number, nanoUsd: number): string =>
  `${(Number.isNaN(durationMs) ? '' : formatDuration(durationMs)).padStart(8)}${(Number.isNaN(nanoUsd) ? '' : formatUsd(nanoUsd)).padStart(9)}`;

function line(
  sign: string,
  where: string,
  words: string,
  detail: string,
  end: string,
  { style, width }: Omit<TimelineTextOptions, 'most'>,
  dim = false,
): string {
  const lead = `  ${sign} ${where}`;
  const paint = (text: string): string => (dim ? style.dim(text) : text);
  if (width === undefined) {
    const more = detail === '' ? '' : `  ${style.dim(detail)}`;
    return `${lead}${paint(words)}${more}${end.trim() === '' ? '' : `  ${style.dim(end.trim().replace(/ +/g, ' '))}`}\n`;
  }
  const showsEnd = width >= 60;
  const room = Math.max(12, width - 4 - textWidth(where) - (showsEnd ? textWidth(end) : 0));
  // What came of it is short and tells more than the end of a long command.
  const kept =
    detail === '' ? 0 : Math.min(textWidth(detail), Math.max(10, Math.floor(room * 0.45)));
  const shown = cutToWidth(words, Math.max(8, kept === 0 ? room : room - kept - 2));
  const left = room - textWidth(shown) - 2;
  const more = detail === '' || left < 4 ? '' : cutToWidth(detail, left);
  const used = textWidth(shown) + (more === '' ? 0 : textWidth(more) + 2);
  const gap = showsEnd && end.trim() !== '' ? ' '.repeat(Math.max(0, room - used)) : '';
  const told = more === '' ? paint(shown) : `${paint(shown)}  ${style.dim(more)}`;
  return `${lead}${told}${gap}${showsEnd && end.trim() !== '' ? style.dim(end) : ''}`
    .trimEnd()
    .concat('\n');
}
