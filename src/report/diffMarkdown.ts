/** What two sessions did differently, or what came of them, as Markdown. `A step 12` are words that an editor makes a link. */
import {
  type ChangedFile,
  type ComparedSession,
  type Comparison,
  LIKENESSES,
  type Likeness,
} from '../analysis/compare/comparison.ts';
import type { PhaseDifference } from '../analysis/compare/structural.ts';
import { formatDuration, formatMoment, MISSING } from '../model/format.ts';
import { knownCostText } from '../model/knownCost.ts';
import { markdownText } from '../model/markdownText.ts';
import { OUTCOME_SIGNS } from '../model/outcomeWords.ts';
import type { StepView } from '../model/step.ts';
import { type Bounded, firstOf, type Gap, moreText } from './bounds.ts';
import { measuresPart, verdictPart } from './compareMarkdown.ts';
import { rowsGap, tellingRows } from './compareRows.ts';
import { sameUntil, stepWords } from './compareText.ts';
import { answerWords, changedWords, contentWords, outcomeRows } from './diffText.ts';
import { type MarkdownColumn, markdownTable } from './markdownTable.ts';

type Describe = (side: 'a' | 'b', step: number) => StepView | undefined;

const USUAL_FILES = 20;
const MOST_COMMANDS = 10;
const USUAL_DIVERGENCES = 5;
/** Rows before a divergence, and of it. */
const BEFORE = 2;
const AFTER = 10;
const USUAL_CHANGED = 100;

const LIKE_WORDS: Record<Likeness, string> = {
  same: '= same',
  similar: '≈ similar',
  different: '≠ different',
  onlyA: 'only in A',
  onlyB: 'only in B',
};

/** Phase by phase, then where they part. */
export function diffMarkdown(
  comparison: Comparison,
  differences: readonly PhaseDifference[],
  describe: Describe,
  { most }: Bounded = {},
): string {
  return joined([
    '# Diff of two sessions',
    sidesPart(comparison),
    phasesPart(comparison, differences, most),
    onlyPart(comparison, differences, most),
    divergencesPart(comparison, describe, most),
  ]);
}

/** How each ended, by which measures, and which files. */
export function outcomeMarkdown(comparison: Comparison, { most }: Bounded = {}): string {
  const rows = outcomeRows(comparison);
  const answers = answerWords(comparison).trim();
  return joined([
    '# What came of two sessions',
    sidesPart(comparison),
    verdictPart(comparison.verdict),
    markdownTable(
      [
        { title: 'Outcome', cell: ({ what }: (typeof rows)[number]) => what },
        { title: 'A', cell: ({ a }) => markdownText(a) },
        { title: 'B', cell: ({ b }) => markdownText(b) },
      ],
      rows,
    ),
    `## Measures\n\n${measuresPart(comparison.measures)}`,
    changedPart(comparison, most),
    answers,
  ]);
}

const joined = (parts: readonly string[]): string =>
  parts
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');

const sidesPart = ({ a, b }: Comparison): string =>
  [`- **A**: ${side(a)}`, `- **B**: ${side(b)}`].join('\n');

const side = ({ agent, models, title, startedAtMs, id }: ComparedSession): string =>
  [
    markdownText(title) || 'Untitled session',
    [agent, ...models].map(markdownText).filter(Boolean).join(', '),
    startedAtMs > 0 ? formatMoment(startedAtMs) : MISSING,
    markdownText(id),
  ].join(' · ');

function phasesPart(
  comparison: Comparison,
  differences: readonly PhaseDifference[],
  most: number | undefined,
): string {
  const { a, b } = comparison.phases;
  if (differences.length === 0) return 'Nothing was done in either.';
  const cost = (phase: (typeof a)[number] | undefined): string =>
    phase
      ? `${markdownText(knownCostText(phase))} · ${formatDuration(phase.endMs - phase.startMs)}`
      : MISSING;
  const steps = (phase: (typeof a)[number] | undefined): string => {
    if (!phase) return MISSING;
    const { firstStep: from, lastStep: to } = phase;
    return from === to ? `${from + 1}` : `${from + 1}–${to + 1}`;
  };
  const table = markdownTable<PhaseDifference | Gap>(
    [
      {
        title: 'Phase',
        cell: (one) =>
          'from' in one
            ? markdownText(rowsGap(comparison, differences, one, ''))
            : [...new Set([name(a[one.a]), name(b[one.b])])].filter(Boolean).join(' / '),
      },
      { title: '', cell: (one) => ('from' in one ? '' : LIKE_WORDS[one.like]) },
      { title: 'A step', align: 'right', cell: (one) => ('from' in one ? '' : steps(a[one.a])) },
      { title: 'A', align: 'right', cell: (one) => ('from' in one ? '' : cost(a[one.a])) },
      { title: 'B step', align: 'right', cell: (one) => ('from' in one ? '' : steps(b[one.b])) },
      { title: 'B', align: 'right', cell: (one) => ('from' in one ? '' : cost(b[one.b])) },
    ],
    tellingRows(comparison, differences, most).map((place) =>
      typeof place === 'number' ? differences[place]! : place,
    ),
  );
  return `## Phases\n\n${table}`;
}

