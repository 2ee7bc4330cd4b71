/** A comparison as Markdown, for a pull request or an issue. */
import type { GroupComparison } from '../analysis/compare/compareRuns.ts';
import type {
  ComparedPhase,
  ComparedSession,
  Comparison,
  Measure,
  Verdict,
} from '../analysis/compare/comparison.ts';
import {
  MEASURE_LABELS,
  measureDifference,
  measureValue,
} from '../analysis/compare/measureWords.ts';
import { formatDuration, formatMoment, MISSING, plural } from '../model/format.ts';
import { knownCostText } from '../model/knownCost.ts';
import { markdownText } from '../model/markdownText.ts';
import { OUTCOME_SIGNS } from '../model/outcomeWords.ts';
import type { StepView } from '../model/step.ts';
import { type Bounded, firstOf, moreText } from './bounds.ts';
import { phaseRows, rowsGap, tellingRows } from './compareRows.ts';
import type { GroupNames } from './compareText.ts';
import { tableRow } from './markdownTable.ts';

const USUAL_DIVERGENCES = 5;

export function compareMarkdown(
  comparison: Comparison,
  describe: (side: 'a' | 'b', step: number) => StepView | undefined,
  { most }: Bounded = {},
): string {
  return [
    verdictPart(comparison.verdict),
    ['- **A**: ', side(comparison.a), '\n- **B**: ', side(comparison.b)].join(''),
    measuresPart(comparison.measures),
    phasesPart(comparison, most),
    divergencesPart(comparison, describe, most),
  ]
    .filter(Boolean)
    .join('\n\n')
    .concat('\n');
}

/** The verdict as a paragraph. */
export function verdictPart({ fact, cause, caution }: Verdict): string {
  const rest = [cause, caution].filter(Boolean).map(markdownText).join(' ');
  return `**${markdownText(fact)}** ${rest}`.trim();
}

const side = ({ agent, models, title, startedAtMs, id }: ComparedSession): string =>
  [
    [agent, ...models].map(markdownText).join(', '),
    markdownText(title) || 'Untitled session',
    startedAtMs > 0 ? formatMoment(startedAtMs) : MISSING,
    markdownText(id),
  ].join(' · ');

/** The measures of both sides as a table. */
export function measuresPart(measures: readonly (Measure & { p?: number })[]): string {
  const tested = measures.some(({ p }) => p !== undefined);
  const head = ['', 'A', 'B', 'B against A', ...(tested ? ['p'] : [])];
  return [
    tableRow(head),
    tableRow(head.map((_, at) => (at === 0 ? '---' : '---:'))),
    ...measures.map((measure) => {
      const { name, verdict, p } = measure;
      const difference = measureDifference(measure);
      const told = verdict === 'none' ? difference : `${difference} ${verdict}`;
      return tableRow([
        MEASURE_LABELS[name],
        measureValue(measure, 'a'),
        measureValue(measure, 'b'),
        told.trim().replace(/^[+=]/, '\\$&'),
        ...(tested ? [p === undefined || Number.isNaN(p) ? MISSING : p.toFixed(3)] : []),
      ]);
    }),
  ].join('\n');
}

function phasesPart(comparison: Comparison, most: number | undefined): string {
  const rows = phaseRows(comparison);
  if (rows.length === 0) return '';
  const { a, b } = comparison.phases;
  const cell = (phase: ComparedPhase | undefined): string =>
    phase
      ? `${OUTCOME_SIGNS[phase.outcome]} ${markdownText(phase.name)} (${formatDuration(phase.endMs - phase.startMs)}, ${knownCostText(phase)})`
      : '';
  return [
    '### Phases',
    '',
    tableRow(['A', 'B']),
    tableRow(['---', '---']),
    ...tellingRows(comparison, rows, most).map((place) => {
      if (typeof place !== 'number') return tableRow([rowsGap(comparison, rows, place, ''), '']);
      const row = rows[place]!;
      return tableRow([cell(a[row.a]), cell(b[row.b])]);
    }),
  ].join('\n');
}

function divergencesPart(
  { divergences, steps }: Comparison,
  describe: (side: 'a' | 'b', step: number) => StepView | undefined,
  most = USUAL_DIVERGENCES,
): string {
  if (divergences.length === 0) return '';
  const words = (name: 'a' | 'b', step: number): string => {
    if (step < 0) return 'nothing';
    const view = describe(name, step);
    const text = view ? [view.verb, view.target, view.detail].filter(Boolean).join(' ') : MISSING;
    return `${step + 1} ${markdownText(text)}`;
  };
  const { shown, rest } = firstOf(divergences, most);
  const lines = shown.map(
    (row) => `- A: ${words('a', steps.a[row]!)}; B: ${words('b', steps.b[row]!)}`,
  );
  if (rest > 0) lines.push(`- ${moreText(rest, '', '', '')}`);
  return `### Where they part\n\n${lines.join('\n')}`;
}

export function groupMarkdown(comparison: GroupComparison, names: GroupNames): string {
  const group = (name: 'a' | 'b'): string => {
    const { runs, passed, failed } = comparison[name];
    return `- **${name.toUpperCase()}**: ${markdownText(names[name])}, ${plural(runs, 'run')}, ${passed} passed, ${failed} failed`;
  };
  return `${[
    verdictPart(comparison.verdict),
    `${group('a')}\n${group('b')}`,
    measuresPart(comparison.measures),
  ].join('\n\n')}\n`;
}
