/** An explanation for a terminal. */

import { formatCount, formatDuration, plural } from '../model/format.ts';
import { OUTCOME_SIGNS } from '../model/outcomeWords.ts';
import { moreText } from './bounds.ts';
import { costCell } from './costText.ts';
import type { ExplainedPhase, Explanation } from './explainReport.ts';
import {
  changedWords,
  type Line,
  phaseFacts,
  phaseLines,
  STATUS_WORDS,
  type Tongue,
  verdict,
  type WasteLine,
  wasteLines,
  wasteMoney,
  wasteShare,
} from './explainWords.ts';
import { phaseGap } from './phaseGaps.ts';
import { dateTime } from './sessionTable.ts';
import type { Colour, Style } from './style.ts';
import { renderTable } from './table.ts';
import { cutStart, cutToWidth, sanitizeLine, textWidth, wrapFacts } from './terminalText.ts';
import { titleLine } from './titleLine.ts';

export interface ExplainTextOptions {
  style: Style;
  width?: number | undefined;
  /** How the session is named in the commands that are offered. */
  shortId: string;
}

const TONGUE: Tongue = {
  clean: sanitizeLine,
  code: sanitizeLine,
  step: (step) => `step ${step + 1}`,
};
export const OUTCOME_COLOURS = {
  ok: 'green',
  mixed: 'yellow',
  failed: 'red',
  running: 'blue',
} as const satisfies Record<string, Colour>;
/** Of a session without a step. */
export const NOTHING_YET =
  'Nothing is recorded of it yet. Go on in your agent, or see: agent-strace list';
/** In lines of so many columns. */
export const nothingYet = (width: number | undefined): string[] => wrapFacts(NOTHING_YET, width);
const KEY_COLUMNS = 8;
const FILES = 5;
/** Lines of an answer. */
const MOST_SAID = 3;
/** Of one phase. */
const MOST_LINES = 200;

export function explainText(explanation: Explanation, options: ExplainTextOptions): string {
  const parts = [head(explanation, options), ...phasesText(explanation, options)];
  if (explanation.phases.length === 0) parts.push(nothingYet(options.width).join('\n'));
  const waste = wasteText(explanation, options);
  if (waste !== '') parts.push(waste);
  const look = lookText(explanation, options);
  if (look !== '') parts.push(look);
  return `${parts.join('\n\n')}\n`;
}

function head(explanation: Explanation, { style, width }: ExplainTextOptions): string {
  const { summary, lines } = explanation;
  const facts = [
    [
      sanitizeLine(summary.agent),
      ...(summary.model ? [sanitizeLine(summary.model)] : []),
      dateTime(summary.startedAtMs),
      formatDuration(summary.durationMs),
      costCell(summary.cost),
      STATUS_WORDS[summary.status],
    ].join(' · '),
    [
      plural(summary.prompts, 'prompt'),
      plural(summary.calls, 'call'),
      `${plural(lines.read, 'file')} read`,
      changedWords(lines),
      plural(summary.errors, 'error'),
      ...(summary.denied > 0 ? [`${formatCount(summary.denied)} denied`] : []),
      ...(summary.retries > 0 ? [plural(summary.retries, 'retry', 'retries')] : []),
      ...(summary.compactions > 0 ? [plural(summary.compactions, 'compaction')] : []),
    ].join(' · '),
  ];
  return [
    titleLine(summary.title, { style, width }),
    ...facts.flatMap((line) => wrapFacts(line, width)).map((line) => style.dim(line)),
    ...(explanation.phases.length === 0
      ? []
      : wrapWords(verdict(explanation, TONGUE).join(' '), width)),
  ].join('\n');
}

const HOW = '--all shows all, --phase one';

function phasesText({ told, phases }: Explanation, options: ExplainTextOptions): string[] {
  const { style, width } = options;
  const texts: string[] = [];
  let next = told.length === 1 ? (told[0]?.phase.index ?? 0) : 0;
  const lastGap = told.findLastIndex(
    ({ phase }, at) => at > 0 && phase.index > told[at - 1]!.phase.index + 1,
  );
  for (const [at, one] of told.entries()) {
    if (one.phase.index > next) {
      const how = at === lastGap ? HOW : '';
      const gap = phaseGap(phases, { from: next, to: one.phase.index }, how);
      texts.push(...wrapFacts(gap, width).map(style.dim));
    }
    texts.push(phaseText(one, options));
    next = one.phase.index + 1;
  }
  return texts;
}

function phaseText(told: ExplainedPhase, options: ExplainTextOptions): string {
  const { style, width } = options;
  const { phase, name } = told;
  const colour = style[OUTCOME_COLOURS[phase.outcome]];
  const sign = OUTCOME_SIGNS[phase.outcome];
  const lines: string[] = [];
  const single = phase.parts === 1;
  const prompt = sanitizeLine(told.prompt);
  if (!single && prompt !== '') {
    lines.push(...promptLines(`P${phase.promptNumber}  `, prompt, options));
  }
  const number = `${phase.index + 1}`;
  const label = `${colour(sign)} ${style.dim(number.padStart(2))}  `;
  const room = width === undefined ? undefined : Math.max(20, width - 6);
  const words = sanitizeLine(single ? prompt || name : name);
  const heading = cutToWidth(words, room);
  const phaseTag = single && phase.promptNumber > 0 ? `P${phase.promptNumber} ` : '';
  const tag = style.dim(phaseTag);
  lines.push(
    `${label}${tag}${style.bold(room === undefined || tag === '' ? heading : cutToWidth(words, room - phaseTag.length))}`,
  );
  const facts = phaseFacts(phase, told.wastedNanoUsd).join(' · ');
  lines.push(...wrapFacts(facts, room).map((line) => `      ${style.dim(line)}`));
  for (const line of phaseLines(told, TONGUE, FILES)) {
    lines.push(...lineText(line, told.whole, options));
  }
  if (lines.length <= MOST_LINES) return lines.join('\n');
  const rest = `      ${moreText(lines.length - MOST_LINES, 'line', 'lines', '--json has all')}`;
  return [...lines.slice(0, MOST_LINES), style.dim(rest)].join('\n');
}