const name = (phase: Comparison['phases']['a'][number] | undefined): string =>
  phase ? `${OUTCOME_SIGNS[phase.outcome]} ${markdownText(phase.name)}` : '';

function onlyPart(
  comparison: Comparison,
  differences: readonly PhaseDifference[],
  most: number | undefined,
): string {
  const { a, b } = comparison.phases;
  const parts = tellingRows(comparison, differences, most).flatMap((place) => {
    if (typeof place !== 'number') return [];
    const one = differences[place]!;
    const lines = [
      ...filesLine('A', one.filesOnlyA, most),
      ...filesLine('B', one.filesOnlyB, most),
      ...commandLines('A', one.commandsOnlyA),
      ...commandLines('B', one.commandsOnlyB),
    ];
    if (lines.length === 0) return [];
    return [`### ${name(a[one.a]) || name(b[one.b])}\n\n${lines.join('\n')}`];
  });
  return parts.length === 0 ? '' : ['## What only one of them did', ...parts].join('\n\n');
}

function filesLine(letter: string, paths: readonly string[], most = USUAL_FILES): string[] {
  if (paths.length === 0) return [];
  const { shown, rest } = firstOf(paths, most);
  const names = [...shown.map(markdownText), ...(rest > 0 ? [moreText(rest, '', '', '')] : [])];
  return [`- **Files only in ${letter}**: ${names.join(', ')}`];
}

function commandLines(
  letter: string,
  { count, shown }: PhaseDifference['commandsOnlyA'],
): string[] {
  const named = shown.slice(0, MOST_COMMANDS);
  const rows = named.map(
    ({ step, command, failed, hidden }) =>
      `- ${letter} step ${step + 1} ${failed ? '✕' : hidden ? '?' : '✓'} ${markdownText(command)}`,
  );
  const more = count - named.length;
  return more > 0
    ? [...rows, `- ${moreText(more, 'command', 'commands', '')} only in ${letter}`]
    : rows;
}

interface DivergenceRow {
  like: Likeness;
  a: number;
  b: number;
}

function divergencesPart(
  { divergences, steps }: Comparison,
  describe: Describe,
  most = USUAL_DIVERGENCES,
): string {
  if (divergences.length === 0) {
    return steps.length === 0 ? '' : 'They did the same things in the same order.';
  }
  const cell = (name: 'a' | 'b', step: number): string =>
    step < 0 ? '' : markdownText(stepWords(describe(name, step)));
  const number = (step: number): string => (step < 0 ? '' : String(step + 1));
  const columns: MarkdownColumn<DivergenceRow>[] = [
    { title: 'A step', align: 'right', cell: ({ a }) => number(a) },
    { title: 'A', cell: ({ a }) => cell('a', a) },
    { title: '', cell: ({ like }) => LIKE_WORDS[like] },
    { title: 'B step', align: 'right', cell: ({ b }) => number(b) },
    { title: 'B', cell: ({ b }) => cell('b', b) },
  ];
  let told = 0;
  const { shown, rest } = firstOf(divergences, most);
  const parts = shown.map((at, nth) => {
    const until = Math.min(steps.length, at + AFTER, divergences[nth + 1] ?? steps.length);
    const rows: DivergenceRow[] = [];
    // Rows of the one before are not told again.
    for (let row = Math.max(told, at - BEFORE); row < until; row++) {
      rows.push({ like: LIKENESSES[steps.like[row]!]!, a: steps.a[row]!, b: steps.b[row]! });
    }
    told = until;
    const where = nth === 0 ? `, ${sameUntil(at)}` : '';
    return `### Divergence ${nth + 1} of ${divergences.length}${where}\n\n${markdownTable(columns, rows)}`;
  });
  if (rest > 0) parts.push(moreText(rest, 'divergence', 'divergences', ''));
  return ['## Where they part', ...parts].join('\n\n');
}

function changedPart({ files: all }: Comparison, most = USUAL_CHANGED): string {
  const { shown, rest } = firstOf(all, most);
  if (all.length === 0) return 'Neither changed a file.';
  const table = markdownTable<ChangedFile>(
    [
      { title: 'Changed', cell: ({ path }) => markdownText(path) },
      { title: 'A', align: 'right', cell: ({ a }) => changedWords(a) },
      { title: 'B', align: 'right', cell: ({ b }) => changedWords(b) },
      { title: 'In the end', cell: contentWords },
    ],
    shown,
  );
  const more = moreText(rest, 'file', 'files', '');
  return `## Files\n\n${table}${more === '' ? '' : `\n\n${more}`}`;
}
