/** What fills the context windows of a session, as Markdown. */
import { CONTEXT_SOURCES } from '../analysis/context/contextCourse.ts';
import { formatPercent, formatTokens, MISSING } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import { type Bounded, firstOf, moreText } from './bounds.ts';
import { fullest, tellingTurns, turnsGap, USUAL_LANES } from './contextGaps.ts';
import type { ContextLaneJson, ContextReport } from './contextReport.ts';
import {
  compactionWords,
  contextBar,
  factsOf,
  forecastWords,
  laneName,
  NO_REQUESTS,
  turnName,
} from './contextText.ts';
import { tableRow } from './markdownTable.ts';

export interface ContextMarkdownOptions extends Bounded {
  /** Where a step is opened; undefined: steps are plain numbers. @param step 1-based */
  stepLink?: (step: number) => string;
}

const BAR = 20;
const USUAL_COMPACTIONS = 40;

export function contextMarkdown(
  report: ContextReport,
  options: ContextMarkdownOptions = {},
): string {
  const title = markdownText(report.title) || 'Untitled session';
  const { shown, rest } = fullest(report.lanes, options.most ?? USUAL_LANES);
  return [
    `# Context window: ${title}`,
    ...(report.lanes.length === 0 ? [NO_REQUESTS] : []),
    ...shown.flatMap((lane) => laneParts(lane, report.lanes.length > 1, options)),
    ...(rest > 0 ? [moreText(rest, 'agent', 'agents', '')] : []),
  ]
    .join('\n\n')
    .concat('\n');
}

function laneParts(
  lane: ContextLaneJson,
  named: boolean,
  options: ContextMarkdownOptions,
): string[] {
  const heading = named ? [`## ${markdownText(laneName(lane))}`] : [];
  if (lane.requests === 0) return [...heading, NO_REQUESTS];
  const forecast = forecastWords(lane);
  return [
    ...heading,
    markdownText(factsOf(lane)),
    sourcesTable(lane),
    turnsTable(lane, options),
    ...compactions(lane, options),
    ...(forecast === '' ? [] : [markdownText(forecast)]),
    ...largest(lane, options),
  ];
}

function sourcesTable({ sources, tokens }: ContextLaneJson): string {
  return [
    tableRow(['Source', 'Tokens (estimated)', 'Share']),
    tableRow(['---', '---:', '---:']),
    ...CONTEXT_SOURCES.filter((source) => sources[source] > 0).map((source) =>
      tableRow([
        source,
        `\\~${formatTokens(sources[source])}`,
        formatPercent(sources[source] / tokens),
      ]),
    ),
  ].join('\n');
}

const stepCell = (step: number, { stepLink }: ContextMarkdownOptions): string =>
  stepLink === undefined ? String(step) : `[${step}](${stepLink(step)})`;

function turnsTable(lane: ContextLaneJson, options: ContextMarkdownOptions): string {
  const scale = Math.max(lane.window_tokens ?? 0, lane.peak_tokens);
  const turns = lane.turns.map(({ last, growth_tokens: growth, compactions: own }) => ({
    request: last,
    growth,
    compactions: own,
  }));
  return [
    tableRow(['Turn', 'Prompt', 'Step', 'Window', 'Tokens']),
    tableRow(['---', '---', '---:', '---', '---:']),
    ...tellingTurns(turns, options.most).map((place) => {
      if (typeof place !== 'number')
        return tableRow(['…', turnsGap(turns, place, 'turns', ''), '', '', '']);
      const turn = lane.turns[place]!;
      return tableRow([
        turnName(turn),
        markdownText(turn.prompt) || MISSING,
        turn.last === null ? MISSING : stepCell(turn.last.step, options),
        turn.last === null ? MISSING : contextBar(turn.last.sources, scale, BAR),
        turn.last === null ? MISSING : formatTokens(turn.last.tokens),
      ]);
    }),
  ].join('\n');
}

function compactions({ compactions: all }: ContextLaneJson, { most }: Bounded): string[] {
  if (all.length === 0) return [];
  const { shown, rest } = firstOf(all, most ?? USUAL_COMPACTIONS);
  const lines = shown.map((one) => `- ${markdownText(compactionWords(one))}`);
  if (rest > 0) lines.push(`- ${moreText(rest, '', '', '')}`);
  return [lines.join('\n')];
}

function largest({ largest: all }: ContextLaneJson, options: ContextMarkdownOptions): string[] {
  if (all.length === 0) return [];
  return [
    [
      tableRow(['Step', 'What was largest', 'Source', 'Tokens', 'Now']),
      tableRow(['---:', '---', '---', '---:', '---']),
      ...all.map(({ step, what, source, tokens, in_window: there }) =>
        tableRow([
          stepCell(step, options),
          markdownText(what) || MISSING,
          source,
          `\\~${formatTokens(tokens)}`,
          there ? 'in the window' : 'compacted',
        ]),
      ),
    ].join('\n'),
  ];
}
