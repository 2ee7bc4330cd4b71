/** An explanation as a page of Markdown: steps are always written `step 118`, so that readers can link them. */

import { formatCount, formatDuration, plural } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import { OUTCOME_SIGNS, OUTCOME_WORDS } from '../model/outcomeWords.ts';
import { costCell } from './costText.ts';
import type { ExplainedPhase, Explanation } from './explainReport.ts';
import {
  changedWords,
  phaseFacts,
  phaseLines,
  STATUS_WORDS,
  type Tongue,
  verdict,
  wasteLines,
  wasteMoney,
  wasteShare,
} from './explainWords.ts';
import { phaseGap } from './phaseGaps.ts';
import { dateTime } from './sessionTable.ts';

const TONGUE: Tongue = {
  clean: markdownText,
  code: markdownText,
  step: (step) => `step ${step + 1}`,
};
const FILES = 12;

export function explainMarkdown(explanation: Explanation): string {
  const { summary, lines } = explanation;
  const facts = [
    `- **Agent**: ${markdownText(summary.agent)}${summary.model ? `, ${markdownText(summary.model)}` : ''}`,
    `- **When**: ${dateTime(summary.startedAtMs)}, ${formatDuration(summary.durationMs)}, ${STATUS_WORDS[summary.status]}`,
    `- **Cost**: ${costCell(summary.cost)}`,
    `- **Work**: ${[
      plural(summary.prompts, 'prompt'),
      plural(summary.calls, 'call'),
      `${plural(lines.read, 'file')} read`,
      changedWords(lines),
      plural(summary.errors, 'error'),
      `${formatCount(summary.denied)} denied`,
      plural(summary.retries, 'retry', 'retries'),
    ].join(', ')}`,
    `- **Outcome**: ${verdict(explanation, TONGUE).join(' ')}`,
    `- **Session**: ${markdownText(explanation.id)}`,
  ];
  return [
    `# ${markdownText(summary.title) || 'Untitled session'}`,
    facts.join('\n'),
    ...lookSection(explanation),
    '## Phases',
    ...phases(explanation),
    ...wasteSection(explanation),
  ]
    .join('\n\n')
    .concat('\n');
}

function phases({ told, phases: all }: Explanation): string[] {
  const parts: string[] = [];
  let next = told.length === 1 ? (told[0]?.phase.index ?? 0) : 0;
  for (const one of told) {
    if (one.phase.index > next) {
      parts.push(phaseGap(all, { from: next, to: one.phase.index }, ''));
    }
    next = one.phase.index + 1;
    if (one.phase.parts > 1 && one.prompt !== '') {
      parts.push(`**P${one.phase.promptNumber}**: ${markdownText(one.prompt)}`);
    }
    parts.push(phaseSection(one));
  }
  return parts;
}

function phaseSection(told: ExplainedPhase): string {
  const { phase, name } = told;
  const words = markdownText(phase.parts === 1 ? told.prompt || name : name);
  const tag = phase.parts === 1 && phase.promptNumber > 0 ? `P${phase.promptNumber}: ` : '';
  // A range is written by its ends, so that both are links.
  const facts = phaseFacts(phase, told.wastedNanoUsd).slice(0, -1);
  const where =
    phase.firstStep === phase.lastStep
      ? TONGUE.step(phase.firstStep)
      : `${TONGUE.step(phase.firstStep)} to ${TONGUE.step(phase.lastStep)}`;
  const lines = phaseLines(told, TONGUE, FILES).flatMap(({ key, items, more }) => {
    const rest = more > 0 ? [`and ${formatCount(more)} more`] : [];
    const title = `**${key[0]!.toUpperCase()}${key.slice(1)}**`;
    if (key === 'read' || key === 'looked' || key === 'changed' || key === 'said') {
      const by = key === 'said' ? '  \n  ' : ', ';
      return [`- ${title}: ${[...items, ...rest].filter(Boolean).join(by)}`];
    }
    return [`- ${title}:`, ...[...items, ...rest].map((item) => `  - ${item}`)];
  });
  return [
    `### ${OUTCOME_SIGNS[phase.outcome]} ${phase.index + 1}. ${tag}${words}`,
    `It ${OUTCOME_WORDS[phase.outcome]}. ${[...facts, where].join(' · ')}`,
    ...(lines.length > 0 ? [lines.join('\n')] : []),
  ].join('\n\n');
}

function lookSection({ lookAt }: Explanation): string[] {
  if (lookAt.length === 0) return [];
  const lines = lookAt.map(({ step, words }) => `- ${TONGUE.step(step)}: ${markdownText(words)}`);
  return [`## Look at\n\n${lines.join('\n')}`];
}

function wasteSection(explanation: Explanation): string[] {
  const { waste } = explanation;
  const all = wasteLines(explanation);
  if (all.length === 0) return [];
  const share = wasteShare(explanation);
  const rows = all.map(({ words, count, nanoUsd, durationMs, steps }) => {
    const where = steps.map((step) => TONGUE.step(step)).join(', ');
    return `| ${words} | ${formatCount(count)} | ${wasteMoney(nanoUsd, explanation.summary)} | ${durationMs > 0 ? formatDuration(durationMs) : ''} | ${where} |`;
  });
  return [
    '## Wasted',
    `${wasteMoney(waste.nanoUsd, explanation.summary)}${share === '' ? '' : `, ${share} of the cost`}${waste.durationMs > 0 ? `, ${formatDuration(waste.durationMs)}` : ''}. No dollar is counted in two kinds.`,
    `| Kind | Times | Cost | Time | Where |\n| --- | ---: | ---: | ---: | --- |\n${rows.join('\n')}`,
  ];
}
