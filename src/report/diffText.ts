/** What two sessions did differently, phase by phase, or what came of them. */
import type { ChangedFile, Comparison, Outcome } from '../analysis/compare/comparison.ts';
import type { OnlyCommands, PhaseDifference } from '../analysis/compare/structural.ts';
import { formatCount, formatDuration, MISSING, plural } from '../model/format.ts';
import { knownCostText } from '../model/knownCost.ts';
import { OUTCOME_SIGNS } from '../model/outcomeWords.ts';
import { firstOf, gapHow, moreLines, moreText } from './bounds.ts';
import { type ComparedFacts, comparedPhaseJson, outcomeJson } from './compareJson.ts';
import { rowsGap, tellingRows } from './compareRows.ts';
import {
  type CompareTextOptions,
  divergencesText,
  headText,
  measuresText,
  verdictText,
} from './compareText.ts';
import { snake } from './sessionJson.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';
import { cutToWidth, sanitizeLine, wrapFacts } from './terminalText.ts';

const DEFAULT_WIDTH = 140;
const USUAL_FILES = 8;
const MOST_COMMANDS = 5;
/** Changed files in the table. */
const USUAL_CHANGED = 40;

export function diffText(
  comparison: Comparison,
  differences: readonly PhaseDifference[],
  options: CompareTextOptions,
): string {
  const { style, width = DEFAULT_WIDTH, most } = options;
  const { a, b } = comparison.phases;
  const cut = (line: string): string => cutToWidth(line, width);
  const places = tellingRows(comparison, differences, most);
  const lines = places.flatMap((place) => {
    if (typeof place !== 'number') {
      const gap = rowsGap(comparison, differences, place, gapHow(places, place));
      return wrapFacts(gap, width).map(style.dim);
    }
    const one = differences[place]!;
    const [left, right] = [a[one.a], b[one.b]];
    const name = [left, right]
      .flatMap((phase) =>
        phase ? [`${OUTCOME_SIGNS[phase.outcome]} ${sanitizeLine(phase.name)}`] : [],
      )
      .filter((text, at, all) => all.indexOf(text) === at)
      .join('  |  ');
    const where = left && right ? '  ' : left ? 'A ' : 'B ';
    const cost = [left, right]
      .map((phase) =>
        phase ? `${knownCostText(phase)} ${formatDuration(phase.endMs - phase.startMs)}` : MISSING,
      )
      .join(' | ');
    const title = `${where}${name}`;
    const head = left && right ? style.bold(cut(title)) : style.yellow(cut(title));
    return [
      head,
      style.dim(cut(`    A | B: ${cost}`)),
      ...files('A', one.filesOnlyA, options),
      ...files('B', one.filesOnlyB, options),
      ...commands('A', one.commandsOnlyA, cut, style),
      ...commands('B', one.commandsOnlyB, cut, style),
    ];
  });
  return [
    headText(comparison, options),
    lines.length === 0 ? '' : `${lines.join('\n')}\n`,
    divergencesText(comparison, options),
  ]
    .filter(Boolean)
    .join('\n');
}

function files(
  letter: string,
  paths: readonly string[],
  { style, width = DEFAULT_WIDTH, most = USUAL_FILES }: CompareTextOptions,
): string[] {
  if (paths.length === 0) return [];
  const { shown, rest } = firstOf(paths, most);
  const names = [...shown.map(sanitizeLine), ...(rest > 0 ? [moreText(rest)] : [])];
  const words = `${plural(paths.length, 'file')} only here: ${names.join(', ')}`;
  return wrapFacts(words, width - 8)
    .map((line, at) => `    ${at === 0 ? letter : ' '}   ${line}`)
    .map((line) => (letter === 'A' ? style.blue(line) : style.green(line)));
}

function commands(
  letter: string,
  { count, shown }: OnlyCommands,
  cut: (line: string) => string,
  style: Style,
): string[] {
  const named = shown.slice(0, MOST_COMMANDS);
  const rows = named.map(({ step, command, failed, hidden }) =>
    cut(
      `    ${letter} $ ${sanitizeLine(command)}${failed ? '  ✕' : hidden ? '  ?' : ''}  (step ${step + 1})`,
    ),
  );
  const more = count - named.length;
  if (more > 0) {
    rows.push(cut(`    ${letter}   ${moreText(more, 'command', 'commands', '')} only here`));
  }
  return rows.map((line) => (letter === 'A' ? style.blue(line) : style.green(line)));
}

/** What came of both: files, tests, commits, errors left, answers, and what it took. */
export function semanticText(comparison: Comparison, options: CompareTextOptions): string {
  const { style, width } = options;
  const answers = answerWords(comparison);
  const table = renderTable(
    [
      { title: 'outcome', text: ({ what }) => what },
      { title: 'A', text: ({ a }) => a },
      { title: 'B', text: ({ b }) => b },
    ],
    outcomeRows(comparison),
    { style, width },
  );
  return [
    headText(comparison, options),
    verdictText(comparison.verdict, options),
    table,
    measuresText(comparison.measures, options),
    changedText(comparison, options),
    answers,
  ]
    .filter(Boolean)
    .join('\n');
}

