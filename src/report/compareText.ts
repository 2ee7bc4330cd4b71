/** A comparison of two sessions for a terminal: beside each other where there is room, else below each other. */
import type { GroupComparison } from '../analysis/compare/compareRuns.ts';
import {
  type AlignedSteps,
  type ComparedPhase,
  type ComparedSession,
  type Comparison,
  LIKENESSES,
  type Likeness,
  type Measure,
  type Verdict,
} from '../analysis/compare/comparison.ts';
import {
  MEASURE_LABELS,
  measureDifference,
  measureValue,
} from '../analysis/compare/measureWords.ts';
import { formatDuration, formatMoment, MISSING, plural } from '../model/format.ts';
import { knownCostText } from '../model/knownCost.ts';
import { OUTCOME_SIGNS } from '../model/outcomeWords.ts';
import type { StepView } from '../model/step.ts';
import { type Bounded, firstOf, gapHow, moreLines, moreText } from './bounds.ts';
import { phaseRows, rowsGap, tellingRows } from './compareRows.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';
import { cutToWidth, padToWidth, sanitizeLine, textWidth, wrapFacts } from './terminalText.ts';

export interface CompareTextOptions extends Bounded {
  style: Style;
  /** Columns; undefined: nothing is cut. */
  width?: number | undefined;
  /** A step of one side in words; undefined: it cannot be read. */
  describe(side: 'a' | 'b', step: number): StepView | undefined;
}

/** From so many columns on two sides fit beside each other. */
const WIDE = 100;
/** Without a terminal. */
const DEFAULT_WIDTH = 140;
const SIGNS: Record<Likeness, string> = {
  same: '=',
  similar: '≈',
  different: '≠',
  onlyA: '<',
  onlyB: '>',
};

/** Rows before a divergence, and of it, that are shown. */
const BEFORE = 3;
const AFTER = 8;
const USUAL_DIVERGENCES = 3;

export function compareText(comparison: Comparison, options: CompareTextOptions): string {
  return [
    headText(comparison, options),
    verdictText(comparison.verdict, options),
    measuresText(comparison.measures, options),
    phasesText(comparison, options),
    divergencesText(comparison, options),
  ]
    .filter(Boolean)
    .join('\n');
}

export function headText(
  { a, b }: Comparison,
  { style, width = DEFAULT_WIDTH }: CompareTextOptions,
): string {
  const wide = width >= WIDE;
  const half = wide ? (width - 3) >> 1 : width;
  const idLength = Math.max(idLengthOf(a.id), commonLength(a.id, b.id) + 1);
  const lines = (letter: string, side: ComparedSession): string[] => {
    const { who, title, facts } = sideWords(side, idLength);
    // What tells two runs of one prompt apart comes first into the room there is.
    const room = Math.max(LEAST_TITLE, half - textWidth(facts) - 6);
    return [`${letter}  ${who}`, `   ${cutToWidth(title, room)} · ${facts}`];
  };
  const [left, right] = [lines('A', a), lines('B', b)];
  const rows = wide
    ? left.map(
        (line, at) =>
          `${padToWidth(cutToWidth(line, half), half)}   ${cutToWidth(right[at]!, half)}`,
      )
    : [...left, ...right].map((line) => cutToWidth(line, width));
  return `${rows.map((row, at) => (at % 2 === 0 ? style.bold(row) : style.dim(row))).join('\n')}\n`;
}

const LEAST_TITLE = 12;