function promptLines(tag: string, prompt: string, { style, width }: ExplainTextOptions): string[] {
  const room = width === undefined ? undefined : width - tag.length;
  const cut = cutToWidth(prompt, room);
  return [`${style.dim(tag)}${style.bold(cut)}`];
}

const KEY_COLOURS: Partial<Record<Line['key'], Colour>> = { failed: 'red', denied: 'yellow' };

function lineText(
  { key, items, more }: Line,
  whole: boolean,
  { style, width }: ExplainTextOptions,
): string[] {
  const indent = 6 + KEY_COLUMNS;
  const room = width === undefined ? undefined : Math.max(12, width - indent);
  const name = style[KEY_COLOURS[key] ?? 'dim'](key.padEnd(KEY_COLUMNS));
  const first = `      ${name}`;
  const next = ' '.repeat(indent);
  const rest = more > 0 ? `and ${formatCount(more)} more` : '';
  const texts =
    key === 'read' || key === 'changed'
      ? listed([...items, ...(rest === '' ? [] : [rest])], room)
      : [...items, ...(rest === '' ? [] : [style.dim(rest)])].flatMap((item) =>
          key === 'said'
            ? whole
              ? wrapWords(item, room)
              : shortened(wrapWords(item, room), room)
            : [cutToWidth(item, room)],
        );
  return texts.map((text, at) => `${at === 0 ? first : next}${text}`);
}

/** An answer is told by its beginning. */
function shortened(lines: readonly string[], room: number | undefined): string[] {
  if (lines.length <= MOST_SAID) return [...lines];
  const last = lines[MOST_SAID - 1]!;
  const cut =
    room === undefined ? `${last} …` : `${cutToWidth(last, room - 2)} …`.replace('… …', '…');
  return [...lines.slice(0, MOST_SAID - 1), cut];
}

function listed(items: readonly string[], room: number | undefined): string[] {
  if (room === undefined) return [items.join(', ')];
  const lines: string[] = [];
  let line = '';
  for (const [at, item] of items.entries()) {
    const text = at === items.length - 1 ? item : `${item},`;
    const longer = line === '' ? text : `${line} ${text}`;
    if (textWidth(longer) <= room) line = longer;
    else {
      if (line !== '') lines.push(line);
      line = cutStart(text, room);
    }
  }
  if (line !== '') lines.push(line);
  return lines;
}

function wrapWords(text: string, room: number | undefined): string[] {
  if (room === undefined) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (textWidth(longer) <= room) line = longer;
    else {
      if (line !== '') lines.push(line);
      line = cutToWidth(word, room);
    }
  }
  if (line !== '') lines.push(line);
  return lines;
}

function wasteText(explanation: Explanation, { style, width }: ExplainTextOptions): string {
  const { waste } = explanation;
  const all = wasteLines(explanation);
  if (all.length === 0) return '';
  const share = wasteShare(explanation);
  const sums = [
    ...(waste.nanoUsd > 0 || waste.durationMs === 0
      ? [wasteMoney(waste.nanoUsd, explanation.summary)]
      : []),
    ...(share === '' ? [] : [`${share} of the cost`]),
    ...(waste.durationMs > 0 ? [formatDuration(waste.durationMs)] : []),
  ].join(' · ');
  const table = renderTable<WasteLine>(
    [
      { title: '', text: ({ words }) => `  ${words}`, flexible: true },
      { title: 'times', align: 'right', text: ({ count }) => formatCount(count) },
      {
        title: 'cost',
        align: 'right',
        text: ({ nanoUsd }) => wasteMoney(nanoUsd, explanation.summary),
      },
      {
        title: 'time',
        align: 'right',
        expendable: 2,
        text: ({ durationMs }) => (durationMs > 0 ? formatDuration(durationMs) : ''),
      },
      {
        title: 'where',
        expendable: 1,
        text: ({ steps, count }) =>
          `${steps.map((step) => TONGUE.step(step)).join(', ')}${count > steps.length ? ', …' : ''}`,
      },
    ],
    all,
    { style, width },
  );
  const lines = wrapFacts(`Wasted  ${sums}`, width);
  const lead = lines.join('\n').replace(/^Wasted/, style.bold('Wasted'));
  return `${lead}\n${table.trimEnd()}`;
}

function lookText({ lookAt }: Explanation, options: ExplainTextOptions): string {
  const { style, width, shortId } = options;
  const [first] = lookAt;
  if (first === undefined) return '';
  const longest = lookAt.reduce((most, { step }) => Math.max(most, TONGUE.step(step).length), 8);
  const lines = lookAt.map(({ step, words }) => {
    const tag = TONGUE.step(step).padEnd(longest + 2);
    const text = sanitizeLine(words);
    return `  ${tag}${width === undefined ? text : cutToWidth(text, width - tag.length - 2)}`;
  });
  const command = `  agent-strace why ${sanitizeLine(shortId)} ${first.step + 1}`;
  return [style.bold('Look at'), ...lines, style.dim(command)].join('\n');
}
