/** A timeline as Markdown: a table a phase. */
import type { AnalysedSession } from '../analysis/analysed.ts';
import { formatClock, formatDuration, formatUsd } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import { OUTCOME_SIGNS, OUTCOME_WORDS } from '../model/outcomeWords.ts';
import type { Bounded } from './bounds.ts';
import { NOTHING_YET } from './explainText.ts';
import { phaseFacts } from './explainWords.ts';
import { tableRow } from './markdownTable.ts';
import { phaseGap } from './phaseGaps.ts';
import { entriesOf, outline, type Timeline, type TimelinePhase } from './timelineReport.ts';
import {
  entryDetail,
  foldWords,
  STATUS_SIGNS,
  shownPhases,
  timelineFacts,
  USUAL_LINES,
} from './timelineText.ts';

/** Piece by piece, for a session may be long. @param most lines a phase */
export function* timelineMarkdown(
  session: AnalysedSession,
  timeline: Timeline,
  { most = USUAL_LINES }: Bounded,
): Generator<string> {
  const { summary, phases } = timeline;
  const title = markdownText(summary.title) || 'Untitled session';
  yield `# Timeline: ${title}\n\n${timelineFacts(timeline).map(markdownText).join(' · ')}\n`;
  if (phases.length === 0) yield `\n${NOTHING_YET}\n`;
  const told = phases.map(({ phase }) => phase);
  for (const place of shownPhases(told, most)) {
    if (typeof place !== 'number') {
      yield `\n${markdownText(phaseGap(told, place, ''))}\n`;
      continue;
    }
    const one = phases[place]!;
    yield `\n${phaseHead(one, summary.startedAtMs)}\n\n${HEAD}`;
    yield* rows(session, one, summary.startedAtMs, most);
  }
}

const line = (cells: readonly string[]): string => `${tableRow(cells)}\n`;
const HEAD = [
  line(['', 'Step', 'At', 'What', 'Took', 'Cost']),
  line(['---', '---:', '---:', '---', '---:', '---:']),
].join('');

function phaseHead({ phase, name, prompt, wastedNanoUsd }: TimelinePhase, startMs: number): string {
  // The prompt in full is the first of its rows.
  const words = markdownText(name);
  const tag = phase.parts === 1 && phase.promptNumber > 0 ? `P${phase.promptNumber}: ` : '';
  const asked =
    phase.parts > 1 && prompt !== '' ? [`**P${phase.promptNumber}**: ${markdownText(prompt)}`] : [];
  const clock = `${formatClock(phase.startMs - startMs)}–${formatClock(phase.endMs - startMs)}`;
  const facts = [clock, ...phaseFacts(phase, wastedNanoUsd)].map(markdownText).join(' · ');
  return [
    ...asked,
    `## ${OUTCOME_SIGNS[phase.outcome]} ${phase.index + 1}. ${tag}${words}`,
    `It ${OUTCOME_WORDS[phase.outcome]}. ${facts}`,
  ].join('\n\n');
}

function* rows(
  session: AnalysedSession,
  { phase }: TimelinePhase,
  startMs: number,
  most: number,
): Generator<string> {
  const shown = most === Number.POSITIVE_INFINITY ? [undefined] : outline(session, phase, most);
  for (const one of shown) {
    if (typeof one === 'object') {
      const told = foldWords(one);
      yield line([
        '…',
        String(one.firstStep + 1),
        formatClock(one.timeMs - startMs),
        markdownText(told),
        took(one.durationMs > 0 ? one.durationMs : Number.NaN),
        cost(one.nanoUsd),
      ]);
      continue;
    }
    const [from, to] = one === undefined ? [phase.firstStep, phase.lastStep] : [one, one];
    for (const entry of entriesOf(session, from, to)) {
      const isPrompt = entry.kind === 'prompt';
      const detail = entryDetail(entry);
      const words = [
        `${entry.lane === 0 ? '' : '│ '}${isPrompt ? '❯ ' : ''}${markdownText(entry.words)}`,
        ...(detail === '' ? [] : [markdownText(detail)]),
      ];
      yield line([
        STATUS_SIGNS[entry.status],
        String(entry.step + 1),
        formatClock(entry.timeMs - startMs),
        words.join(' · '),
        took(entry.durationMs),
        cost(isPrompt ? Number.NaN : entry.nanoUsd),
      ]);
    }
  }
}

// `<0.1s` is no HTML.
const took = (ms: number): string =>
  Number.isNaN(ms) ? '' : formatDuration(ms).replace('<', '\\<');
const cost = (nanoUsd: number): string => (Number.isNaN(nanoUsd) ? '' : formatUsd(nanoUsd));