/** Who ran, and what: plain text. */
function sideWords(
  side: ComparedSession,
  idLength: number,
): { who: string; title: string; facts: string } {
  const code = [
    sanitizeLine(side.branch ?? ''),
    side.commit === undefined ? '' : sanitizeLine(side.commit).slice(0, 8),
  ].filter(Boolean);
  return {
    who: [side.agent, ...side.models].map(sanitizeLine).filter(Boolean).join(' · '),
    title: sanitizeLine(side.title) || 'Untitled session',
    facts: [
      sanitizeLine(side.id).slice(0, idLength),
      side.startedAtMs > 0 ? formatMoment(side.startedAtMs) : MISSING,
      ...(code.length > 0 ? [code.join(' @ ')] : []),
    ].join(' · '),
  };
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** As much of an id as tells sessions apart in most folders: of a UUID its first group, as the list of sessions shows it. */
const idLengthOf = (id: string): number => (/^[0-9a-f]{8}-/i.test(id) ? 8 : 13);

export function verdictText(
  verdict: Verdict,
  { style, width = DEFAULT_WIDTH }: Pick<CompareTextOptions, 'style' | 'width'>,
): string {
  const wrap = (text: string): string[] => wrapFacts(sanitizeLine(text), width);
  const colour = verdict.refused ? style.yellow : style.green;
  const fact = wrap(verdict.fact).map((line) =>
    style.bold(verdict.winner === 'none' && !verdict.refused ? line : colour(line)),
  );
  const rest = [verdict.cause, verdict.caution].filter(Boolean).join(' ');
  return `${[...fact, ...wrap(rest)].join('\n')}\n`;
}

type TestedMeasure = Measure & { p?: number; n?: number; m?: number };

export function measuresText(
  measures: readonly TestedMeasure[],
  { style, width }: Pick<CompareTextOptions, 'style' | 'width'>,
): string {
  const tested = measures.some(({ p }) => p !== undefined);
  const table = renderTable<TestedMeasure>(
    [
      { title: tested ? 'median' : '', text: ({ name }) => MEASURE_LABELS[name].toLowerCase() },
      { title: 'A', align: 'right', text: (measure) => measureValue(measure, 'a') },
      { title: 'B', align: 'right', text: (measure) => measureValue(measure, 'b') },
      {
        title: 'B against A',
        align: 'right',
        text: measureDifference,
        paint: (cell, { verdict }) => painted(cell, verdict, style),
      },
      {
        title: '',
        text: ({ verdict }) => (verdict === 'none' ? '' : verdict),
        paint: (cell, { verdict }) => painted(cell, verdict, style),
      },
      ...(tested
        ? [
            {
              title: 'p',
              align: 'right' as const,
              text: ({ p = Number.NaN }: TestedMeasure) =>
                Number.isNaN(p) ? MISSING : p < 0.0005 ? '<0.001' : p.toFixed(3),
            },
            {
              title: 'runs',
              align: 'right' as const,
              expendable: 1,
              text: ({ n = 0, m = 0 }: TestedMeasure) => `${n}, ${m}`,
            },
          ]
        : []),
    ],
    measures,
    { style, width },
  );
  const note = 'duration: at work, without the time until the next prompt';
  return `${table}${wrapFacts(note, width).map(style.dim).join('\n')}\n`;
}

const painted = (cell: string, verdict: Measure['verdict'], style: Style): string =>
  verdict === 'better' ? style.green(cell) : verdict === 'worse' ? style.yellow(cell) : cell;

function phaseCell(phase: ComparedPhase | undefined, room: number, style: Style): string {
  if (!phase) return ' '.repeat(room);
  const end = `${formatDuration(phase.endMs - phase.startMs)}  ${padToWidth(knownCostText(phase), 8, 'right')}`;
  const name = `${OUTCOME_SIGNS[phase.outcome]} ${sanitizeLine(phase.name)}`;
  const space = Math.max(4, room - textWidth(end) - 1);
  const cell = `${padToWidth(cutToWidth(name, space), space)} ${end}`;
  return phase.outcome === 'failed'
    ? style.red(cell)
    : phase.outcome === 'mixed'
      ? style.yellow(cell)
      : cell;
}

function phasesText(comparison: Comparison, options: CompareTextOptions): string {
  const { style, width = DEFAULT_WIDTH } = options;
  const { a, b } = comparison.phases;
  if (a.length + b.length === 0) return '';
  const title = wrapFacts('phases, joined where the goal is the same', width)
    .map(style.dim)
    .join('\n');
  const wide = width >= WIDE;
  const room = wide ? (width - 3) >> 1 : width - 4;
  const rows = phaseRows(comparison);
  const places = tellingRows(comparison, rows, options.most);
  const lines = places.flatMap((place) => {
    if (typeof place !== 'number') {
      const gap = rowsGap(comparison, rows, place, gapHow(places, place));
      return wrapFacts(gap, width).map(style.dim);
    }
    const row = rows[place]!;
    const [left, right] = [a[row.a], b[row.b]];
    const sign = SIGNS[row.like];
    if (wide) {
      return [`${phaseCell(left, room, style)} ${sign} ${phaseCell(right, room, style)}`.trimEnd()];
    }
    return [
      ...(left ? [`A ${row.like === 'onlyA' ? sign : ' '} ${phaseCell(left, room, style)}`] : []),
      ...(right ? [`B ${right && left ? sign : '>'} ${phaseCell(right, room, style)}`] : []),
    ];
  });
  return `${[title, ...lines].join('\n')}\n`;
}

/** The first divergences with the steps around them. */
export function divergencesText(comparison: Comparison, options: CompareTextOptions): string {
  const { style, width = DEFAULT_WIDTH } = options;
  const { divergences, steps } = comparison;
  if (divergences.length === 0) {
    return steps.length === 0
      ? ''
      : moreLines('They did the same things in the same order.', options);
  }
  const { shown, rest } = firstOf(divergences, options.most ?? USUAL_DIVERGENCES);
  const parts = shown.map((at, index) => {
    const title = `divergence ${index + 1} of ${divergences.length}`;
    const until = Math.min(steps.length, at + AFTER, divergences[index + 1] ?? steps.length);
    const from = Math.max(0, at - BEFORE, index === 0 ? 0 : shown[index - 1]! + AFTER);
    const rows: string[] = [];
    for (let row = Math.min(from, at); row < until; row++) {
      rows.push(...stepRow(steps, row, options));
    }
    const more = runLength(steps, until, divergences[index + 1] ?? steps.length);
    if (more > 0) {
      const words = `… ${plural(more, 'more row')} until they meet again`;
      rows.push(...wrapFacts(words, width - 2).map((line) => style.dim(`  ${line}`)));
    }
    const head = index === 0 ? `${title}, ${sameUntil(at)}` : title;
    return [...wrapFacts(head, width).map(style.dim), ...rows].join('\n');
  });
  const more = moreLines(moreText(rest, 'divergence'), options);
  return `${parts.join('\n\n')}\n${more === '' ? '' : `\n${more}`}`;
}

/** How long two sessions did alike until they parted, in words. */
export const sameUntil = (row: number): string =>
  row === 0
    ? 'from the start'
    : row === 1
      ? 'the row before is alike'
      : `the ${plural(row, 'row')} before are alike`;

const ALIKE = new Set([LIKENESSES.indexOf('same'), LIKENESSES.indexOf('similar')]);

/** Rows from `from` on that are not alike. */
function runLength({ like }: AlignedSteps, from: number, end: number): number {
  let at = from;
  while (at < end && !ALIKE.has(like[at]!)) at++;
  return at - from;
}

function stepRow(steps: AlignedSteps, row: number, options: CompareTextOptions): string[] {
  const { style, width = DEFAULT_WIDTH } = options;
  const like = LIKENESSES[steps.like[row]!]!;
  const sign = SIGNS[like];
  const paint =
    like === 'same' ? style.dim : like === 'similar' ? (text: string) => text : style.yellow;
  const [stepA, stepB] = [steps.a[row]!, steps.b[row]!];
  const words = (side: 'a' | 'b', step: number): string =>
    step < 0 ? '' : `${String(step + 1).padStart(4)} ${stepWords(options.describe(side, step))}`;
  if (width >= WIDE) {
    const room = (width - 3) >> 1;
    const left = padToWidth(cutToWidth(words('a', stepA), room), room);
    const right = cutToWidth(words('b', stepB), room);
    return [paint(`${left} ${sign} ${right}`.trimEnd())];
  }
  const line = (letter: string, text: string): string =>
    paint(cutToWidth(`${letter} ${sign} ${text}`, width));
  return [
    ...(stepA >= 0 ? [line('A', words('a', stepA))] : []),
    ...(stepB >= 0 ? [line('B', words('b', stepB))] : []),
  ];
}

/** A step on one line, harmless. */
export function stepWords(view: StepView | undefined): string {
  if (!view) return MISSING;
  return [
    view.verb,
    view.target,
    view.added === undefined ? '' : `+${view.added}`,
    view.removed === undefined || view.removed === 0 ? '' : `−${view.removed}`,
    view.detail,
  ]
    .filter(Boolean)
    .map(sanitizeLine)
    .join(' ');
}

export interface GroupNames {
  a: string;
  b: string;
}

export function groupText(
  comparison: GroupComparison,
  names: GroupNames,
  options: { style: Style; width?: number | undefined },
): string {
  const { style, width = DEFAULT_WIDTH } = options;
  const head = (['a', 'b'] as const)
    .map((side) => {
      const { runs, passed, failed } = comparison[side];
      const line = `${side.toUpperCase()}  ${sanitizeLine(names[side])} · ${plural(runs, 'run')}, ${passed} passed, ${failed} failed`;
      return style.bold(cutToWidth(line, width));
    })
    .join('\n');
  return [
    `${head}\n`,
    verdictText(comparison.verdict, options),
    measuresText(comparison.measures, options),
  ].join('\n');
}
