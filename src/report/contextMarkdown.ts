/** What fills the context windows of a session, as Markdown. */
import { CONTEXT_SOURCES } from '../analysis/context/contextCourse.ts';
import { formatPercent, formatTokens, MISSING } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
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

export interface ContextMarkdownOptions {
  /** Where a step is opened; undefined: steps are plain numbers. @param step 1-based */
  stepLink?: (step: number) => string;
}

const BAR = 20;

export function contextMarkdown(
  report: ContextReport,
  options: ContextMarkdownOptions = {},
): string {
  const title = markdownText(report.title) || 'Untitled session';
  return [
    `# Context window: ${title}`,
    ...(report.lanes.length === 0 ? [NO_REQUESTS] : []),
    ...report.lanes.flatMap((lane) => laneParts(lane, report.lanes.length > 1, options)),
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
    ...compactions(lane),
    ...(forecast === '' ? [] : [markdownText(forecast)]),
    ...largest(lane, options),
  ];
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function sourcesTable({ sources, tokens }: ContextLaneJson): string {
  return [
    line(['Source', 'Tokens (estimated)', 'Share']),
    line(['---', '---:', '---:']),
    ...CONTEXT_SOURCES.filter((source) => sources[source] > 0).map((source) =>
      line([
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
  return [
    line(['Turn', 'Prompt', 'Step', 'Window', 'Tokens']),
    line(['---', '---', '---:', '---', '---:']),
    ...lane.turns.map((turn) =>
      line([
        turnName(turn),
        markdownText(turn.prompt) || MISSING,
        turn.last === null ? MISSING : stepCell(turn.last.step, options),
        turn.last === null ? MISSING : contextBar(turn.last.sources, scale, BAR),
        turn.last === null ? MISSING : formatTokens(turn.last.tokens),
      ]),
    ),
  ].join('\n');
}

function compactions({ compactions: all }: ContextLaneJson): string[] {
  if (all.length === 0) return [];
  return [all.map((one) => `- ${markdownText(compactionWords(one))}`).join('\n')];
}

function largest({ largest: all }: ContextLaneJson, options: ContextMarkdownOptions): string[] {
  if (all.length === 0) return [];
  return [
    [
      line(['Step', 'What was largest', 'Source', 'Tokens', 'Now']),
      line(['---:', '---', '---', '---:', '---']),
      ...all.map(({ step, what, source, tokens, in_window: there }) =>
        line([
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
