/** What two sessions did differently, or what came of them, as Markdown. `A step 12` are words that an editor makes a link. */
import {
  type ChangedFile,
  type ComparedSession,
  type Comparison,
  LIKENESSES,
  type Likeness,
} from '../analysis/compare/comparison.ts';
import type { PhaseDifference } from '../analysis/compare/structural.ts';
import { formatDuration, formatMoment, MISSING, plural } from '../model/format.ts';
import { knownCostText } from '../model/knownCost.ts';
import { markdownText } from '../model/markdownText.ts';
import { OUTCOME_SIGNS } from '../model/outcomeWords.ts';
import type { StepView } from '../model/step.ts';
import { measuresPart, verdictPart } from './compareMarkdown.ts';
import { sameUntil, stepWords } from './compareText.ts';
import { answerWords, changedWords, contentWords, outcomeRows } from './diffText.ts';
import { type MarkdownColumn, markdownTable } from './markdownTable.ts';

type Describe = (side: 'a' | 'b', step: number) => StepView | undefined;

const MOST_PHASES = 200;
const MOST_FILES = 20;
const MOST_COMMANDS = 10;
const MOST_DIVERGENCES = 5;
/** Rows before a divergence, and of it. */
const BEFORE = 2;
const AFTER = 10;
const MOST_CHANGED = 200;

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
): string {
  return joined([
    '# Diff of two sessions',
    sidesPart(comparison),
    phasesPart(comparison, differences),
    onlyPart(comparison, differences),
    divergencesPart(comparison, describe),
  ]);
}

/** How each ended, by which measures, and which files. */
export function outcomeMarkdown(comparison: Comparison): string {
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
    changedPart(comparison),
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
  { phases: { a, b } }: Comparison,
  differences: readonly PhaseDifference[],
): string {
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
  const table = markdownTable<PhaseDifference>(
    [
      {
        title: 'Phase',
        cell: (one) => [...new Set([name(a[one.a]), name(b[one.b])])].filter(Boolean).join(' / '),
      },
      { title: '', cell: ({ like }) => LIKE_WORDS[like] },
      { title: 'A step', align: 'right', cell: (one) => steps(a[one.a]) },
      { title: 'A', align: 'right', cell: (one) => cost(a[one.a]) },
      { title: 'B step', align: 'right', cell: (one) => steps(b[one.b]) },
      { title: 'B', align: 'right', cell: (one) => cost(b[one.b]) },
    ],
    differences.slice(0, MOST_PHASES),
  );
  const more = differences.length - MOST_PHASES;
  return `## Phases\n\n${table}${more > 0 ? `\n\n… and ${plural(more, 'more row')}.` : ''}`;
}

const name = (phase: Comparison['phases']['a'][number] | undefined): string =>
  phase ? `${OUTCOME_SIGNS[phase.outcome]} ${markdownText(phase.name)}` : '';

function onlyPart(
  { phases: { a, b } }: Comparison,
  differences: readonly PhaseDifference[],
): string {
  const parts = differences.slice(0, MOST_PHASES).flatMap((one) => {
    const lines = [
      ...filesLine('A', one.filesOnlyA),
      ...filesLine('B', one.filesOnlyB),
      ...commandLines('A', one.commandsOnlyA),
      ...commandLines('B', one.commandsOnlyB),
    ];
    if (lines.length === 0) return [];
    return [`### ${name(a[one.a]) || name(b[one.b])}\n\n${lines.join('\n')}`];
  });
  return parts.length === 0 ? '' : ['## What only one of them did', ...parts].join('\n\n');
}

function filesLine(letter: string, paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const shown = paths.slice(0, MOST_FILES).map(markdownText).join(', ');
  const more = paths.length - MOST_FILES;
  return [`- **Files only in ${letter}**: ${shown}${more > 0 ? `, … ${more} more` : ''}`];
}

function commandLines(
  letter: string,
  { count, shown }: PhaseDifference['commandsOnlyA'],
): string[] {
  const named = shown.slice(0, MOST_COMMANDS);
  const rows = named.map(
    ({ step, command, failed }) =>
      `- ${letter} step ${step + 1} ${failed ? '✕' : '✓'} ${markdownText(command)}`,
  );
  const more = count - named.length;
  return more > 0 ? [...rows, `- … ${plural(more, 'more command')} only in ${letter}`] : rows;
}

interface DivergenceRow {
  like: Likeness;
  a: number;
  b: number;
}

function divergencesPart({ divergences, steps }: Comparison, describe: Describe): string {
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
  let shown = 0;
  const parts = divergences.slice(0, MOST_DIVERGENCES).map((at, nth) => {
    const until = Math.min(steps.length, at + AFTER, divergences[nth + 1] ?? steps.length);
    const rows: DivergenceRow[] = [];
    // Rows of the one before are not told again.
    for (let row = Math.max(shown, at - BEFORE); row < until; row++) {
      rows.push({ like: LIKENESSES[steps.like[row]!]!, a: steps.a[row]!, b: steps.b[row]! });
    }
    shown = until;
    const where = nth === 0 ? `, ${sameUntil(at)}` : '';
    return `### Divergence ${nth + 1} of ${divergences.length}${where}\n\n${markdownTable(columns, rows)}`;
  });
  const more = divergences.length - parts.length;
  if (more > 0) parts.push(`… and ${more} more.`);
  return ['## Where they part', ...parts].join('\n\n');
}

function changedPart({ files: all }: Comparison): string {
  if (all.length === 0) return 'Neither changed a file.';
  const table = markdownTable<ChangedFile>(
    [
      { title: 'Changed', cell: ({ path }) => markdownText(path) },
      { title: 'A', align: 'right', cell: ({ a }) => changedWords(a) },
      { title: 'B', align: 'right', cell: ({ b }) => changedWords(b) },
      { title: 'In the end', cell: contentWords },
    ],
    all.slice(0, MOST_CHANGED),
  );
  const more = all.length - MOST_CHANGED;
  return `## Files\n\n${table}${more > 0 ? `\n\n… and ${plural(more, 'more file')}.` : ''}`;
}