/** How each came out, fact by fact, in words of ours. */
export function outcomeRows({ outcomes }: Comparison): { what: string; a: string; b: string }[] {
  return [
    { what: 'ended', a: ENDINGS[outcomes.a.ending], b: ENDINGS[outcomes.b.ending] },
    { what: 'tests', a: testWords(outcomes.a), b: testWords(outcomes.b) },
    { what: 'commits', a: formatCount(outcomes.a.commits), b: formatCount(outcomes.b.commits) },
    {
      what: 'failures left',
      a: formatCount(outcomes.a.errorsLeft),
      b: formatCount(outcomes.b.errorsLeft),
    },
    { what: 'retries', a: formatCount(outcomes.a.retries), b: formatCount(outcomes.b.retries) },
    { what: 'denied', a: formatCount(outcomes.a.denied), b: formatCount(outcomes.b.denied) },
  ];
}

const ENDINGS: Record<Outcome['ending'], string> = {
  answered: 'with an answer',
  cut: 'broke off',
  running: 'goes on',
};

function testWords({ tests, passed, failed, untested }: Outcome): string {
  const counts = [
    passed === undefined ? '' : `${formatCount(passed)} passed`,
    failed === undefined ? '' : `${formatCount(failed)} failed`,
  ].filter(Boolean);
  const told = tests === 'none' ? 'none' : tests === 'unknown' ? 'outcome not known' : tests;
  const detail = counts.length > 0 ? ` (${counts.join(', ')})` : '';
  return `${told}${detail}${untested > 0 ? `, then ${plural(untested, 'change')}` : ''}`;
}

const CONTENTS: Record<ChangedFile['content'], string> = {
  same: 'same content',
  different: 'differ',
  unknown: 'not known whether the same',
  oneSide: '',
};

/** What one side did to a file. */
export const changedWords = (side: ChangedFile['a']): string =>
  side === undefined
    ? MISSING
    : side.added + side.removed === 0
      ? plural(side.edits, 'edit')
      : `+${formatCount(side.added)} −${formatCount(side.removed)}`;

/** Whether a file that was changed ended the same. */
export const contentWords = ({ a, b, content }: ChangedFile): string =>
  a && b ? CONTENTS[content] : a ? 'only A' : 'only B';

function changedText(
  { files: all }: Comparison,
  { style, width, most = USUAL_CHANGED }: CompareTextOptions,
): string {
  const { shown, rest } = firstOf(all, most);
  if (all.length === 0) return `${style.dim('Neither changed a file.')}\n`;
  const table = renderTable<ChangedFile>(
    [
      {
        title: `changed (${plural(all.length, 'file')})`,
        flexible: true,
        keepsEnd: true,
        text: ({ path }) => sanitizeLine(path),
      },
      { title: 'A', align: 'right', text: ({ a }) => changedWords(a) },
      { title: 'B', align: 'right', text: ({ b }) => changedWords(b) },
      {
        title: '',
        expendable: 1,
        text: contentWords,
      },
    ],
    shown,
    { style, width },
  );
  return `${table}${moreLines(moreText(rest, 'file'), { style, width })}`;
}

/** Whether they answered the same; empty: one gave no answer. */
export function answerWords({ outcomes: { a, b } }: Comparison): string {
  if (a.answerKey === 0 && b.answerKey === 0) return '';
  return a.answerKey === b.answerKey ? 'Both answered the same.\n' : 'Their answers differ.\n';
}

export function semanticJson({ outcomes, files }: Comparison) {
  return {
    a: outcomeJson(outcomes.a),
    b: outcomeJson(outcomes.b),
    same_answer:
      outcomes.a.answerKey === 0 || outcomes.b.answerKey === 0
        ? null
        : outcomes.a.answerKey === outcomes.b.answerKey,
    files: files.map(({ path, a, b, content }) => ({
      path,
      a: a ?? null,
      b: b ?? null,
      content: content === 'oneSide' ? (a ? 'only_a' : 'only_b') : content,
    })),
  };
}

export function structuralJson(facts: ComparedFacts, differences: readonly PhaseDifference[]) {
  const commands = ({ count, shown }: OnlyCommands) => ({
    count,
    shown: shown.map(({ step, command, failed }) => ({ step: step + 1, command, failed })),
  });
  return differences.map((one) => ({
    like: snake(one.like),
    a: comparedPhaseJson(facts.a, one.a),
    b: comparedPhaseJson(facts.b, one.b),
    files_only_a: one.filesOnlyA,
    files_only_b: one.filesOnlyB,
    commands_only_a: commands(one.commandsOnlyA),
    commands_only_b: commands(one.commandsOnlyB),
  }));
}
